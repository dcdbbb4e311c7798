// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/iso8601.h"
#include "core/sigv4/verify.h"

namespace trivet::sigv4 {
namespace {

Verdict incomplete(std::string message) {
  return {Reason::kIncomplete, std::move(message)};
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  while (true) {
    const auto end = text.find(at);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) {
      return out;
    }
    text.remove_prefix(end + 1);
  }
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

// "Sun, 30 Aug 2015 12:36:00 GMT" → 20150830T123600Z. parse_amz_date checks the digits.
std::optional<std::string> amz_date_of_http_date(std::string_view text) {
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || text.substr(3, 2) != ", " || !text.ends_with(" GMT")) {
    return std::nullopt;
  }
  const auto month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
  if (month == kMonths.end()) {
    return std::nullopt;
  }
  const auto number = static_cast<int>(month - kMonths.begin()) + 1;
  std::string out(text.substr(12, 4));
  out += static_cast<char>('0' + number / 10);
  out += static_cast<char>('0' + number % 10);
  out += text.substr(5, 2);
  out += 'T';
  out += text.substr(17, 2);
  out += text.substr(20, 2);
  out += text.substr(23, 2);
  out += 'Z';
  return out;
}

// The date of a header-signed request: X-Amz-Date, else Date in either of its two forms.
std::optional<std::string> header_date(const Headers& headers) {
  auto date = canonical_header_value(headers, "x-amz-date");
  if (!date) {
    date = canonical_header_value(headers, "date");
    if (date && !parse_amz_date(*date)) {
      date = amz_date_of_http_date(*date);
    }
  }
  return date && parse_amz_date(*date) ? date : std::nullopt;
}

// Fills key id, scope and terminator; the message of AWS when there are not five parts.
std::optional<Verdict> read_credential(std::string_view credential, ParsedAuth& auth) {
  const auto parts = split(credential, '/');
  if (parts.size() != 5 || parts[0].empty()) {
    return incomplete(
        "Credential must have exactly 5 slash-delimited elements, e.g. "
        "keyid/date/region/service/term.");
  }
  auth.access_key_id = parts[0];
  auth.scope = {std::string(parts[1]), std::string(parts[2]), std::string(parts[3])};
  auth.terminator = parts[4];
  return std::nullopt;
}

std::optional<Verdict> read_signed_headers(std::string_view list, ParsedAuth& auth) {
  for (const std::string_view name : split(list, ';')) {
    if (name.empty() || to_lower(name) != name) {
      return incomplete("SignedHeaders must be lower-case header names separated by ';'.");
    }
    auth.signed_headers.emplace_back(name);
  }
  return std::nullopt;
}

// The comma-separated Name=Value parts behind the algorithm.
struct HeaderFields {
  std::optional<std::string_view> credential, signed_headers, signature;
  bool has_unknown_or_repeated = false;
};

HeaderFields read_fields(std::string_view text) {
  HeaderFields out;
  for (const std::string_view raw : split(text, ',')) {
    const std::string_view part = trim(raw);
    const auto equals = part.find('=');
    if (equals == std::string_view::npos) {
      out.has_unknown_or_repeated = true;
      continue;
    }
    const std::string_view name = part.substr(0, equals);
    std::optional<std::string_view>* field = name == "Credential"      ? &out.credential
                                             : name == "SignedHeaders" ? &out.signed_headers
                                             : name == "Signature"     ? &out.signature
                                                                       : nullptr;
    if (field == nullptr || field->has_value()) {
      out.has_unknown_or_repeated = true;
      continue;
    }
    *field = part.substr(equals + 1);
  }
  return out;
}

ParseResult parse_header(const SignedRequest& request, std::string_view authorization) {
  if (!authorization.starts_with(kAlgorithm) ||
      (authorization.size() > kAlgorithm.size() && authorization[kAlgorithm.size()] != ' ')) {
    return incomplete("Unsupported AWS 'algorithm': only AWS4-HMAC-SHA256 is accepted.");
  }
  const HeaderFields fields = read_fields(authorization.substr(kAlgorithm.size()));
  const auto date = header_date(request.headers);
  std::string missing;
  const auto require = [&missing](bool present, std::string_view what) {
    if (!present) {
      missing += missing.empty() ? "" : " ";
      missing += "Authorization header requires ";
      missing += what;
    }
  };
  require(fields.credential.has_value(), "'Credential' parameter.");
  require(fields.signature.has_value(), "'Signature' parameter.");
  require(fields.signed_headers.has_value(), "'SignedHeaders' parameter.");
  require(date.has_value(), "existence of either a 'X-Amz-Date' or a 'Date' header.");
  if (!missing.empty()) {
    return incomplete(std::move(missing));
  }
  if (fields.has_unknown_or_repeated) {
    return incomplete(
        "Authorization header must have exactly the parameters Credential, SignedHeaders and "
        "Signature.");
  }
  ParsedAuth auth;
  auth.amz_date = *date;
  auth.signed_at = *parse_amz_date(*date);
  auth.signature = *fields.signature;
  auth.session_token = canonical_header_value(request.headers, "x-amz-security-token");
  if (auto wrong = read_credential(*fields.credential, auth)) {
    return std::move(*wrong);
  }
  if (auto wrong = read_signed_headers(*fields.signed_headers, auth)) {
    return std::move(*wrong);
  }
  return auth;
}

// nullopt unless 1 to 9 digits without a leading zero.
std::optional<std::int64_t> read_seconds(std::string_view text) {
  if (text.empty() || text.size() > 9 || text.front() == '0') {
    return std::nullopt;
  }
  std::int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') {
      return std::nullopt;
    }
    value = value * 10 + (c - '0');
  }
  return value;
}

