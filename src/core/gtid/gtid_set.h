// SPDX-License-Identifier: Apache-2.0
//
// Sets of global transaction identifiers, tags included, so that a decision about who has what
// needs no query. Text form and rules: MySQL manual, "GTID Sets" (replication-gtids-concepts).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace trivet::gtid {

// One transaction's name. Plain value.
struct Gtid {
  std::string uuid;  // lower case
  std::string tag;   // "" for none
  std::int64_t number = 0;
  std::string str() const;
};

// A set of "uuid[:tag]:number". Plain value; thread-compatible.
class GtidSet {
 public:
  GtidSet() = default;

  // "uuid:1-5:7, uuid:tag:1-3"; blanks and line feeds are ignored, "" is the empty set.
  // kInvalidArgument for anything that MySQL would not print.
  static Result<GtidSet> parse(std::string_view text);

  // MySQL's form, without blanks: "uuid:1-5:7:tag:1-3,uuid2:1".
  std::string str() const;

  bool empty() const { return intervals_.empty(); }
  std::uint64_t count() const;
  bool contains(const GtidSet& other) const;
  bool has(const Gtid& one) const;
  void add(const GtidSet& other);
  void add(const Gtid& one);
  void subtract(const GtidSet& other);
  // What the server with this uuid committed, whatever the tags.
  GtidSet of_server(std::string_view uuid) const;
  friend bool operator==(const GtidSet&, const GtidSet&) = default;

 private:
  struct Interval {  // first..last, both in
    std::int64_t first = 0;
    std::int64_t last = 0;
    friend bool operator==(const Interval&, const Interval&) = default;
  };
  struct Source {  // a server's uuid and the tag, "" for none
    std::string uuid;
    std::string tag;
    friend auto operator<=>(const Source&, const Source&) = default;
  };
  static void normalise(std::vector<Interval>& intervals);

  // Sorted, disjoint, not touching, never empty for a key that is present.
  std::map<Source, std::vector<Interval>> intervals_;
};

GtidSet united(const GtidSet& a, const GtidSet& b);
GtidSet minus(const GtidSet& a, const GtidSet& b);

}  // namespace trivet::gtid
