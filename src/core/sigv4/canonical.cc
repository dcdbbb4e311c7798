// SPDX-License-Identifier: Apache-2.0
#include "core/sigv4/canonical.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace trivet::sigv4 {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

std::string trimmed(std::string_view value) {
  std::string out;
  bool blank_before = false;
  for (const char c : value) {
    if (is_blank(c)) {
      blank_before = !out.empty();
      continue;
    }
    if (blank_before) {
      out += ' ';
      blank_before = false;
    }
    out += c;
  }
  return out;
}

// "name=value" within a text, percent-encoded.
struct EncodedPair {
  std::size_t begin = 0;
  std::size_t equals = 0;
  std::size_t end = 0;

  std::string_view name(std::string_view text) const { return text.substr(begin, equals - begin); }
  std::string_view value(std::string_view text) const {
    return text.substr(equals + 1, end - equals - 1);
  }
};

// Enough for a query with few escapes.
std::size_t encoded_size(const QueryParameters& decoded) {
  std::size_t out = 0;
  for (const auto& [name, value] : decoded) {
    out += name.size() + value.size() + value.size() / 4 + 2;
  }
  return out;
}

}  // namespace

std::optional<std::string> canonical_header_value(const Headers& headers, std::string_view name) {
  std::optional<std::string> out;
  for (const auto& [key, value] : headers) {
    if (!equals_ignoring_case(key, name)) {
      continue;
    }
    if (out) {
      *out += ',';
      *out += trimmed(value);
    } else {
      out = trimmed(value);
    }
  }
  return out;
}

std::string canonical_path(std::string_view path_as_sent) {
  std::vector<std::string_view> kept;
  std::string_view rest = path_as_sent;
  while (!rest.empty()) {
    const auto slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
    if (segment.empty() || segment == ".") {
      continue;
    }
    if (segment != "..") {
      kept.push_back(segment);
    } else if (!kept.empty()) {
      kept.pop_back();
    }
  }
  std::string out;
  for (const std::string_view segment : kept) {
    out += '/';
    out += percent_encode(segment);
  }
  if (out.empty() || path_as_sent.ends_with('/')) {
    out += '/';
  }
  return out;
}

std::string canonical_query(const QueryParameters& decoded) {
  // Written in the order it came in, which is the canonical one nearly always.
  std::vector<EncodedPair> pairs;
  pairs.reserve(decoded.size());
  std::string text;
  text.reserve(encoded_size(decoded));
  for (const auto& [name, value] : decoded) {
    if (name == "X-Amz-Signature") {
      continue;
    }
    text += text.empty() ? "" : "&";
    EncodedPair pair{.begin = text.size()};
    append_percent_encoded(name, text);
    pair.equals = text.size();
    text += '=';
    append_percent_encoded(value, text);
    pair.end = text.size();
    pairs.push_back(pair);
  }
  const auto is_before = [&text](const EncodedPair& a, const EncodedPair& b) {
    return std::pair(a.name(text), a.value(text)) < std::pair(b.name(text), b.value(text));
  };
  if (std::is_sorted(pairs.begin(), pairs.end(), is_before)) {
    return text;
  }
  std::sort(pairs.begin(), pairs.end(), is_before);
  std::string out;
  out.reserve(text.size());
  for (const EncodedPair& pair : pairs) {
    out += out.empty() ? "" : "&";
    out.append(text, pair.begin, pair.end - pair.begin);
  }
  return out;
}

std::optional<std::string> canonical_request(const SignedRequest& request,
                                             const CanonicalParts& parts) {
  const auto query = split_query(request.query);
  if (!query) {
    return std::nullopt;
  }
  std::vector<std::string> names = parts.signed_headers;
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());

  std::string out = request.method;
  out += '\n';
  out += canonical_path(request.path);
  out += '\n';
  out += canonical_query(*query);
  out += '\n';
  std::string list;
  for (const std::string& name : names) {
    const auto value = canonical_header_value(request.headers, name);
    if (!value) {
      return std::nullopt;
    }
    out += name;
    out += ':';
    out += *value;
    out += '\n';
    list += list.empty() ? "" : ";";
    list += name;
  }
  out += '\n';
  out += list;
  out += '\n';
  out += parts.payload;
  return out;
}

}  // namespace trivet::sigv4
