// SPDX-License-Identifier: Apache-2.0
#include "adapter/hosts/block.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace trivet::hosts {
namespace {

constexpr std::string_view kBegin = "# BEGIN trivet ";
constexpr std::string_view kEnd = "# END trivet ";
// On the BEGIN line: the newline before the block is ours too.
constexpr std::string_view kJoined = " +newline";

bool is_token(std::string_view text) {
  return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

bool is_address(const std::string& text) {
  unsigned char bytes[16];
  return ::inet_pton(AF_INET, text.c_str(), bytes) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

struct Block {
  std::size_t begin = 0;  // of the BEGIN line
  std::size_t end = 0;    // after the END line and its newline
  bool joined = false;
};

std::string_view line_at(std::string_view text, std::size_t at) {
  return text.substr(at, std::min(text.find('\n', at), text.size()) - at);
}

std::size_t after_line(std::string_view text, std::size_t at) {
  const std::size_t newline = text.find('\n', at);
  return newline == std::string_view::npos ? text.size() : newline + 1;
}

Error damaged(std::string_view installation, std::string_view what) {
  return make_error(Errc::kCorrupt,
                    fmt::format("the block \"{}{}\" of the hosts file {}; repair it by hand",
                                kBegin, installation, what));
}

Result<std::optional<Block>> find_block(std::string_view text, std::string_view installation) {
  const std::string begin = fmt::format("{}{}", kBegin, installation);
  const std::string joined = begin + std::string(kJoined);
  const std::string end = fmt::format("{}{}", kEnd, installation);
  std::optional<Block> found;
  bool open = false;
  for (std::size_t at = 0; at < text.size(); at = after_line(text, at)) {
    const std::string_view line = line_at(text, at);
    if (line == begin || line == joined) {
      if (found) {
        return damaged(installation, "is there twice");
      }
      found = Block{at, 0, line == joined};
      open = true;
    } else if (line == end) {
      if (!open) {
        return damaged(installation, "has an END without a BEGIN");
      }
      found->end = after_line(text, at);
      open = false;
    } else if (open && line.substr(0, kBegin.size()) == kBegin) {
      return damaged(installation, "has no END");
    }
  }
  if (open) {
    return damaged(installation, "has no END");
  }
  return found;
}

Result<std::string> block_text(std::string_view installation, const std::vector<Entry>& entries,
                               bool joined) {
  std::string out = fmt::format("{}{}{}\n", kBegin, installation, joined ? kJoined : "");
  for (const Entry& entry : entries) {
    if (!is_address(entry.address)) {
      return make_error(Errc::kInvalidArgument,
                        fmt::format("\"{}\" is not an address for the hosts file", entry.address));
    }
    if (entry.names.empty()) {
      return make_error(Errc::kInvalidArgument,
                        fmt::format("no name for {} in the hosts file", entry.address));
    }
    out += entry.address;
    for (const std::string& name : entry.names) {
      if (!is_token(name)) {
        return make_error(Errc::kInvalidArgument,
                          fmt::format("\"{}\" is not a name for the hosts file", name));
      }
      out += ' ';
      out += name;
    }
    out += '\n';
  }
  out += fmt::format("{}{}\n", kEnd, installation);
  return out;
}

Status check_installation(std::string_view installation) {
  if (!is_token(installation)) {
    return make_error(Errc::kInvalidArgument,
                      fmt::format("\"{}\" is not an installation id", installation));
  }
  return ok();
}

// `rest` begins with another installation's block that did not join the text before it: let it.
std::optional<std::string> hand_over_newline(std::string_view rest) {
  const std::string_view line = line_at(rest, 0);
  if (line.substr(0, kBegin.size()) != kBegin) {
    return std::nullopt;
  }
  std::string out(line);
  out += kJoined;
  out += rest.substr(line.size());
  return out;
}

}  // namespace

Result<std::string> with_block(std::string_view text, std::string_view installation,
                               const std::vector<Entry>& entries) {
  if (entries.empty()) {
    return without_block(text, installation);
  }
  TRIVET_CHECK_OK(check_installation(installation));
  TRIVET_TRY(const std::optional<Block> block, find_block(text, installation));
  if (block) {
    TRIVET_TRY(const std::string ours, block_text(installation, entries, block->joined));
    return std::string(text.substr(0, block->begin)) + ours + std::string(text.substr(block->end));
  }
  const bool joined = !text.empty() && text.back() != '\n';
  TRIVET_TRY(const std::string ours, block_text(installation, entries, joined));
  return std::string(text) + (joined ? "\n" : "") + ours;
}

Result<std::string> without_block(std::string_view text, std::string_view installation) {
  TRIVET_CHECK_OK(check_installation(installation));
  TRIVET_TRY(const std::optional<Block> block, find_block(text, installation));
  if (!block) {
    return std::string(text);
  }
  const std::string_view before = text.substr(0, block->begin);
  const std::string_view rest = text.substr(block->end);
  if (!block->joined || before.empty()) {
    return std::string(before) + std::string(rest);
  }
  if (rest.empty()) {
    return std::string(before.substr(0, before.size() - 1));
  }
  if (auto handed = hand_over_newline(rest)) {
    return std::string(before) + *handed;
  }
  // Somebody wrote below the block: the newline before it separates their lines now.
  return std::string(before) + std::string(rest);
}

}  // namespace trivet::hosts
