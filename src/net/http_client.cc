// SPDX-License-Identifier: Apache-2.0
#include "net/http_client.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <optional>
#include <utility>

namespace trivet::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using ErrorCode = boost::system::error_code;

constexpr std::size_t kBodyBytesMax = 64 * 1024 * 1024;

std::string name_of(const HttpEndpoint& endpoint) {
  return endpoint.unix_path.empty() ? endpoint.host + ":" + std::to_string(endpoint.port)
                                    : endpoint.unix_path;
}

// One call on an io_context of its own, whose run_for is the deadline. Lives on the caller's stack.
class Call {
 public:
  Call(const HttpEndpoint& endpoint, const HttpRequest& request)
      : endpoint_(endpoint), resolver_(context_), socket_(context_) {
    request_.method_string(request.method);
    request_.target(request.target);
    request_.version(11);
    for (const auto& [name, value] : request.headers) {
      request_.insert(name, value);
    }
    if (find_header(request.headers, "host").empty()) {
      request_.set(http::field::host, endpoint.unix_path.empty() ? name_of(endpoint) : "localhost");
    }
    request_.set(http::field::connection, "close");
    request_.body() = request.body;
    request_.prepare_payload();
    parser_.body_limit(kBodyBytesMax);
    parser_.skip(request.method == "HEAD");
  }

  Result<HttpResponse> run(Millis deadline) {
    connect();
    context_.run_for(deadline);
    if (!done_) {
      return make_error(Errc::kTimeout, "no answer from " + name_of(endpoint_) + " within " +
                                            std::to_string(deadline.count()) + " ms");
    }
    if (error_) {
      return *error_;
    }
    auto message = parser_.release();
    HttpResponse response;
    response.status = static_cast<int>(message.result_int());
    for (const auto& field : message) {
      response.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    }
    response.body = std::move(message.body());
    return response;
  }

 private:
  void connect() {
    if (!endpoint_.unix_path.empty()) {
      const asio::generic::stream_protocol::endpoint to(
          asio::local::stream_protocol::endpoint(endpoint_.unix_path));
      socket_.async_connect(to, [this](const ErrorCode& error) { on_connected(error); });
      return;
    }
    resolver_.async_resolve(
        endpoint_.host, std::to_string(endpoint_.port),
        [this](const ErrorCode& error, const asio::ip::tcp::resolver::results_type& found) {
          if (error) {
            fail(Errc::kUnavailable, "find " + endpoint_.host, error);
            return;
          }
          for (const auto& entry : found) {
            addresses_.emplace_back(entry.endpoint());
          }
          connect_next();
        });
  }

  void connect_next() {
    const asio::generic::stream_protocol::endpoint to(addresses_[next_address_++]);
    ErrorCode ignored;
    socket_.close(ignored);
    socket_.async_connect(to, [this](const ErrorCode& error) {
      if (error && next_address_ < addresses_.size()) {
        connect_next();
      } else {
        on_connected(error);
      }
    });
  }

  void on_connected(const ErrorCode& error) {
    if (error) {
      fail(Errc::kUnavailable, "connect to " + name_of(endpoint_), error);
      return;
    }
    // A server may answer and close before it has read everything (413): so the answer is read even
    // when the sending fails.
    http::async_write(socket_, request_, [this](const ErrorCode& write_error, std::size_t) {
      http::async_read(socket_, buffer_, parser_,
                       [this, write_error](const ErrorCode& read_error, std::size_t) {
                         on_read(write_error, read_error);
                       });
    });
  }

  void on_read(const ErrorCode& write_error, const ErrorCode& read_error) {
    if (!read_error) {
      done_ = true;
    } else if (write_error) {
      fail(Errc::kUnavailable, "send to " + name_of(endpoint_), write_error);
    } else {
      const bool is_cut = read_error == http::error::end_of_stream ||
                          read_error == http::error::partial_message ||
                          read_error.category() == boost::system::system_category();
      fail(is_cut ? Errc::kUnavailable : Errc::kCorrupt, "answer of " + name_of(endpoint_),
           read_error);
    }
  }

  void fail(Errc code, const std::string& what, const ErrorCode& error) {
    error_ = make_error(code, what + ": " + error.message());
    done_ = true;
  }

  const HttpEndpoint& endpoint_;
  asio::io_context context_{1};
  asio::ip::tcp::resolver resolver_;
  asio::generic::stream_protocol::socket socket_;
  std::vector<asio::ip::tcp::endpoint> addresses_;
  std::size_t next_address_ = 0;
  http::request<http::string_body> request_;
  http::response_parser<http::string_body> parser_;
  beast::flat_buffer buffer_;
  std::optional<Error> error_;
  bool done_ = false;
};

}  // namespace

Result<HttpEndpoint> parse_http_endpoint(std::string_view text) {
  const auto bad = [text] {
    return make_error(Errc::kInvalidArgument,
                      "'" + std::string(text) + "' is not http://HOST:PORT or unix:/PATH");
  };
  HttpEndpoint endpoint;
  if (text.starts_with("unix:")) {
    endpoint.unix_path = text.substr(5);
    // A unix socket's path has at most 107 bytes.
    if (endpoint.unix_path.empty() || endpoint.unix_path.size() > 107) {
      return bad();
    }
    return endpoint;
  }
  if (!text.starts_with("http://")) {
    return bad();
  }
  std::string_view authority = text.substr(7);
  authority = authority.substr(0, authority.find('/'));
  const std::size_t bracket = authority.find(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  std::string_view host = authority.substr(0, colon);
  if (colon != std::string_view::npos) {
    const std::string_view port = authority.substr(colon + 1);
    const auto [end, error] =
        std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
    if (error != std::errc() || end != port.data() + port.size() || endpoint.port == 0) {
      return bad();
    }
  }
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  if (host.empty()) {
    return bad();
  }
  endpoint.host = host;
  return endpoint;
}

Result<HttpResponse> http_call(const HttpEndpoint& endpoint, const HttpRequest& request,
                               Millis deadline) {
  try {
    return Call(endpoint, request).run(deadline);
  } catch (const std::exception& error) {  // a unix path or header that the library refuses
    return make_error(Errc::kInvalidArgument, std::string("HTTP request: ") + error.what());
  }
}

}  // namespace trivet::net
