// SPDX-License-Identifier: Apache-2.0
//
// The single checks of a login token, in the order in which they are made. parse.cc and verify.cc
// stop at the first that fails; explain.cc makes all that it can. Each returns what is wrong, or
// nothing. Only these three include this.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/uri.h"
#include "core/token/db_token.h"

namespace trivet::token::steps {

using Wrong = std::optional<Rejection>;

// parse.cc: what the text says.

// Without what belongs to the transport, not to the token.
std::string_view stripped(std::string_view text, const TokenLimits& limits);
// `text` is stripped, as below.
Wrong check_length(std::string_view text, const TokenLimits& limits);
// A token that lacks its end. Of texts that are refused only.
bool looks_cut(std::string_view text);
// Ends in a signature of too few digits. Of any text.
bool is_signature_cut(std::string_view text);
Rejection cut(std::string_view text);
Wrong check_text(std::string_view text);
// The text left of '?': HOST[:PORT] and at most one '/'.
Wrong read_host(std::string_view left, DbToken& token);
std::variant<QueryParameters, Rejection> read_query(std::string_view query);

// The parameters that every token has. Views into the pairs.
struct Fields {
  std::string_view action, db_user, algorithm, credential, date, expires, signed_headers, signature;
  std::optional<std::string> session_token;
};
std::variant<Fields, Rejection> read_fields(const QueryParameters& query);

Wrong check_algorithm(const Fields& fields);
Wrong check_signed_headers(const Fields& fields);
Wrong read_credential(const Fields& fields, DbToken& token);
Wrong check_service(const DbToken& token);
Wrong check_region(const DbToken& token, const ServerFacts& server);
Wrong check_action(const Fields& fields);
Wrong read_date(const Fields& fields, DbToken& token);
Wrong check_scope_date(const DbToken& token);
Wrong read_lifetime(const Fields& fields, const TokenLimits& limits, DbToken& token);
// The rest of the fields. `pairs` are those of which the fields are made.
void take_fields(const Fields& fields, const QueryParameters& pairs, DbToken& token);

// verify.cc: what key, server and time say. The token is whole.

// The Host value that the signature was made over; nullopt when it was made over none of them.
std::optional<std::string> signed_host(const DbToken& token, const KeyFacts& key);
Wrong check_key(const DbToken& token, const KeyFacts& key);
Wrong check_session_token(const DbToken& token, const KeyFacts& key);
Rejection bad_signature(const DbToken& token);
Wrong check_host(const DbToken& token, const ServerFacts& server);
Wrong check_user(const DbToken& token, const ServerFacts& server);

}  // namespace trivet::token::steps
