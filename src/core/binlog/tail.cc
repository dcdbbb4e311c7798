// SPDX-License-Identifier: Apache-2.0
#include "core/binlog/tail.h"

#include <utility>

#include "base/assert.h"

namespace trivet::binlog {
namespace {

// What is read whole. A GTID event has some hundred bytes, the "BEGIN" of a transaction that
// changes rows as well.
constexpr std::uint32_t kFormatBytesMax = 1U << 12U;
constexpr std::uint32_t kPreviousBytesMax = 1U << 26U;
constexpr std::uint32_t kGtidBytesMax = 1U << 12U;
constexpr std::uint32_t kBeginBytesMax = 1U << 16U;

// What MySQL 9.7 writes to a binary log.
bool is_known(std::uint8_t type) {
  constexpr std::uint8_t kUnknown = 43;
  return type >= kQuery && type < kUnknown;
}

}  // namespace

TailScanner::TailScanner(gtid::GtidSet writer_held, std::uint64_t file_bytes)
    : writer_held_(std::move(writer_held)) {
  tail_.file_bytes = file_bytes;
  if (file_bytes < kMagicBytes) {
    give_up("the file is empty");
  } else {
    want_ = Want{0, kMagicBytes};
  }
}

void TailScanner::give(std::string_view bytes) {
  TRIVET_ASSERT(want_ && bytes.size() == want_->length);
  switch (stage_) {
    case Stage::kMagic:
      take_magic(bytes);
      break;
    case Stage::kHeader:
      take_header(bytes);
      break;
    case Stage::kEvent:
      take_event(bytes);
      break;
  }
}

void TailScanner::take_magic(std::string_view bytes) {
  switch (magic_of(bytes)) {
    case Magic::kPlain:
      ask_header(kMagicBytes);
      break;
    case Magic::kEncrypted:
      give_up("it is encrypted");
      break;
    case Magic::kOther:
      give_up("the file is no binary log");
      break;
  }
}

void TailScanner::ask_header(std::uint64_t at) {
  at_ = at;
  if (tail_.file_bytes - at < kHeaderBytes) {
    end();  // the rest is what the kill cut off
    return;
  }
  stage_ = Stage::kHeader;
  want_ = Want{at, kHeaderBytes};
}

void TailScanner::next_event() {
  ask_header(at_ + header_.size);
}

void TailScanner::take_header(std::string_view bytes) {
  const auto header = parse_header(bytes);
  if (!header) {
    give_up(header.error().message);
    return;
  }
  header_ = *header;
  if (!is_known(header_.type)) {
    give_up("an event is of a kind that is not known");
    return;
  }
  if (header_.size > tail_.file_bytes - at_) {
    end();  // cut off in the middle
    return;
  }
  std::uint32_t most = 0;
  if (!format_) {
    most = header_.type == kFormatDescription ? kFormatBytesMax : 0;
  } else if (!has_previous_) {
    most = header_.type == kPreviousGtids ? kPreviousBytesMax : 0;
  } else if (header_.type == kGtid || header_.type == kTaggedGtid) {
    most = kGtidBytesMax;
  } else if (tail_.begins_at != 0 && header_.type == kQuery && header_.size <= kBeginBytesMax) {
    most = kBeginBytesMax;
  } else {
    if (tail_.begins_at != 0) {
      look_at_part({});
    }
    next_event();
    return;
  }
  if (header_.size > most) {
    give_up("it does not begin as a binary log does, or an event is too large");
    return;
  }
  stage_ = Stage::kEvent;
  want_ = Want{at_, header_.size};
}

void TailScanner::take_event(std::string_view bytes) {
  if (!format_) {
    const auto format = parse_format_description(bytes);
    if (!format) {
      give_up(format.error().message);
      return;
    }
    format_ = *format;
    tail_.in_use = format->in_use;
  } else if (!has_previous_) {
    auto previous = parse_previous_gtids(bytes, *format_);
    if (!previous) {
      give_up(previous.error().message);
      return;
    }
    has_previous_ = true;
    tail_.preamble = at_ + header_.size;
    tail_.lacking = gtid::minus(*previous, writer_held_);
    tail_.is_in_last_file = tail_.lacking.empty();
  } else if (header_.type == kQuery) {
    look_at_part(bytes);
  } else {
    const auto gtid = parse_gtid(bytes, *format_);
    if (!gtid) {
      give_up(gtid.error().message);
      return;
    }
    take_gtid(*gtid);
  }
  if (want_) {
    next_event();
  }
}

void TailScanner::take_gtid(const gtid::Gtid& gtid) {
  complete();
  if (writer_held_.has(gtid)) {
    tail_.is_contiguous = tail_.is_contiguous && tail_.begins_at == 0;
    return;
  }
  if (tail_.begins_at == 0) {
    tail_.begins_at = at_;
  }
  open_ = gtid;
}

// An event after the tail's begin that is no GTID; `event` only where its text matters.
void TailScanner::look_at_part(std::string_view event) {
  switch (header_.type) {
    case kTableMap:
    case kRowsQuery:
    case kWriteRows:
    case kUpdateRows:
    case kDeleteRows:
    case kPartialUpdateRows:
      break;
    case kXid:
      complete();
      break;
    case kQuery: {
      const auto text = event.empty() ? Result<std::string_view>(std::string_view())
                                      : parse_query(event, *format_);
      if (!text) {
        give_up(text.error().message);
      } else if (*text != "BEGIN") {
        obstacle("a statement that is no change of rows");
        complete();
      }
      break;
    }
    case kAnonymousGtid:
      obstacle("a transaction without a GTID");
      break;
    case kXaPrepare:
      obstacle("a prepared XA transaction");
      complete();
      break;
    case kTransactionPayload:
      obstacle("a compressed transaction");
      complete();
      break;
    case kStop:
    case kRotate:
      obstacle("an orderly end of the file");
      break;
    default:
      obstacle("an event of type " + std::to_string(header_.type));
      break;
  }
}

void TailScanner::complete() {
  if (open_) {
    tail_.lacking.add(*open_);
    open_.reset();
  }
}

void TailScanner::obstacle(const std::string& what) {
  if (tail_.obstacle.empty()) {
    tail_.obstacle = what;
  }
}

void TailScanner::end() {
  want_.reset();
  if (!has_previous_) {
    give_up("its beginning is cut off");
  }
}

void TailScanner::give_up(const std::string& why) {
  want_.reset();
  tail_.unreadable = why;
}

}  // namespace trivet::binlog
