// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "core/failover/machine.h"

namespace trivet::failover {
namespace {

constexpr std::string_view kUuid = "3e11fa47-71ca-11e1-9e33-c80aa9429562";

gtid::GtidSet up_to(int n) {
  return *gtid::GtidSet::parse(std::string(kUuid) + ":1-" + std::to_string(n));
}

MemberId member(int n) {
  return MemberId("m" + std::to_string(n));
}

// Three members; m1 wrote. Every effect is answered at once.
struct Scene {
  explicit Scene(std::set<MemberId> gone) : lost_disks(std::move(gone)) {
    Setup setup;
    setup.members = {member(1), member(2), member(3)};
    setup.topology.phase = Topology::Phase::kSteady;
    setup.topology.term = Term(3);
    setup.topology.writer = setup.topology.last_writer = member(1);
    setup.topology.voters = {member(2), member(3)};
    setup.topology.boot_id = setup.boot_id = "boot";
    machine = std::make_unique<FailoverMachine>(std::move(setup), now);
  }

  EffectDone answer(const Effect& effect) {
    asked.push_back(std::string(name_of(effect.action)) + " " + effect.member.str());
    EffectDone done{effect.id, "", {}};
    const bool relies = std::holds_alternative<AskPromise>(effect.action) ||
                        std::holds_alternative<Follow>(effect.action);
    if (std::holds_alternative<Rebuild>(effect.action)) {
      lost_disks.erase(effect.member);
      half_clones.erase(effect.member);
      held[effect.member] = held[std::get<Rebuild>(effect.action).donor];
    } else if (lost_disks.contains(effect.member)) {
      done.error = "no such disk";
    } else if (relies && half_clones.contains(effect.member)) {
      done.error = "an unfinished clone";
      done.is_unusable = true;
    } else if ((half_clones.contains(effect.member) || is_cloning_slow) &&
               std::holds_alternative<Rejoin>(effect.action)) {
      done.rejoined.way = RejoinWay::kClone;
    } else if (const auto* start = std::get_if<StartMember>(&effect.action);
               start != nullptr && hung.contains(effect.member)) {
      done.error = "no answer";
      if (start->afresh) {
        hung.erase(effect.member);
      }
    } else if (const auto* rejoin = std::get_if<Rejoin>(&effect.action)) {
      held[effect.member] = rejoin->writer_held;
      done.rejoined.way = RejoinWay::kRewind;
    } else if (const auto* follow = std::get_if<Follow>(&effect.action)) {
      held[effect.member].add(held[follow->source]);
    }
    done.held = held[effect.member];
    return done;
  }

  void tell(const Input& input) {
    std::vector<Effect> todo = machine->step(input, now);
    for (std::size_t i = 0; i < todo.size() && i < 100; ++i) {
      if (is_cloning_slow && std::holds_alternative<Rebuild>(todo[i].action)) {
        continue;
      }
      const EffectDone done = answer(todo[i]);
      for (Effect& next : machine->step(done, now)) {
        todo.push_back(std::move(next));
      }
    }
  }

  void run(Millis time) {
    for (const Instant end = now + time; now < end; now += Millis(50)) {
      tell(Tick{});
    }
  }

  bool was_asked(const std::string& what) const {
    return std::find(asked.begin(), asked.end(), what) != asked.end();
  }

