// SPDX-License-Identifier: Apache-2.0
#include "net/fd_watch.h"

#include <fcntl.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <utility>

#include "net/loop_impl.h"

namespace trivet::net {

struct FdWatch::State {
  State(asio::io_context& context, std::function<void()> task)
      : descriptor(context), on_readable(std::move(task)) {}
  asio::posix::stream_descriptor descriptor;
  std::function<void()> on_readable;
  bool is_paused = false;
  bool is_waiting = false;
  bool is_stopped = false;
};

FdWatch::FdWatch(Loop& loop, int fd, std::function<void()> on_readable)
    : state_(std::make_shared<State>(loop.impl()->context, std::move(on_readable))) {
  boost::system::error_code error;
  state_->descriptor.assign(::fcntl(fd, F_DUPFD_CLOEXEC, 0), error);
  if (!error) {
    wait(state_);
  }
}

FdWatch::~FdWatch() {
  state_->is_stopped = true;
  boost::system::error_code error;
  state_->descriptor.close(error);
}

void FdWatch::wait(const std::shared_ptr<State>& state) {
  if (state->is_waiting || state->is_paused || state->is_stopped) {
    return;
  }
  state->is_waiting = true;
  state->descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                               [state](const boost::system::error_code& error) {
                                 state->is_waiting = false;
                                 if (error || state->is_stopped || state->is_paused) {
                                   return;
                                 }
                                 state->on_readable();
                                 wait(state);
                               });
}

void FdWatch::pause() {
  state_->is_paused = true;
}

void FdWatch::resume() {
  state_->is_paused = false;
  wait(state_);
}

}  // namespace trivet::net
