// SPDX-License-Identifier: Apache-2.0
//
// Transactions of one schedule. Each has a number, which indexes everything, and the GTID under
// which the control plane knows it.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "core/gtid/gtid_set.h"

namespace trivet::sim {

using Txn = int;

// A set of transactions. Plain value.
class TxnSet {
 public:
  void add(Txn t) {
    const auto word = static_cast<std::size_t>(t) / 64;
    if (word >= words_.size()) {
      words_.resize(word + 1);
    }
    words_[word] |= std::uint64_t{1} << (static_cast<unsigned>(t) % 64);
  }
  bool has(Txn t) const {
    const auto word = static_cast<std::size_t>(t) / 64;
    return word < words_.size() && (words_[word] >> (static_cast<unsigned>(t) % 64) & 1U) != 0;
  }
  void remove(const TxnSet& other) {
    for (std::size_t i = 0; i < std::min(words_.size(), other.words_.size()); ++i) {
      words_[i] &= ~other.words_[i];
    }
  }
  std::uint64_t count() const {
    std::uint64_t n = 0;
    for (const std::uint64_t word : words_) {
      n += static_cast<std::uint64_t>(std::popcount(word));
    }
    return n;
  }
  bool contains(const TxnSet& other) const {
    for (std::size_t i = 0; i < other.words_.size(); ++i) {
      if ((other.words_[i] & ~(i < words_.size() ? words_[i] : 0)) != 0) {
        return false;
      }
    }
    return true;
  }

 private:
  std::vector<std::uint64_t> words_;
};

// Gives out transactions and servers' uuids, and remembers who was told what.
class Ledger {
 public:
  int new_server() {
    next_number_.push_back(1);
    return static_cast<int>(next_number_.size()) - 1;
  }
  Txn commit(int server, Instant now) {
    entries_.push_back({server, next_number_[static_cast<std::size_t>(server)]++, now});
    return static_cast<Txn>(entries_.size()) - 1;
  }
  // XA PREPARE, and the XA COMMIT or ROLLBACK of one: transactions of their own.
  Txn prepare(int server, Instant now) {
    const Txn t = commit(server, now);
    entry(t).prepares = true;
    return t;
  }
  Txn end(int server, Txn prepared, Instant now) {
    const Txn t = commit(server, now);
    entry(t).ends = prepared;
    return t;
  }
  bool is_prepare(Txn t) const { return entry(t).prepares; }
  std::optional<Txn> ended_by(Txn t) const { return entry(t).ends; }
  bool is_xa(Txn t) const { return entry(t).prepares || entry(t).ends; }
  Instant committed_at(Txn t) const { return entry(t).at; }
  void acknowledge(Txn t) {
    acknowledged_.add(t);
    ++acknowledged_count_;
  }
  // An operator has given them up, by name.
  void give_up(const TxnSet& lost) { acknowledged_.remove(lost); }
  // Every transaction whose OK reached a client.
  const TxnSet& acknowledged() const { return acknowledged_; }
  int acknowledged_count() const { return acknowledged_count_; }
  int count() const { return static_cast<int>(entries_.size()); }
  gtid::GtidSet gtids(const TxnSet& set) const;
  TxnSet transactions(const gtid::GtidSet& set) const;

 private:
  struct Entry {
    int server = 0;
    int number = 0;
    Instant at;  // when it was written to its server's log
    bool prepares = false;
    std::optional<Txn> ends{};
  };
  Entry& entry(Txn t) { return entries_[static_cast<std::size_t>(t)]; }
  const Entry& entry(Txn t) const { return entries_[static_cast<std::size_t>(t)]; }
  std::vector<Entry> entries_;
  std::vector<int> next_number_;
  TxnSet acknowledged_;
  int acknowledged_count_ = 0;
};

}  // namespace trivet::sim
