// SPDX-License-Identifier: Apache-2.0
#include "core/binlog/event.h"

#include <array>
#include <bit>
#include <limits>
#include <optional>

namespace trivet::binlog {
namespace {

constexpr std::size_t kUuidBytes = 16;
constexpr std::size_t kTagBytesMax = 32;

Error corrupt(std::string what) {
  return make_error(Errc::kCorrupt, std::move(what));
}

// Reads from the front. After the end everything is zero and `failed` says so.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t little_endian(std::size_t width) {
    std::uint64_t value = 0;
    const std::string_view bytes = take(width);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    }
    return value;
  }
  // mysql::serialization: as many extra bytes as the first one has trailing ones.
  std::uint64_t variable() {
    const auto first = static_cast<std::uint8_t>(little_endian(1));
    const auto extra = static_cast<std::size_t>(std::countr_one(first));
    if (extra == 8) {
      return little_endian(8);
    }
    const std::uint64_t high = little_endian(extra);
    return (std::uint64_t{first} >> (extra + 1)) | (high << (7 - extra));
  }
  std::string_view take(std::size_t length) {
    if (length > rest_.size()) {
      failed_ = true;
      rest_ = {};
      return {};
    }
    const std::string_view out = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return out;
  }
  std::string_view rest() const { return rest_; }
  bool failed() const { return failed_; }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

std::string uuid_text(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) {
      out += '-';
    }
    const auto byte = static_cast<unsigned char>(bytes[i]);
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 15U];
  }
  return out;
}

Result<gtid::Gtid> checked(gtid::Gtid gtid) {
  // The text form's parser knows what a uuid, a tag and a number may be.
  const auto set = gtid::GtidSet::parse(gtid.str());
  return set && set->count() == 1 ? Result<gtid::Gtid>(std::move(gtid))
                                  : corrupt("an event names no transaction that MySQL would name");
}

// What stands between the header and the checksum, which must be right.
Result<std::string_view> body_of(std::string_view event, const Format& format) {
  const std::size_t tail = format.has_checksums ? kChecksumBytes : 0;
  if (event.size() < kHeaderBytes + tail) {
    return corrupt("an event is cut off");
  }
  if (format.has_checksums) {
    const std::string_view sum = event.substr(event.size() - kChecksumBytes);
    if (Reader(sum).little_endian(kChecksumBytes) != crc32(event.substr(0, event.size() - tail))) {
      return corrupt("an event's checksum is wrong");
    }
  }
  return event.substr(kHeaderBytes, event.size() - kHeaderBytes - tail);
}

Result<gtid::Gtid> parse_plain_gtid(std::string_view body) {
  Reader in(body);
  in.take(1);  // flags
  gtid::Gtid out;
  out.uuid = uuid_text(in.take(kUuidBytes));
  out.number = static_cast<std::int64_t>(in.little_endian(8));
  return in.failed() ? corrupt("a GTID event is cut off") : checked(std::move(out));
}

// Fields come in the order of their numbers: 0 flags, 1 uuid, 2 number, 3 tag; the rest is not
// needed.
Result<gtid::Gtid> parse_tagged_gtid(std::string_view body) {
  constexpr std::uint64_t kVersion = 1;
  Reader in(body);
  if (in.variable() != kVersion) {
    return corrupt("a tagged GTID event has another version");
  }
  in.variable();  // size
  in.variable();  // the last field that must be understood
  if (in.variable() != 0 || (in.variable(), in.variable()) != 1) {
    return corrupt("a tagged GTID event has other fields");
  }
  std::string uuid;
  for (std::size_t i = 0; i < kUuidBytes; ++i) {
    const std::uint64_t byte = in.variable();
    if (byte > std::numeric_limits<std::uint8_t>::max()) {
      return corrupt("a tagged GTID event has no uuid");
    }
    uuid += static_cast<char>(byte);
  }
  gtid::Gtid out;
  out.uuid = uuid_text(uuid);
  if (in.variable() != 2) {
    return corrupt("a tagged GTID event has no number");
  }
  const std::uint64_t number = in.variable();  // signed: the sign is the lowest bit
  out.number = (number & 1U) != 0 ? 0 : static_cast<std::int64_t>(number >> 1U);
  if (in.variable() != 3) {
    return corrupt("a tagged GTID event has no tag");
  }
  const std::uint64_t length = in.variable();
  if (in.failed() || length > kTagBytesMax) {
    return corrupt("a tagged GTID event is cut off");
  }
  out.tag = std::string(in.take(static_cast<std::size_t>(length)));
  return in.failed() ? corrupt("a tagged GTID event is cut off") : checked(std::move(out));
}

}  // namespace

std::uint32_t crc32(std::string_view bytes) {
  static constexpr std::array<std::uint32_t, 256> kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) {
        value = (value & 1U) != 0 ? (value >> 1U) ^ 0xedb88320U : value >> 1U;
      }
      table[i] = value;
    }
    return table;
  }();
  std::uint32_t crc = 0xffffffffU;
  for (const char byte : bytes) {
    crc = kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xffU] ^ (crc >> 8U);
  }
  return ~crc;
}