ParseResult parse_presigned(const QueryParameters& query) {
  constexpr std::array<std::string_view, 6> kRequired = {"X-Amz-Algorithm",     "X-Amz-Credential",
                                                         "X-Amz-Date",          "X-Amz-Expires",
                                                         "X-Amz-SignedHeaders", "X-Amz-Signature"};
  std::array<const std::string*, 6> values{};
  ParsedAuth auth;
  auth.is_presigned = true;
  for (const auto& [name, value] : query) {
    const auto at = std::find(kRequired.begin(), kRequired.end(), name);
    if (at != kRequired.end()) {
      const std::string*& slot = values[static_cast<std::size_t>(at - kRequired.begin())];
      if (slot != nullptr) {
        return incomplete("AWS query-string parameter '" + name + "' is repeated.");
      }
      slot = &value;
    } else if (name == "X-Amz-Security-Token") {
      if (auth.session_token) {
        return incomplete("AWS query-string parameter '" + name + "' is repeated.");
      }
      auth.session_token = value;
    }
  }
  for (std::size_t i = 0; i < kRequired.size(); ++i) {
    if (values[i] == nullptr) {
      return incomplete("AWS query-string parameters must include '" + std::string(kRequired[i]) +
                        "'. Re-examine the query-string parameters.");
    }
  }
  if (*values[0] != kAlgorithm) {
    return incomplete("Unsupported AWS 'algorithm': only AWS4-HMAC-SHA256 is accepted.");
  }
  const auto signed_at = parse_amz_date(*values[2]);
  if (!signed_at) {
    return incomplete("X-Amz-Date must be in the ISO8601 basic format, e.g. 20150830T123600Z.");
  }
  const auto expires = read_seconds(*values[3]);
  if (!expires) {
    return incomplete("X-Amz-Expires should be a number of seconds greater than 0.");
  }
  auth.amz_date = *values[2];
  auth.signed_at = *signed_at;
  auth.expires_s = *expires;
  auth.signature = *values[5];
  if (auto wrong = read_credential(*values[1], auth)) {
    return std::move(*wrong);
  }
  if (auto wrong = read_signed_headers(*values[4], auth)) {
    return std::move(*wrong);
  }
  return auth;
}

}  // namespace

ParseResult parse_auth(const SignedRequest& request) {
  const auto query = split_query(request.query);
  if (!query) {
    return incomplete("The query string has a malformed percent-escape.");
  }
  // The algorithm parameter alone decides, as at AWS: an unsigned query may carry other X-Amz-*
  // names.
  const bool is_presigned = std::any_of(query->begin(), query->end(), [](const auto& pair) {
    return pair.first == "X-Amz-Algorithm" || pair.first == "X-Amz-Signature";
  });
  const auto count = std::count_if(
      request.headers.begin(), request.headers.end(),
      [](const auto& header) { return equals_ignoring_case(header.first, "authorization"); });
  if (count == 0 && !is_presigned) {
    return Verdict{Reason::kMissingAuthentication, "Request is missing Authentication Token"};
  }
  if (count > 1 || (count == 1 && is_presigned)) {
    return incomplete("Only one way of authentication may be used in one request.");
  }
  if (is_presigned) {
    return parse_presigned(*query);
  }
  return parse_header(request, *canonical_header_value(request.headers, "authorization"));
}

}  // namespace trivet::sigv4
