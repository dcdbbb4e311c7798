// SPDX-License-Identifier: Apache-2.0
//
// The guard's life after start-up: one thread, one poll loop, nothing allocated. It learns of
// mysqld's death from the kernel, tells every client at once and stays until it is told to quit, so
// that a daemon that was away learns of the death too. When the serve permission runs out it kills
// mysqld (failover.md, "serve permission"). One guard serves one run of mysqld: a restart is a new
// guard.
#pragma once

#include <poll.h>
#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "core/guard_wire/guard_frame.h"

namespace trivet::guard {

// Blocks the signals that the guard reads from a descriptor and ignores SIGPIPE. Before
// start_program, so that no death goes unseen.
Status block_signals();

struct GuardSetup {
  int listener = -1;
  pid_t program = 0;
  std::uint64_t generation = 0;
  std::int64_t permit_ms = guard_wire::kForever;
};

// Owned by main; used on its thread only.
class Guard {
 public:
  explicit Guard(const GuardSetup& setup);
  // Opens what the loop needs. Requires: block_signals() was called before the program was started.
  Status open();
  // Until a client says quit after the program's death, or a signal ends the guard and with it the
  // program.
  void run();

 private:
  static constexpr std::size_t kClientsMax = 16;
  struct Client {
    int fd = -1;
    std::size_t filled = 0;
    std::uint32_t kill_sequence = 0;  // answered when the program is reaped; 0: none
    std::array<char, guard_wire::kRequestBytes> buffer{};
  };

  void accept_client();
  void read_client(Client& client);
  void drop(Client& client);
  void handle(Client& client, const guard_wire::Request& request);
  void send(Client& client, guard_wire::ReplyKind kind, std::uint32_t sequence);
  void read_signals();
  void permit_ran_out();
  void set_permit(std::int64_t permit_ms);
  void kill_program(guard_wire::KillReason reason);
  void reap();
  bool running() const { return status_.state == guard_wire::State::kRunning; }

  GuardSetup setup_;
  guard_wire::GuardStatus status_;
  std::int64_t permit_ends_ms_ = guard_wire::kForever;
  int signals_ = -1;
  int timer_ = -1;
  bool quitting_ = false;  // leave the loop
  bool ending_ = false;    // leave the loop as soon as the program is reaped
  std::array<Client, kClientsMax> clients_;
};

}  // namespace trivet::guard
