// SPDX-License-Identifier: Apache-2.0
//
// In which order a runtime may call the Runtime API, and what its answers to events may be.
// Source: aws-lambda-runtime-interface-emulator, internal/lambda/rapi; "Using the Lambda runtime
// API".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace trivet::environments {

inline constexpr std::size_t kResponseBytesMax = 6 * 1024 * 1024 + 100;

enum class RuntimeState { kStarted, kInitFailed, kReady, kRunning, kResponseSent };
enum class RuntimeCall { kNext, kResponse, kError, kInitError };

// The state after the call; nullopt: it is out of order and answered with 403.
std::optional<RuntimeState> after(RuntimeState state, RuntimeCall call);
// The body of that 403.
std::string out_of_order(RuntimeState state, RuntimeCall call);

// A request to the Runtime API. nullopt: there is no such thing there.
struct RuntimeRequest {
  RuntimeCall call = RuntimeCall::kNext;
  std::string_view request_id;  // of kResponse and kError
};
std::optional<RuntimeRequest> parse_runtime_request(std::string_view method,
                                                    std::string_view target);

// As the header Lambda-Runtime-Function-Error-Type may say it, else "Runtime.Unknown".
std::string error_type(std::string_view header);

// {"errorType":…,"errorMessage":…}
std::string error_object(std::string_view type, std::string_view message);

// How a process ended, as AWS words it: "Runtime exited without providing a reason",
// "Runtime exited with error: signal: killed". bubblewrap passes a signal on as an exit status of
// 128 + its number.
std::string exit_reason(int exit_status, int signal);

}  // namespace trivet::environments
