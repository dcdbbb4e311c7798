// SPDX-License-Identifier: Apache-2.0
//
// Append-only XML for responses: elements and text, escaped; no attributes but a namespace on the
// root.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace trivet {

// Thread-compatible. Requires: every open has its close before take().
class XmlWriter {
 public:
  XmlWriter();  // starts with the XML declaration
  void open(std::string_view name);
  void open(std::string_view name, std::string_view xmlns);
  void close();
  // <name>text</name>. Characters that XML 1.0 cannot carry are left out.
  void element(std::string_view name, std::string_view text);
  void empty_element(std::string_view name);
  std::string take();

 private:
  std::string out_;
  std::vector<std::string> open_;
};

std::string xml_escape(std::string_view text);

}  // namespace trivet
