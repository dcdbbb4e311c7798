// SPDX-License-Identifier: Apache-2.0
#include "api/query_params.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/bytes.h"

namespace trivet::api {
namespace {

Error malformed(std::string message) {
  return aws_fault(Errc::kInvalidArgument, "MalformedQueryString", std::move(message));
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool is_utf8_name(std::string_view charset) {
  if (charset.size() >= 2 && charset.front() == '"' && charset.back() == '"') {
    charset = charset.substr(1, charset.size() - 2);
  }
  return equals_ignoring_case(charset, "utf-8") || equals_ignoring_case(charset, "utf8");
}

// "application/x-www-form-urlencoded; charset=utf-8"
Status check_content_type(std::string_view header) {
  const auto refused = [&] {
    return aws_fault(Errc::kInvalidArgument, "UnsupportedMediaType",
                     "The content type '" + std::string(header.substr(0, 100)) +
                         "' is not application/x-www-form-urlencoded in UTF-8.");
  };
  std::string_view rest = header;
  bool is_first = true;
  while (is_first || !rest.empty()) {
    const auto semicolon = rest.find(';');
    const std::string_view part = trimmed(rest.substr(0, semicolon));
    rest = semicolon == std::string_view::npos ? std::string_view() : rest.substr(semicolon + 1);
    if (is_first) {
      if (!equals_ignoring_case(part, "application/x-www-form-urlencoded")) {
        return refused();
      }
      is_first = false;
      continue;
    }
    const auto equals = part.find('=');
    const std::string_view name = trimmed(part.substr(0, equals));
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : trimmed(part.substr(equals + 1));
    if (equals_ignoring_case(name, "charset") && !is_utf8_name(value)) {
      return refused();
    }
  }
  return ok();
}

bool is_authentication(std::string_view name) {
  constexpr std::string_view kPrefix = "X-Amz-";
  return equals_ignoring_case(name.substr(0, kPrefix.size()), kPrefix);
}

}  // namespace

Result<QueryParams> QueryParams::from(QueryParameters parameters) {
  if (parameters.size() > kParametersMax) {
    return malformed("The request has more than " + std::to_string(kParametersMax) +
                     " parameters.");
  }
  QueryParams out;
  for (auto& [name, value] : parameters) {
    if (!is_valid_utf8(name) || !is_valid_utf8(value)) {
      return malformed("A parameter of the request is not valid UTF-8.");
    }
    const auto [it, is_new] = out.values_.emplace(std::move(name), std::move(value));
    if (!is_new) {
      return aws_fault(Errc::kInvalidArgument, "InvalidQueryParameter",
                       "The parameter " + it->first + " was sent more than once.");
    }
  }
  return out;
}

const std::string* QueryParams::find(std::string_view name) const {
  const auto it = values_.find(name);
  return it == values_.end() ? nullptr : &it->second;
}

std::string_view QueryParams::get(std::string_view name) const {
  const std::string* value = find(name);
  return value == nullptr ? std::string_view() : std::string_view(*value);
}

bool QueryParams::has_prefix(std::string_view prefix) const {
  const auto it = values_.lower_bound(prefix);
  return it != values_.end() && it->first.starts_with(prefix);
}

Result<std::vector<int>> QueryParams::indices(std::string_view prefix) const {
  std::vector<int> out;
  for (auto it = values_.lower_bound(prefix); it != values_.end() && it->first.starts_with(prefix);
       ++it) {
    const std::string_view rest = std::string_view(it->first).substr(prefix.size());
    const std::string_view digits = rest.substr(0, rest.find('.'));
    int index = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (error != std::errc() || end != digits.data() + digits.size() || index < 1 ||
        index > kListIndexMax) {
      return aws_fault(Errc::kInvalidArgument, "InvalidParameterValue",
                       "The parameter " + it->first + " has no valid list index.");
    }
    out.push_back(index);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Result<QueryParams> read_query_params(const net::HttpRequest& request) {
  QueryParameters all;
  const auto mark = request.target.find('?');
  if (mark != std::string::npos) {
    auto parameters = split_query(std::string_view(request.target).substr(mark + 1));
    if (!parameters) {
      return malformed("The query string contains a syntax error.");
    }
    for (auto& parameter : *parameters) {
      if (!is_authentication(parameter.first)) {
        all.push_back(std::move(parameter));
      }
    }
  }
  if (!request.body.empty()) {
    TRIVET_CHECK_OK(check_content_type(net::find_header(request.headers, "content-type")));
    auto parameters = split_form(request.body);
    if (!parameters) {
      return malformed("The body is not a well-formed form.");
    }
    std::move(parameters->begin(), parameters->end(), std::back_inserter(all));
  }
  return QueryParams::from(std::move(all));
}

}  // namespace trivet::api
