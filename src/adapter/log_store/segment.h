// SPDX-License-Identifier: Apache-2.0
//
// A segment: a file with events of one stream, appended one after the other, which is removed as a
// whole. A record is "AT INGESTED LENGTH\n", the message, "\n"; times are milliseconds since 1970.
// A full segment's name says what is in it, so that it need not be read to be skipped.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace trivet::log_store {

struct Record {
  std::int64_t offset = 0;  // of the record in its segment
  std::int64_t end = 0;     // behind it
  WallTime at{};
  WallTime ingested{};
  std::string_view message;  // of the text that was parsed
};

// Plain value: what is known of one file.
struct Segment {
  std::int64_t number = 0;
  std::int64_t bytes = 0;
  std::int64_t events = 0;
  WallTime first = WallTime::max();  // the earliest and the latest time in it
  WallTime last = WallTime::min();
  WallTime ingested{};
  bool is_full = false;  // sealed: its name has its facts

  std::string file_name() const;
  void count(WallTime at, WallTime when);
};

std::string encode_record(WallTime at, WallTime ingested, std::string_view message);
// The whole records at the start of `text`. A torn one at the end, after a kill, is left out.
std::vector<Record> parse_records(std::string_view text);
// nullopt: no segment's name. Of one that is not full only the number is known.
std::optional<Segment> parse_file_name(std::string_view name);

}  // namespace trivet::log_store
