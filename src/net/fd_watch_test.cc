// SPDX-License-Identifier: Apache-2.0
#include "net/fd_watch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <future>

#include "net/socket.h"

namespace trivet::net {
namespace {

constexpr Millis kDeadline{5'000};

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    read = Fd(ends[0]);
    write = Fd(ends[1]);
  }
  void put() const { EXPECT_EQ(::write(write.get(), "x", 1), 1); }
  void take() const {
    char byte = 0;
    EXPECT_EQ(::read(read.get(), &byte, 1), 1);
  }
  Fd read;
  Fd write;
};

TEST(FdWatch, TellsEachTimeThatSomethingIsThere) {
  const Pipe pipe;
  Loop loop("watch");
  std::atomic<int> told = 0;
  std::promise<void> twice;
  std::unique_ptr<FdWatch> watch;
  ASSERT_TRUE(loop.run(
      [&] {
        watch = std::make_unique<FdWatch>(loop, pipe.read.get(), [&] {
          pipe.take();
          if (++told == 2) {
            watch.reset();
            twice.set_value();
          } else {
            pipe.put();
          }
        });
      },
      kDeadline));
  pipe.put();
  EXPECT_EQ(twice.get_future().wait_for(kDeadline), std::future_status::ready);
  pipe.put();
  ASSERT_TRUE(loop.run([] {}, kDeadline));
  EXPECT_EQ(told, 2);
  loop.stop();
}

TEST(FdWatch, IsSilentWhileItPauses) {
  const Pipe pipe;
  Loop loop("watch");
  int told = 0;
  std::promise<void> heard;
  std::unique_ptr<FdWatch> watch;
  ASSERT_TRUE(loop.run(
      [&] {
        watch = std::make_unique<FdWatch>(loop, pipe.read.get(), [&] {
          pipe.take();
          ++told;
          heard.set_value();
        });
        watch->pause();
      },
      kDeadline));
  pipe.put();
  ASSERT_TRUE(loop.run([&] { EXPECT_EQ(told, 0); }, kDeadline));
  ASSERT_TRUE(loop.run([&] { watch->resume(); }, kDeadline));
  EXPECT_EQ(heard.get_future().wait_for(kDeadline), std::future_status::ready);
  ASSERT_TRUE(loop.run([&] { watch.reset(); }, kDeadline));
  loop.stop();
}

}  // namespace
}  // namespace trivet::net
