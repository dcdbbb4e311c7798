// SPDX-License-Identifier: Apache-2.0
#include "base/random.h"

#include <cstring>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/crypto.h"

namespace trivet {

std::string random_text(std::size_t count, std::string_view alphabet) {
  TRIVET_ASSERT(!alphabet.empty() && alphabet.size() <= 256);
  // Bytes at or over the largest multiple of the alphabet's size are drawn again: no letter is
  // likelier.
  const std::size_t limit = 256 / alphabet.size() * alphabet.size();
  std::string out;
  while (out.size() < count) {
    for (const char c : random_bytes(count - out.size())) {
      const auto b = static_cast<unsigned char>(c);
      if (b < limit) {
        out += alphabet[b % alphabet.size()];
      }
    }
  }
  return out;
}

std::string random_uuid() {
  std::string b = random_bytes(16);
  b[6] = static_cast<char>((b[6] & 0x0f) | 0x40);
  b[8] = static_cast<char>((b[8] & 0x3f) | 0x80);
  const std::string hex = to_hex(b);
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" +
         hex.substr(16, 4) + "-" + hex.substr(20);
}

std::uint64_t random_below(std::uint64_t bound) {
  TRIVET_ASSERT(bound > 0);
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  for (;;) {
    std::uint64_t value = 0;
    std::memcpy(&value, random_bytes(sizeof value).data(), sizeof value);
    if (value < limit) {
      return value % bound;
    }
  }
}

}  // namespace trivet
