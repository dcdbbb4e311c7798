// SPDX-License-Identifier: Apache-2.0
//
// Takes connections from one listening socket on a Loop. Only .cc files of src/net include this.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>

#include "net/loop_impl.h"
#include "net/socket.h"

namespace trivet::net {

// Runs on its loop's thread, all calls. Kept alive by its waits until close().
class Acceptor : public std::enable_shared_from_this<Acceptor> {
 public:
  using OnAccept = std::function<void(Fd)>;
  Acceptor(asio::io_context& context, Fd listening, OnAccept on_accept);
  void start();
  void close();

 private:
  void take_waiting();
  void pause();

  asio::posix::stream_descriptor listening_;
  asio::steady_timer pause_;
  OnAccept on_accept_;
};

}  // namespace trivet::net
