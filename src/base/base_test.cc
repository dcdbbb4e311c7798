// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/iso8601.h"
#include "base/json_line.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/uri.h"
#include "base/xml_writer.h"

namespace trivet {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) {
    return make_error(Errc::kInvalidArgument, "odd");
  }
  return n / 2;
}

Result<int> quarter(int n) {
  TRIVET_TRY(const int h, half(n));
  return half(h);
}

TEST(Result, TryReturnsTheFirstError) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).error().message, "odd");
}

TEST(Bytes, Base64RoundTripsAndIsStrict) {
  for (const std::string text : {"", "f", "fo", "foo", "foob", "fooba", "foobar"}) {
    EXPECT_EQ(from_base64(to_base64(text)), text);
  }
  EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
  EXPECT_FALSE(from_base64("Zm9"));
  EXPECT_FALSE(from_base64("Z=9v"));
  EXPECT_FALSE(from_base64("Zm9 "));
}

TEST(Bytes, HexIsStrict) {
  EXPECT_EQ(to_hex("\x01\xff"), "01ff");
  EXPECT_EQ(from_hex("01fF"), std::string("\x01\xff"));
  EXPECT_FALSE(from_hex("0"));
  EXPECT_FALSE(from_hex("0g"));
}

TEST(Crypto, KnownDigests) {
  EXPECT_EQ(to_hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  // RFC 4231, test case 2.
  EXPECT_EQ(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  // Test case 6: a key longer than a block.
  EXPECT_EQ(to_hex(hmac_sha256(std::string(131, '\xaa'),
                               "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(sha256_of_parts({"a", "", "bc"}), sha256("abc"));
  EXPECT_EQ(sha256_of_parts({}), sha256(""));
  EXPECT_EQ(to_hex(hmac_sha256("", "")),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Crypto, SealedTextOpensOnlyUnderItsKeyAndContext) {
  const std::string key(32, 'k');
  const std::string sealed = aead_seal(key, "context", "secret");
  EXPECT_EQ(aead_open(key, "context", sealed), "secret");
  EXPECT_FALSE(aead_open(key, "other", sealed));
  EXPECT_FALSE(aead_open(std::string(32, 'x'), "context", sealed));
  std::string altered = sealed;
  altered[14] = static_cast<char>(altered[14] ^ 1);
  EXPECT_FALSE(aead_open(key, "context", altered));
  EXPECT_FALSE(aead_open(key, "context", sealed.substr(0, 20)));
}

TEST(Uri, EncodesAsAwsDoesAndDecodesStrictly) {
  EXPECT_EQ(percent_encode("a b/+~ü"), "a%20b%2F%2B~%C3%BC");
  EXPECT_EQ(percent_decode("a+b%2f"), "a+b/");
  EXPECT_EQ(form_decode("a+b"), "a b");
  EXPECT_FALSE(percent_decode("%2"));
  EXPECT_FALSE(percent_decode("%zz"));
  EXPECT_EQ(split_query("a=1&b&&c=x=y")->size(), 3U);
}

TEST(Uri, Utf8RejectsOverlongFormsAndSurrogates) {
  EXPECT_TRUE(is_valid_utf8("grün €"));
  EXPECT_FALSE(is_valid_utf8("\xC0\xAF"));
  EXPECT_FALSE(is_valid_utf8("\xED\xA0\x80"));
  EXPECT_FALSE(is_valid_utf8("\xE2\x82"));
}

TEST(Iso8601, OnlyRealDates) {
  EXPECT_EQ(format_amz_date(*parse_iso8601("2024-02-29T23:59:59Z")), "20240229T235959Z");
  EXPECT_EQ(format_iso8601_millis(*parse_iso8601("2024-05-06T07:08:09.5Z")),
            "2024-05-06T07:08:09.500Z");
  EXPECT_EQ(format_iso8601_millis(*parse_iso8601("0987-12-31T23:59:59.07Z")),
            "0987-12-31T23:59:59.070Z");
  EXPECT_FALSE(parse_amz_date("20230229T000000Z"));
  EXPECT_FALSE(parse_amz_date("20240506T070860Z"));
  EXPECT_FALSE(parse_amz_date("20240506T240000Z"));
  EXPECT_FALSE(parse_amz_date("20240506t070809Z"));
}

TEST(XmlWriter, EscapesText) {
  XmlWriter xml;
  xml.open("A", "http://x/");
  xml.element("B", "<&>\x01");
  xml.empty_element("C");
  xml.close();
  EXPECT_NE(xml.take().find("<A xmlns=\"http://x/\"><B>&lt;&amp;&gt;</B><C/></A>"),
            std::string::npos);
}

TEST(Log, ALineIsValidUtf8WhateverIsSaid) {
  const std::string time = "2026-01-02T03:04:05.678Z";
  EXPECT_EQ(
      log_line(true, time, Level::kInfo, "a.b", {{"text", "\xf6\"\n\xc3\xb6\xe2\x82"}, {"n", 7}}),
      R"({"time":"2026-01-02T03:04:05.678Z","level":"info","event":"a.b",)"
      "\"text\":\"\\ufffd\\\"\\u000a\xc3\xb6\\ufffd\\ufffd\",\"n\":7}");
  EXPECT_EQ(log_line(false, time, Level::kInfo, "a.b", {{"one", "\xc3\xb6"}, {"two", "x\xf6"}}),
            time + " info  a.b one=\xc3\xb6 two=\"x\\ufffd\"");
}

TEST(JsonLine, IsAnObjectOfWhatWasAdded) {
  JsonLine line;
  line.add("text", "a\t\"b\"");
  line.add("count", std::uint64_t{18'446'744'073'709'551'615U});
  line.add("below", -1);
  line.add_thousandths("ms", 1500);
  line.add_written("list", "[1]");
  EXPECT_EQ(
      std::move(line).str(),
      R"({"text":"a\u0009\"b\"","count":18446744073709551615,"below":-1,"ms":1.5,"list":[1]})");
  EXPECT_EQ(JsonLine().str(), "{}");
}

TEST(JsonLine, WritesThousandthsAsTheShortestNumber) {
  const auto written = [](std::int64_t thousandths) {
    JsonLine line;
    line.add_thousandths("n", thousandths);
    return std::move(line).str();
  };
  EXPECT_EQ(written(0), R"({"n":0})");
  EXPECT_EQ(written(7), R"({"n":0.007})");
  EXPECT_EQ(written(120), R"({"n":0.12})");
  EXPECT_EQ(written(20'000), R"({"n":20})");
  EXPECT_EQ(written(1'234'567), R"({"n":1234.567})");
  EXPECT_EQ(written(-1'050), R"({"n":-1.05})");
}

// A short text lies in the object itself, so moving it away copies it.
TEST(Secret, LeavesNothingWhereItWasMovedFrom) {
  SecretString source(std::string("short-secret"));
  const SecretString target(std::move(source));
  EXPECT_EQ(target.reveal(), "short-secret");
  const std::string_view left(reinterpret_cast<const char*>(&source), sizeof source);
  EXPECT_EQ(left.find("secret"), std::string_view::npos);
  SecretString assigned(std::string("other-secret"));
  assigned = SecretString(std::string("tiny"));
  const std::string_view bytes(reinterpret_cast<const char*>(&assigned), sizeof assigned);
  EXPECT_EQ(bytes.find("secret"), std::string_view::npos);
  EXPECT_EQ(assigned.reveal(), "tiny");
}

TEST(Secret, WipingEmptiesAText) {
  std::string text = "short-secret";
  const std::string_view bytes(reinterpret_cast<const char*>(&text), sizeof text);
  wipe(text);
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(bytes.find("secret"), std::string_view::npos);
}

TEST(Random, TextKeepsToItsAlphabet) {
  const std::string text = random_text(1000, "ab");
  EXPECT_EQ(text.find_first_not_of("ab"), std::string::npos);
  EXPECT_NE(text.find('a'), std::string::npos);
}

}  // namespace
}  // namespace trivet
