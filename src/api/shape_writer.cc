// SPDX-License-Identifier: Apache-2.0
#include "api/shape_writer.h"

#include <charconv>

#include "base/iso8601.h"

namespace trivet::api {

void put(XmlWriter& xml, std::string_view name, const std::string& value) {
  xml.element(name, value);
}
void put(XmlWriter& xml, std::string_view name, std::int32_t value) {
  xml.element(name, std::to_string(value));
}
void put(XmlWriter& xml, std::string_view name, std::int64_t value) {
  xml.element(name, std::to_string(value));
}
void put(XmlWriter& xml, std::string_view name, double value) {
  char text[32];
  const auto result =
      std::to_chars(text, text + sizeof text, value);  // the shortest that reads back
  xml.element(name, std::string_view(text, static_cast<std::size_t>(result.ptr - text)));
}
void put(XmlWriter& xml, std::string_view name, bool value) {
  xml.element(name, value ? "true" : "false");
}
void put(XmlWriter& xml, std::string_view name, const SecretString& value) {
  xml.element(name, value.reveal());
}
void put(XmlWriter& xml, std::string_view name, WallTime value) {
  xml.element(name, format_iso8601_millis(value));
}
void put_seconds(XmlWriter& xml, std::string_view name, WallTime value) {
  xml.element(name, format_iso8601(value));
}
void put_seconds(XmlWriter& xml, std::string_view name, const std::optional<WallTime>& value) {
  if (value) {
    put_seconds(xml, name, *value);
  }
}

}  // namespace trivet::api
