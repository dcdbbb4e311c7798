// SPDX-License-Identifier: Apache-2.0
//
// What the benches' programs share: `--name value` arguments, secrets from files (never on a
// command line, which every user sees), and an end that says why.
#pragma once

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "bench/mysql_client.h"

namespace trivet::bench {

[[noreturn]] inline void fail(const std::string& message) {
  std::fprintf(stderr, "%s: %s\n", program_invocation_short_name, message.c_str());
  std::exit(1);
}

template <typename T>
T must(Result<T> result) {
  if (!result) {
    fail(result.error().message);
  }
  return std::move(*result);
}

inline void must(const Status& status) {
  if (!status) {
    fail(status.error().message);
  }
}

// Ends the program where an argument is missing or no number.
class Arguments {
 public:
  Arguments(int count, char** words) {
    for (int i = 1; i + 1 < count; i += 2) {
      const std::string name = words[i];
      if (name.rfind("--", 0) != 0) {
        fail("an argument is `--name value`, not " + name);
      }
      values_[name.substr(2)] = words[i + 1];
    }
    if (count % 2 == 0) {
      fail("an argument without a value");
    }
  }

  std::string text(const std::string& name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) {
      fail("needs --" + name);
    }
    return found->second;
  }

  std::string text(const std::string& name, const std::string& otherwise) const {
    return values_.count(name) != 0 ? text(name) : otherwise;
  }

  int number(const std::string& name, int otherwise) const {
    const auto found = values_.find(name);
    if (found == values_.end()) {
      return otherwise;
    }
    const std::string& text = found->second;
    int value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || value < 0) {
      fail("--" + name + " is no number: " + text);
    }
    return value;
  }

  ServerAddress server(const std::string& name) const {
    return {text(name), static_cast<std::uint16_t>(number("port", 3306))};
  }

  // With commas between.
  std::vector<ServerAddress> servers(const std::string& name) const {
    std::vector<ServerAddress> out;
    std::istringstream in(text(name));
    for (std::string part; std::getline(in, part, ',');) {
      out.push_back({part, static_cast<std::uint16_t>(number("port", 3306))});
    }
    if (out.empty()) {
      fail("--" + name + " names no address");
    }
    return out;
  }

  // --<name>-user and --<name>-secret-file.
  Account account(const std::string& name) const {
    std::string secret = must(read_file(text(name + "-secret-file")));
    while (!secret.empty() && secret.back() == '\n') {
      secret.pop_back();
    }
    return {text(name + "-user"), std::move(secret)};
  }

 private:
  std::map<std::string, std::string> values_;
};

}  // namespace trivet::bench
