// SPDX-License-Identifier: Apache-2.0
//
// Copies bytes between two connected sockets, both ways, until both have ended: a half-close is
// passed on as one, a reset as a reset. Memory is used only while one side takes less than the
// other gives.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "net/poller.h"
#include "net/socket.h"

namespace trivet::net {

// Runs on its poller's thread, all calls; for life on that one. Owned by whoever started it, who
// lets go through Poller::release_later.
class TcpRelay {
 public:
  using Done = std::function<void()>;

  // With one side ended, the other may be silent for this long: then both are cut. A peer that
  // vanished between its two half-closes would else hold a descriptor for ever.
  static constexpr Millis kHalfClosedSilenceMax{60'000};

  // `done` runs on the thread, once, when both sockets are closed by the relay itself; not after
  // abort().
  TcpRelay(Poller& poller, Fd client, Fd server, Done done);
  ~TcpRelay() = default;
  TcpRelay(const TcpRelay&) = delete;
  TcpRelay& operator=(const TcpRelay&) = delete;
  void start();
  // Resets both connections now. Calling it twice is harmless.
  void abort();

 private:
  // One socket: what is read from it goes to `other`.
  struct Side final : Poller::Watcher {
    void ready(std::uint32_t events) override { relay->ready(*this, events); }
    TcpRelay* relay = nullptr;
    Side* other = nullptr;
    Fd fd;
    std::uint32_t wishes = 0;
    std::string pending;      // to be written to this socket
    std::size_t written = 0;  // of `pending`
    bool is_read_ended = false;
    bool is_write_ended = false;
  };

  void ready(Side& side, std::uint32_t events);
  void copy_from(Side& side);
  void flush(Side& side);
  void forward_end(Side& side);
  bool wish(Side& side);
  void watch_half_closed();
  void close(bool with_reset);

  Poller& poller_;
  Side client_;
  Side server_;
  Done done_;
  Poller::TimerId silence_timer_;
  bool is_silence_watched_ = false;
  bool is_moved_ = false;  // bytes moved since the last look
  bool is_closed_ = false;
};

}  // namespace trivet::net
