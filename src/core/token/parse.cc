// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <utility>

#include "base/iso8601.h"
#include "base/uri.h"
#include "core/sigv4/canonical.h"
#include "core/token/db_token.h"
#include "core/token/steps.h"

namespace trivet::token {
namespace steps {
namespace {

constexpr std::string_view kSignatureName = "X-Amz-Signature";
constexpr std::size_t kSignatureDigits = 64;
constexpr std::size_t kBytesHardMax = 64 * 1024;

Rejection malformed(std::string detail) {
  return {Reason::kMalformed, std::move(detail)};
}

// Where known clients cut a password without a word: terminal lines, fixed buffers, column widths.
constexpr std::array<std::size_t, 17> kClientCuts = {
    79, 80, 127, 128, 255, 256, 511, 512, 1000, 1023, 1024, 2000, 2047, 2048, 4000, 4095, 4096};

constexpr std::array<std::string_view, 9> kNames = {
    "Action",      "DBUser",        "X-Amz-Algorithm",     "X-Amz-Credential",
    "X-Amz-Date",  "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Security-Token",
    kSignatureName};

bool begins_a_name(std::string_view text) {
  return std::any_of(kNames.begin(), kNames.end(),
                     [text](std::string_view name) { return name.starts_with(text); });
}

// "%" or "%2" at the very end.
bool ends_in_an_escape(std::string_view text) {
  return text.substr(text.size() - std::min<std::size_t>(text.size(), 2)).find('%') !=
         std::string_view::npos;
}

}  // namespace

bool is_signature_cut(std::string_view text) {
  const std::string_view last = text.substr(text.rfind('&') + 1);  // all of it without '&'
  if (last.size() <= kSignatureName.size() || !last.starts_with(kSignatureName) ||
      last[kSignatureName.size()] != '=') {
    return false;
  }
  const std::string_view value = last.substr(kSignatureName.size() + 1);
  return value.size() < kSignatureDigits &&
         std::all_of(
             value.begin(), value.end(),
             [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool looks_cut(std::string_view text) {
  const auto question = text.find('?');
  if (question == std::string_view::npos) {
    return false;
  }
  const std::string_view query = text.substr(question + 1);
  if (!query.starts_with("Action=") && !query.starts_with("DBUser=") &&
      !query.starts_with("X-Amz-")) {
    return false;
  }
  if (is_signature_cut(text)) {
    return true;
  }
  const std::string_view last = query.substr(query.rfind('&') + 1);
  if (last.find('=') == std::string_view::npos) {
    return begins_a_name(last);  // in the middle of a name, or behind an '&'
  }
  return query.find("X-Amz-Signature=") == std::string_view::npos &&
         (ends_in_an_escape(text) ||
          std::find(kClientCuts.begin(), kClientCuts.end(), text.size()) != kClientCuts.end());
}

Rejection cut(std::string_view text) {
  return {Reason::kTruncated, "the token is cut after " + std::to_string(text.size()) +
                                  " bytes: a limit of the client or its driver"};
}

std::string_view stripped(std::string_view text, const TokenLimits& limits) {
  if (text.ends_with('\0')) {
    text.remove_suffix(1);
  }
  if (limits.strip_line_end && text.ends_with('\n')) {
    text.remove_suffix(1);
    if (text.ends_with('\r')) {
      text.remove_suffix(1);
    }
  }
  return text;
}

Wrong check_length(std::string_view text, const TokenLimits& limits) {
  const std::size_t bytes_max = std::min(limits.bytes_max, kBytesHardMax);
  if (text.empty()) {
    return Rejection{Reason::kEmpty, "the client sent no password"};
  }
  if (text.size() > bytes_max) {
    return Rejection{Reason::kTooLong, "the token has " + std::to_string(text.size()) +
                                           " bytes, at most " + std::to_string(bytes_max) +
                                           " are accepted"};
  }
  return std::nullopt;
}

Wrong check_text(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), [](char c) { return c < 0x21 || c > 0x7E; })) {
    return malformed("the token has a blank, a control character or a byte above 0x7E");
  }
  if (text.find('?') == std::string_view::npos) {
    return malformed("this is not a token: there is no '?'");
  }
  return std::nullopt;
}

// The query as decoded pairs. Strict: no empty name, no bad escape, no bad UTF-8, no name twice,
// because what the signature covers and what is read must be the same thing.
std::variant<QueryParameters, Rejection> read_query(std::string_view query) {
  constexpr std::size_t kUsualParameters = 10;
  QueryParameters out;
  out.reserve(kUsualParameters);
  while (true) {
    const auto amp = query.find('&');
    const std::string_view part = query.substr(0, amp);
    const auto equals = part.find('=');
    auto name = percent_decode(part.substr(0, equals));
    auto value = equals == std::string_view::npos ? std::optional<std::string>("")
                                                  : percent_decode(part.substr(equals + 1));
    if (!name || !value) {
      return malformed("a percent-escape is broken");
    }
    if (name->empty()) {
      return malformed("a parameter has no name");
    }
    if (!is_valid_utf8(*name) || !is_valid_utf8(*value)) {
      return malformed("a parameter is not UTF-8");
    }
    out.emplace_back(std::move(*name), std::move(*value));
    if (amp == std::string_view::npos) {
      break;
    }
    query.remove_prefix(amp + 1);
  }
  std::vector<std::string_view> names;
  names.reserve(out.size());
  for (const auto& pair : out) {
    names.push_back(pair.first);
  }
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) {
    return Rejection{Reason::kDuplicateParameter,
                     "parameter " + log_quoted(*twice) + " is repeated"};
  }
  return out;
}

std::variant<Fields, Rejection> read_fields(const QueryParameters& query) {
  Fields out;
  const std::array<std::pair<std::string_view, std::string_view*>, 8> required = {
      {{"Action", &out.action},
       {"DBUser", &out.db_user},
       {"X-Amz-Algorithm", &out.algorithm},
       {"X-Amz-Credential", &out.credential},
       {"X-Amz-Date", &out.date},
       {"X-Amz-Expires", &out.expires},
       {"X-Amz-SignedHeaders", &out.signed_headers},
       {"X-Amz-Signature", &out.signature}}};
  for (const auto& [name, target] : required) {
    const auto found = std::find_if(query.begin(), query.end(),
                                    [&](const auto& pair) { return pair.first == name; });
    if (found == query.end()) {
      return Rejection{Reason::kMissingParameter, "parameter " + std::string(name) + " is missing"};
    }
    *target = found->second;
  }
  for (const auto& [name, value] : query) {
    if (name == "X-Amz-Security-Token") {
      out.session_token = value;
    }
  }
  return out;
}

Wrong check_algorithm(const Fields& fields) {
  if (fields.algorithm == sigv4::kAlgorithm) {
    return std::nullopt;
  }
  return Rejection{Reason::kAlgorithm, "X-Amz-Algorithm is " + log_quoted(fields.algorithm) +
                                           ", only AWS4-HMAC-SHA256 is accepted"};
}

Wrong check_signed_headers(const Fields& fields) {
  if (fields.signed_headers == "host") {
    return std::nullopt;
  }
  return Rejection{
      Reason::kSignedHeaders,
      "X-Amz-SignedHeaders is " + log_quoted(fields.signed_headers) + ", it must be 'host'"};
}

Wrong read_credential(const Fields& fields, DbToken& token) {
  std::array<std::string_view, 5> parts;
  std::size_t count = 0;
  for (std::string_view rest = fields.credential;; ++count) {
    const auto slash = rest.find('/');
    if (count < parts.size()) {
      parts[count] = rest.substr(0, slash);
    }
    if (slash == std::string_view::npos) {
      break;
    }
    rest.remove_prefix(slash + 1);
  }
  if (count + 1 != parts.size() || parts[0].empty()) {
    return malformed("X-Amz-Credential must have 5 parts, key/date/region/rds-db/aws4_request");
  }
  if (parts[4] != sigv4::kTerminator) {
    return malformed("X-Amz-Credential must end in aws4_request, not " + log_quoted(parts[4]));
  }
  token.access_key_id = parts[0];
  token.scope = {std::string(parts[1]), std::string(parts[2]), std::string(parts[3])};
  return std::nullopt;
}

Wrong check_service(const DbToken& token) {
  if (token.scope.service == "rds-db") {
    return std::nullopt;
  }
  return Rejection{
      Reason::kServiceMismatch,
      "token was signed for service " + log_quoted(token.scope.service) + ", not for 'rds-db'"};
}

Wrong check_region(const DbToken& token, const ServerFacts& server) {
  const std::string& region = token.scope.region;
  if (region == server.realm.region ||
      std::find(server.more_regions.begin(), server.more_regions.end(), region) !=
          server.more_regions.end()) {
    return std::nullopt;
  }
  return Rejection{Reason::kRegionMismatch, "token was signed for region " + log_quoted(region) +
                                                ", this server is in " +
                                                log_quoted(server.realm.region)};
}

Wrong check_action(const Fields& fields) {
  if (fields.action == "connect") {
    return std::nullopt;
  }
  return Rejection{Reason::kAction,
                   "Action is " + log_quoted(fields.action) + ", it must be 'connect'"};
}

Wrong read_date(const Fields& fields, DbToken& token) {
  const auto signed_at = parse_amz_date(fields.date);
  if (!signed_at) {
    return malformed("X-Amz-Date " + log_quoted(fields.date) +
                     " is not a date like 20240506T070809Z");
  }
  token.amz_date = fields.date;
  token.signed_at = *signed_at;
  return std::nullopt;
}

Wrong check_scope_date(const DbToken& token) {
  if (token.amz_date.starts_with(token.scope.date) && token.scope.date.size() == 8) {
    return std::nullopt;
  }
  return Rejection{Reason::kScopeDateMismatch, "the scope's day " + log_quoted(token.scope.date) +
                                                   " is not the day of X-Amz-Date " +
                                                   log_quoted(token.amz_date)};
}

Wrong read_lifetime(const Fields& fields, const TokenLimits& limits, DbToken& token) {
  const bool is_number = !fields.expires.empty() && fields.expires.size() <= 6 &&
                         fields.expires.front() != '0' &&
                         std::all_of(fields.expires.begin(), fields.expires.end(),
                                     [](char c) { return c >= '0' && c <= '9'; });
  if (!is_number) {
    return Rejection{Reason::kBadExpires, "X-Amz-Expires " + log_quoted(fields.expires) +
                                              " is not a number of seconds above 0"};
  }
  std::int64_t expires = 0;
  for (const char c : fields.expires) {
    expires = expires * 10 + (c - '0');
  }
  if (expires > limits.expires_max_s) {
    return Rejection{Reason::kExpiresTooLong,
                     "X-Amz-Expires is " + std::to_string(expires) + " s, at most " +
                         std::to_string(limits.expires_max_s) + " s are accepted"};
  }
  token.expires_s = expires;
  return std::nullopt;
}

void take_fields(const Fields& fields, const QueryParameters& pairs, DbToken& token) {
  token.db_user = fields.db_user;
  token.signature = fields.signature;
  token.session_token = fields.session_token;
  token.canonical_query = sigv4::canonical_query(pairs);
}

Wrong read_host(std::string_view left, DbToken& token) {
  if (left.ends_with('/')) {
    left.remove_suffix(1);
  }
  if (left.find_first_of("/@\\#") != std::string_view::npos) {
    return malformed("the token must start with HOST:PORT, without a scheme, user or path");
  }
  const auto host = parse_host_port(left);
  if (!host) {
    return malformed("the token does not start with HOST:PORT");
  }
  token.host_text = left;
  token.host = *host;
  return std::nullopt;
}

}  // namespace steps

