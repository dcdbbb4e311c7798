// SPDX-License-Identifier: Apache-2.0
//
// Which tokens have let somebody in, how often and from where first: so that reuse is seen, and
// refused where tokens are for one use. Bounded: what it had to forget, or never knew, is before
// `memory_begins`, and a token signed then may have been used. It holds hashes, no signature.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/time.h"

namespace trivet::token {

// How far ahead a clock may be that signs a token for one use. A token of a clock that is further
// ahead could have been used before the memory began, and look younger than the memory.
inline constexpr Millis kOneTimeSkewMax = std::chrono::seconds(5);

// Thread-compatible.
class SeenTokens {
 public:
  struct Token {
    std::string_view signature_hash;  // SHA-256
    WallTime signed_at{};
    WallTime ends_at{};
  };
  struct Use {
    std::int64_t count = 0;  // with this one; 1: the first
    WallTime first_at{};
    std::string first_from;  // address
  };

  // Nothing is known of uses before `begun`.
  explicit SeenTokens(WallTime begun, std::size_t tokens_max = 65'536);

  // One more use of the token, which is valid now.
  Use note(const Token& token, std::string_view from, WallTime now);
  bool knows(std::string_view signature_hash) const;
  // A token signed earlier may have been used without being remembered.
  WallTime memory_begins() const { return begins_; }
  std::size_t size() const { return uses_.size(); }

 private:
  using Key = std::array<char, 16>;  // of the hash: enough to be one token's alone
  struct Entry {
    Use use;
    WallTime signed_at{};
  };
  static Key key_of(std::string_view signature_hash);
  void forget_ended(WallTime now);
  void make_room();

  const std::size_t tokens_max_;
  WallTime begins_;
  std::map<Key, Entry> uses_;
  std::set<std::pair<WallTime, Key>> by_end_;
};

}  // namespace trivet::token
