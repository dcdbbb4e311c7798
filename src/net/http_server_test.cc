// SPDX-License-Identifier: Apache-2.0
#include "net/http_server.h"

#include <atomic>
#include <future>
#include <mutex>

#include "net/http_client.h"
#include "net/socket_testing.h"

namespace trivet::net {
namespace {

const std::string kHost = "127.41.11.1";

HttpResponse echo(const HttpRequest& request) {
  HttpResponse response;
  response.headers = {{"X-Target", request.target}, {"X-Peer", request.peer_address}};
  response.body = request.method + " " + request.body;
  return response;
}

// A server that answers with echo, unless a test gives another handler.
class Server {
 public:
  explicit Server(HttpServerOptions options = {}, HttpHandler handler = nullptr)
      : http_(
            loop_,
            handler ? std::move(handler)
                    : [](HttpRequest request, const HttpDone& done) { done(echo(request)); },
            std::move(options)) {
    auto port = http_.listen(kHost, 0);
    EXPECT_TRUE(port.has_value());
    name_ = {kHost, *port};
  }
  TestSocket connect() { return TestSocket::connect_to(name_, "127.41.11.9"); }
  HttpServer& http() { return http_; }
  Loop& loop() { return loop_; }
  const HostPort& name() const { return name_; }

 private:
  Loop loop_{"http-test"};
  HttpServer http_;
  HostPort name_;
};

struct RawAnswer {
  std::string head;
  std::string body;
};

RawAnswer read_answer(TestSocket& socket) {
  RawAnswer answer;
  answer.head = socket.read_until("\r\n\r\n");
  const std::string mark = "Content-Length: ";
  const std::size_t at = answer.head.find(mark);
  if (at != std::string::npos) {
    answer.body = socket.read_exactly(std::stoul(answer.head.substr(at + mark.size())));
  }
  return answer;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(HttpServer, AnswersSeveralRequestsOnOneConnection) {
  Server server;
  TestSocket client = server.connect();
  for (const std::string body : {"one", "", "three"}) {
    ASSERT_TRUE(client.send_all("POST /p?a=b%20c HTTP/1.1\r\nHost: x\r\nContent-Length: " +
                                std::to_string(body.size()) + "\r\n\r\n" + body));
    const RawAnswer answer = read_answer(client);
    EXPECT_TRUE(answer.head.starts_with("HTTP/1.1 200 OK\r\n")) << answer.head;
    EXPECT_TRUE(has(answer.head, "X-Target: /p?a=b%20c\r\n"));
    EXPECT_TRUE(has(answer.head, "X-Peer: 127.41.11.9\r\n"));
    EXPECT_TRUE(has(answer.head, " GMT\r\n"));
    EXPECT_EQ(answer.body, "POST " + body);
  }
  EXPECT_EQ(server.http().connections(), 1U);
}

TEST(HttpServer, ServesASocketThatListensAlready) {
  auto listening = listen_tcp({kHost, 0});
  ASSERT_TRUE(listening.has_value());
  const auto name = local_name(listening->get());
  ASSERT_TRUE(name.has_value());
  Server server;
  (void)server.http().listen_on(std::move(*listening));
  TestSocket client = TestSocket::connect_to(*name, "127.41.11.9");
  ASSERT_TRUE(client.send_all("GET /adopted HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_TRUE(has(read_answer(client).head, "X-Target: /adopted\r\n"));
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  // The first answer is given last, from another thread.
  std::mutex mutex;
  std::vector<std::pair<HttpRequest, HttpDone>> asked;
  Server server({}, [&](HttpRequest request, HttpDone done) {
    const std::lock_guard<std::mutex> lock(mutex);
    asked.emplace_back(std::move(request), std::move(done));
  });
  TestSocket client = server.connect();
  std::string all;
  for (int i = 0; i < 20; ++i) {
    all += "POST /" + std::to_string(i) + " HTTP/1.1\r\nContent-Length: 2\r\n\r\n" +
           (i < 10 ? "0" : "1") + std::to_string(i % 10);
  }
  ASSERT_TRUE(client.send_all(all));
  for (std::size_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(eventually([&] {
      const std::lock_guard<std::mutex> lock(mutex);
      return asked.size() == i + 1;
    }));
    asked[i].second(echo(asked[i].first));
    const RawAnswer answer = read_answer(client);
    EXPECT_TRUE(has(answer.head, "X-Target: /" + std::to_string(i) + "\r\n"));
    EXPECT_EQ(answer.body.size(), 7U);
  }
}

TEST(HttpServer, ReadsChunkedBodies) {
  Server server;
  TestSocket client = server.connect();
  ASSERT_TRUE(
      client.send_all("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde"
                      "\r\n0\r\n\r\n"));
  EXPECT_EQ(read_answer(client).body, "POST abcde");
}

TEST(HttpServer, KeepsHeadersAsSent) {
  std::promise<Headers> seen;
  Server server({}, [&](HttpRequest request, const HttpDone& done) {
    seen.set_value(request.headers);
    done({});
  });
  TestSocket client = server.connect();
  ASSERT_TRUE(client.send_all(
      "GET / HTTP/1.1\r\nHost: h:1\r\nX-aMz-Date: d\r\nZ: 1\r\nA:  two  words \r\n\r\n"));
  const Headers expected = {{"Host", "h:1"}, {"X-aMz-Date", "d"}, {"Z", "1"}, {"A", "two  words"}};
  EXPECT_EQ(seen.get_future().get(), expected);
}

TEST(HttpServer, SaysContinueBeforeABodyThatWaitsForIt) {
  Server server;
  TestSocket client = server.connect();
  ASSERT_TRUE(
      client.send_all("PUT / HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"));
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_TRUE(client.send_all("hello"));
  EXPECT_EQ(read_answer(client).body, "PUT hello");
}

TEST(HttpServer, RefusesALargeBodyWithoutContinue) {
  Server server({.body_bytes_max = 100});
  TestSocket client = server.connect();
  ASSERT_TRUE(
      client.send_all("PUT / HTTP/1.1\r\nContent-Length: 101\r\nExpect: 100-continue\r\n\r\n"));
  const std::string answer = client.read_to_end();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 ")) << answer;
  EXPECT_TRUE(has(answer, "Connection: close\r\n"));
}

TEST(HttpServer, TakesABodyOfExactlyTheLimitAndRefusesOneMore) {
  Server server({.body_bytes_max = 300'000});
  TestSocket client = server.connect();
  const std::string body = patterned_bytes(300'000, 1);
  ASSERT_TRUE(client.send_all("PUT / HTTP/1.1\r\nContent-Length: 300000\r\n\r\n" + body));
  EXPECT_EQ(read_answer(client).body, "PUT " + body);
  // Chunked: the size shows only on the way. The client that is still sending gets the answer.
  ASSERT_TRUE(client.send_all("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n493e1\r\n" +
                              body + "x\r\n0\r\n\r\n"));
  EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 413 "));
}

TEST(HttpServer, SomeTargetsMayHaveLongerBodiesButOnlySoManyAtOnce) {
  HttpServerOptions options;
  options.body_bytes_max = 100;
  options.body_limit = [](std::string_view target) {
    return target == "/code" ? std::size_t{1000} : std::size_t{100};
  };
  options.large_bodies_max = 1;
  Server server(std::move(options));
  const auto post = [](const std::string& target, std::size_t length) {
    return "POST " + target + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(length) +
           "\r\n\r\n";
  };
  TestSocket first = server.connect();
  ASSERT_TRUE(first.send_all(post("/code", 1000) + std::string(1000, 'x')));
  EXPECT_EQ(read_answer(first).body.size(), 1005U);
  ASSERT_TRUE(first.send_all(post("/code", 1000)));  // its body is on the way

  TestSocket second = server.connect();
  ASSERT_TRUE(second.send_all(post("/code", 100) + std::string(100, 'y')));
  EXPECT_EQ(read_answer(second).body.size(), 105U);
  ASSERT_TRUE(second.send_all(post("/code", 101)));
  EXPECT_TRUE(second.read_to_end().starts_with("HTTP/1.1 503 "));

  ASSERT_TRUE(first.send_all(std::string(1000, 'x')));
  EXPECT_EQ(read_answer(first).body.size(), 1005U);
  TestSocket third = server.connect();
  ASSERT_TRUE(third.send_all(post("/code", 1001)));
  EXPECT_TRUE(third.read_to_end().starts_with("HTTP/1.1 413 "));
  TestSocket fourth = server.connect();
  ASSERT_TRUE(fourth.send_all(post("/other", 101)));
  EXPECT_TRUE(fourth.read_to_end().starts_with("HTTP/1.1 413 "));
}

TEST(HttpServer, LetsTheOwnerWordRefusals) {
  HttpServerOptions options;
  options.body_bytes_max = 1;
  options.refusal = [](int status, std::string_view) {
    HttpResponse response;
    response.headers = {{"Content-Type", "text/xml"}};
    response.body = "<status>" + std::to_string(status) + "</status>";
    return response;
  };
  Server server(std::move(options));
  TestSocket client = server.connect();
  ASSERT_TRUE(client.send_all("PUT / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab"));
  const RawAnswer answer = read_answer(client);
  EXPECT_TRUE(answer.head.starts_with("HTTP/1.1 413 "));
  EXPECT_TRUE(has(answer.head, "Content-Type: text/xml\r\n"));
  EXPECT_EQ(answer.body, "<status>413</status>");
}

TEST(HttpServer, RefusesLargeHeaders) {
  Server server;
  TestSocket client = server.connect();
  client.send_all("GET / HTTP/1.1\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n");
  EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 431 "));
  TestSocket fits = server.connect();
  ASSERT_TRUE(fits.send_all("GET / HTTP/1.1\r\nX: " + std::string(60'000, 'x') + "\r\n\r\n"));
  EXPECT_TRUE(read_answer(fits).head.starts_with("HTTP/1.1 200 "));
}

TEST(HttpServer, RefusesWhatIsNotHttp) {
  Server server;
  for (const std::string text :
       {"\x16\x03\x01\x02\x01 hello TLS\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/2.0\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"}) {
    TestSocket client = server.connect();
    client.send_all(text);
    const std::string answer = client.read_to_end();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << text << " -> " << answer;
    EXPECT_TRUE(client.ended());
  }
}

TEST(HttpServer, ClosesWhenTheClientAsksForIt) {
  Server server;
  for (const std::string request :
       {"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"}) {
    TestSocket client = server.connect();
    ASSERT_TRUE(client.send_all(request));
    EXPECT_TRUE(client.read_to_end().ends_with("GET "));
    EXPECT_TRUE(client.ended());
    client.close();
  }
  EXPECT_TRUE(eventually([&] { return server.http().connections() == 0; }));
}

TEST(HttpServer, AnswersHeadWithoutABodyAndKeepsTheConnection) {
  Server server;
  TestSocket client = server.connect();
  ASSERT_TRUE(client.send_all("HEAD / HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"));
  EXPECT_TRUE(has(client.read_until("\r\n\r\n"), "Content-Length: 5\r\n"));
  EXPECT_TRUE(has(read_answer(client).head, "X-Target: /2\r\n"));
}

TEST(HttpServer, DropsResponseHeadersThatWouldForgeOthers) {
  Server server({}, [](const HttpRequest&, const HttpDone& done) {
    done({.status = 200,
          .headers = {{"A", "1\r\nB: 2"}, {"Content-Length", "999"}, {"C", "3"}},
          .body = "x"});
  });
  TestSocket client = server.connect();
  ASSERT_TRUE(client.send_all("GET / HTTP/1.1\r\n\r\n"));
  const RawAnswer answer = read_answer(client);
  EXPECT_FALSE(has(answer.head, "B: 2"));
  EXPECT_TRUE(has(answer.head, "C: 3\r\n"));
  EXPECT_EQ(answer.body, "x");
}

TEST(HttpServer, ClosesSlowClients) {
  Server server({.header_timeout = Millis(20), .body_timeout = Millis(20)});
  TestSocket idle = server.connect();
  TestSocket half_header = server.connect();
  TestSocket half_body = server.connect();
  half_header.send_all("GET / HTTP/1.1\r\nX");
  half_body.send_all("PUT / HTTP/1.1\r\nContent-Length: 9\r\n\r\nab");
  for (TestSocket* socket : {&idle, &half_header, &half_body}) {
    EXPECT_EQ(socket->read_to_end(), "");
    EXPECT_TRUE(socket->ended());
  }
  EXPECT_TRUE(eventually([&] { return server.http().connections() == 0; }));
}

TEST(HttpServer, AnswersForAHandlerThatIsTooSlowOrForgets) {
  std::vector<HttpDone> kept;
  Server slow({.handler_timeout = Millis(20)},
              [&](const HttpRequest&, HttpDone done) { kept.push_back(std::move(done)); });
  TestSocket client = slow.connect();
  ASSERT_TRUE(client.send_all("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 503 "));
  slow.loop().run([&] { kept.front()({}); }, kTestDeadline);  // too late: dropped

  Server forgetful({}, [](const HttpRequest&, const HttpDone&) {});
  TestSocket other = forgetful.connect();
  ASSERT_TRUE(other.send_all("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_TRUE(read_answer(other).head.starts_with("HTTP/1.1 500 "));
}

TEST(HttpServer, RefusesConnectionsOverTheCapUntilOneEnds) {
  Server server({.connections_max = 2});
  TestSocket first = server.connect();
  TestSocket second = server.connect();
  EXPECT_TRUE(eventually([&] { return server.http().connections() == 2; }));
  TestSocket third = server.connect();
  EXPECT_TRUE(third.read_to_end().starts_with("HTTP/1.1 503 "));
  first.close();
  EXPECT_TRUE(eventually([&] { return server.http().connections() == 1; }));
  TestSocket fourth = server.connect();
  ASSERT_TRUE(fourth.send_all("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_TRUE(read_answer(fourth).head.starts_with("HTTP/1.1 200 "));
}

TEST(HttpServer, StopLetsARunningRequestBeAnswered) {
  std::promise<HttpDone> asked;
  Server server({}, [&](const HttpRequest&, HttpDone done) { asked.set_value(std::move(done)); });
  TestSocket idle = server.connect();
  TestSocket client = server.connect();
  ASSERT_TRUE(client.send_all("GET / HTTP/1.1\r\n\r\n"));
  const HttpDone done = asked.get_future().get();
  std::thread stopping([&] { server.http().stop(kTestDeadline); });
  EXPECT_EQ(idle.read_to_end(), "");  // idle connections are cut: stop has begun
  EXPECT_TRUE(idle.ended());
  done({.status = 200, .headers = {}, .body = "late"});
  const std::string answer = client.read_to_end();
  EXPECT_TRUE(answer.ends_with("late"));
  EXPECT_TRUE(has(answer, "Connection: close\r\n"));
  stopping.join();
  EXPECT_EQ(server.http().connections(), 0U);
  EXPECT_FALSE(server.connect().is_open());
}

TEST(HttpServer, StopCutsARequestAtTheDeadlineAndALateAnswerIsHarmless) {
  std::promise<HttpDone> asked;
  HttpDone done;
  {
    Server server({}, [&](const HttpRequest&, HttpDone d) { asked.set_value(std::move(d)); });
    TestSocket client = server.connect();
    ASSERT_TRUE(client.send_all("GET / HTTP/1.1\r\n\r\n"));
    done = asked.get_future().get();
    server.http().stop(Millis(10));
    EXPECT_EQ(client.read_to_end(), "");
    EXPECT_TRUE(client.ended());
    done({});
  }
  done({});
}

TEST(HttpServer, TellsWhoIsAtAUnixSocket) {
  const TestFolder folder;
  const std::string path = folder.file("admin");
  std::promise<HttpRequest> seen;
  Server server({}, [&](HttpRequest request, const HttpDone& done) {
    seen.set_value(std::move(request));
    done({.status = 201, .headers = {}, .body = "made"});
  });
  ASSERT_TRUE(server.http().listen_unix(path, {.mode = 0666}).has_value());
  HttpRequest request;
  request.method = "GET";
  request.target = "/credentials";
  HttpEndpoint endpoint;
  endpoint.unix_path = path;
  const auto response = http_call(endpoint, request, kTestDeadline);
  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->body, "made");
  const HttpRequest got = seen.get_future().get();
  ASSERT_TRUE(got.peer_credentials.has_value());
  EXPECT_EQ(got.peer_credentials->uid, getuid());
  EXPECT_EQ(got.peer_credentials->gid, getgid());
  EXPECT_EQ(got.peer_credentials->pid, getpid());
  EXPECT_EQ(got.peer_address, "");
  server.http().stop(kTestDeadline);
  EXPECT_NE(access(path.c_str(), F_OK), 0);
}

}  // namespace
}  // namespace trivet::net
