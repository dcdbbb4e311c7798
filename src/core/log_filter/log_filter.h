// SPDX-License-Identifier: Apache-2.0
//
// Filter patterns of CloudWatch Logs for text: `ERROR`, `"two words"`, `ERROR -retry`, `?a ?b`.
// AWS: "Filter pattern syntax". Patterns for JSON and for columns are not built. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace trivet::log_filter {

// Plain value; an empty one lets everything through.
struct Filter {
  std::vector<std::string> all;   // each must be in the message
  std::vector<std::string> any;   // one of them must be, if there are any and `all` is empty
  std::vector<std::string> none;  // none may be
  bool matches(std::string_view message) const;
};

// kInvalidArgument, with what cannot be read or is not built.
Result<Filter> parse(std::string_view pattern);

}  // namespace trivet::log_filter
