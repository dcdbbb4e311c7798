// SPDX-License-Identifier: Apache-2.0
#include "sim/transactions.h"

#include <cstdio>
#include <string>

#include "base/assert.h"

namespace trivet::sim {

namespace {

std::string uuid_of(std::size_t server) {
  char text[48];
  std::snprintf(text, sizeof text, "00000000-0000-4000-8000-%012zx", server + 1);
  return text;
}

}  // namespace

TxnSet Ledger::transactions(const gtid::GtidSet& set) const {
  TxnSet out;
  for (Txn t = 0; t < count(); ++t) {
    const Entry& e = entry(t);
    if (set.has({uuid_of(static_cast<std::size_t>(e.server)), "", e.number})) {
      out.add(t);
    }
  }
  return out;
}

gtid::GtidSet Ledger::gtids(const TxnSet& set) const {
  // One server's transactions are numbered in the order of the ledger.
  std::vector<std::string> texts(next_number_.size());
  std::vector<std::pair<int, int>> runs(next_number_.size());  // first, last of the open run
  const auto close = [&](std::size_t server) {
    if (runs[server].first != 0) {
      texts[server] +=
          ":" + std::to_string(runs[server].first) + "-" + std::to_string(runs[server].second);
    }
  };
  for (Txn t = 0; t < count(); ++t) {
    if (!set.has(t)) {
      continue;
    }
    const Entry& one = entry(t);
    const auto server = static_cast<std::size_t>(one.server);
    if (runs[server].second + 1 != one.number || runs[server].first == 0) {
      close(server);
      runs[server].first = one.number;
    }
    runs[server].second = one.number;
  }
  std::string all;
  for (std::size_t server = 0; server < texts.size(); ++server) {
    close(server);
    if (!texts[server].empty()) {
      all += (all.empty() ? "" : ",") + uuid_of(server) + texts[server];
    }
  }
  auto parsed = gtid::GtidSet::parse(all);
  TRIVET_ASSERT(parsed.has_value());
  return std::move(*parsed);
}

}  // namespace trivet::sim
