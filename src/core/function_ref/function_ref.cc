// SPDX-License-Identifier: Apache-2.0
#include "core/function_ref/function_ref.h"

#include <algorithm>
#include <vector>

#include "model/arn.h"

namespace trivet::function_ref {
namespace {

bool is_name_text(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_';
  });
}

bool all_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t colon = text.find(':');
    out.push_back(text.substr(0, colon));
    if (colon == std::string_view::npos) {
      return out;
    }
    text.remove_prefix(colon + 1);
  }
}

bool is_qualifier(std::string_view text) {
  return text == "$LATEST" || is_name_text(text);
}

}  // namespace

std::optional<FunctionRef> parse(std::string_view text) {
  FunctionRef out;
  std::string_view rest = text;
  if (text.starts_with("arn:")) {
    const auto arn = parse_arn(text);
    if (!arn || arn->service != "lambda" || !arn->resource.starts_with("function:") ||
        !all_digits(arn->account)) {
      return std::nullopt;
    }
    out.partition = arn->partition;
    out.region = arn->region;
    out.account = arn->account;
    rest = text.substr(text.size() - arn->resource.size() + std::string_view("function:").size());
  } else if (const std::size_t mark = text.find("function:"); mark != std::string_view::npos) {
    // "function:NAME" or "ACCOUNT:function:NAME"
    const std::string_view before = text.substr(0, mark);
    if (!before.empty() && !(before.ends_with(':') && all_digits(before.substr(0, mark - 1)))) {
      return std::nullopt;
    }
    out.account = before.empty() ? "" : std::string(before.substr(0, mark - 1));
    rest = text.substr(mark + std::string_view("function:").size());
  }
  const auto parts = split(rest);
  if (parts.size() > 2 || !is_name_text(parts[0]) ||
      (parts.size() == 2 && !is_qualifier(parts[1]))) {
    return std::nullopt;
  }
  out.name = parts[0];
  out.qualifier = parts.size() == 2 ? std::string(parts[1]) : "";
  return out;
}

bool is_version(std::string_view qualifier) {
  return all_digits(qualifier);
}

bool is_alias(std::string_view qualifier) {
  return is_name_text(qualifier) && !all_digits(qualifier);
}

std::string arn_of(const Realm& realm, std::string_view name, std::string_view qualifier) {
  std::string out = "arn:" + realm.partition + ":lambda:" + realm.region + ":" +
                    realm.account.str() + ":function:" + std::string(name);
  if (!qualifier.empty()) {
    out.append(":").append(qualifier);
  }
  return out;
}

std::string layer_arn(const Realm& realm, std::string_view name) {
  return "arn:" + realm.partition + ":lambda:" + realm.region + ":" + realm.account.str() +
         ":layer:" + std::string(name);
}

std::optional<LayerRef> parse_layer(std::string_view text) {
  LayerRef out;
  if (!text.starts_with("arn:")) {
    out.name = text;
    return is_name_text(text) ? std::optional(out) : std::nullopt;
  }
  const auto arn = parse_arn(text);
  if (!arn || arn->service != "lambda" || !all_digits(arn->account)) {
    return std::nullopt;
  }
  const auto parts = split(arn->resource);
  if (parts.size() < 2 || parts.size() > 3 || parts[0] != "layer" || !is_name_text(parts[1]) ||
      (parts.size() == 3 && !all_digits(parts[2]))) {
    return std::nullopt;
  }
  out.region = arn->region;
  out.account = arn->account;
  out.name = parts[1];
  out.version = parts.size() == 3 ? std::string(parts[2]) : "";
  return out;
}

}  // namespace trivet::function_ref
