// SPDX-License-Identifier: Apache-2.0
//
// The machine against a small world: three members that hold transactions, receive, acknowledge,
// die and start again; effects that take their time, fail or end late. What a client was told is
// never lost, and the cluster always comes back once faults end.
#include "core/failover/machine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <random>

namespace trivet::failover {
namespace {

const std::string kUuid = "3e11fa47-71ca-11e1-9e33-c80aa9429562";

gtid::GtidSet first_n(const std::set<int>& held) {
  gtid::GtidSet out;
  for (const int n : held) {
    out.add(*gtid::GtidSet::parse(kUuid + ":" + std::to_string(n)));
  }
  return out;
}

MemberId member(int n) {
  return MemberId("m" + std::to_string(n));
}

struct SimMember {
  bool alive = true;
  bool open_writer = false;
  std::optional<MemberId> source;  // receiver runs towards it
  bool counts = false;
  Term promised;
  std::set<int> held;  // received, executed or, on a writer, in its binlog
};

// Carries effects out after random delays. Everything drawn from one seed.
class World {
 public:
  explicit World(unsigned seed) : random_(seed) {
    topology_.phase = Topology::Phase::kSteady;
    topology_.term = Term(1);
    topology_.writer = topology_.last_writer = member(1);
    topology_.voters = {member(2), member(3)};
    topology_.boot_id = "boot";
    for (int n = 1; n <= 3; ++n) {
      members_[member(n)];
    }
    restart_controller();
  }

  // The daemon is killed and started: it knows the store and what runs, nothing else.
  void restart_controller() {
    underway_.clear();
    Setup setup{{member(1), member(2), member(3)}, topology_, {}, "boot", {}};
    for (const auto& [id, m] : members_) {
      if (m.alive) {
        setup.alive.insert(id);
      }
    }
    machine_ = std::make_unique<FailoverMachine>(std::move(setup), now_);
  }

  void run(int steps, int faults_percent) {
    for (int i = 0; i < steps; ++i) {
      now_ += Millis(1 + below(20));
      client_writes();
      replicate();
      if (below(100) < faults_percent) {
        fault();
      }
      finish_something(faults_percent > 0);
      feed(Tick{});
      ASSERT_FALSE(HasFailure());
    }
  }

  bool HasFailure() const { return testing::Test::HasFailure(); }
  bool healthy() const {
    return machine_->serving_writer().has_value() && machine_->open_readers().size() == 2 &&
           machine_->topology().voters.size() == 2;
  }
  int acknowledged() const { return static_cast<int>(acknowledged_.size()); }
  // For the failure message: who is what.
  std::string describe() const {
    std::string out = "term " + std::to_string(machine_->topology().term.value()) + " " +
                      std::string(to_string(machine_->topology().phase)) + " voters";
    for (const MemberId& id : machine_->topology().voters) {
      out += " " + id.str();
    }
    for (const auto& [id, m] : members_) {
      out += "; " + id.str() + (m.alive ? " alive " : " dead ") +
             std::string(to_string(machine_->member(id).state));
    }
    return out + "; waiting for " + machine_->waiting_for();
  }

 private:
  struct Underway {
    Effect effect;
    Instant ends;
  };

  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  void feed(const Input& input) {
    for (Effect& effect : machine_->step(input, now_)) {
      Instant ends = now_ + Millis(1 + below(40));
      for (const Underway& other : underway_) {  // a member's, and the store's, come in order
        ends = other.effect.member == effect.member ? std::max(ends, other.ends) : ends;
      }
      underway_.push_back({std::move(effect), ends});
    }
  }

  // A client of whichever member is open for writing; the OK needs a counting follower that holds
  // it.
  void client_writes() {
    int writers = 0;
    for (auto& [id, m] : members_) {
      if (m.alive && m.open_writer) {
        ++writers;
        m.held.insert(++next_transaction_);
        in_flight_.push_back({id, next_transaction_});
      }
    }
    ASSERT_LE(writers, 1) << "two members are open for writing";
  }

  void replicate() {
    for (auto& [id, m] : members_) {
      if (!m.alive || !m.source || below(3) == 0) {
        continue;
      }
      const SimMember& source = members_[*m.source];
      if (!source.alive) {
        continue;
      }
      for (const int n : source.held) {  // in order, and stopping anywhere
        if (m.held.insert(n).second && below(4) == 0) {
          break;
        }
      }
    }
    std::erase_if(in_flight_, [this](const auto& write) {
      const SimMember& writer = members_[write.first];
      if (!writer.alive) {
        return true;  // the client lost its connection: unknown
      }
      for (const auto& [id, m] : members_) {
        if (m.alive && m.source == write.first && m.counts && m.held.contains(write.second) &&
            writer.open_writer) {
          acknowledged_.insert(write.second);
          return true;
        }
      }
      return false;
    });
  }

