// SPDX-License-Identifier: Apache-2.0
#include "core/dns/message.h"

#include <gtest/gtest.h>

namespace trivet::dns {
namespace {

using namespace std::string_literals;

const std::string kQuery =
    "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"s
    "\x04"s +
    "Demo" + "\x03"s + "rds" + "\x00\x00\x01\x00\x01"s;

TEST(DnsMessage, ReadsOneQuestion) {
  const auto question = parse_query(kQuery);
  ASSERT_TRUE(question);
  EXPECT_EQ(question->id, 0x1234);
  EXPECT_TRUE(question->wants_recursion);
  EXPECT_EQ(question->name, "demo.rds");
  EXPECT_EQ(question->type, kTypeA);
  EXPECT_EQ(question->klass, kClassIn);
  // What stands behind the question (an EDNS record) is left alone.
  EXPECT_TRUE(parse_query(kQuery + "more"));
}

TEST(DnsMessage, RefusesWhatIsNoQuery) {
  for (std::size_t size = 0; size < kQuery.size(); ++size) {
    EXPECT_FALSE(parse_query(kQuery.substr(0, size))) << size;
  }
  const auto changed = [](std::size_t at, char value) {
    std::string out = kQuery;
    out[at] = value;
    return parse_query(out).has_value();
  };
  EXPECT_FALSE(changed(2, '\x81'));   // an answer
  EXPECT_FALSE(changed(2, '\x28'));   // an update
  EXPECT_FALSE(changed(5, '\x02'));   // two questions
  EXPECT_FALSE(changed(12, '\xC0'));  // a pointer
  EXPECT_FALSE(changed(12, '\x3F'));  // a label past the end
  std::string endless = kQuery.substr(0, 12);
  for (int i = 0; i < 200; ++i) {
    endless += "\x01"s + "a";
  }
  EXPECT_FALSE(parse_query(endless + "\x00\x00\x01\x00\x01"s));
  EXPECT_EQ(format_error("short"), std::nullopt);
  ASSERT_TRUE(format_error(kQuery.substr(0, 13)));
  EXPECT_EQ(format_error(kQuery.substr(0, 13))->substr(0, 4), "\x12\x34\x80\x01"s);
}

TEST(DnsMessage, AnswersWithAnAddress) {
  const auto question = parse_query(kQuery);
  const std::string answer = make_answer(*question, 0x0A000104, 5);
  EXPECT_EQ(answer.substr(0, 12), "\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00"s);
  EXPECT_EQ(answer.substr(12, question->bytes.size()), question->bytes);
  EXPECT_EQ(answer.substr(12 + question->bytes.size()),
            "\xC0\x0C\x00\x01\x00\x01\x00\x00\x00\x05\x00\x04\x0A\x00\x01\x04"s);
  EXPECT_TRUE(answers(answer, *question));
  EXPECT_FALSE(answers(kQuery, *question));
  EXPECT_EQ(make_answer(*question, ResponseCode::kNoSuchName).substr(2, 2), "\x81\x83"s);
}

TEST(DnsMessage, TakesOnlyAnswersToTheQuestion) {
  const auto question = parse_query(kQuery);
  std::string other = make_answer(*question, 1, 5);
  other[13] = 'x';
  EXPECT_FALSE(answers(other, *question));
  EXPECT_EQ(id_of(with_id(other, 0xABCD)), 0xABCD);
}

}  // namespace
}  // namespace trivet::dns
