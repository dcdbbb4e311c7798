// SPDX-License-Identifier: Apache-2.0
#include "net/http_client.h"

#include "net/socket_testing.h"

namespace trivet::net {
namespace {

const std::string kHost = "127.41.12.1";

HttpRequest request(std::string method) {
  HttpRequest out;
  out.method = std::move(method);
  out.target = "/t?q=1";
  out.headers = {{"X-One", "1"}};
  out.body = "body";
  return out;
}

HttpEndpoint endpoint_of(const HostPort& name) {
  HttpEndpoint endpoint;
  endpoint.host = name.host;
  endpoint.port = name.port;
  return endpoint;
}

// What http_call returns while the server behind it sends `answer` and closes; `sent` is what it
// got.
Result<HttpResponse> call_with_answer(const std::string& answer, std::string& sent) {
  const TestListener listener(kHost);
  std::thread server([&] {
    TestSocket socket = TestSocket::accept_from(listener.fd);
    sent = socket.read_until("body");
    socket.send_all(answer);
  });
  auto response = http_call(endpoint_of(listener.name), request("POST"), kTestDeadline);
  server.join();
  return response;
}

TEST(ParseHttpEndpoint, KnowsBothForms) {
  const auto tcp = parse_http_endpoint("http://127.0.0.1:4566/");
  ASSERT_TRUE(tcp.has_value());
  EXPECT_EQ(tcp->host, "127.0.0.1");
  EXPECT_EQ(tcp->port, 4566);
  EXPECT_EQ(tcp->unix_path, "");
  EXPECT_EQ(parse_http_endpoint("http://localhost")->port, 80);
  EXPECT_EQ(parse_http_endpoint("http://[::1]:81")->host, "::1");
  EXPECT_EQ(parse_http_endpoint("http://[::1]:81")->port, 81);
  EXPECT_EQ(parse_http_endpoint("unix:/run/trivet/admin.sock")->unix_path,
            "/run/trivet/admin.sock");
}

TEST(ParseHttpEndpoint, RefusesOthers) {
  for (const std::string text :
       {"", "127.0.0.1:1", "https://x", "http://", "http://:1", "http://x:", "http://x:0",
        "http://x:65536", "http://x:1a", "unix:"}) {
    const auto parsed = parse_http_endpoint(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error().code, Errc::kInvalidArgument);
  }
  EXPECT_FALSE(parse_http_endpoint("unix:/" + std::string(200, 'x')).has_value());
}

TEST(HttpCall, SendsTheRequestAndReadsTheAnswer) {
  std::string sent;
  const auto response =
      call_with_answer("HTTP/1.1 404 Not Found\r\nX-Two: 2\r\nContent-Length: 3\r\n\r\nno!", sent);
  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_EQ(response->status, 404);
  EXPECT_EQ(response->body, "no!");
  EXPECT_EQ(find_header(response->headers, "x-two"), "2");
  EXPECT_TRUE(sent.starts_with("POST /t?q=1 HTTP/1.1\r\n"));
  EXPECT_NE(sent.find("X-One: 1\r\n"), std::string::npos);
  EXPECT_NE(sent.find("Host: " + kHost + ":"), std::string::npos);
  EXPECT_NE(sent.find("Content-Length: 4\r\n"), std::string::npos);
}

TEST(HttpCall, ReadsAnAnswerThatEndsWithTheConnection) {
  std::string sent;
  const auto response = call_with_answer("HTTP/1.1 200 OK\r\n\r\nall of it", sent);
  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_EQ(response->body, "all of it");
}

TEST(HttpCall, TellsACutAnswerFromNonsense) {
  std::string sent;
  const auto cut = call_with_answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", sent);
  ASSERT_FALSE(cut.has_value());
  EXPECT_EQ(cut.error().code, Errc::kUnavailable);
  const auto nonsense = call_with_answer("5.5.5-mysql\r\n\r\n", sent);
  ASSERT_FALSE(nonsense.has_value());
  EXPECT_EQ(nonsense.error().code, Errc::kCorrupt);
}

TEST(HttpCall, SaysWhenNobodyListens) {
  const HostPort name = free_name(kHost);
  const auto response = http_call(endpoint_of(name), request("GET"), kTestDeadline);
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().code, Errc::kUnavailable);
  EXPECT_NE(response.error().message.find(to_string(name)), std::string::npos);
  HttpEndpoint socket;
  socket.unix_path = "/tmp/trivet-net-no-such-socket";
  EXPECT_EQ(http_call(socket, request("GET"), kTestDeadline).error().code, Errc::kUnavailable);
}

TEST(HttpCall, GivesUpAtItsDeadline) {
  const TestListener silent(kHost);
  const auto response = http_call(endpoint_of(silent.name), request("GET"), Millis(20));
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().code, Errc::kTimeout);
}

}  // namespace
}  // namespace trivet::net
