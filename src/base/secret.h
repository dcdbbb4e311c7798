// SPDX-License-Identifier: Apache-2.0
//
// A secret access key, a password, a private key: wiped when it goes, not printable, not comparable
// with
// == (use constant_time_equal of crypto.h).
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace trivet {

// Owns its text; move-only copies are explicit (`copy`). Thread-compatible.
class SecretString {
 public:
  SecretString() = default;
  explicit SecretString(std::string text) : text_(std::move(text)) {}
  SecretString(SecretString&& other) noexcept : text_(std::move(other.text_)) { other.wipe(); }
  SecretString& operator=(SecretString&& other) noexcept {
    if (this != &other) {
      wipe();
      text_ = std::move(other.text_);
      other.wipe();
    }
    return *this;
  }
  SecretString(const SecretString&) = delete;
  SecretString& operator=(const SecretString&) = delete;
  ~SecretString() { wipe(); }

  SecretString copy() const { return SecretString(text_); }
  // The clear text: hand it on, do not keep or log it.
  std::string_view reveal() const { return text_; }
  bool empty() const { return text_.empty(); }
  bool operator==(const SecretString&) const = delete;

 private:
  void wipe() {
    volatile char* p = text_.data();
    for (std::size_t i = 0; i < text_.size(); ++i) {
      p[i] = 0;
    }
    text_.clear();
  }
  std::string text_;
};

}  // namespace trivet
