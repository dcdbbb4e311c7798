// SPDX-License-Identifier: Apache-2.0
#include "net/acceptor.h"

#include <utility>

#include "base/log.h"

namespace trivet::net {
namespace {
// As many as are taken before other events of the loop get their turn.
constexpr int kAcceptedAtOnceMax = 64;
// Out of descriptors: time for some to be closed.
constexpr Millis kPause{100};
}  // namespace

Acceptor::Acceptor(asio::io_context& context, Fd listening, OnAccept on_accept)
    : listening_(context, listening.release()), pause_(context), on_accept_(std::move(on_accept)) {}

void Acceptor::start() {
  listening_.async_wait(asio::posix::descriptor_base::wait_read,
                        [self = shared_from_this()](const boost::system::error_code& error) {
                          if (!error && self->listening_.is_open()) {
                            self->take_waiting();
                          }
                        });
}

void Acceptor::take_waiting() {
  for (int i = 0; i < kAcceptedAtOnceMax; ++i) {
    auto accepted = accept_one(listening_.native_handle());
    if (!accepted) {
      if (!accepted.error().message.empty()) {
        log(Level::kWarning, "net.accept_failed", {{"error", accepted.error().message}});
        pause();
        return;
      }
      break;
    }
    on_accept_(std::move(*accepted));
    if (!listening_.is_open()) {
      return;
    }
  }
  start();
}

void Acceptor::pause() {
  pause_.expires_after(kPause);
  pause_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (!error && self->listening_.is_open()) {
      self->start();
    }
  });
}

void Acceptor::close() {
  boost::system::error_code ignored;
  listening_.close(ignored);
  pause_.cancel();
}

}  // namespace trivet::net
