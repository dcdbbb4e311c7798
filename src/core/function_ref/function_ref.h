// SPDX-License-Identifier: Apache-2.0
//
// How a call names a function: "report", "report:live", "123456789012:function:report",
// "arn:aws:lambda:us-east-1:123456789012:function:report:7". Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/ids.h"

namespace trivet::function_ref {

// Plain value. What the text does not say is empty.
struct FunctionRef {
  std::string partition;
  std::string region;
  std::string account;
  std::string name;
  std::string qualifier;  // a version, an alias, "$LATEST"
};

// nullopt: it names no function.
std::optional<FunctionRef> parse(std::string_view text);

bool is_version(std::string_view qualifier);  // digits
bool is_alias(std::string_view qualifier);    // a name, and no version

// "arn:aws:lambda:us-east-1:123456789012:function:report", with ":QUALIFIER" when there is one.
std::string arn_of(const Realm& realm, std::string_view name, std::string_view qualifier = {});
// "arn:aws:lambda:us-east-1:123456789012:layer:pymysql"
std::string layer_arn(const Realm& realm, std::string_view name);

struct LayerRef {
  std::string region;
  std::string account;
  std::string name;
  std::string version;  // digits; empty: the layer as a whole
};
// An ARN, or a bare name (then region and account are empty). nullopt: neither.
std::optional<LayerRef> parse_layer(std::string_view text);

}  // namespace trivet::function_ref
