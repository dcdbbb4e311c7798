// SPDX-License-Identifier: Apache-2.0
//
// Small texts of the Runtime API and of logs. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace trivet::runner {

// What is no UTF-8 becomes U+FFFD, so that whatever a function writes can be kept.
std::string valid_text(std::string text);

// "bwrap: execvp /var/task/bootstrap: Exec format error": it could not run the program. With
// another complaint of bubblewrap's both are empty: there is no sandbox. nullopt: it complained of
// nothing.
struct BubblewrapError {
  std::string program;
  std::string error;  // as AWS words it: "exec format error"
};
std::optional<BubblewrapError> what_bubblewrap_said(std::string_view line);

// An X-Ray trace header of its own for each event; nothing is sampled.
std::string trace_id_of(std::string_view request_id);

}  // namespace trivet::runner
