// SPDX-License-Identifier: Apache-2.0
//
// The loop closed over a simulated writer with clients that wait for their commits and readers that
// apply at rates of their own.
#include "core/failover/flow_control.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <random>
#include <set>
#include <vector>

namespace trivet::failover {
namespace {

const MemberId kFirst("m2");
const MemberId kSecond("m3");
constexpr Millis kStep{100};

// A reader: what arrives is kept with its time and applied in order.
struct Applier {
  MemberId id;
  double rate = 1'000;  // transactions a second
  double arrived = 0;
  double executed = 0;
  double done = 0;                             // of the first arrival kept
  std::deque<std::pair<double, double>> kept;  // when, how many

  void run(double now, double more, double seconds) {
    arrived += more;
    if (more > 0) {
      kept.emplace_back(now, more);
    }
    double can = rate * seconds;
    while (!kept.empty() && can > 0) {
      const double left = kept.front().second - done;
      const double took = std::min(left, can);
      can -= took;
      done += took;
      executed += took;
      if (done >= kept.front().second - 1e-9) {
        kept.pop_front();
        done = 0;
      }
    }
  }
  double waiting() const { return kept.empty() ? 0 : std::max(0.0, arrived - executed); }
  // How long it would really take.
  double lag() const { return waiting() == 0 ? 0 : rate == 0 ? 1e9 : waiting() / rate; }
};

// Clients that commit one transaction after the other: each takes `cycle` and the delay.
class World {
 public:
  explicit World(std::vector<double> rates) {
    for (const double rate : rates) {
      readers.push_back({MemberId("m" + std::to_string(readers.size() + 2)), rate, 0, 0, 0, {}});
    }
  }

