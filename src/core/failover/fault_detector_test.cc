// SPDX-License-Identifier: Apache-2.0
//
// The detector against members that hang in the ways that servers hang, and against stalls that
// are none of theirs.
#include "core/failover/fault_detector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace trivet::failover {
namespace {

using Kind = Finding::Kind;
using Query = Probe::Query;
using Disk = Probe::Disk;

const MemberId kWriter("m1");
const MemberId kReader("m2");
const std::string kUuid = "3e11fa47-71ca-11e1-9e33-c80aa9429562";

gtid::GtidSet gtids(int last) {
  return *gtid::GtidSet::parse(kUuid + ":1-" + std::to_string(last));
}

// Looks at members as a driver does, and keeps what was found.
class FaultDetectorTest : public testing::Test {
 protected:
  // A look that waits `took` from now on; the next one begins at its end or 300 ms after it began.
  std::vector<Finding> look(Probe probe, Millis took = Millis(2), MemberId id = kWriter) {
    probe.asked = now_;
    probe.ended = now_ + took;
    if (probe.disk == Disk::kSynced && probe.disk_began == Instant()) {
      probe.disk_began = now_;
    }
    auto found = detector_.on_probe(id, probe);
    now_ += std::max(took, Millis(300));
    found_.insert(found_.end(), found.begin(), found.end());
    return found;
  }
  static Probe answered() {
    Probe probe;
    probe.query = Query::kAnswered;
    probe.state = 'S';
    return probe;
  }
  static Probe silent(char state = 'T', Millis cpu = Millis(1'000)) {
    Probe probe;
    probe.state = state;
    probe.cpu = cpu;
    return probe;
  }
  static Probe with_commits(unsigned waiting, std::uint64_t acknowledged, int executed) {
    Probe probe = answered();
    probe.commits = CommitProgress{waiting, 0, acknowledged, gtids(executed)};
    return probe;
  }
  bool found(Kind kind) const {
    return std::any_of(found_.begin(), found_.end(),
                       [&](const Finding& finding) { return finding.kind == kind; });
  }

  FaultDetector detector_;
  Instant now_{Millis(1'000'000)};
  std::vector<Finding> found_;
};

TEST_F(FaultDetectorTest, ThreeProbesWithoutAnswerAreAHang) {
  look(answered());
  EXPECT_TRUE(look(silent(), Millis(300)).empty());
  EXPECT_TRUE(look(silent(), Millis(300)).empty());
  const auto hung = look(silent(), Millis(300));
  ASSERT_EQ(hung.size(), 1U);
  EXPECT_EQ(hung[0].kind, Kind::kHung);
  EXPECT_EQ(hung[0].since, Millis(900));
  EXPECT_EQ(hung[0].reason, "no answer to 3 probes in 900 ms: query (process state T)");
  EXPECT_TRUE(look(silent(), Millis(300)).empty()) << "once for each run";
}

TEST_F(FaultDetectorTest, ANewRunIsJudgedAnew) {
  for (int i = 0; i < 3; ++i) {
    look(silent(), Millis(300));
  }
  detector_.forget(kWriter);
  EXPECT_TRUE(look(silent(), Millis(300)).empty());
  EXPECT_TRUE(look(silent(), Millis(300)).empty());
  EXPECT_EQ(look(silent(), Millis(300)).size(), 1U);
}

TEST_F(FaultDetectorTest, ALateAnswerIsLife) {
  for (int i = 0; i < 50; ++i) {
    look(silent(), Millis(300));
    look(silent(), Millis(300));
    look(answered(), Millis(250));
  }
  EXPECT_TRUE(found_.empty());
}

TEST_F(FaultDetectorTest, StallsOfHalfASecondEveryTenAreNoHang) {
  for (int minute = 0; minute < 60; ++minute) {
    look(silent(), Millis(300));
    look(answered(), Millis(200));
    for (int i = 0; i < 32; ++i) {
      look(answered(), Millis(i % 7 == 0 ? 280 : 5));  // full CPU
    }
  }
  EXPECT_TRUE(found_.empty());
}

TEST_F(FaultDetectorTest, MissesMustTogetherLastLongEnough) {
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(look(silent(), Millis(200)).empty());  // 800 ms
  }
  EXPECT_EQ(look(silent(), Millis(200)).size(), 1U);
}

TEST_F(FaultDetectorTest, OurOwnStallDoesNotCount) {
  for (int i = 0; i < 20; ++i) {
    look(silent('S'), Millis(300));
    look(silent('S'), Millis(300));
    look(silent('S'), Millis(5'000));  // this process stood still, the member perhaps too
  }
  EXPECT_TRUE(found_.empty());
  for (int i = 0; i < 20; ++i) {  // and between looks
    look(silent('S'), Millis(300));
    look(silent('S'), Millis(300));
    now_ += Millis(2'000);
  }
  EXPECT_TRUE(found_.empty());
  for (int i = 0; i < 3; ++i) {  // afterwards it is judged like before
    look(silent('S'), Millis(300));
  }
  EXPECT_TRUE(found(Kind::kHung));
}

TEST_F(FaultDetectorTest, AProcessThatWorksIsGivenLonger) {
  int cpu = 0;
  for (int i = 0; i < 9; ++i) {
    EXPECT_TRUE(look(silent('R', Millis(cpu += 60)), Millis(300)).empty()) << i;
  }
  const auto hung = look(silent('R', Millis(cpu += 60)), Millis(300));
  ASSERT_EQ(hung.size(), 1U);
  EXPECT_EQ(hung[0].reason, "no answer to 10 probes in 3000 ms: query (process state R, busy)");
}

TEST_F(FaultDetectorTest, WhatItUsedBeforeItHungDoesNotMakeItBusy) {
  look(answered());
  look(silent('S', Millis(5'000)), Millis(300));
  look(silent('S', Millis(5'000)), Millis(300));
  EXPECT_EQ(look(silent('S', Millis(5'010)), Millis(300)).size(), 1U);
}

TEST_F(FaultDetectorTest, NobodyListeningTakesThreeSeconds) {
  Probe refused = answered();
  refused.query = Query::kRefused;
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(look(refused).empty()) << i;
  }
  EXPECT_EQ(look(refused).at(0).kind, Kind::kHung);
}

TEST_F(FaultDetectorTest, ASourceThatSpinsIsAHangSoonerThanOneThatStandsStill) {
  Probe spins = with_commits(3, 7, 7);
  spins.log_written = 1U << 20U;
  for (int i = 0; i < 20 && found_.empty(); ++i) {  // nobody holds what it waits for
    look(spins);
  }
  ASSERT_EQ(found_.size(), 1U);
  EXPECT_EQ(found_[0].kind, Kind::kHung);
  EXPECT_LE(found_[0].since, Millis(1'600));
  EXPECT_NE(found_[0].reason.find("its error log is flooded"), std::string::npos);
}

TEST_F(FaultDetectorTest, AFloodWithoutAStallIsNoHang) {
  Probe complains = with_commits(3, 7, 7);
  complains.log_written = 1U << 20U;
  for (int i = 0; i < 100; ++i) {
    complains.commits->acknowledged += 1;
    look(complains);
  }
  EXPECT_TRUE(found_.empty());
}

TEST_F(FaultDetectorTest, AStallWithoutAFloodIsNoSpin) {
  Probe waits = with_commits(3, 7, 7);
  for (int i = 0; i < 100; ++i) {
    waits.log_written = i % 4 == 3 ? 100 : 1U << 20U;
    look(waits);
  }
  EXPECT_TRUE(found_.empty());
}

TEST_F(FaultDetectorTest, AFloodWithoutCommitsIsAskedWithASmallWrite) {
  Probe idle = with_commits(0, 7, 7);
  idle.log_written = 1U << 20U;
  for (int i = 0; i < 19; ++i) {
    look(idle);
    EXPECT_EQ(found_.size(), i < 3 ? 0U : 1U) << i;
  }
  look(idle);
  ASSERT_EQ(found_.size(), 2U) << "asked again";
  EXPECT_EQ(found_[0].kind, Kind::kLogFlood);
  EXPECT_EQ(found_[1].kind, Kind::kLogFlood);
}

TEST_F(FaultDetectorTest, AStalledDiskIsAHangWhileAnothersWorks) {
  Probe stalled = answered();
  stalled.disk = Disk::kPending;
  stalled.disk_began = now_;
  for (int i = 0; i < 8 && found_.empty(); ++i) {
    look(stalled);
    now_ -= Millis(300);
    look(answered(), Millis(2), kReader);
  }
  ASSERT_TRUE(found(Kind::kHung));
  EXPECT_LE(found_[0].since, Millis(1'600));
  EXPECT_NE(found_[0].reason.find("fdatasync"), std::string::npos);
}

TEST_F(FaultDetectorTest, ADiskThatIsSlowForAllKillsNobody) {
  Probe stalled = answered();
  stalled.disk = Disk::kPending;
  stalled.disk_began = now_;
  for (int i = 0; i < 100; ++i) {
    look(stalled);
    now_ -= Millis(300);
    look(stalled, Millis(2), kReader);
  }
  EXPECT_TRUE(found_.empty());
}

TEST_F(FaultDetectorTest, ASlowDiskOnWhichCommitsGoOnIsNoHang) {
  const Instant began = now_;
  for (int i = 0; i < 100; ++i) {
    Probe slow = with_commits(1, static_cast<std::uint64_t>(i), i + 1);
    slow.disk = Disk::kPending;
    slow.disk_began = began;
    look(slow);
    now_ -= Millis(300);
    look(answered(), Millis(2), kReader);
  }
  EXPECT_TRUE(found_.empty());
}

TEST_F(FaultDetectorTest, AFullDiskIsTroubleNotDeath) {
  look(answered(), Millis(2), kReader);
  Probe full = with_commits(0, 7, 7);
  full.disk_free = 4'096;
  for (int i = 0; i < 100; ++i) {
    look(full);
  }
  ASSERT_EQ(found_.size(), 1U);
  EXPECT_EQ(found_[0].kind, Kind::kDiskFull);
  EXPECT_EQ(found_[0].reason, "its disk is full: 4096 bytes free");
  full.disk_free = 1U << 30U;
  look(full);
  ASSERT_EQ(found_.size(), 2U);
  EXPECT_EQ(found_[1].kind, Kind::kDiskWell);
}

TEST_F(FaultDetectorTest, CommitsThatStandStillOnAFullDiskAreAHang) {
  Probe full = with_commits(0, 7, 7);
  full.commits->committing = 3;
  full.no_space = true;
  for (int i = 0; i < 20; ++i) {
    look(full);
  }
  EXPECT_FALSE(found(Kind::kHung)) << "nobody else has space";
  for (int i = 0; i < 20; ++i) {
    look(answered(), Millis(2), kReader);
    now_ -= Millis(300);
    look(full);
  }
  EXPECT_TRUE(found(Kind::kHung));
}

TEST_F(FaultDetectorTest, ALookThatSawNothingOfTheSpaceLeavesTheDiskFull) {
  look(answered(), Millis(2), kReader);
  for (int i = 0; i < 10; ++i) {
    Probe full = with_commits(0, 7, 7);
    full.commits->committing = 3;
    full.no_space = i % 2 == 0;
    full.disk = i % 2 == 0 ? Disk::kFailed : Disk::kPending;
    full.disk_began = now_ - Millis(10);
    look(full);
    Probe slow = full;  // its answer comes with the next look
    slow.query = Query::kSilent;
    slow.commits.reset();
    look(slow);
  }
  EXPECT_TRUE(found(Kind::kDiskFull));
  EXPECT_FALSE(found(Kind::kDiskWell));
  EXPECT_TRUE(found(Kind::kHung));
}

TEST_F(FaultDetectorTest, CommitsThatStoodStillOnAFullDiskMustGoOnWhenThereIsSpaceAgain) {
  look(answered(), Millis(2), kReader);
  Probe stuck = with_commits(0, 7, 7);
  stuck.commits->committing = 3;
  stuck.no_space = true;
  look(stuck);
  stuck.no_space = false;
  stuck.disk_free = 1U << 30U;
  look(stuck);
  EXPECT_TRUE(found(Kind::kDiskWell));
  for (int i = 0; i < 20; ++i) {
    stuck.commits->acknowledged += 1;
    look(stuck);
  }
  EXPECT_FALSE(found(Kind::kHung)) << "they went on";
  stuck.no_space = true;
  stuck.commits->committing = 0;  // it could not tell
  look(stuck);
  stuck.no_space = false;
  stuck.commits->committing = 3;
  stuck.commits->waiting = 1;
  for (int i = 0; i < 10; ++i) {
    look(stuck);
  }
  EXPECT_FALSE(found(Kind::kHung)) << "they wait for a voter";
  stuck.commits->waiting = 0;
  for (int i = 0; i < 10; ++i) {
    look(stuck);
  }
  EXPECT_TRUE(found(Kind::kHung));
}

TEST_F(FaultDetectorTest, WhoWaitsForSpaceThatIsThereAgainIsAHang) {
  Probe waits = answered();
  waits.waiting_for_space = 1;
  waits.disk_free = 4'096;
  for (int i = 0; i < 100; ++i) {
    look(waits, Millis(2), kReader);
  }
  EXPECT_FALSE(found(Kind::kHung)) << "there is none";
  waits.disk_free = 1U << 30U;
  look(waits, Millis(2), kReader);
  waits.waiting_for_space = 0;
  look(waits, Millis(2), kReader);
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(found(Kind::kHung)) << "it went on";
    waits.waiting_for_space = 1;
    look(waits, Millis(2), kReader);
  }
  EXPECT_TRUE(found(Kind::kHung));
}

TEST_F(FaultDetectorTest, ALostAcknowledgementIsFoundInTime) {
  const Instant begun = now_;
  look(with_commits(1, 41, 41));
  EXPECT_FALSE(detector_.suspects_acknowledgements(kWriter));
  look(with_commits(1, 41, 41));
  EXPECT_TRUE(detector_.suspects_acknowledgements(kWriter));
  detector_.on_held(kReader, gtids(42), now_);
  const auto lost = look(with_commits(1, 41, 41));
  ASSERT_EQ(lost.size(), 1U);
  EXPECT_EQ(lost[0].kind, Kind::kLostAcknowledgement);
  EXPECT_LT(since(begun, now_), Millis(1'000));
  look(with_commits(0, 43, 43));  // the small write was acknowledged
  EXPECT_FALSE(detector_.suspects_acknowledgements(kWriter));
  EXPECT_EQ(found_.size(), 1U);
}

TEST_F(FaultDetectorTest, AWaitIsCountedFromTheEndOfTheLookThatSawItFirst) {
  look(with_commits(1, 5, 5), Millis(590));
  detector_.on_held(kReader, gtids(6), now_);
  look(with_commits(1, 5, 5));
  look(with_commits(1, 5, 5));
  EXPECT_FALSE(found(Kind::kLostAcknowledgement)) << "for all that is known it is 302 ms old";
  look(with_commits(1, 5, 5));
  EXPECT_TRUE(found(Kind::kLostAcknowledgement));
}

TEST_F(FaultDetectorTest, AWaitForReadersThatHoldNothingOfItIsRight) {
  for (int i = 0; i < 1'000; ++i) {
    detector_.on_held(kReader, gtids(41), now_);
    look(with_commits(1, 41, 41));
  }
  EXPECT_TRUE(found_.empty());
}

TEST_F(FaultDetectorTest, WhatAReaderHeldBeforeTheWaitSaysNothing) {
  detector_.on_held(kReader, gtids(42), now_);
  now_ += Millis(1);
  for (int i = 0; i < 100; ++i) {
    look(with_commits(1, 41, 41));
  }
  EXPECT_TRUE(found_.empty());
}

TEST_F(FaultDetectorTest, ASourceThatNoWriteHelpsHangs) {
  for (int i = 0; i < 40; ++i) {
    look(with_commits(2, 41, 41));
    detector_.on_held(kReader, gtids(42), now_);
  }
  ASSERT_TRUE(found(Kind::kHung));
  const auto nudges = std::count_if(found_.begin(), found_.end(), [](const Finding& finding) {
    return finding.kind == Kind::kLostAcknowledgement;
  });
  EXPECT_GE(nudges, 3);
  EXPECT_LE(nudges, 7);
}

TEST_F(FaultDetectorTest, WhileNothingCanBeWrittenNoWriteIsSaidNotToHelp) {
  for (int i = 0; i < 40; ++i) {  // every disk stalls
    Probe stalls = with_commits(2, 41, 41);
    stalls.disk = Disk::kPending;
    stalls.disk_began = Instant(Millis(1'000'000));
    look(stalls);
    detector_.on_held(kReader, gtids(42), now_);
  }
  EXPECT_TRUE(found_.empty());
  for (int i = 0; i < 3; ++i) {
    look(with_commits(2, 41, 41));
    detector_.on_held(kReader, gtids(42), now_);
  }
  EXPECT_TRUE(found(Kind::kLostAcknowledgement));
  EXPECT_FALSE(found(Kind::kHung)) << "the small writes have not been tried yet";
}

TEST_F(FaultDetectorTest, CommitsUnderLoadAreNeverLostAcknowledgements) {
  std::mt19937 random(7);
  std::uint64_t acknowledged = 0;
  for (int i = 0; i < 5'000; ++i) {
    const int executed = static_cast<int>(acknowledged += 1 + random() % 50) + 1;
    detector_.on_held(kReader, gtids(executed + 20), now_);
    look(with_commits(static_cast<unsigned>(random() % 3), acknowledged, executed));
    if (random() % 5 == 0) {  // a pause of the readers
      look(with_commits(1, acknowledged, executed));
      acknowledged += 1;
    }
  }
  EXPECT_TRUE(found_.empty());
}

}  // namespace
}  // namespace trivet::failover
