// SPDX-License-Identifier: Apache-2.0
#include "model/arn.h"

#include <array>

namespace trivet {

std::string Arn::str() const {
  return "arn:" + partition + ":" + service + ":" + region + ":" + account + ":" + resource;
}

std::optional<Arn> parse_arn(std::string_view text) {
  if (!text.starts_with("arn:")) {
    return std::nullopt;
  }
  text.remove_prefix(4);
  std::array<std::string, 4> parts;
  for (std::string& part : parts) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) {
      return std::nullopt;
    }
    part = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  return Arn{parts[0], parts[1], parts[2], parts[3], std::string(text)};
}

}  // namespace trivet