namespace {

ParsedToken parse(std::string_view text, const ServerFacts& server) {
  using namespace steps;
  if (auto wrong = check_text(text)) {
    return std::move(*wrong);
  }
  const auto question = text.find('?');
  DbToken token;
  if (auto wrong = read_host(text.substr(0, question), token)) {
    return std::move(*wrong);
  }
  const auto query = read_query(text.substr(question + 1));
  if (const auto* wrong = std::get_if<Rejection>(&query)) {
    return *wrong;
  }
  const auto& pairs = std::get<QueryParameters>(query);
  const auto read = read_fields(pairs);
  if (const auto* wrong = std::get_if<Rejection>(&read)) {
    return *wrong;
  }
  const Fields& fields = std::get<Fields>(read);
  Wrong wrong = check_algorithm(fields);
  wrong = wrong ? wrong : check_signed_headers(fields);
  wrong = wrong ? wrong : read_credential(fields, token);
  wrong = wrong ? wrong : check_service(token);
  wrong = wrong ? wrong : check_region(token, server);
  wrong = wrong ? wrong : check_action(fields);
  wrong = wrong ? wrong : read_date(fields, token);
  wrong = wrong ? wrong : check_scope_date(token);
  wrong = wrong ? wrong : read_lifetime(fields, server.limits, token);
  if (wrong) {
    return std::move(*wrong);
  }
  take_fields(fields, pairs, token);
  return token;
}

}  // namespace

ParsedToken parse_db_token(std::string_view text, const ServerFacts& server) {
  text = steps::stripped(text, server.limits);
  if (auto wrong = steps::check_length(text, server.limits)) {
    return std::move(*wrong);
  }
  ParsedToken out = parse(text, server);
  const bool is_cut = std::holds_alternative<Rejection>(out) ? steps::looks_cut(text)
                                                             : steps::is_signature_cut(text);
  if (is_cut) {
    return steps::cut(text);
  }
  return out;
}

}  // namespace trivet::token
