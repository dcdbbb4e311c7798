// SPDX-License-Identifier: Apache-2.0
//
// Names and numbers of different things are different types, so that one cannot be passed for
// another.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace trivet {

// A name. Tag is any type; two StrongIds with different tags do not mix.
template <typename Tag>
class StrongId {
 public:
  StrongId() = default;
  explicit StrongId(std::string value) : value_(std::move(value)) {}
  const std::string& str() const { return value_; }
  bool empty() const { return value_.empty(); }
  friend bool operator==(const StrongId&, const StrongId&) = default;
  friend auto operator<=>(const StrongId&, const StrongId&) = default;

 private:
  std::string value_;
};

// A number that only grows: a term, a revision.
template <typename Tag>
class StrongInt {
 public:
  constexpr StrongInt() = default;
  constexpr explicit StrongInt(std::int64_t value) : value_(value) {}
  constexpr std::int64_t value() const { return value_; }
  constexpr StrongInt next() const { return StrongInt(value_ + 1); }
  friend constexpr bool operator==(StrongInt, StrongInt) = default;
  friend constexpr auto operator<=>(StrongInt, StrongInt) = default;

 private:
  std::int64_t value_ = 0;
};

}  // namespace trivet

template <typename Tag>
struct std::hash<trivet::StrongId<Tag>> {
  std::size_t operator()(const trivet::StrongId<Tag>& id) const noexcept {
    return std::hash<std::string>()(id.str());
  }
};
