// SPDX-License-Identifier: Apache-2.0
//
// What a guard (the parent of one mysqld) and its daemon say to each other over the guard's unix
// socket: fixed-size little-endian frames, so that the guard needs no memory to speak. A client
// sends requests; each is answered by one reply with its sequence number. When mysqld has died,
// every client gets one event (sequence 0) without asking.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace trivet::guard_wire {

inline constexpr std::size_t kRequestBytes = 24;
inline constexpr std::size_t kReplyBytes = 96;
inline constexpr std::int64_t kForever = -1;

enum class Verb : std::uint8_t {
  kStatus = 1,  // answered at once
  kKill = 2,    // SIGKILL; answered when mysqld is reaped
  kTerminate =
      3,  // SIGTERM, for an orderly end of a whole cluster only (failover.md I8); answered at once
  kPermit = 4,  // mysqld may serve for `permit_ms` from now, or for ever; then it is killed
  kQuit = 5,    // the guard ends; refused while mysqld runs
};

struct Request {
  Verb verb = Verb::kStatus;
  std::uint32_t sequence = 1;         // not 0: that is the event's
  std::int64_t permit_ms = kForever;  // kPermit only; ≥ 0 or kForever
};

enum class State : std::uint8_t { kRunning = 1, kExited = 2 };

// Why the guard itself killed mysqld, if it did.
enum class KillReason : std::uint8_t {
  kNone = 0,
  kAsked = 1,            // a client's kKill
  kPermitExpired = 2,    // the serve permission ran out
  kGuardTerminated = 3,  // the guard was told to end by a signal
};

struct GuardStatus {
  State state = State::kRunning;
  KillReason kill_reason = KillReason::kNone;
  std::int32_t guard_pid = 0;
  std::int32_t mysqld_pid = 0;
  std::int32_t wait_status = 0;  // as waitpid gives it; of meaning when kExited
  std::uint64_t generation = 0;  // the number of this run of the member, given by the daemon
  std::int64_t started_ms = 0;   // CLOCK_BOOTTIME, milliseconds; comparable within one boot
  std::int64_t exited_ms = 0;    // the same clock; 0 while running
  std::int64_t permit_left_ms = kForever;
  std::array<std::uint8_t, 16> boot_id{};  // of the running kernel
};

enum class ReplyKind : std::uint8_t {
  kDone = 1,     // the request was carried out
  kRefused = 2,  // it was not: kQuit while mysqld runs, an unknown verb
  kExited = 3,   // the event: mysqld is dead and reaped
};

struct Reply {
  ReplyKind kind = ReplyKind::kDone;
  std::uint32_t sequence = 0;
  GuardStatus status;
};

std::array<char, kRequestBytes> encode(const Request& request);
std::array<char, kReplyBytes> encode(const Reply& reply);
// nullopt when the size, the mark, the version or a field is not of ours.
std::optional<Request> decode_request(std::string_view bytes);
std::optional<Reply> decode_reply(std::string_view bytes);

// "exited with status 1", "killed by signal 9".
std::string describe_wait_status(std::int32_t wait_status);
// "6f9e1c3a-…" → 16 bytes; nullopt when it is not a UUID.
std::optional<std::array<std::uint8_t, 16>> parse_boot_id(std::string_view text);

}  // namespace trivet::guard_wire
