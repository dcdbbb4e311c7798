// SPDX-License-Identifier: Apache-2.0
#include "core/environments/runtime_state.h"

#include <algorithm>
#include <array>

namespace trivet::environments {
namespace {

constexpr std::string_view kPrefix = "/2018-06-01/runtime/";

std::string_view name_of(RuntimeState state) {
  switch (state) {
    case RuntimeState::kStarted:
      return "Started";
    case RuntimeState::kInitFailed:
      return "InitError";
    case RuntimeState::kReady:
      return "Ready";
    case RuntimeState::kRunning:
      return "Running";
    case RuntimeState::kResponseSent:
      return "ResponseSent";
  }
  return "Started";
}

std::string_view name_of(RuntimeCall call) {
  switch (call) {
    case RuntimeCall::kNext:
      return "Ready";
    case RuntimeCall::kResponse:
      return "InvocationResponse";
    case RuntimeCall::kError:
      return "InvocationErrorResponse";
    case RuntimeCall::kInitError:
      return "InitError";
  }
  return "Ready";
}

// As Go says them: AWS's supervisor is written in it.
std::string signal_name(int number) {
  static constexpr std::array<std::string_view, 16> kNames = {"",
                                                              "hangup",
                                                              "interrupt",
                                                              "quit",
                                                              "illegal instruction",
                                                              "trace/breakpoint trap",
                                                              "aborted",
                                                              "bus error",
                                                              "floating point exception",
                                                              "killed",
                                                              "user defined signal 1",
                                                              "segmentation fault",
                                                              "user defined signal 2",
                                                              "broken pipe",
                                                              "alarm clock",
                                                              "terminated"};
  const auto index = static_cast<std::size_t>(number);
  return index < kNames.size() && number > 0 ? std::string(kNames[index])
                                             : "signal " + std::to_string(number);
}

void append_escaped(std::string& out, std::string_view text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4U];
      out += kHex[byte & 15U];
    } else {
      out += c;
    }
  }
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

std::optional<RuntimeState> after(RuntimeState state, RuntimeCall call) {
  switch (call) {
    case RuntimeCall::kNext:
      // Asking again while one waits is a connection that was lost and opened anew.
      if (state == RuntimeState::kStarted || state == RuntimeState::kReady ||
          state == RuntimeState::kResponseSent) {
        return RuntimeState::kReady;
      }
      return std::nullopt;
    case RuntimeCall::kResponse:
    case RuntimeCall::kError:
      return state == RuntimeState::kRunning ? std::optional(RuntimeState::kResponseSent)
                                             : std::nullopt;
    case RuntimeCall::kInitError:
      return state == RuntimeState::kStarted ? std::optional(RuntimeState::kInitFailed)
                                             : std::nullopt;
  }
  return std::nullopt;
}

std::string out_of_order(RuntimeState state, RuntimeCall call) {
  return error_object("InvalidStateTransition",
                      std::string("State transition from ") + std::string(name_of(state)) + " to " +
                          std::string(name_of(call)) +
                          " failed for runtime. Error: State transition is not allowed");
}

std::optional<RuntimeRequest> parse_runtime_request(std::string_view method,
                                                    std::string_view target) {
  target = target.substr(0, target.find('?'));
  if (target.substr(0, kPrefix.size()) != kPrefix) {
    return std::nullopt;
  }
  target.remove_prefix(kPrefix.size());
  if (target == "invocation/next") {
    return method == "GET" ? std::optional(RuntimeRequest{RuntimeCall::kNext, {}}) : std::nullopt;
  }
  if (method != "POST") {
    return std::nullopt;
  }
  if (target == "init/error") {
    return RuntimeRequest{RuntimeCall::kInitError, {}};
  }
  constexpr std::string_view kInvocation = "invocation/";
  const std::size_t slash = target.rfind('/');
  if (target.substr(0, kInvocation.size()) != kInvocation || slash < kInvocation.size()) {
    return std::nullopt;
  }
  const std::string_view id = target.substr(kInvocation.size(), slash - kInvocation.size());
  const std::string_view what = target.substr(slash + 1);
  if (what == "response" || what == "error") {
    return RuntimeRequest{what == "response" ? RuntimeCall::kResponse : RuntimeCall::kError, id};
  }
  return std::nullopt;
}

std::string error_type(std::string_view header) {
  const std::size_t dot = header.find('.');
  const std::string_view domain = header.substr(0, dot);
  if (dot == std::string_view::npos || (domain != "Runtime" && domain != "Function")) {
    return "Runtime.Unknown";
  }
  const std::string_view name = header.substr(dot + 1);
  const bool is_name = name.size() > 1 && name.size() < 128 && name.front() >= 'A' &&
                       name.front() <= 'Z' && std::all_of(name.begin(), name.end(), is_letter);
  return is_name ? std::string(header) : "Runtime.Unknown";
}

std::string error_object(std::string_view type, std::string_view message) {
  std::string out = "{\"errorType\":\"";
  append_escaped(out, type);
  out += "\",\"errorMessage\":\"";
  append_escaped(out, message);
  return out + "\"}";
}

std::string exit_reason(int exit_status, int signal) {
  if (exit_status > 128 && exit_status < 128 + 32) {
    signal = exit_status - 128;
  }
  if (signal != 0) {
    return "Runtime exited with error: signal: " + signal_name(signal);
  }
  return exit_status == 0 ? "Runtime exited without providing a reason"
                          : "Runtime exited with error: exit status " + std::to_string(exit_status);
}

}  // namespace trivet::environments
