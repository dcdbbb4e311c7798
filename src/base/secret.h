// SPDX-License-Identifier: Apache-2.0
//
// A secret access key, a password, a private key: wiped when it goes, not printable, not comparable
// with == (use constant_time_equal of crypto.h).
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace trivet {

// Overwrites all that `text` has room for, what it held before included, and empties it.
inline void wipe(std::string& text) {
  text.resize(text.capacity());  // a short text that was moved away still lies in the object itself
  volatile char* const bytes = text.data();
  for (std::size_t i = 0; i < text.size(); ++i) {
    bytes[i] = 0;
  }
  text.clear();
}

// Owns its text; move-only copies are explicit (`copy`). Thread-compatible.
class SecretString {
 public:
  SecretString() = default;
  explicit SecretString(std::string text) : text_(std::move(text)) { wipe(text); }
  SecretString(SecretString&& other) noexcept : text_(std::move(other.text_)) { wipe(other.text_); }
  SecretString& operator=(SecretString&& other) noexcept {
    if (this != &other) {
      wipe(text_);
      text_ = std::move(other.text_);
      wipe(other.text_);
    }
    return *this;
  }
  SecretString(const SecretString&) = delete;
  SecretString& operator=(const SecretString&) = delete;
  ~SecretString() { wipe(text_); }

  SecretString copy() const { return SecretString(text_); }
  // The clear text: hand it on, do not keep or log it.
  std::string_view reveal() const { return text_; }
  bool empty() const { return text_.empty(); }
  bool operator==(const SecretString&) const = delete;

 private:
  std::string text_;
};

}  // namespace trivet