  void fault() {
    if (below(6) == 0) {
      restart_controller();
      return;
    }
    if (below(6) == 0) {
      feed(RebootRequested{member(1 + below(3))});
      return;
    }
    const MemberId victim = member(1 + below(3));
    if (members_[victim].alive) {
      die(victim);
      feed(MemberDied{victim, "killed by signal 9"});
    }
  }

  void die(const MemberId& id) {
    SimMember& m = members_[id];
    m.alive = m.open_writer = m.counts = false;
    m.source.reset();
  }

  void finish_something(bool may_fail) {
    for (std::size_t i = 0; i < underway_.size();) {
      if (underway_[i].ends > now_) {
        ++i;
        continue;
      }
      const Effect effect = std::move(underway_[i].effect);
      underway_.erase(underway_.begin() + static_cast<std::ptrdiff_t>(i));
      EffectDone done{effect.id, "", {}};
      if (may_fail && below(12) == 0) {
        done.error = "injected";  // before or after it had its effect
        if (below(2) == 0) {
          carry_out(effect, done);
          done.error = "injected";
        }
      } else {
        carry_out(effect, done);
      }
      feed(done);
    }
  }

  void clone(const Rebuild& rebuild, const Effect& effect, EffectDone& done) {
    if (!members_[rebuild.donor].alive) {
      done.error = "donor gone";
      return;
    }
    SimMember& m = members_[effect.member];
    m = SimMember();
    m.promised = effect.term;
    m.held = members_[rebuild.donor].held;
  }

  void carry_out(const Effect& effect, EffectDone& done) {
    if (const auto* commit = std::get_if<CommitTopology>(&effect.action)) {
      ASSERT_GE(commit->next.term, topology_.term) << "I4: terms only grow";
      topology_ = commit->next;
      return;
    }
    SimMember& m = members_[effect.member];
    if (std::holds_alternative<StartMember>(effect.action)) {
      m.alive = true;
      return;
    }
    if (std::holds_alternative<KillMember>(effect.action)) {
      if (m.alive) {
        die(effect.member);
        feed(MemberDied{effect.member, "killed by signal 9"});
      }
      return;
    }
    if (effect.term < m.promised || now_ > effect.not_after) {
      done.error = "refused";
      return;
    }
    if (const auto* rejoin = std::get_if<Rejoin>(&effect.action)) {
      die(effect.member);  // an earlier one that was answered with an error may have started it
      m.alive = rejoin->writer_held.contains(first_n(m.held));
      done.rejoined.way = m.alive ? RejoinWay::kReplicate : RejoinWay::kClone;
      return;
    }
    if (const auto* rebuild = std::get_if<Rebuild>(&effect.action)) {
      clone(*rebuild, effect, done);
      return;
    }
    if (!m.alive) {
      done.error = "refused";
      return;
    }
    m.promised = effect.term;
    if (std::holds_alternative<AskPromise>(effect.action)) {
      m.source.reset();
      m.counts = false;
      done.held = first_n(m.held);
    } else if (std::holds_alternative<Look>(effect.action)) {
      done.held = first_n(m.held);
    } else if (const auto* follow = std::get_if<Follow>(&effect.action)) {
      ASSERT_FALSE(m.open_writer);
      for (const int n : m.held) {
        ASSERT_TRUE(!members_[follow->source].alive || members_[follow->source].held.contains(n))
            << "I12: a follower holds what its source lacks";
      }
      m.source = follow->source;
      m.counts = follow->counts;
    } else if (const auto* guard = std::get_if<GuardCommits>(&effect.action)) {
      int attached = 0;
      for (const MemberId& voter : guard->voters) {
        attached += members_[voter].alive && members_[voter].source == effect.member ? 1 : 0;
      }
      if (attached < guard->acks) {
        done.error = "no voter attached";
      }
    } else if (const auto* open = std::get_if<Open>(&effect.action)) {
      if (open->as_writer) {
        ASSERT_EQ(topology_.writer, effect.member) << "F8 comes before F9";
        for (const int n : acknowledged_) {
          ASSERT_TRUE(m.held.contains(n)) << "acknowledged transaction " << n << " is lost";
        }
        m.open_writer = true;
      }
    }
  }

