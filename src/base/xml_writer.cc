// SPDX-License-Identifier: Apache-2.0
#include "base/xml_writer.h"

#include "base/assert.h"

namespace trivet {

std::string xml_escape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\r':
        out += "&#13;";
        break;
      default:
        if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') {
          out += c;
        }
    }
  }
  return out;
}

XmlWriter::XmlWriter() : out_("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n") {}

void XmlWriter::open(std::string_view name) {
  out_.append("<").append(name).append(">");
  open_.emplace_back(name);
}

void XmlWriter::open(std::string_view name, std::string_view xmlns) {
  out_.append("<").append(name).append(" xmlns=\"").append(xml_escape(xmlns)).append("\">");
  open_.emplace_back(name);
}

void XmlWriter::close() {
  TRIVET_ASSERT(!open_.empty());
  out_.append("</").append(open_.back()).append(">");
  open_.pop_back();
}

void XmlWriter::element(std::string_view name, std::string_view text) {
  out_.append("<").append(name).append(">").append(xml_escape(text));
  out_.append("</").append(name).append(">");
}

void XmlWriter::empty_element(std::string_view name) {
  out_.append("<").append(name).append("/>");
}

std::string XmlWriter::take() {
  TRIVET_ASSERT(open_.empty());
  return std::move(out_);
}

}  // namespace trivet
