// SPDX-License-Identifier: Apache-2.0
#include "net/loop.h"

#include <pthread.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <utility>

#include "base/assert.h"
#include "net/loop_impl.h"

namespace trivet::net {

Loop::Loop(std::string name) : impl_(std::make_shared<Impl>()) {
  name.resize(std::min<std::size_t>(name.size(), 15));
  Impl* const impl = impl_.get();
  impl->thread = std::thread([impl, name] {
    pthread_setname_np(pthread_self(), name.c_str());
    impl->context.run();
  });
}

Loop::~Loop() {
  stop();
}

bool Loop::post(Task task) {
  if (impl_->stopped) {
    return false;
  }
  asio::post(impl_->context, std::move(task));
  return true;
}

bool Loop::post_after(Millis delay, Task task) {
  if (impl_->stopped) {
    return false;
  }
  auto timer = std::make_shared<asio::steady_timer>(impl_->context, delay);
  timer->async_wait([timer, task = std::move(task)](const boost::system::error_code& error) {
    if (!error) {
      task();
    }
  });
  return true;
}

bool Loop::run(Task task, Millis deadline) {
  TRIVET_ASSERT(!on_this_thread());
  auto done = std::make_shared<std::promise<void>>();
  std::future<void> ran = done->get_future();
  if (!post([task = std::move(task), done] {
        task();
        done->set_value();
      })) {
    return false;
  }
  return ran.wait_for(deadline) == std::future_status::ready;
}

void Loop::stop() {
  TRIVET_ASSERT(!on_this_thread());
  impl_->stopped = true;
  impl_->context.stop();
  if (impl_->thread.joinable()) {
    impl_->thread.join();
  }
}

bool Loop::on_this_thread() const {
  return std::this_thread::get_id() == impl_->thread.get_id();
}

}  // namespace trivet::net
