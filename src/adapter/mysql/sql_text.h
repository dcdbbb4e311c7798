// SPDX-License-Identifier: Apache-2.0
//
// Texts and names inside SQL.
#pragma once

#include <string>
#include <string_view>

namespace trivet::mysql {

// 'it''s' with its quotes. Safe under every sql_mode; a backslash is kept as it is unless the
// session has NO_BACKSLASH_ESCAPES (ours has not), where it comes out doubled.
std::string quote(std::string_view text);
// `name` with its back ticks.
std::string quote_name(std::string_view name);
// 'user'@'host'.
std::string quote_account(std::string_view user, std::string_view host);
// Replaces each "?" of `pattern`, in order, by a text that is already quoted or a number. Requires:
// as many values as question marks.
std::string bind(std::string_view pattern, std::initializer_list<std::string_view> values);

}  // namespace trivet::mysql