  std::mt19937 random_;
  Instant now_{};
  Topology topology_;  // the store
  std::map<MemberId, SimMember> members_;
  std::unique_ptr<FailoverMachine> machine_;
  std::vector<Underway> underway_;
  std::vector<std::pair<MemberId, int>> in_flight_;
  std::set<int> acknowledged_;
  int next_transaction_ = 0;
};

TEST(FailoverMachine, LosesNothingAcknowledgedAndComesBackOverManySchedules) {
  for (unsigned seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    world.run(100, 0);
    world.run(150, 2 + static_cast<int>(seed % 9));
    ASSERT_FALSE(HasFailure());
    for (int i = 0; i < 60 && !world.healthy(); ++i) {
      world.run(100, 0);
      ASSERT_FALSE(HasFailure());
    }
    ASSERT_TRUE(world.healthy()) << "not healthy after faults ended: " << world.describe();
    const int before = world.acknowledged();
    world.run(50, 0);
    EXPECT_GT(world.acknowledged(), before) << "writes do not go on";
  }
}

Setup steady_setup(std::set<MemberId> alive) {
  Topology t;
  t.phase = Topology::Phase::kSteady;
  t.term = Term(3);
  t.writer = t.last_writer = member(1);
  t.voters = {member(2), member(3)};
  t.boot_id = "boot";
  return {{member(1), member(2), member(3)}, t, std::move(alive), "boot", {}};
}

// Answers every effect at once with `held` by member until none is left, those of `last` when there
// are no others; returns the names in order.
std::vector<std::string> play(FailoverMachine& machine, const Input& first, Instant& now,
                              const std::map<MemberId, gtid::GtidSet>& held,
                              const MemberId& last = MemberId()) {
  std::vector<std::string> names;
  std::vector<Effect> todo = machine.step(first, now);
  int ticks = 0;
  for (std::size_t i = 0; i < 200; ++i) {
    while (i >= todo.size() && ticks < 100) {
      ++ticks;
      now += Millis(100);
      todo = machine.step(Tick{}, now);
      i = 0;
    }
    if (i >= todo.size()) {
      break;
    }
    const auto begin = todo.begin() + static_cast<std::ptrdiff_t>(i);
    const auto other =
        std::find_if(begin, todo.end(), [&](const Effect& each) { return each.member != last; });
    if (other != todo.end()) {
      std::rotate(begin, other, other + 1);
    }
    const Effect effect = todo[i];
    names.push_back(std::string(name_of(effect.action)) +
                    (effect.member.empty() ? "" : " " + effect.member.str()));
    now += Millis(1);
    EffectDone done{effect.id, "", {}};
    if (held.contains(effect.member)) {
      done.held = held.at(effect.member);
    }
    for (Effect& next : machine.step(done, now)) {
      todo.push_back(std::move(next));
    }
  }
  return names;
}

bool comes_before(const std::vector<std::string>& names, const std::string& a,
                  const std::string& b) {
  const auto at_a = std::find(names.begin(), names.end(), a);
  const auto at_b = std::find(names.begin(), names.end(), b);
  return at_a != names.end() && at_b != names.end() && at_a < at_b;
}

std::map<MemberId, gtid::GtidSet> held_sets(int m1, int m2, int m3) {
  const auto set = [](int n) {
    return n == 0 ? gtid::GtidSet() : *gtid::GtidSet::parse(kUuid + ":1-" + std::to_string(n));
  };
  return {{member(1), set(m1)}, {member(2), set(m2)}, {member(3), set(m3)}};
}

TEST(FailoverMachine, PromotesTheReaderThatReceivedMost) {
  Instant now{};
  FailoverMachine machine(steady_setup({member(1), member(2), member(3)}), now);
  play(machine, Tick{}, now, {});
  ASSERT_EQ(machine.serving_writer(), member(1));
  auto held = held_sets(0, 5, 7);
  std::vector<Effect> first = machine.step(MemberDied{member(1), "killed by signal 9"}, now);
  EXPECT_FALSE(machine.serving_writer().has_value());
  ASSERT_EQ(first.size(), 1U) << "nothing is asked of members before the term is won";
  // The sibling catches up once it follows.
  std::vector<std::string> names;
  now += Millis(1);
  auto promises = machine.step(EffectDone{first[0].id, "", {}}, now);
  ASSERT_EQ(promises.size(), 2U);
  (void)machine.step(EffectDone{promises[0].id, "", held[promises[0].member]}, now);
  auto install = machine.step(EffectDone{promises[1].id, "", held[promises[1].member]}, now);
  ASSERT_EQ(install.size(), 2U);
  for (const Effect& effect : install) {
    EXPECT_EQ(effect.term, Term(4));
    if (effect.member == member(3)) {
      EXPECT_TRUE(std::holds_alternative<Drain>(effect.action));
    } else {
      EXPECT_TRUE(std::holds_alternative<Follow>(effect.action));
    }
  }
}

TEST(FailoverMachine, OfTwoThatReceivedTheSameTheOneWithLeastToExecuteWrites) {
  Instant now{};
  FailoverMachine machine(steady_setup({member(1), member(2), member(3)}), now);
  play(machine, Tick{}, now, {});
  (void)machine.step(ApplyLag{member(2), Millis(40'000)}, now);
  (void)machine.step(ApplyLag{member(3), Millis(20)}, now);
  const auto names =
      play(machine, MemberDied{member(1), "killed by signal 9"}, now, held_sets(0, 9, 9));
  EXPECT_TRUE(comes_before(names, "drain m3", "open m3"));
  EXPECT_EQ(machine.serving_writer(), member(3));
}

TEST(FailoverMachine, WaitsForBothVotersWhenOneAcknowledgementIsRequired) {
  Instant now{};
  FailoverMachine machine(steady_setup({member(1), member(2), member(3)}), now);
  play(machine, Tick{}, now, {});
  auto effects = machine.step(MemberDied{member(1), "killed"}, now);
  effects = machine.step(EffectDone{effects[0].id, "", {}}, now);
  ASSERT_EQ(effects.size(), 2U);
  const auto held = held_sets(0, 5, 5);
  // Only one of the two promises arrives: nobody is chosen.
  effects = machine.step(EffectDone{effects[0].id, "", held.at(effects[0].member)}, now);
  EXPECT_TRUE(effects.empty());
  EXPECT_EQ(machine.waiting_for(), "m3");
  // Nor does anybody when the other one takes longer than a straggler is waited for.
  now += Limits().straggler + Millis(1);
  for (const Effect& effect : machine.step(Tick{}, now)) {
    EXPECT_FALSE(std::holds_alternative<Drain>(effect.action)) << effect.member.str();
  }
  EXPECT_EQ(machine.waiting_for(), "m3");
}

TEST(FailoverMachine, ColdStartBringsTheLastWriterBackInPlace) {
  Instant now{};
  FailoverMachine machine(steady_setup({}), now);
  const auto names = play(machine, Tick{}, now, held_sets(9, 9, 8));
  EXPECT_EQ(machine.serving_writer(), member(1));
  EXPECT_EQ(machine.topology().term, Term(4));
  EXPECT_TRUE(comes_before(names, "guard m1", "open m1"));
  EXPECT_TRUE(comes_before(names, "follow m2", "open m1"));
  EXPECT_EQ(machine.open_readers().size(), 2U);
}

TEST(FailoverMachine, ALastWriterThatLacksWhatAnotherHoldsDoesNotWrite) {
  Instant now{};
  FailoverMachine machine(steady_setup({}), now);
  const auto names = play(machine, Tick{}, now, held_sets(7, 9, 7), member(1));
  EXPECT_TRUE(comes_before(names, "promise m1", "drain m2"));
  EXPECT_TRUE(comes_before(names, "drain m2", "follow m1"));
}

TEST(FailoverMachine, ARebootOfTheWriterBringsItBackInPlace) {
  Instant now{};
  FailoverMachine machine(steady_setup({member(1), member(2), member(3)}), now);
  play(machine, Tick{}, now, {});
  (void)machine.take_notes();
  const auto names = play(machine, RebootRequested{member(1)}, now, held_sets(9, 9, 8));
  ASSERT_FALSE(names.empty());
  EXPECT_EQ(names.front(), "kill m1");
  EXPECT_TRUE(comes_before(names, "kill m1", "commit"));
  EXPECT_TRUE(comes_before(names, "start m1", "guard m1"));
  EXPECT_TRUE(comes_before(names, "guard m1", "open m1"));
  EXPECT_EQ(machine.serving_writer(), member(1));
  EXPECT_EQ(machine.topology().term, Term(4));
  EXPECT_EQ(machine.open_readers().size(), 2U);
  EXPECT_EQ(machine.topology().voters.size(), 2U);
  const auto notes = machine.take_notes();
  EXPECT_TRUE(std::any_of(notes.begin(), notes.end(), [](const Note& note) {
    return note.kind == Note::Kind::kColdStartCompleted && note.member == member(1);
  }));
}

TEST(FailoverMachine, ARebootedWriterThatDoesNotComeBackIsReplaced) {
  Instant now{};
  FailoverMachine machine(steady_setup({member(1), member(2), member(3)}), now);
  play(machine, Tick{}, now, {});
  std::vector<Effect> todo = machine.step(RebootRequested{member(1)}, now);
  const auto held = held_sets(0, 9, 8);
  for (int i = 0; i < 20'000 && (i == 0 || !machine.serving_writer()); ++i) {
    now += Millis(10);
    std::vector<Effect> next = machine.step(Tick{}, now);
    for (const Effect& effect : todo) {
      EffectDone done{effect.id, "", {}};
      if (effect.member == member(1) && !std::holds_alternative<KillMember>(effect.action)) {
        done.error = "its disk is gone";
      } else if (held.contains(effect.member)) {
        done.held = held.at(member(2));
      }
      for (Effect& more : machine.step(done, now)) {
        next.push_back(std::move(more));
      }
    }
    todo = std::move(next);
  }
  EXPECT_TRUE(machine.serving_writer().has_value());
  EXPECT_NE(machine.serving_writer(), member(1));
}

// T43: it answered waiting commits with OK on its way down, and nobody else may hold them.
TEST(FailoverMachine, AWriterThatWasShutDownComesBackInPlace) {
  Instant now{};
  FailoverMachine machine(steady_setup({member(1), member(2), member(3)}), now);
  play(machine, Tick{}, now, {});
  const auto names =
      play(machine, MemberDied{member(1), {"exit status 0", true}}, now, held_sets(9, 9, 8));
  EXPECT_TRUE(comes_before(names, "start m1", "guard m1"));
  EXPECT_EQ(machine.serving_writer(), member(1));
  EXPECT_EQ(machine.topology().term, Term(4));
}

TEST(FailoverMachine, AWriterThatWasShutDownWithoutADaemonComesBackInPlace) {
  Instant now{};
  auto setup = steady_setup({member(2), member(3)});
  setup.writer_ended_in_order = true;
  FailoverMachine machine(std::move(setup), now);
  play(machine, Tick{}, now, held_sets(9, 9, 8));
  EXPECT_EQ(machine.serving_writer(), member(1));
}

TEST(FailoverMachine, ARebootOfAReaderConcernsNobodyElse) {
  Instant now{};
  FailoverMachine machine(steady_setup({member(1), member(2), member(3)}), now);
  play(machine, Tick{}, now, {});
  const auto names = play(machine, RebootRequested{member(2)}, now, held_sets(9, 9, 9));
  EXPECT_EQ(names, (std::vector<std::string>{"kill m2", "start m2", "follow m2", "open m2"}));
  EXPECT_EQ(machine.serving_writer(), member(1));
  EXPECT_EQ(machine.topology().term, Term(3));
  EXPECT_EQ(machine.open_readers().size(), 2U);
}

TEST(FailoverMachine, ADeadReaderLosesItsVoteAndGetsItBack) {
  Instant now{};
  FailoverMachine machine(steady_setup({member(1), member(2), member(3)}), now);
  play(machine, Tick{}, now, {});
  std::vector<Effect> start = machine.step(MemberDied{member(2), "killed"}, now);
  now += Millis(300);
  for (Effect& effect : machine.step(Tick{}, now)) {
    start.push_back(std::move(effect));
  }
  ASSERT_EQ(start.size(), 1U) << "it is started, and keeps its vote for a moment";
  now += Millis(300);
  const std::vector<Effect> proof = machine.step(Tick{}, now);
  ASSERT_EQ(proof.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<ProveCommits>(proof[0].action));
  // It is back before its vote is taken: it may not follow as a voter meanwhile.
  EXPECT_TRUE(machine.step(EffectDone{start[0].id, "", {}}, now).empty());
  const std::vector<Effect> commit = machine.step(EffectDone{proof[0].id, "", {}}, now);
  ASSERT_EQ(commit.size(), 1U);
  EXPECT_EQ(std::get<CommitTopology>(commit[0].action).next.voters,
            (std::vector<MemberId>{member(3)}));
  const std::vector<Effect> follow = machine.step(EffectDone{commit[0].id, "", {}}, now);
  ASSERT_EQ(follow.size(), 1U);
  EXPECT_FALSE(std::get<Follow>(follow[0].action).counts);
  play(machine, EffectDone{follow[0].id, "", {}}, now, {});
  EXPECT_EQ(machine.topology().voters, (std::vector<MemberId>{member(3), member(2)}));
  EXPECT_TRUE(machine.member(member(2)).is_voter);
}

// The last writer's disk is gone and both voters promise, for 200 s.
void go_on_without_m1(FailoverMachine& machine, std::vector<Effect> effects, Instant& now) {
  const auto held = held_sets(9, 9, 9);
  for (int i = 0; i < 2'000; ++i) {
    now += Millis(100);
    std::vector<Effect> next;
    for (const Effect& effect : effects) {
      EffectDone done{effect.id, "", {}};
      if (effect.member == member(1)) {
        done.error = "no such disk";
      } else if (!effect.member.empty()) {
        done.held = held.at(effect.member);
      }
      for (Effect& e : machine.step(done, now)) {
        next.push_back(std::move(e));
      }
    }
    for (Effect& e : machine.step(Tick{}, now)) {
      next.push_back(std::move(e));
    }
    effects = std::move(next);
  }
}

TEST(FailoverMachine, AfterAPowerCutOnlyTheLastWriterMayComeBack) {
  Instant now{};
  auto setup = steady_setup({});
  setup.topology.boot_id = "an earlier boot";
  FailoverMachine machine(std::move(setup), now);
  go_on_without_m1(machine, machine.step(Tick{}, now), now);
  EXPECT_FALSE(machine.serving_writer().has_value());
  EXPECT_NE(machine.waiting_for().find("m1"), std::string::npos);
}

TEST(FailoverMachine, AWriterThatWasShutDownAndDiesAgainIsWaitedFor) {
  Instant now{};
  FailoverMachine machine(steady_setup({member(1), member(2), member(3)}), now);
  play(machine, Tick{}, now, {});
  std::vector<Effect> effects = machine.step(MemberDied{member(1), {"exit status 0", true}}, now);
  effects = machine.step(EffectDone{effects.at(0).id, "", {}}, now);  // the term is won
  const auto start = std::find_if(effects.begin(), effects.end(), [](const Effect& effect) {
    return std::holds_alternative<StartMember>(effect.action);
  });
  ASSERT_NE(start, effects.end());
  machine.step(EffectDone{start->id, "", {}}, now);
  go_on_without_m1(machine, machine.step(MemberDied{member(1), "killed by signal 9"}, now), now);
  EXPECT_FALSE(machine.serving_writer().has_value());
  EXPECT_NE(machine.waiting_for().find("m1"), std::string::npos);

  // And by a daemon that knows nothing but what the store has.
  auto setup = steady_setup({member(2), member(3)});
  setup.topology = machine.topology();
  FailoverMachine next(std::move(setup), now);
  go_on_without_m1(next, next.step(Tick{}, now), now);
  EXPECT_FALSE(next.serving_writer().has_value());
  play(next, Tick{}, now, held_sets(9, 9, 8));
  EXPECT_EQ(next.serving_writer(), member(1));
}

TEST(FailoverMachine, AWriterThatIsShutDownWhileItIsBeingDeposedComesBackInPlace) {
  Instant now{};
  FailoverMachine machine(steady_setup({member(1), member(2), member(3)}), now);
  play(machine, Tick{}, now, {});
  const auto commit = machine.step(FailoverRequested{}, now);
  machine.step(EffectDone{commit.at(0).id, "", {}}, now);
  play(machine, MemberDied{member(1), {"exit status 0", true}}, now, held_sets(9, 9, 8));
  EXPECT_EQ(machine.serving_writer(), member(1));
}

// The kill that deposes it comes too late, and so does the news of its end.
TEST(FailoverMachine, AWriterThatHadEndedInOrderWhenItWasToBeKilledComesBackInPlace) {
  Instant now{};
  FailoverMachine machine(steady_setup({member(1), member(2), member(3)}), now);
  play(machine, Tick{}, now, {});
  const auto commit = machine.step(FailoverRequested{}, now);
  const auto kill = machine.step(EffectDone{commit.at(0).id, "", {}}, now);
  ASSERT_TRUE(std::holds_alternative<KillMember>(kill.at(0).action));
  EffectDone killed{kill.at(0).id, "", {}};
  killed.end = {"it had ended in order", true};
  play(machine, killed, now, held_sets(9, 9, 8));
  EXPECT_EQ(machine.serving_writer(), member(1));
}

TEST(FailoverMachine, AVoterThatNeverGetsTheTailDoesNotHoldTheClusterBackForEver) {
  Instant now{};
  FailoverMachine machine(steady_setup({member(1), member(2), member(3)}), now);
  play(machine, Tick{}, now, {});
  // m3 stays at 5 whatever it follows; the former writer, back in place, makes a quorum with m2.
  auto held = held_sets(9, 9, 5);
  std::vector<Effect> effects = machine.step(MemberDied{member(1), "killed"}, now);
  for (int i = 0; i < 2'000 && !machine.serving_writer(); ++i) {
    now += Millis(50);
    std::vector<Effect> next;
    for (const Effect& effect : effects) {
      for (Effect& e : machine.step(EffectDone{effect.id, "", held[effect.member]}, now)) {
        next.push_back(std::move(e));
      }
    }
    for (Effect& e : machine.step(Tick{}, now)) {
      next.push_back(std::move(e));
    }
    effects = std::move(next);
  }
  EXPECT_TRUE(machine.serving_writer().has_value()) << machine.waiting_for();
}

TEST(FailoverMachine, AFormerWriterRejoinsBeforeItFollows) {
  Instant now{};
  FailoverMachine machine(steady_setup({member(1), member(2), member(3)}), now);
  play(machine, Tick{}, now, {});
  const auto names = play(machine, MemberDied{member(1), "killed"}, now, held_sets(8, 7, 7));
  EXPECT_TRUE(comes_before(names, "look m2", "rejoin m1"));
  EXPECT_TRUE(comes_before(names, "rejoin m1", "follow m1"));
  EXPECT_FALSE(comes_before(names, "start m1", "follow m1"));
  EXPECT_EQ(machine.topology().voters.size(), 2U);
}

// What one writer held says nothing of the next one, which may have less (I12).
TEST(FailoverMachine, ARejoinThatEndsUnderAnotherWriterIsMadeOnceMore) {
  Instant now{};
  FailoverMachine machine(steady_setup({member(1), member(2), member(3)}), now);
  play(machine, Tick{}, now, {});
  auto held = held_sets(9, 9, 9);
  std::optional<Effect> rejoin;  // not answered before the next term
  bool answered = false;
  int again = 0;
  bool followed = false;
  std::vector<Effect> effects = machine.step(MemberDied{member(1), "killed"}, now);
  for (int i = 0; i < 2'000 && !followed; ++i) {
    now += Millis(10);
    std::vector<Effect> next;
    const auto take = [&](std::vector<Effect> more) {
      std::ranges::move(more, std::back_inserter(next));
    };
    for (const Effect& effect : effects) {
      const bool of_m1 = effect.member == member(1);
      if (of_m1 && std::holds_alternative<Rejoin>(effect.action)) {
        if (!rejoin) {
          rejoin = effect;
          take(machine.step(MemberDied{member(2), "killed"}, now));
          continue;
        }
        ++again;
      }
      followed = followed || (answered && of_m1 && std::holds_alternative<Follow>(effect.action));
      take(machine.step(EffectDone{effect.id, "", held[effect.member]}, now));
    }
    if (rejoin && !answered && machine.topology().term > rejoin->term) {
      answered = true;
      take(machine.step(EffectDone{rejoin->id, "", {}}, now));
    }
    take(machine.step(Tick{}, now));
    effects = std::move(next);
  }
  EXPECT_TRUE(answered);
  EXPECT_TRUE(followed);
  EXPECT_EQ(again, 1);
}

TEST(FailoverMachine, AReaderThatCannotGoOnLosesItsVoteAndIsCloned) {
  Instant now{};
  FailoverMachine machine(steady_setup({member(1), member(2), member(3)}), now);
  play(machine, Tick{}, now, {});
  using Kind = ReplicationBroken::Kind;
  const auto held = held_sets(7, 7, 7);
  for (int n = 0; n < 5; ++n) {  // somebody's hand is no reason for a copy
    const auto names = play(machine, ReplicationBroken{member(2), Kind::kStopped, ""}, now, held);
    EXPECT_EQ(names, std::vector<std::string>{"follow m2"});
  }
  const ReplicationBroken failed{member(2), Kind::kFailed, "1236"};
  EXPECT_EQ(play(machine, failed, now, held), std::vector<std::string>{"follow m2"});
  EXPECT_EQ(play(machine, failed, now, held), std::vector<std::string>{"follow m2"});
  const auto names = play(machine, failed, now, held);
  const std::vector<std::string> expected = {"kill m2",   "prove m1", "commit", "rebuild m2",
                                             "follow m2", "open m2",  "commit", "follow m2"};
  EXPECT_EQ(names, expected) << testing::PrintToString(names);
  EXPECT_EQ(machine.topology().voters.size(), 2U);
}

TEST(FailoverMachine, AVoterAcknowledgesFromWhenItWasToldTo) {
  Instant now{};
  FailoverMachine machine(steady_setup({member(1), member(2), member(3)}), now);
  play(machine, Tick{}, now, {});
  EXPECT_TRUE(machine.member(member(2)).acknowledges);
  EXPECT_FALSE(machine.member(member(1)).acknowledges) << "it writes";
  const ReplicationBroken diverged{member(2), ReplicationBroken::Kind::kDiverged, "errant"};
  std::vector<Effect> effects = machine.step(diverged, now);
  std::optional<EffectId> told;
  for (int i = 0; i < 2'000 && !told; ++i) {
    now += Millis(10);
    std::vector<Effect> next;
    for (const Effect& effect : effects) {
      const auto* follow = std::get_if<Follow>(&effect.action);
      if (follow != nullptr && follow->counts && effect.member == member(2)) {
        told = effect.id;
      } else {
        std::ranges::move(machine.step(EffectDone{effect.id, "", {}}, now),
                          std::back_inserter(next));
      }
    }
    std::ranges::move(machine.step(Tick{}, now), std::back_inserter(next));
    effects = std::move(next);
  }
  ASSERT_TRUE(told.has_value()) << "it was cloned and has its vote again";
  EXPECT_TRUE(machine.member(member(2)).is_voter);
  EXPECT_FALSE(machine.member(member(2)).acknowledges);
  machine.step(EffectDone{*told, "", {}}, now);
  EXPECT_TRUE(machine.member(member(2)).acknowledges);
}

// I9: the store may give a vote that it was asked for at any time.
TEST(FailoverMachine, WhoseVoteWasAskedForIsNotClonedBeforeItIsTakenAgain) {
  Instant now{};
  FailoverMachine machine(steady_setup({member(1), member(2), member(3)}), now);
  play(machine, Tick{}, now, {});
  bool store_is_out = false;
  std::vector<std::string> asked;
  const auto go_on = [&](const Input& input) {
    std::vector<Effect> effects = machine.step(input, now);
    for (std::size_t i = 0; i < effects.size() && i < 100; ++i) {
      asked.push_back(std::string(name_of(effects[i].action)) +
                      (effects[i].member.empty() ? "" : " " + effects[i].member.str()));
      store_is_out = store_is_out || asked.back() == "open m2";
      const bool fails = store_is_out && asked.back() == "commit";
      const EffectDone done{effects[i].id, fails ? "the store is out" : "", {}};
      const auto more = machine.step(done, now);
      effects.insert(effects.end(), more.begin(), more.end());
    }
  };
  const ReplicationBroken diverged{member(2), ReplicationBroken::Kind::kDiverged, "errant"};
  go_on(diverged);
  for (int i = 0; i < 200 && !store_is_out; ++i) {
    now += Millis(50);
    go_on(Tick{});
  }
  ASSERT_TRUE(comes_before(asked, "rebuild m2", "open m2")) << testing::PrintToString(asked);
  ASSERT_EQ(asked.back(), "commit") << "its vote";
  asked.clear();
  go_on(diverged);
  EXPECT_EQ(asked, std::vector<std::string>{"kill m2"});
  asked.clear();
  for (int i = 0; i < 200; ++i) {
    now += Millis(50);
    store_is_out = false;
    go_on(Tick{});
  }
  EXPECT_TRUE(comes_before(asked, "prove m1", "rebuild m2")) << testing::PrintToString(asked);
}

TEST(FailoverMachine, ALastWriterThatMayBeOpenIsKilledBeforeItComesBackInPlace) {
  Instant now{};
  auto setup = steady_setup({member(1), member(2), member(3)});
  setup.topology.phase = Topology::Phase::kColdStart;  // an earlier daemon got so far
  setup.topology.writer.reset();
  FailoverMachine machine(std::move(setup), now);
  const auto names = play(machine, Tick{}, now, held_sets(7, 7, 7));
  EXPECT_TRUE(comes_before(names, "kill m1", "promise m2"));
  EXPECT_TRUE(comes_before(names, "start m1", "promise m1"));
  EXPECT_EQ(machine.serving_writer(), member(1));
}

TEST(FailoverMachine, AWriterThatDoesNotComeToServeIsBroughtBackFromTheBeginning) {
  Instant now{};
  FailoverMachine machine(steady_setup({member(1), member(2), member(3)}), now);
  // m1 was taken for alive and is not: nothing that is asked of it succeeds but to be killed.
  bool was_killed = false;
  std::vector<Effect> effects = machine.step(Tick{}, now);
  for (int i = 0; i < 3'000 && !machine.serving_writer(); ++i) {
    now += Millis(50);
    std::vector<Effect> next;
    for (const Effect& effect : effects) {
      was_killed = was_killed || std::holds_alternative<KillMember>(effect.action);
      const bool fails = effect.member == member(1) && !was_killed;
      for (Effect& e : machine.step(EffectDone{effect.id, fails ? "no answer" : "", {}}, now)) {
        next.push_back(std::move(e));
      }
    }
    for (Effect& e : machine.step(Tick{}, now)) {
      next.push_back(std::move(e));
    }
    effects = std::move(next);
  }
  EXPECT_TRUE(was_killed);
  EXPECT_EQ(machine.serving_writer(), member(1)) << machine.waiting_for();
}

TEST(FailoverMachine, AReaderThatDoesNotFollowTheNewTermsWriterIsNotOffered) {
  Instant now{};
  FailoverMachine machine(steady_setup({member(1), member(2), member(3)}), now);
  play(machine, Tick{}, now, {});
  ASSERT_EQ(machine.open_readers().size(), 2U);
  // m3 answers no more, so the last writer comes back in place with m2.
  std::vector<Effect> effects = machine.step(MemberDied{member(1), "killed"}, now);
  EXPECT_EQ(machine.open_readers().size(), 2U) << "they serve on through the election";
  for (int i = 0; i < 2'000 && !machine.serving_writer(); ++i) {
    now += Millis(50);
    std::vector<Effect> next;
    for (const Effect& effect : effects) {
      const std::string error = effect.member == member(3) ? "no answer" : "";
      for (Effect& e : machine.step(EffectDone{effect.id, error, {}}, now)) {
        next.push_back(std::move(e));
      }
    }
    for (Effect& e : machine.step(Tick{}, now)) {
      next.push_back(std::move(e));
    }
    effects = std::move(next);
  }
  EXPECT_EQ(machine.serving_writer(), member(1));
  EXPECT_EQ(machine.open_readers(), std::vector<MemberId>{member(2)});
}

TEST(FailoverMachine, ARequestedFailoverKillsTheWriterFirst) {
  Instant now{};
  FailoverMachine machine(steady_setup({member(1), member(2), member(3)}), now);
  play(machine, Tick{}, now, {});
  const auto names = play(machine, FailoverRequested{}, now, held_sets(7, 7, 7));
  EXPECT_TRUE(comes_before(names, "kill m1", "promise m2"));
  EXPECT_NE(machine.serving_writer(), member(1));
  EXPECT_TRUE(machine.serving_writer().has_value());
}

}  // namespace
}  // namespace trivet::failover
