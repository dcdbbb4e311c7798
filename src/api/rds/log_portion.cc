// SPDX-License-Identifier: Apache-2.0
#include "api/rds/log_portion.h"

#include "base/uri.h"

namespace trivet::api::rds {
namespace {

std::string shown(std::string_view text) {
  std::string out(text);
  if (!is_valid_utf8(out)) {
    for (char& c : out) {
      c = static_cast<unsigned char>(c) >= 0x80 ? '?' : c;
    }
  }
  return out;
}

}  // namespace

LogPortion head_of(std::string_view data, std::int32_t lines) {
  std::size_t end = 0;
  for (std::int32_t i = 0; i < lines; ++i) {
    const auto at = data.find('\n', end);
    if (at == std::string_view::npos) {
      break;
    }
    end = at + 1;
  }
  if (end == 0) {
    end = data.size();
  }
  return {shown(data.substr(0, end)), end};
}

LogPortion tail_of(std::string_view data, std::int32_t lines, bool is_cut) {
  std::size_t begin = data.size();
  for (std::int32_t i = 0; i < lines && begin > 0; ++i) {
    // The line before `begin`, which stands behind its end.
    const auto at = begin < 2 ? std::string_view::npos : data.rfind('\n', begin - 2);
    if (at == std::string_view::npos) {
      begin = is_cut ? begin : 0;
      break;
    }
    begin = at + 1;
  }
  return {shown(data.substr(begin)), data.size()};
}

}  // namespace trivet::api::rds
