// SPDX-License-Identifier: Apache-2.0
#include "net/http_session.h"

#include <boost/asio/write.hpp>
#include <utility>

#include "base/clock.h"
#include "base/log.h"

namespace trivet::net {
namespace {

using ErrorCode = boost::system::error_code;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
// After a refusal the rest of the request is read and thrown away, so that the client gets to see
// the answer instead of a reset: at most this long and this much.
constexpr Millis kDrainTimeout{2'000};
constexpr std::size_t kDrainBytesMax = 8 * 1024 * 1024;
// Beast wants room beside the header that it is parsing.
constexpr std::size_t kBufferSlack = 16 * 1024;

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7).
std::string http_date(WallTime t) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(t - day));
  char text[64];
  std::snprintf(text, sizeof text, "%s, %02u %s %04d %02d:%02d:%02d GMT",
                kDays[std::chrono::weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
                kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return text;
}

bool is_servers_business(std::string_view name) {
  return equals_ignoring_case(name, "content-length") || equals_ignoring_case(name, "connection") ||
         equals_ignoring_case(name, "date") || equals_ignoring_case(name, "transfer-encoding");
}

// A value that would end its line could forge headers; such a header is left out, and so is one
// that is longer than Beast can hold.
bool is_one_line(std::string_view text) {
  return text.size() < 32 * 1024 &&
         text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

bool has_no_body(int status) {
  return status < 200 || status == 204 || status == 304;
}

HttpResponse plain_refusal(std::string_view reason) {
  HttpResponse response;
  response.headers = {{"Content-Type", "text/plain"}};
  response.body = std::string(reason) + "\n";
  return response;
}

// The answer to one request on its way from a handler: posts it to the loop, once.
class Reply {
 public:
  Reply(std::weak_ptr<Loop::Impl> loop, std::weak_ptr<HttpSession> session, std::uint64_t request)
      : loop_(std::move(loop)), session_(std::move(session)), request_(request) {}
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;
  ~Reply() {
    if (!answered_) {
      HttpResponse response = plain_refusal("the request was dropped");
      response.status = 500;
      answer(std::move(response));
    }
  }
  void answer(HttpResponse response) {
    if (answered_.exchange(true)) {
      return;
    }
    const std::shared_ptr<Loop::Impl> loop = loop_.lock();
    if (!loop || loop->stopped) {
      return;
    }
    // The session is locked on its own thread only, so that it also ends there.
    asio::post(loop->context, [session = session_, request = request_,
                               kept = std::make_shared<HttpResponse>(std::move(response))] {
      if (const auto alive = session.lock()) {
        alive->answer(request, std::move(*kept));
      }
    });
  }

 private:
  std::weak_ptr<Loop::Impl> loop_;
  std::weak_ptr<HttpSession> session_;
  const std::uint64_t request_;
  std::atomic<bool> answered_{false};
};

}  // namespace

HttpSession::HttpSession(std::shared_ptr<HttpServer::State> server, Stream::socket_type socket,
                         Peer peer)
    : server_(std::move(server)),
      stream_(std::move(socket)),
      handler_timer_(server_->loop->context),
      buffer_(server_->options.header_bytes_max + kBufferSlack),
      peer_(std::move(peer)) {}

void HttpSession::close() {
  if (phase_ == Phase::kClosed) {
    return;
  }
  phase_ = Phase::kClosed;
  const auto self = shared_from_this();
  handler_timer_.cancel();
  forget_large_body();
  stream_.close();
  server_->sessions.erase(this);
  --server_->open_connections;
  if (server_->sessions.empty() && server_->on_last_closed) {
    std::exchange(server_->on_last_closed, nullptr)();
  }
}

void HttpSession::read_header() {
  phase_ = Phase::kReading;
  ++request_number_;
  keep_alive_ = false;
  is_head_ = false;
  version_ = 11;
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(server_->options.header_bytes_max));
  parser_->body_limit(boost::none);  // until the target is known: limit_body()
  stream_.expires_after(server_->options.header_timeout);
  http::async_read_header(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](const ErrorCode& error, std::size_t) { self->on_header(error); });
}

void HttpSession::on_header(const ErrorCode& error) {
  if (phase_ != Phase::kReading) {
    return;
  }
  if (error) {
    on_read_error(error);
    return;
  }
  const auto& request = parser_->get();
  version_ = request.version();
  if (!limit_body()) {
    return;
  }
  if (parser_->is_done()) {
    handle();
  } else if (version_ >= 11 && beast::iequals(request[http::field::expect], "100-continue")) {
    send_continue();
  } else {
    read_body();
  }
}

// False when it answered: the body is longer than it may be, or there are too many long ones.
bool HttpSession::limit_body() {
  const HttpServerOptions& options = server_->options;
  const auto& request = parser_->get();
  const std::size_t limit =
      options.body_limit ? options.body_limit(view(request.target())) : options.body_bytes_max;
  const auto length = parser_->content_length();
  if (length && *length > limit) {
    refuse(413, "the body is too large");
    return false;
  }
  const bool may_be_large = limit > options.body_bytes_max && !parser_->is_done() &&
                            (!length || *length > options.body_bytes_max);
  if (may_be_large && server_->large_bodies >= options.large_bodies_max) {
    refuse(503, "too many large requests at once");
    return false;
  }
  if (may_be_large) {
    has_large_body_ = true;
    ++server_->large_bodies;
  }
  parser_->body_limit(limit);
  return true;
}

