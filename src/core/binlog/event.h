// SPDX-License-Identifier: Apache-2.0
//
// Events of MySQL's binary log, version 4, as far as a log must be understood to tell which
// transactions it holds and what kind they are. Bytes in, values out; lengths are never trusted.
// Formats: MySQL source documentation, "Binary log event" and "Gtid_event", of 9.7.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/gtid/gtid_set.h"

namespace trivet::binlog {

constexpr std::size_t kMagicBytes = 4;
constexpr std::size_t kHeaderBytes = 19;
constexpr std::size_t kChecksumBytes = 4;

enum EventType : std::uint8_t {
  kQuery = 2,
  kStop = 3,
  kRotate = 4,
  kFormatDescription = 15,
  kXid = 16,
  kTableMap = 19,
  kRowsQuery = 29,
  kWriteRows = 30,
  kUpdateRows = 31,
  kDeleteRows = 32,
  kGtid = 33,
  kAnonymousGtid = 34,
  kPreviousGtids = 35,
  kXaPrepare = 38,
  kPartialUpdateRows = 39,
  kTransactionPayload = 40,
  kTaggedGtid = 42,
};

enum class Magic { kPlain, kEncrypted, kOther };
Magic magic_of(std::string_view first_bytes);

struct EventHeader {
  std::uint8_t type = 0;
  std::uint32_t size = 0;  // with header and checksum
  std::uint16_t flags = 0;
};
// Of the first kHeaderBytes. kCorrupt when they cannot be an event's.
Result<EventHeader> parse_header(std::string_view bytes);

struct Format {
  bool has_checksums = false;
  bool in_use = false;  // never closed in order: the server that wrote it was killed, or runs
};
// What follows takes a whole event, from its header to its end, checksum included. kCorrupt for
// what MySQL would not write.
Result<Format> parse_format_description(std::string_view event);
Result<gtid::GtidSet> parse_previous_gtids(std::string_view event, const Format& format);
// Of a kGtid or a kTaggedGtid.
Result<gtid::Gtid> parse_gtid(std::string_view event, const Format& format);
// The statement's text.
Result<std::string_view> parse_query(std::string_view event, const Format& format);

std::uint32_t crc32(std::string_view bytes);  // IEEE 802.3, as zlib's

}  // namespace trivet::binlog
