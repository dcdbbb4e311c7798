// SPDX-License-Identifier: Apache-2.0
//
// What the last file of a member's binary log holds that the writer lacks: read offline, before a
// server may start from it. The scanner asks for bytes and is given them, so it works on files of
// any size with little memory and knows no file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/binlog/event.h"
#include "core/gtid/gtid_set.h"

namespace trivet::binlog {

// Plain value.
struct Tail {
  std::string unreadable;       // why the file cannot be relied on; empty: it can
  bool in_use = false;          // its server was killed
  bool is_in_last_file = true;  // the files before it hold nothing that the writer lacks
  bool is_contiguous = true;    // nothing that the writer has comes after it in the file
  std::string obstacle;         // what is in it beside changes of rows; empty: nothing
  gtid::GtidSet lacking;        // its transactions, of earlier files too; whole ones only
  std::uint64_t preamble = 0;   // so many bytes describe the file: magic, format, earlier GTIDs
  std::uint64_t begins_at = 0;  // the offset of its first event in the last file; 0: none is there
  std::uint64_t file_bytes = 0;
};

// One file's scan. Not thread-safe.
class TailScanner {
 public:
  struct Want {
    std::uint64_t offset = 0;
    std::size_t length = 0;
  };
  TailScanner(gtid::GtidSet writer_held, std::uint64_t file_bytes);

  // The bytes that it needs next, all within the file; nullopt: the scan is over.
  std::optional<Want> want() const { return want_; }
  // What stands there. Requires: want(), and exactly as many bytes.
  void give(std::string_view bytes);
  const Tail& tail() const { return tail_; }

 private:
  enum class Stage { kMagic, kHeader, kEvent };
  void take_magic(std::string_view bytes);
  void take_header(std::string_view bytes);
  void take_event(std::string_view bytes);
  void take_gtid(const gtid::Gtid& gtid);
  void look_at_part(std::string_view event);
  void ask_header(std::uint64_t at);
  void next_event();
  void end();
  void give_up(const std::string& why);
  void obstacle(const std::string& what);
  void complete();

  gtid::GtidSet writer_held_;
  Tail tail_;
  Stage stage_ = Stage::kMagic;
  std::optional<Want> want_;
  std::uint64_t at_ = 0;  // the event's offset
  EventHeader header_;
  std::optional<Format> format_;
  bool has_previous_ = false;
  std::optional<gtid::Gtid> open_;  // of the tail, its end not seen yet
};

}  // namespace trivet::binlog
