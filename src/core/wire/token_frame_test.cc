// SPDX-License-Identifier: Apache-2.0
#include "core/wire/token_frame.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string>
#include <vector>

namespace trivet::wire {
namespace {

using std::string_view_literals::operator""sv;

TokenRequest sample_request() {
  return {.transport = Transport::kTcp,
          .is_tls = true,
          .connection_id = 0x0102030405060708,
          .peer_port = 0xC001,
          .user = "jane",
          .host = "app.example",
          .peer_address = "127.42.0.9",
          .tls_version = "TLSv1.3",
          .tls_cipher = "TLS_AES_256_GCM_SHA384",
          .token = "host:3306/?Action=connect"};
}

TokenResponse sample_response() {
  return {
      .verdict = Verdict::kAllow, .principal = "arn:aws:iam::123456789012:user/jane", .reason = ""};
}

std::string request_frame(const TokenRequest& request) {
  std::string out(kFramePrefixBytes + kMaxFramePayloadBytes, '\0');
  out.resize(encode_request(request, out));
  return out;
}

std::string response_frame(const TokenResponse& response) {
  std::string out(kMaxResponseFrameBytes, '\0');
  out.resize(encode_response(response, out));
  return out;
}

std::string_view payload_of(const std::string& frame) {
  return std::string_view(frame).substr(kFramePrefixBytes);
}

bool same(const TokenRequest& a, const TokenRequest& b) {
  return a.version == b.version && a.tls_version == b.tls_version && a.tls_cipher == b.tls_cipher &&
         a.transport == b.transport && a.is_tls == b.is_tls && a.connection_id == b.connection_id &&
         a.peer_port == b.peer_port && a.user == b.user && a.host == b.host &&
         a.peer_address == b.peer_address && a.token == b.token;
}

// The bytes are the contract between a mysqld that runs on and a daemon that was upgraded under it.
TEST(TokenFrame, RequestBytesAreTheDocumentedOnes) {
  TokenRequest request{.version = 1,
                       .transport = Transport::kTcp,
                       .is_tls = true,
                       .connection_id = 7,
                       .peer_port = 0x1234,
                       .user = "jo",
                       .host = "h",
                       .peer_address = "::1",
                       .token = "T!"};
  EXPECT_EQ(request_frame(request),
            "\x00\x00\x00\x20"                  // payload: 32 bytes
            "\x01\x01\x01\x01"                  // version, request, TCP, TLS
            "\x00\x00\x00\x00\x00\x00\x00\x07"  // connection id
            "\x12\x34"                          // peer port
            "\x00\x02jo"
            "\x00\x01h"
            "\x00\x03::1"
            "\x00\x00\x00\x02T!"sv);
  request.version = 2;
  request.tls_version = "v";
  request.tls_cipher = "ci";
  EXPECT_EQ(request_frame(request),
            "\x00\x00\x00\x27"                  // payload: 39 bytes
            "\x02\x01\x01\x01"                  // version, request, TCP, TLS
            "\x00\x00\x00\x00\x00\x00\x00\x07"  // connection id
            "\x12\x34"                          // peer port
            "\x00\x02jo"
            "\x00\x01h"
            "\x00\x03::1"
            "\x00\x01v"
            "\x00\x02"
            "ci"
            "\x00\x00\x00\x02T!"sv);
}

TEST(TokenFrame, ResponseBytesAreTheDocumentedOnes) {
  EXPECT_EQ(
      response_frame(
          {.verdict = Verdict::kAllow, .principal = "arn:x", .reason = "", .account = "reporting"}),
      "\x00\x00\x00\x18"
      "\x03\x02\x01\x00"
      "\x00\x05"
      "arn:x"
      "\x00\x00"
      "\x00\x09reporting"sv);
  EXPECT_EQ(
      response_frame(
          {.version = 1, .verdict = Verdict::kDeny, .principal = "arn:x", .reason = "expired"}),
      "\x00\x00\x00\x14"
      "\x01\x02\x02\x00"
      "\x00\x05"
      "arn:x"
      "\x00\x07"
      "expired"sv);
}

// These never change, whatever becomes of the other frames.
TEST(TokenFrame, VersionsBytesAreTheDocumentedOnes) {
  std::array<char, kVersionsFrameBytes> out{};
  const Versions versions{.lowest = 2, .highest = 7};
  ASSERT_EQ(encode_versions_question(versions, out), out.size());
  EXPECT_EQ(std::string_view(out.data(), out.size()), "\x00\x00\x00\x04\x00\x03\x02\x07"sv);
  ASSERT_EQ(encode_versions_answer(versions, out), out.size());
  EXPECT_EQ(std::string_view(out.data(), out.size()), "\x00\x00\x00\x04\x00\x04\x02\x07"sv);
}

TEST(TokenFrame, VersionsFitWhatIsBetweenThem) {
  const auto versions = decode_versions_answer("\x00\x04\x02\x07 and what a later one adds"sv);
  ASSERT_TRUE(versions.has_value());
  EXPECT_FALSE(versions->fit(1));
  EXPECT_TRUE(versions->fit(2));
  EXPECT_TRUE(versions->fit(7));
  EXPECT_FALSE(versions->fit(8));
  for (const std::string_view bad :
       {"\x00\x03\x02\x07"sv, "\x01\x04\x02\x07"sv, "\x00\x04\x03\x02"sv, "\x00\x04\x00\x02"sv,
        "\x00\x04\x02"sv, ""sv}) {
    EXPECT_FALSE(decode_versions_answer(bad).has_value());
  }
}

TEST(TokenFrame, OnlyRequestsOfAnotherVersionAreAnsweredWithVersions) {
  EXPECT_TRUE(is_of_unknown_version("\x04\x01 what is not known yet"sv));
  EXPECT_FALSE(is_of_unknown_version("\x01\x01\x01\x01"sv));
  EXPECT_FALSE(is_of_unknown_version("\x02\x01\x01\x01"sv));
  EXPECT_FALSE(is_of_unknown_version("\x03\x01\x01\x01"sv));
  EXPECT_FALSE(is_of_unknown_version("\x00\x03\x01\x01"sv));
  EXPECT_FALSE(is_of_unknown_version("HTTP/1.1"sv));
  EXPECT_FALSE(is_of_unknown_version(""sv));
}

TEST(TokenFrame, RequestsComeBackAsTheyWere) {
  TokenRequest request = sample_request();
  EXPECT_TRUE(same(*decode_request(payload_of(request_frame(request))), request));

  request.transport = Transport::kUnixSocket;
  request.is_tls = false;
  request.connection_id = std::numeric_limits<std::uint64_t>::max();
  request.peer_port = 0;
  request.host = "";
  request.peer_address = "";
  request.tls_version = "";
  request.tls_cipher = "";
  request.token = "\x00\xFF\n"sv;  // any bytes: judging them is the verifier's work
  EXPECT_TRUE(same(*decode_request(payload_of(request_frame(request))), request));
}

TEST(TokenFrame, ResponsesComeBackAsTheyWere) {
  for (const Verdict verdict : {Verdict::kAllow, Verdict::kDeny, Verdict::kError}) {
    const std::string frame =
        response_frame({.verdict = verdict, .principal = "arn:x", .reason = "some-reason"});
    const auto decoded = decode_response(payload_of(frame));
    ASSERT_TRUE(decoded.has_value());
    EXPECT_EQ(decoded->verdict, verdict);
    EXPECT_EQ(decoded->principal, "arn:x");
    EXPECT_EQ(decoded->reason, "some-reason");
  }
}

// A mysqld that was started before the daemon was upgraded.
TEST(TokenFrame, TheFirstVersionIsSpokenStill) {
  TokenRequest request = sample_request();
  request.version = 1;
  EXPECT_EQ(request_frame(request), "") << "it has no names of TLS";
  request.tls_version = "";
  request.tls_cipher = "";
  EXPECT_TRUE(same(*decode_request(payload_of(request_frame(request))), request));
  TokenResponse response = sample_response();
  response.version = 1;
  EXPECT_EQ(decode_response(payload_of(response_frame(response)))->version, 1);
  response.account = "reporting";
  EXPECT_EQ(response_frame(response), "");
}

TEST(TokenFrame, ALoginMayComeWithoutATokenSinceTheThirdVersion) {
  TokenRequest request = sample_request();
  request.token = "";
  EXPECT_TRUE(same(*decode_request(payload_of(request_frame(request))), request));
  request.version = 2;
  EXPECT_EQ(request_frame(request), "");
}

TEST(TokenFrame, AnAccountComesWithAllowOnly) {
  TokenResponse response = sample_response();
  response.account = "reporting";
  EXPECT_EQ(decode_response(payload_of(response_frame(response)))->account, "reporting");
  response.verdict = Verdict::kDeny;
  EXPECT_EQ(response_frame(response), "");
}

TEST(TokenFrame, HeadPlusTokenIsTheWholeFrame) {
  const std::string token(15'000, 'x');
  TokenRequest request = sample_request();
  request.token = token;
  std::string head(kMaxRequestHeadBytes, '\0');
  head.resize(encode_request_head(request, head));
  EXPECT_EQ(head + token, request_frame(request));
}

TEST(TokenFrame, LargestFieldsFitTheAdvertisedBuffers) {
  const std::string user(kMaxUserBytes, 'u');
  const std::string host(kMaxHostBytes, 'h');
  const std::string address(kMaxPeerAddressBytes, 'a');
  const std::string token(kMaxTokenBytes, 't');
  TokenRequest request = sample_request();
  request.user = user;
  request.host = host;
  request.peer_address = address;
  const std::string name(kMaxTlsNameBytes, 'n');
  request.tls_version = name;
  request.tls_cipher = name;
  request.token = token;
  std::array<char, kMaxRequestHeadBytes> head{};
  EXPECT_GT(encode_request_head(request, head), 0U);
  const std::string frame = request_frame(request);
  EXPECT_EQ(decode_frame_size(frame), frame.size() - kFramePrefixBytes);
  EXPECT_TRUE(same(*decode_request(payload_of(frame)), request));

  const std::string principal(kMaxPrincipalBytes, 'p');
  const std::string reason(kMaxReasonBytes, 'r');
  const std::string account(kMaxAccountBytes, 'a');
  const std::string response = response_frame(
      {.verdict = Verdict::kAllow, .principal = principal, .reason = reason, .account = account});
  EXPECT_EQ(decode_response(payload_of(response))->principal, principal);
}

TEST(TokenFrame, FieldsOverTheirLimitAreNotSent) {
  const std::string long_text(kMaxTokenBytes + 1, 'x');
  const std::string_view view(long_text);
  TokenRequest request = sample_request();
  request.user = view.substr(0, kMaxUserBytes + 1);
  EXPECT_EQ(request_frame(request), "");
  request = sample_request();
  request.host = view.substr(0, kMaxHostBytes + 1);
  EXPECT_EQ(request_frame(request), "");
  request = sample_request();
  request.peer_address = view.substr(0, kMaxPeerAddressBytes + 1);
  EXPECT_EQ(request_frame(request), "");
  request = sample_request();
  request.token = view;
  EXPECT_EQ(request_frame(request), "");
  request = sample_request();
  request.user = "";
  EXPECT_EQ(request_frame(request), "");

  TokenResponse response = sample_response();
  response.principal = view.substr(0, kMaxPrincipalBytes + 1);
  EXPECT_EQ(response_frame(response), "");
  response = sample_response();
  response.reason = view.substr(0, kMaxReasonBytes + 1);
  EXPECT_EQ(response_frame(response), "");
}

TEST(TokenFrame, AllowWithoutPrincipalIsRefusedOnBothSides) {
  EXPECT_EQ(response_frame({.verdict = Verdict::kAllow, .principal = "", .reason = ""}), "");
  std::string frame = response_frame({.verdict = Verdict::kDeny, .principal = "", .reason = ""});
  ASSERT_TRUE(decode_response(payload_of(frame)).has_value());
  frame[kFramePrefixBytes + 2] = static_cast<char>(Verdict::kAllow);
  EXPECT_FALSE(decode_response(payload_of(frame)).has_value());
}

TEST(TokenFrame, UnprintablePrincipalIsRefusedOnBothSides) {
  EXPECT_EQ(response_frame({.verdict = Verdict::kAllow, .principal = "arn\nx", .reason = ""}), "");
  std::string frame =
      response_frame({.verdict = Verdict::kAllow, .principal = "arn:x", .reason = ""});
  frame[frame.size() - 5] = '\x80';
  EXPECT_FALSE(decode_response(payload_of(frame)).has_value());
}

TEST(TokenFrame, EncodersNeverWritePastASmallBuffer) {
  const std::string request = request_frame(sample_request());
  const std::string response = response_frame(sample_response());
  for (std::size_t size = 0; size < request.size(); ++size) {
    std::vector<char> out(size + 8, '#');
    EXPECT_EQ(encode_request(sample_request(), std::span(out).first(size)), 0U);
    EXPECT_EQ(std::string_view(out.data() + size, 8), "########");
  }
  for (std::size_t size = 0; size < response.size(); ++size) {
    std::vector<char> out(size + 8, '#');
    EXPECT_EQ(encode_response(sample_response(), std::span(out).first(size)), 0U);
    EXPECT_EQ(std::string_view(out.data() + size, 8), "########");
  }
}

TEST(TokenFrame, EveryTruncationAndAnyTrailingByteIsRefused) {
  const std::string request = request_frame(sample_request());
  for (std::size_t size = 0; size < payload_of(request).size(); ++size) {
    EXPECT_FALSE(decode_request(payload_of(request).substr(0, size)).has_value()) << size;
  }
  EXPECT_FALSE(decode_request(std::string(payload_of(request)) + "x").has_value());

  const std::string response = response_frame(sample_response());
  for (std::size_t size = 0; size < payload_of(response).size(); ++size) {
    EXPECT_FALSE(decode_response(payload_of(response).substr(0, size)).has_value()) << size;
  }
  EXPECT_FALSE(decode_response(std::string(payload_of(response)) + '\0').has_value());
}

TEST(TokenFrame, UnknownVersionKindTransportFlagAndVerdictAreRefused) {
  const std::string request = request_frame(sample_request());
  const std::string response = response_frame(sample_response());
  for (int value = 0; value < 256; ++value) {
    const char byte = static_cast<char>(value);
    for (std::size_t at = 0; at < 4; ++at) {
      std::string changed = request;
      changed[kFramePrefixBytes + at] = byte;
      const bool legal = (at == 0 && (value == 2 || value == 3)) || (at == 1 && value == 1) ||
                         (at == 2 && (value == 1 || value == 2)) ||
                         (at == 3 && (value == 0 || value == 1));
      EXPECT_EQ(decode_request(payload_of(changed)).has_value(), legal) << at << ' ' << value;

      changed = response;
      changed[kFramePrefixBytes + at] = byte;
      const bool legal_response = (at == 0 && (value == 2 || value == 3)) ||
                                  (at == 1 && value == 2) ||
                                  (at == 2 && value >= 1 && value <= 3) || (at == 3 && value == 0);
      EXPECT_EQ(decode_response(payload_of(changed)).has_value(), legal_response)
          << at << ' ' << value;
    }
  }
}

// Whatever one byte is changed to, nothing decoded lies outside the payload.
TEST(TokenFrame, GarbageNeverYieldsBytesFromOutside) {
  const std::string frame = request_frame(sample_request());
  for (std::size_t at = kFramePrefixBytes; at < frame.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string changed = frame;
      changed[at] = static_cast<char>(value);
      const std::string_view payload = payload_of(changed);
      const auto decoded = decode_request(payload);
      if (!decoded.has_value()) {
        continue;
      }
      for (const std::string_view field :
           {decoded->user, decoded->host, decoded->peer_address, decoded->tls_version,
            decoded->tls_cipher, decoded->token}) {
        EXPECT_TRUE(field.empty() ||
                    (field.data() >= payload.data() &&
                     field.data() + field.size() <= payload.data() + payload.size()));
      }
    }
  }
}

TEST(TokenFrame, FrameSizes) {
  EXPECT_EQ(decode_frame_size("\x00\x00\x01\x02"sv), 258U);
  EXPECT_EQ(decode_frame_size("\x00\x00\x01\x02rest"sv), 258U);
  EXPECT_EQ(decode_frame_size("\x00\x01\x40\x00"sv), kMaxFramePayloadBytes);
  EXPECT_FALSE(decode_frame_size("\x00\x01\x40\x01"sv).has_value());
  EXPECT_FALSE(decode_frame_size("\xFF\xFF\xFF\xFF"sv).has_value());
  EXPECT_FALSE(decode_frame_size("\x00\x00\x00\x00"sv).has_value());
  EXPECT_FALSE(decode_frame_size("\x00\x00\x01"sv).has_value());
  EXPECT_FALSE(decode_frame_size("").has_value());
  EXPECT_FALSE(decode_frame_size("\x00\x00\x01\x02"sv, 257).has_value());
}

}  // namespace
}  // namespace trivet::wire
