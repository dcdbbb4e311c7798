// SPDX-License-Identifier: Apache-2.0
//
// How a response shape's members become XML: the functions that the generated writers call. A
// member that is not set is left out; a list is always written, empty ones too, because SDKs tell
// the two apart.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "base/time.h"
#include "base/xml_writer.h"

namespace trivet::api {

void put(XmlWriter& xml, std::string_view name, const std::string& value);
void put(XmlWriter& xml, std::string_view name, std::int32_t value);
void put(XmlWriter& xml, std::string_view name, std::int64_t value);
void put(XmlWriter& xml, std::string_view name, double value);
void put(XmlWriter& xml, std::string_view name, bool value);
void put(XmlWriter& xml, std::string_view name, const SecretString& value);
// With milliseconds, as RDS and EC2 write it.
void put(XmlWriter& xml, std::string_view name, WallTime value);
// Without, as IAM and STS do.
void put_seconds(XmlWriter& xml, std::string_view name, WallTime value);
void put_seconds(XmlWriter& xml, std::string_view name, const std::optional<WallTime>& value);

// A structure; its write(XmlWriter&, const T&) writes the members.
template <typename T>
void put(XmlWriter& xml, std::string_view name, const T& value) {
  xml.open(name);
  write(xml, value);
  xml.close();
}

template <typename T>
void put(XmlWriter& xml, std::string_view name, const std::optional<T>& value) {
  if (value) {
    put(xml, name, *value);
  }
}

// `item`: the name of one item's element.
template <typename T>
void put_list(XmlWriter& xml, std::string_view name, std::string_view item,
              const std::vector<T>& values) {
  if (values.empty()) {
    xml.empty_element(name);
    return;
  }
  xml.open(name);
  for (const T& value : values) {
    put(xml, item, value);
  }
  xml.close();
}

// A map: <entry><key/><value/></entry> for each.
template <typename T>
void put_map(XmlWriter& xml, std::string_view name, const std::map<std::string, T>& values) {
  if (values.empty()) {
    xml.empty_element(name);
    return;
  }
  xml.open(name);
  for (const auto& [key, value] : values) {
    xml.open("entry");
    put(xml, "key", key);
    put(xml, "value", value);
    xml.close();
  }
  xml.close();
}

}  // namespace trivet::api