  Instant now{};
  std::set<MemberId> lost_disks;
  std::set<MemberId> half_clones;  // a rebuild was cut off
  std::set<MemberId> hung;         // they run, and do not come to answer
  bool is_cloning_slow = false;    // nothing else helps, and no rebuild comes to its end
  std::map<MemberId, gtid::GtidSet> held{
      {member(1), up_to(9)}, {member(2), up_to(7)}, {member(3), up_to(8)}};
  std::unique_ptr<FailoverMachine> machine;
  std::vector<std::string> asked;
};

TEST(FailoverMachineLoss, NothingIsLostUnlessAnOperatorSaysSo) {
  Scene scene({member(1), member(3)});
  scene.run(Millis(600'000));
  EXPECT_FALSE(scene.machine->serving_writer());
  const auto offers = scene.machine->loss_offers(scene.now);
  ASSERT_EQ(offers.size(), 1U);
  EXPECT_EQ(offers[0].member, member(2));
  EXPECT_EQ(offers[0].held, up_to(7));
}

TEST(FailoverMachineLoss, AnOfferStandsWhileNothingChanges) {
  Scene scene({member(1), member(3)});
  constexpr Millis kBetweenTicks{25};
  const auto offers = [&] { return scene.machine->loss_offers(scene.now + kBetweenTicks).size(); };
  for (int i = 0; i < 1'000 && offers() == 0; ++i) {
    scene.run(Millis(50));
  }
  ASSERT_EQ(offers(), 1U);
  const auto promises = [&] {
    return std::count(scene.asked.begin(), scene.asked.end(), "promise m2");
  };
  const auto asked = promises();
  for (int i = 0; i < 1'000; ++i) {
    scene.run(Millis(50));
    ASSERT_EQ(offers(), 1U) << i;
  }
  EXPECT_EQ(promises(), asked) << "while it is asked again it is on no offer";
}

TEST(FailoverMachineLoss, TheNamedMemberWritesAndTheOthersGetItsData) {
  Scene scene({member(1), member(3)});
  scene.run(Millis(120'000));
  scene.tell(LossAccepted{member(2)});
  scene.run(Millis(60'000));
  EXPECT_EQ(scene.machine->serving_writer(), member(2));
  EXPECT_EQ(scene.machine->open_readers().size(), 2U);
  EXPECT_EQ(scene.machine->topology().voters.size(), 2U);
  EXPECT_TRUE(scene.was_asked("rebuild m1") && scene.was_asked("rebuild m3"));
  EXPECT_TRUE(scene.machine->loss_offers(scene.now).empty());
}

TEST(FailoverMachineLoss, WhoeverComesBackInTimeIsListenedTo) {
  Scene scene({member(1), member(3)});
  scene.run(Millis(120'000));
  scene.lost_disks.clear();
  scene.tell(LossAccepted{member(2)});
  scene.run(Millis(60'000));
  ASSERT_TRUE(scene.machine->serving_writer());
  EXPECT_NE(scene.machine->serving_writer(), member(2)) << "both others hold more";
  EXPECT_FALSE(scene.was_asked("rejoin m1") || scene.was_asked("rebuild m1"));
}

TEST(FailoverMachineLoss, WhereNobodyHoldsEverythingTheNamedOneDecides) {
  Scene scene({member(1)});
  scene.held[member(2)].add(*gtid::GtidSet::parse("3e11fa47-71ca-11e1-9e33-c80aa9429563:1"));
  scene.run(Millis(120'000));
  ASSERT_FALSE(scene.machine->serving_writer());
  EXPECT_EQ(scene.machine->loss_offers(scene.now).size(), 2U);
  const gtid::GtidSet chosen = scene.held[member(3)];
  scene.tell(LossAccepted{member(3)});
  scene.run(Millis(60'000));
  EXPECT_EQ(scene.machine->serving_writer(), member(3));
  EXPECT_EQ(scene.held[member(2)], chosen) << "what it alone held was cut off";
}

TEST(FailoverMachineLoss, AWriterThatWasHalfReplacedIsNoWriterThatIsBack) {
  Scene scene({});
  scene.half_clones = {member(1)};
  scene.held[member(1)] = gtid::GtidSet();
  scene.run(Millis(60'000));
  EXPECT_EQ(scene.machine->serving_writer(), member(3)) << "of the two that hold anything";
  EXPECT_EQ(scene.machine->open_readers().size(), 2U);
  EXPECT_TRUE(scene.was_asked("rebuild m1"));
}

TEST(FailoverMachineLoss, AVoterThatWasHalfReplacedHasNoVoteUntilItIsWhole) {
  Scene scene({});
  scene.half_clones = {member(2)};
  scene.held[member(2)] = gtid::GtidSet();
  scene.run(Millis(60'000));
  EXPECT_EQ(scene.machine->serving_writer(), member(1));
  EXPECT_EQ(scene.machine->topology().voters.size(), 2U);
  EXPECT_TRUE(scene.was_asked("rebuild m2"));
  EXPECT_FALSE(scene.was_asked("rebuild m1") || scene.was_asked("rebuild m3"));
}

// I9: what an accepted loss has begun to replace is replaced, whoever comes to write.
TEST(FailoverMachineLoss, WhoIsStillBeingReplacedDoesNotVoteInTheNextTerm) {
  Scene scene({member(1)});
  scene.held[member(2)].add(*gtid::GtidSet::parse("3e11fa47-71ca-11e1-9e33-c80aa9429563:1"));
  scene.is_cloning_slow = true;
  scene.run(Millis(120'000));
  ASSERT_FALSE(scene.machine->serving_writer());
  scene.tell(LossAccepted{member(3)});
  const auto is_replaced = [&](int n) {
    return scene.machine->member(member(n)).state == MemberView::State::kRebuilding;
  };
  for (int i = 0; i < 1'000 && !is_replaced(2); ++i) {
    scene.run(Millis(50));
  }
  ASSERT_TRUE(is_replaced(2) && !is_replaced(1));
  ASSERT_FALSE(scene.machine->serving_writer()) << "nobody is there to acknowledge";
  scene.lost_disks.clear();
  scene.run(Millis(60'000));
  EXPECT_EQ(scene.machine->serving_writer(), member(1)) << "nothing has to be lost";
  EXPECT_EQ(scene.machine->topology().voters, std::vector<MemberId>{member(3)});
}

TEST(FailoverMachine, WhatStartsAndNeverAnswersIsKilledForANewStart) {
  Scene scene({});
  scene.hung = {member(2)};
  scene.run(Millis(60'000));
  EXPECT_EQ(scene.machine->serving_writer(), member(1));
  EXPECT_EQ(scene.machine->open_readers().size(), 2U);
}

TEST(FailoverMachineLoss, AnElectionThatGoesOnOffersNothing) {
  Scene scene({});
  EXPECT_TRUE(scene.machine->loss_offers(scene.now).empty());
  scene.tell(LossAccepted{member(2)});
  scene.run(Millis(10'000));
  EXPECT_EQ(scene.machine->serving_writer(), member(1)) << "back in place";
  scene.tell(LossAccepted{member(2)});
  scene.run(Millis(10'000));
  EXPECT_EQ(scene.machine->serving_writer(), member(1));
}

}  // namespace
}  // namespace trivet::failover
