// SPDX-License-Identifier: Apache-2.0
//
// What is inside a Loop. Only .cc files of src/net include this: no other folder sees Asio.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>

#include "net/loop.h"

namespace trivet::net {

namespace asio = boost::asio;

struct Loop::Impl {
  // One thread runs it: Asio may leave out its wake-up of other threads.
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  std::atomic<bool> stopped{false};
  std::thread thread;
};

}  // namespace trivet::net
