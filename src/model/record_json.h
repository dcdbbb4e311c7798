// SPDX-License-Identifier: Apache-2.0
//
// Records as JSON with a version field: what the codec_*.cc of this folder share. Not for other
// folders.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace trivet::record_json {

// Of all records; one that says more was written by a newer Trivet.
inline constexpr int kVersion = 1;

inline Error corrupt(const std::string& what) {
  return make_error(Errc::kCorrupt, "stored record cannot be read: " + what);
}

// Runs `read(json, out)` on the parsed text; a missing member, a wrong type or a newer version is
// kCorrupt.
template <typename T, typename Read>
Result<T> decode(std::string_view text, Read read) {
  try {
    const auto j = nlohmann::json::parse(text);
    if (j.at("v").get<int>() > kVersion) {
      return corrupt("written by a newer version of Trivet");
    }
    T out;
    read(j, out);
    return out;
  } catch (const nlohmann::json::exception& e) {
    return corrupt(e.what());
  }
}

// Bytes that are no UTF-8 cannot come in (the API refuses them); were they here, they must not
// throw.
inline std::string dump(const nlohmann::json& j) {
  return j.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// A member that is there only when the value is.
template <typename T>
void put(nlohmann::json& j, const char* name, const std::optional<T>& value) {
  if (value) {
    j[name] = *value;
  }
}

template <typename T>
void get(const nlohmann::json& j, const char* name, std::optional<T>& value) {
  if (const auto at = j.find(name); at != j.end()) {
    value = at->template get<T>();
  }
}

}  // namespace trivet::record_json
