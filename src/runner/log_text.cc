// SPDX-License-Identifier: Apache-2.0
#include "runner/log_text.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/uri.h"

namespace trivet::runner {

std::string valid_text(std::string text) {
  if (is_valid_utf8(text)) {
    return text;
  }
  std::string out;
  const std::string_view all = text;
  for (std::size_t at = 0; at < all.size();) {
    std::size_t size = 1;
    while (size <= 4 && !is_valid_utf8(all.substr(at, size))) {
      ++size;
    }
    if (size <= 4 && at + size <= all.size()) {
      out += all.substr(at, size);
      at += size;
    } else {
      out += "\xEF\xBF\xBD";
      ++at;
    }
  }
  return out;
}

std::optional<BubblewrapError> what_bubblewrap_said(std::string_view line) {
  constexpr std::string_view kExec = "bwrap: execvp ";
  if (line.substr(0, 7) != "bwrap: ") {
    return std::nullopt;
  }
  const std::size_t colon = line.rfind(": ");
  if (line.substr(0, kExec.size()) != kExec || colon < kExec.size()) {
    return BubblewrapError{};
  }
  return BubblewrapError{std::string(line.substr(kExec.size(), colon - kExec.size())),
                         to_lower(line.substr(colon + 2))};
}

std::string trace_id_of(std::string_view request_id) {
  std::string digits(request_id);
  digits.erase(std::remove(digits.begin(), digits.end(), '-'), digits.end());
  digits.resize(32, '0');
  return "Root=1-" + digits.substr(0, 8) + "-" + digits.substr(8, 24) +
         ";Parent=" + digits.substr(16, 16) + ";Sampled=0";
}

}  // namespace trivet::runner