void HttpSession::forget_large_body() {
  if (std::exchange(has_large_body_, false)) {
    --server_->large_bodies;
  }
}

void HttpSession::send_continue() {
  stream_.expires_after(server_->options.write_timeout);
  asio::async_write(stream_, asio::buffer(kContinue),
                    [self = shared_from_this()](const ErrorCode& error, std::size_t) {
                      if (self->phase_ != Phase::kReading) {
                        return;
                      }
                      if (error) {
                        self->close();
                      } else {
                        self->read_body();
                      }
                    });
}

void HttpSession::read_body() {
  stream_.expires_after(server_->options.body_timeout);
  http::async_read(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](const ErrorCode& error, std::size_t) { self->on_body(error); });
}

void HttpSession::on_body(const ErrorCode& error) {
  if (phase_ != Phase::kReading) {
    return;
  }
  if (error) {
    on_read_error(error);
  } else {
    handle();
  }
}

void HttpSession::on_read_error(const ErrorCode& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    refuse(431, "the headers are too large");
  } else if (error == http::error::body_limit) {
    refuse(413, "the body is too large");
  } else if (error == http::error::end_of_stream || error == http::error::partial_message) {
    close();
  } else if (error.category() == make_error_code(http::error::end_of_stream).category()) {
    refuse(400, "malformed request: " + error.message());
  } else {
    close();  // the peer is gone, too slow, or the server is stopping
  }
}

HttpRequest HttpSession::take_request() {
  auto message = parser_->release();
  HttpRequest request;
  request.method = std::string(view(message.method_string()));
  request.target = std::string(view(message.target()));
  for (const auto& field : message) {
    request.headers.emplace_back(view(field.name_string()), view(field.value()));
  }
  request.body = std::move(message.body());
  request.peer_address = peer_.address;
  request.peer_credentials = peer_.credentials;
  return request;
}

void HttpSession::handle() {
  phase_ = Phase::kHandling;
  keep_alive_ = parser_->get().keep_alive();
  is_head_ = parser_->get().method() == http::verb::head;
  handler_timer_.expires_after(server_->options.handler_timeout);
  const std::uint64_t number = request_number_;
  handler_timer_.async_wait([self = shared_from_this(), number](const ErrorCode& error) {
    if (!error && self->phase_ == Phase::kHandling && self->request_number_ == number) {
      self->refuse(503, "the request took too long");
    }
  });
  auto reply = std::make_shared<Reply>(server_->weak_loop, weak_from_this(), number);
  server_->handler(take_request(), [reply = std::move(reply)](HttpResponse response) {
    reply->answer(std::move(response));
  });
}

void HttpSession::answer(std::uint64_t request, HttpResponse response) {
  if (phase_ == Phase::kHandling && request == request_number_) {
    handler_timer_.cancel();
    write(std::move(response));
  }
}

// Answers without the handler and closes: what follows on this connection cannot be trusted.
void HttpSession::refuse(int status, std::string_view reason) {
  keep_alive_ = false;
  HttpResponse response =
      server_->options.refusal ? server_->options.refusal(status, reason) : plain_refusal(reason);
  response.status = status;
  write(std::move(response));
}

void HttpSession::write(HttpResponse response) {
  phase_ = Phase::kWriting;
  forget_large_body();
  keep_alive_ = keep_alive_ && !server_->is_stopping;
  response_.emplace();
  response_->version(version_ < 11 ? 10 : 11);
  response_->result(static_cast<unsigned>(
      response.status >= 200 && response.status <= 999 ? response.status : 500));
  for (const auto& [name, value] : response.headers) {
    if (!name.empty() && !is_servers_business(name) && is_one_line(name) && is_one_line(value)) {
      response_->insert(name, value);
    }
  }
  response_->set(http::field::date, http_date(SystemClock().wall_now()));
  response_->keep_alive(keep_alive_);
  if (!has_no_body(response.status)) {
    response_->content_length(response.body.size());
    if (!is_head_) {
      response_->body() = std::move(response.body);
    }
  }
  serializer_.emplace(*response_);
  stream_.expires_after(server_->options.write_timeout);
  http::async_write(stream_, *serializer_,
                    [self = shared_from_this()](const ErrorCode& error, std::size_t) {
                      self->on_written(error);
                    });
}

void HttpSession::on_written(const ErrorCode& error) {
  if (phase_ != Phase::kWriting) {
    return;
  }
  serializer_.reset();
  response_.reset();
  if (error) {
    close();
  } else if (keep_alive_ && !server_->is_stopping) {
    read_header();
  } else {
    finish();
  }
}

// Ends the sending side and reads until the client ends its own.
void HttpSession::finish() {
  phase_ = Phase::kClosing;
  ErrorCode error;
  stream_.socket().shutdown(asio::socket_base::shutdown_send, error);
  if (error || server_->is_stopping) {
    close();
    return;
  }
  buffer_.clear();
  stream_.expires_after(kDrainTimeout);
  drain();
}

void HttpSession::drain() {
  stream_.async_read_some(buffer_.prepare(kBufferSlack),
                          [self = shared_from_this()](const ErrorCode& error, std::size_t count) {
                            self->drained_bytes_ += count;
                            if (self->phase_ != Phase::kClosing) {
                              return;
                            }
                            if (error || self->drained_bytes_ > kDrainBytesMax) {
                              self->close();
                            } else {
                              self->drain();
                            }
                          });
}

}  // namespace trivet::net
