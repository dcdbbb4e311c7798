// SPDX-License-Identifier: Apache-2.0
#include "base/uri.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"

namespace trivet {
namespace {

// By byte, because every byte of every token and request is asked.
constexpr std::array<bool, 256> kUnreserved = [] {
  std::array<bool, 256> out{};
  for (const char c :
       std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")) {
    out[static_cast<unsigned char>(c)] = true;
  }
  return out;
}();

bool is_unreserved(char c) {
  return kUnreserved[static_cast<unsigned char>(c)];
}

void encode(std::string_view text, bool keep_slash, std::string& out) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::size_t copied = 0;  // of the text; the rest up to `i` stays as it is
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_unreserved(c) || (keep_slash && c == '/')) {
      continue;
    }
    out.append(text, copied, i - copied);
    copied = i + 1;
    const auto b = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[b >> 4];
    out += kDigits[b & 15];
  }
  out.append(text, copied);
}

std::optional<std::string> decode(std::string_view text, bool plus_is_blank) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t special = plus_is_blank ? text.find_first_of("%+", i) : text.find('%', i);
    const std::size_t next = std::min(special, text.size());
    out.append(text, i, next - i);
    i = next;
    if (i == text.size()) {
      break;
    }
    if (text[i] == '+') {
      out += ' ';
      continue;
    }
    const auto byte = i + 2 < text.size() ? from_hex(text.substr(i + 1, 2)) : std::nullopt;
    if (!byte) {
      return std::nullopt;
    }
    out += *byte;
    i += 2;
  }
  return out;
}

// How many bytes at the beginning are ASCII, by words: nearly every text is so to its end.
std::size_t ascii_words(std::string_view text) {
  std::size_t out = 0;
  for (std::uint64_t word = 0; out + sizeof word <= text.size(); out += sizeof word) {
    std::memcpy(&word, text.data() + out, sizeof word);
    if ((word & 0x8080808080808080U) != 0) {
      break;
    }
  }
  return out;
}

std::optional<QueryParameters> split(std::string_view query, bool plus_is_blank) {
  QueryParameters out;
  while (!query.empty()) {
    const auto amp = query.find('&');
    const std::string_view part = query.substr(0, amp);
    query = amp == std::string_view::npos ? std::string_view() : query.substr(amp + 1);
    if (part.empty()) {
      continue;
    }
    const auto equals = part.find('=');
    auto name = decode(part.substr(0, equals), plus_is_blank);
    auto value = equals == std::string_view::npos ? std::optional<std::string>("")
                                                  : decode(part.substr(equals + 1), plus_is_blank);
    if (!name || !value) {
      return std::nullopt;
    }
    out.emplace_back(std::move(*name), std::move(*value));
  }
  return out;
}

}  // namespace

std::string percent_encode(std::string_view text) {
  std::string out;
  encode(text, false, out);
  return out;
}
std::string percent_encode_path(std::string_view path) {
  std::string out;
  encode(path, true, out);
  return out;
}
void append_percent_encoded(std::string_view text, std::string& out) {
  encode(text, false, out);
}
std::optional<std::string> percent_decode(std::string_view text) {
  return decode(text, false);
}
std::optional<std::string> form_decode(std::string_view text) {
  return decode(text, true);
}
std::optional<QueryParameters> split_query(std::string_view query) {
  return split(query, false);
}
std::optional<QueryParameters> split_form(std::string_view body) {
  return split(body, true);
}

bool is_valid_utf8(std::string_view text) {
  for (std::size_t i = ascii_words(text); i < text.size();) {
    const auto b = static_cast<unsigned char>(text[i]);
    std::size_t more = 0;
    char32_t code = 0;
    char32_t least = 0;
    if (b < 0x80) {
      ++i;
      continue;
    }
    if (b >= 0xC2 && b <= 0xDF) {
      more = 1, code = b & 0x1FU, least = 0x80;
    } else if (b >= 0xE0 && b <= 0xEF) {
      more = 2, code = b & 0x0FU, least = 0x800;
    } else if (b >= 0xF0 && b <= 0xF4) {
      more = 3, code = b & 0x07U, least = 0x10000;
    } else {
      return false;
    }
    if (i + more >= text.size()) {
      return false;
    }
    for (std::size_t j = 1; j <= more; ++j) {
      const auto next = static_cast<unsigned char>(text[i + j]);
      if ((next & 0xC0) != 0x80) {
        return false;
      }
      code = code << 6 | (next & 0x3FU);
    }
    if (code < least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
      return false;
    }
    i += more + 1;
  }
  return true;
}

}  // namespace trivet