  // One millisecond; every 100 ms the lags are told and the controller is asked.
  void run(Millis length) {
    for (Millis end = now + length; now < end; now += Millis(1)) {
      const double at = std::chrono::duration<double>(now).count();
      const double delay_s = std::chrono::duration<double>(delay).count();
      const double commits = clients / (cycle + delay_s) * 0.001;
      committed += commits;
      for (Applier& reader : readers) {
        reader.run(at, commits, 0.001);
        worst = std::max(worst, reader.lag());
      }
      if (now % kStep == Millis(0)) {
        tell(at);
      }
      delay_max = std::max(delay_max, delay);
    }
  }
  void tell(double at) {
    const Instant when = Instant() + Millis(1'000) + now;
    for (const Applier& reader : readers) {
      if (silent.contains(reader.id)) {
        continue;
      }
      ApplyProgress said{static_cast<std::uint64_t>(reader.executed),
                         static_cast<std::uint64_t>(std::ceil(reader.waiting() - 1e-6)),
                         {}};
      if (!reader.kept.empty()) {
        const double age = at - reader.kept.front().first + noise(random);
        said.age = Millis(std::llround(age * 1'000)) + std::chrono::duration_cast<Millis>(delay);
      }
      control.on_progress(reader.id, said, when);
    }
    delay = control.step(when + Millis(2));
  }
  void forget_extremes() {
    worst = 0;
    committed = 0;
    delay_max = delay;
  }

  FlowControl control;
  std::vector<Applier> readers;
  std::set<MemberId> silent;
  double clients = 8;
  double cycle = 0.003;
  std::uniform_real_distribution<double> noise{0, 0.001};
  std::mt19937 random{7};
  Millis now{0};
  Micros delay{0};
  Micros delay_max{0};
  double worst = 0;
  double committed = 0;
};

TEST(FlowControlTest, WithoutLagNothingIsDelayed) {
  World world({3'000, 3'000});
  world.noise = std::uniform_real_distribution<double>(0, 0.02);
  world.run(Millis(20'000));
  EXPECT_EQ(world.delay_max, Micros(0));
  EXPECT_FALSE(world.control.wants_attention());
}

TEST(FlowControlTest, ThereIsNoDelayWithoutVoters) {
  FlowControl control;
  EXPECT_EQ(control.step(Instant()), Micros(0));
  EXPECT_EQ(control.step(Instant() + Millis(1'000)), Micros(0));
}

struct Load {
  double clients;
  double cycle;
  double rate;
};

class FlowControlLoadTest : public testing::TestWithParam<Load> {};

TEST_P(FlowControlLoadTest, LagIsHeldUnderTheTargetAndTheApplierIsKeptBusy) {
  World world({GetParam().rate, GetParam().rate * 1.2});
  world.clients = GetParam().clients;
  world.cycle = GetParam().cycle;
  world.noise = std::uniform_real_distribution<double>(0, 0.03);
  world.run(Millis(30'000));
  world.forget_extremes();
  world.run(Millis(60'000));
  EXPECT_LT(world.worst, 0.300);
  EXPECT_GT(world.committed / 60, 0.9 * GetParam().rate);
  EXPECT_LT(world.delay_max, FlowLimits().delay_max);
  EXPECT_GT(world.delay, Micros(0));

  world.clients = 0;
  world.run(Millis(2'000));
  EXPECT_EQ(world.delay, Micros(0));
}

INSTANTIATE_TEST_SUITE_P(Loads, FlowControlLoadTest,
                         testing::Values(Load{8, 0.003, 1'500}, Load{8, 0.002, 600},
                                         Load{32, 0.010, 1'500}, Load{32, 0.002, 300},
                                         Load{500, 0.050, 4'000}, Load{2, 0.0005, 1'000},
                                         Load{8, 0.003, 2'500}));

TEST(FlowControlTest, AnApplierWhoseSpeedJumpsIsFollowed) {
  World world({1'500, 3'000});
  world.run(Millis(5'000));
  for (int round = 0; round < 5; ++round) {
    world.readers[0].rate = 500;
    world.run(Millis(3'000));
    world.forget_extremes();
    world.run(Millis(5'000));
    EXPECT_LT(world.worst, 0.300);
    world.readers[0].rate = 5'000;
    world.run(Millis(2'000));
    EXPECT_LT(world.delay, Micros(200));
  }
}

// Processors and disks that others use too: appliers that stand still for moments, at random.
TEST(FlowControlTest, AnUnsteadyApplierIsHeldNearTheAim) {
  World world({2'000, 2'000});
  world.clients = 32;
  world.noise = std::uniform_real_distribution<double>(0, 0.05);
  std::vector<double> lags;
  std::uniform_int_distribution<int> length(20, 250);
  for (int i = 0; i < 1'000; ++i) {
    for (Applier& reader : world.readers) {
      reader.rate = world.random() % 2 == 0 ? 0 : 2'000;
    }
    world.run(Millis(length(world.random)));
    for (Applier& reader : world.readers) {
      lags.push_back(reader.waiting() / 1'000);  // it is on half of the time
    }
  }
  std::sort(lags.begin(), lags.end());
  EXPECT_LT(lags[lags.size() / 2], 0.150);
  EXPECT_LT(lags[lags.size() * 9 / 10], 0.400);
  EXPECT_GT(world.committed / std::chrono::duration<double>(world.now).count(), 500);
}

TEST(FlowControlTest, ASmallBacklogIsWorkedOffWithoutStoppingTheWriter) {
  World world({1'000, 1'000});
  world.silent = {kFirst, kSecond};
  world.run(Millis(2'000));  // nobody says how it is: no delay
  EXPECT_EQ(world.delay_max, Micros(0));
  EXPECT_GT(world.worst, 1.0);
  world.silent.clear();
  const double before = world.committed;
  world.run(Millis(6'000));
  EXPECT_GT(world.committed - before, 1'500);  // of 6,000 that could be applied, 3,300 were waiting
  world.run(Millis(4'000));
  world.forget_extremes();
  world.run(Millis(10'000));
  EXPECT_LT(world.worst, 0.300);
}

TEST(FlowControlTest, AReaderThatStandsStillIsLeftOut) {
  World world({0, 6'000});
  world.run(Millis(10'000));
  EXPECT_EQ(world.delay, FlowLimits().delay_max);
  EXPECT_FALSE(world.control.is_left_out(kFirst));
  world.run(Millis(4'000));
  EXPECT_TRUE(world.control.is_left_out(kFirst));
  EXPECT_EQ(world.delay, Micros(0));
  world.forget_extremes();
  world.run(Millis(120'000));
  EXPECT_EQ(world.delay_max, Micros(0));

  world.readers[0].rate = 100'000;  // it catches up, and counts again
  world.run(Millis(10'000));
  EXPECT_FALSE(world.control.is_left_out(kFirst));
  world.readers[0].rate = 1'000;
  world.run(Millis(10'000));
  world.forget_extremes();
  world.run(Millis(10'000));
  EXPECT_LT(world.worst, 0.300);
}

TEST(FlowControlTest, TheOtherReaderCountsOn) {
  World world({0, 1'000});
  world.run(Millis(25'000));
  EXPECT_TRUE(world.control.is_left_out(kFirst));
  EXPECT_LT(world.readers[1].lag(), 0.300);
  EXPECT_GT(world.delay, Micros(0));
}

// A voter that says every 100 ms that it executed `rate` a second and that so many wait.
class OneVoter {
 public:
  void say(std::uint64_t waiting, Millis age, std::uint64_t rate = 1'000) {
    executed_ += rate / 10;
    control.on_progress(kFirst, {executed_, waiting, age}, now);
    delay = control.step(now + Millis(2));
    now += kStep;
  }
  FlowControl control;
  Instant now = Instant() + Millis(1'000);
  Micros delay{0};

 private:
  std::uint64_t executed_ = 0;
};

TEST(FlowControlTest, WhoIsFarBehindIsLeftOut) {
  OneVoter voter;
  int lag = 3'600'000;
  for (int i = 0; i < 110; ++i, lag -= 50) {  // half as fast as time
    voter.say(static_cast<std::uint64_t>(lag), Millis(lag));
  }
  EXPECT_TRUE(voter.control.is_left_out(kFirst));
  EXPECT_EQ(voter.delay, Micros(0));
  for (int i = 0; i < 20; ++i) {
    voter.say(200, Millis(299));
  }
  EXPECT_FALSE(voter.control.is_left_out(kFirst));
}

TEST(FlowControlTest, WhoCatchesUpIsNotLeftOut) {
  OneVoter voter;
  for (int lag = 30'000; lag > 300; lag = lag * 99 / 100) {
    voter.say(static_cast<std::uint64_t>(lag), Millis(lag));
    EXPECT_FALSE(voter.control.is_left_out(kFirst)) << lag;
  }
}

TEST(FlowControlTest, OldProgressSaysNothing) {
  OneVoter voter;
  for (int i = 0; i < 20; ++i) {
    voter.say(500, Millis(500));
  }
  EXPECT_GT(voter.delay, Micros(1'000));
  EXPECT_EQ(voter.control.step(voter.now + Millis(2'000)), Micros(0));
}

// Ten commits a second, each seen while it is executed: the rate is small, and nothing waits.
TEST(FlowControlTest, AFewCommitsAreNoBacklog) {
  OneVoter voter;
  for (int i = 0; i < 600; ++i) {
    voter.say(1, Millis(3), 10);
    ASSERT_EQ(voter.delay, Micros(0));
  }
}

// The moment between two transactions.
TEST(FlowControlTest, WithoutAnAgeTheLagStaysWhatItWas) {
  OneVoter voter;
  for (int i = 0; i < 20; ++i) {
    voter.say(300, Millis(300));
  }
  const Millis lag = voter.control.lag(kFirst);
  EXPECT_GT(lag, Millis(250));
  voter.control.on_progress(kFirst, {1'000'000, 300, std::nullopt}, voter.now);
  EXPECT_EQ(voter.control.lag(kFirst), lag);
  voter.control.on_progress(kFirst, {1'000'000, 0, std::nullopt}, voter.now + Millis(1));
  EXPECT_EQ(voter.control.lag(kFirst), Millis(0));
}

TEST(FlowControlTest, AnotherWriterBeginsWithoutDelay) {
  World world({100, 100});
  world.run(Millis(3'000));
  EXPECT_GT(world.delay, Micros(0));
  world.control.reset();
  EXPECT_EQ(world.control.step(Instant() + Millis(5'000)), Micros(0));
  EXPECT_FALSE(world.control.wants_attention());
}

}  // namespace
}  // namespace trivet::failover
