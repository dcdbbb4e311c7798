// SPDX-License-Identifier: Apache-2.0
//
// Percent-encoding by AWS's rules (RFC 3986: only A-Za-z0-9-._~ stay) and query strings.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trivet {

std::string percent_encode(std::string_view text);
void append_percent_encoded(std::string_view text, std::string& out);
// As percent_encode, but '/' stays: for paths.
std::string percent_encode_path(std::string_view path);
// Strict: a '%' must have two hex digits behind it, else nullopt. '+' is a plus sign.
std::optional<std::string> percent_decode(std::string_view text);
// application/x-www-form-urlencoded: as percent_decode, but '+' is a blank.
std::optional<std::string> form_decode(std::string_view text);

using QueryParameters = std::vector<std::pair<std::string, std::string>>;
// "a=1&b=2" → pairs in their order, decoded with percent_decode (a '+' stays). A part without '='
// has an empty value; empty parts are dropped. nullopt when an escape is malformed.
std::optional<QueryParameters> split_query(std::string_view query);
// The same with form_decode: for request bodies.
std::optional<QueryParameters> split_form(std::string_view body);
bool is_valid_utf8(std::string_view text);  // rejects over-long forms and surrogates

}  // namespace trivet
