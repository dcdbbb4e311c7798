// SPDX-License-Identifier: Apache-2.0
//
// What can happen is a Result; what must not happen is an assert (assert.h); exceptions never cross
// a folder. Errc has few values and grows only where a caller reacts to a new one differently.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/assert.h"

namespace trivet {

enum class Errc {
  kInvalidArgument,  // the input is wrong; trying again cannot help
  kDenied,           // the caller may not do this
  kNotFound,
  kAlreadyExists,
  kConflict,     // a compare failed or the thing is in a state that forbids this; look again
  kUnavailable,  // something needed is down; trying again may help
  kTimeout,
  kCorrupt,   // data of ours cannot be read
  kInternal,  // anything else; the message says what
};

std::string_view to_string(Errc code);

// Why something did not work. Plain value.
struct Error {
  Errc code = Errc::kInternal;
  // For people and logs, never for decisions. Names the cause and, where there is one, the cure.
  std::string message;
  // AWS's name of this fault ("DBClusterNotFoundFault") where a service knows it; empty otherwise.
  // Static storage. api/error_map.cc turns it (or `code`) into a wire code and an HTTP status.
  std::string_view fault{};
};

inline Error make_error(Errc code, std::string message) {
  return {code, std::move(message), {}};
}
inline Error aws_fault(Errc code, std::string_view fault, std::string message) {
  return {code, std::move(message), fault};
}

// A T or the Error that kept it from being. The names are std::expected's.
template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(*-explicit-*)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(*-explicit-*)

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  const T& value() const& {
    TRIVET_ASSERT(has_value());
    return *std::get_if<0>(&state_);
  }
  T& value() & {
    TRIVET_ASSERT(has_value());
    return *std::get_if<0>(&state_);
  }
  // By value: `for (auto& x : call().value())` would walk over what is gone.
  T value() && {
    TRIVET_ASSERT(has_value());
    return std::move(*std::get_if<0>(&state_));
  }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  T operator*() && { return std::move(*this).value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }
  const Error& error() const {
    TRIVET_ASSERT(!has_value());
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, Error> state_;
};

// Success, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(*-explicit-*)
  bool has_value() const { return !error_.has_value(); }
  explicit operator bool() const { return has_value(); }
  const Error& error() const {
    TRIVET_ASSERT(error_.has_value());
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;
inline Status ok() {
  return {};
}

}  // namespace trivet

#define TRIVET_CONCAT_INNER(a, b) a##b
#define TRIVET_CONCAT(a, b) TRIVET_CONCAT_INNER(a, b)

// TRIVET_TRY(auto x, expr);  declares x, or returns the error from the function. Not in coroutines.
#define TRIVET_TRY(declaration, expr) \
  TRIVET_TRY_INNER(declaration, expr, TRIVET_CONCAT(try_result_, __LINE__))
#define TRIVET_TRY_INNER(declaration, expr, name) \
  auto name = (expr);                             \
  if (!name.has_value())                          \
    return name.error();                          \
  declaration = std::move(*name)

// TRIVET_CHECK_OK(expr);  for a Status: returns the error from the function, if there is one.
#define TRIVET_CHECK_OK(expr) \
  do {                        \
    auto status_ = (expr);    \
    if (!status_.has_value()) \
      return status_.error(); \
  } while (false)
