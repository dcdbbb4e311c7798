// SPDX-License-Identifier: Apache-2.0
#include "core/guard_wire/guard_frame.h"

#include <gtest/gtest.h>

namespace trivet::guard_wire {
namespace {

template <std::size_t N>
std::string_view view(const std::array<char, N>& bytes) {
  return {bytes.data(), bytes.size()};
}

TEST(GuardFrame, RequestComesBackAsItWent) {
  for (const Verb verb :
       {Verb::kStatus, Verb::kKill, Verb::kTerminate, Verb::kPermit, Verb::kQuit}) {
    const auto bytes = encode(Request{.verb = verb, .sequence = 0xfedcba98, .permit_ms = 1500});
    const auto back = decode_request(view(bytes));
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(back->verb, verb);
    EXPECT_EQ(back->sequence, 0xfedcba98U);
    EXPECT_EQ(back->permit_ms, 1500);
  }
}

TEST(GuardFrame, ReplyComesBackAsItWent) {
  Reply reply;
  reply.kind = ReplyKind::kExited;
  reply.sequence = 7;
  reply.status = {.state = State::kExited,
                  .kill_reason = KillReason::kPermitExpired,
                  .guard_pid = 123,
                  .mysqld_pid = 124,
                  .wait_status = 9,
                  .generation = 1ULL << 40U,
                  .started_ms = 5,
                  .exited_ms = 1LL << 41,
                  .permit_left_ms = kForever,
                  .boot_id = {1, 2, 3, 255}};
  const auto bytes = encode(reply);
  const auto back = decode_reply(view(bytes));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->kind, reply.kind);
  EXPECT_EQ(back->sequence, 7U);
  EXPECT_EQ(back->status.state, State::kExited);
  EXPECT_EQ(back->status.kill_reason, KillReason::kPermitExpired);
  EXPECT_EQ(back->status.guard_pid, 123);
  EXPECT_EQ(back->status.mysqld_pid, 124);
  EXPECT_EQ(back->status.wait_status, 9);
  EXPECT_EQ(back->status.generation, 1ULL << 40U);
  EXPECT_EQ(back->status.started_ms, 5);
  EXPECT_EQ(back->status.exited_ms, 1LL << 41);
  EXPECT_EQ(back->status.permit_left_ms, kForever);
  EXPECT_EQ(back->status.boot_id, reply.status.boot_id);
}

TEST(GuardFrame, ForeignBytesAreRefused) {
  auto bytes = encode(Request{});
  EXPECT_FALSE(decode_request(view(bytes).substr(1)));
  EXPECT_FALSE(decode_request(""));
  auto wrong_mark = bytes;
  wrong_mark[0] = 'X';
  EXPECT_FALSE(decode_request(view(wrong_mark)));
  auto wrong_verb = bytes;
  wrong_verb[8] = 6;
  EXPECT_FALSE(decode_request(view(wrong_verb)));
  EXPECT_FALSE(decode_request(view(encode(Request{.sequence = 0}))));
  EXPECT_FALSE(decode_request(view(encode(Request{.permit_ms = -2}))));
  auto wrong_kind = encode(Reply{});
  wrong_kind[8] = 9;
  EXPECT_FALSE(decode_reply(view(wrong_kind)));
}

TEST(GuardFrame, WaitStatusIsSaidInWords) {
  EXPECT_EQ(describe_wait_status(9), "killed by signal 9");
  EXPECT_EQ(describe_wait_status(0x0100), "exited with status 1");
  EXPECT_EQ(describe_wait_status(0x86), "killed by signal 6");  // with a core dump
}

TEST(GuardFrame, BootIdIsReadOrRefused) {
  const auto id = parse_boot_id("00ff0000-0000-0000-0000-00000000000a");
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ((*id)[1], 0xff);
  EXPECT_EQ((*id)[15], 0x0a);
  EXPECT_FALSE(parse_boot_id("00ff"));
  EXPECT_FALSE(parse_boot_id("zzff0000-0000-0000-0000-00000000000a"));
}

}  // namespace
}  // namespace trivet::guard_wire