Magic magic_of(std::string_view first_bytes) {
  const std::string_view magic = first_bytes.substr(0, kMagicBytes);
  if (magic == std::string_view("\xfe"
                                "bin")) {
    return Magic::kPlain;
  }
  return magic == std::string_view(
                      "\xfd"
                      "bin")
             ? Magic::kEncrypted
             : Magic::kOther;
}

Result<EventHeader> parse_header(std::string_view bytes) {
  Reader in(bytes);
  EventHeader out;
  in.take(4);  // time
  out.type = static_cast<std::uint8_t>(in.little_endian(1));
  in.take(4);  // server
  out.size = static_cast<std::uint32_t>(in.little_endian(4));
  in.take(4);  // position after it
  out.flags = static_cast<std::uint16_t>(in.little_endian(2));
  if (in.failed() || out.type == 0 || out.size < kHeaderBytes) {
    return corrupt("what should be an event is none");
  }
  return out;
}

Result<Format> parse_format_description(std::string_view event) {
  constexpr std::size_t kVersionAndServer = 2 + 50 + 4 + 1;
  constexpr std::uint64_t kVersion = 4;
  constexpr std::uint16_t kInUse = 1;
  TRIVET_TRY(const EventHeader header, parse_header(event));
  constexpr std::size_t kLeast = kHeaderBytes + kVersionAndServer + 1 + kChecksumBytes;
  if (header.type != kFormatDescription || event.size() != header.size || event.size() < kLeast) {
    return corrupt("the file does not begin with its format");
  }
  Reader in(event.substr(kHeaderBytes));
  if (in.little_endian(2) != kVersion) {
    return corrupt("the file has another version");
  }
  Format out;
  out.in_use = (header.flags & kInUse) != 0;
  const auto algorithm =
      static_cast<unsigned char>(event[event.size() - kChecksumBytes - 1]);  // 0 off, 1 CRC32
  if (algorithm > 1) {
    return corrupt("the file has checksums of another kind");
  }
  out.has_checksums = algorithm == 1;
  if (out.has_checksums) {
    // It was made before the flag was set or cleared.
    std::string made(event);
    made[kHeaderBytes - 2] = static_cast<char>(static_cast<unsigned char>(made[17]) & ~1U);
    TRIVET_TRY(const std::string_view body, body_of(made, out));
    (void)body;
  }
  return out;
}

Result<gtid::GtidSet> parse_previous_gtids(std::string_view event, const Format& format) {
  constexpr std::uint64_t kSourcesMax = 1U << 20U;
  TRIVET_TRY(const std::string_view body, body_of(event, format));
  Reader in(body);
  const std::uint64_t head = in.little_endian(8);
  const bool tagged = head >> 56U == 1;
  if (head >> 56U > 1) {
    return corrupt("a set of GTIDs has another format");
  }
  const std::uint64_t sources = tagged ? (head & 0x00ffffffffffffffU) >> 8U : head;
  if (sources > kSourcesMax) {
    return corrupt("a set of GTIDs has too many sources");
  }
  std::string text;
  for (std::uint64_t source = 0; source < sources && !in.failed(); ++source) {
    text += (text.empty() ? "" : ",") + uuid_text(in.take(kUuidBytes));
    if (tagged) {
      const std::uint64_t length = in.variable();
      if (length > kTagBytesMax) {
        return corrupt("a tag is too long");
      }
      const std::string_view tag = in.take(static_cast<std::size_t>(length));
      text += tag.empty() ? "" : ":" + std::string(tag);
    }
    const std::uint64_t intervals = in.little_endian(8);
    for (std::uint64_t i = 0; i < intervals && !in.failed(); ++i) {
      const std::uint64_t first = in.little_endian(8);
      const std::uint64_t end = in.little_endian(8);  // one after the last
      text += ":" + std::to_string(first) + "-" + std::to_string(end - 1);
    }
  }
  if (in.failed() || !in.rest().empty()) {
    return corrupt("a set of GTIDs is cut off");
  }
  auto set = gtid::GtidSet::parse(text);
  return set ? std::move(set) : Result<gtid::GtidSet>(corrupt("a set of GTIDs cannot be read"));
}

Result<gtid::Gtid> parse_gtid(std::string_view event, const Format& format) {
  TRIVET_TRY(const EventHeader header, parse_header(event));
  TRIVET_TRY(const std::string_view body, body_of(event, format));
  return header.type == kTaggedGtid ? parse_tagged_gtid(body) : parse_plain_gtid(body);
}

Result<std::string_view> parse_query(std::string_view event, const Format& format) {
  TRIVET_TRY(const std::string_view body, body_of(event, format));
  Reader in(body);
  in.take(4 + 4);  // thread, seconds
  const std::uint64_t schema = in.little_endian(1);
  in.take(2);  // error
  const std::uint64_t variables = in.little_endian(2);
  in.take(static_cast<std::size_t>(variables));
  in.take(static_cast<std::size_t>(schema) + 1);
  return in.failed() ? Result<std::string_view>(corrupt("a statement's event is cut off"))
                     : in.rest();
}

}  // namespace trivet::binlog
