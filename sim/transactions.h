// SPDX-License-Identifier: Apache-2.0
//
// Transactions of one schedule. Each has a number, which indexes everything, and the GTID under
// which the control plane knows it.
#pragma once

#include <cstdint>
#include <vector>

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
  Txn commit(int server) {
    entries_.push_back({server, next_number_[static_cast<std::size_t>(server)]++, false});
    return static_cast<Txn>(entries_.size()) - 1;
  }
  void acknowledge(Txn t) {
    entries_[static_cast<std::size_t>(t)].acknowledged = true;
    acknowledged_.add(t);
    ++acknowledged_count_;
  }
  // Every transaction whose OK reached a client.
  const TxnSet& acknowledged() const { return acknowledged_; }
  int acknowledged_count() const { return acknowledged_count_; }
  bool is_acknowledged(Txn t) const { return entries_[static_cast<std::size_t>(t)].acknowledged; }
  int count() const { return static_cast<int>(entries_.size()); }
  gtid::GtidSet gtids(const TxnSet& set) const;

 private:
  struct Entry {
    int server = 0;
    int number = 0;
    bool acknowledged = false;
  };
  std::vector<Entry> entries_;
  std::vector<int> next_number_;
  TxnSet acknowledged_;
  int acknowledged_count_ = 0;
};

}  // namespace trivet::sim
