// SPDX-License-Identifier: Apache-2.0
#include "runner/environment.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/iso8601.h"
#include "base/log.h"
#include "runner/log_text.h"

namespace trivet::runner {
namespace {

using environments::RuntimeCall;
using environments::RuntimeState;

// AWS: "Init phase … limited to 10 seconds"; afterwards it counts against the function's timeout.
constexpr Millis kInitFree{10'000};
// To ask for the next event after an answer.
constexpr Millis kNextDeadline{10'000};
// A function may hold its connection unused for as long as it may run.
constexpr Millis kConnectionIdle{1'200'000};
constexpr Millis kNextWait{std::chrono::hours(24 * 365)};
constexpr std::size_t kHeaderBytesMax = 32 * 1024;
constexpr std::size_t kConnectionsMax = 4;
// What is taken of a function's output: more waits in its pipe, and with that the function.
constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kWindowBytes = 4 * 1024 * 1024;
constexpr Millis kWindow{1'000};
constexpr Millis kOutputPause{100};
constexpr std::int64_t kMemoryOfOneProcessor = 1'769;  // MB; AWS: "Memory and computing power"

net::HttpResponse json_answer(int status, std::string body) {
  return {status, {{"Content-Type", "application/json"}}, std::move(body)};
}

net::HttpResponse accepted() {
  return json_answer(202, "{\"status\":\"OK\"}\n");
}

std::string too_large() {
  return environments::error_object(
      "Function.ResponseSizeTooLarge",
      fmt::format("Response payload size exceeded maximum allowed payload size ({} bytes).",
                  environments::kResponseBytesMax));
}

}  // namespace

void Environment::open(Started started) {
  started_ = std::move(started);
  const auto& process = started_->running.process;
  net::HttpServerOptions options;
  options.header_bytes_max = kHeaderBytesMax;
  options.body_bytes_max = environments::kResponseBytesMax;
  options.connections_max = kConnectionsMax;
  options.header_timeout = kConnectionIdle;
  options.handler_timeout = kNextWait;
  const std::weak_ptr<Environment> self = weak_from_this();
  options.refusal = [self](int status, std::string_view) {
    const auto alive = self.lock();
    return alive ? alive->refuse(status) : net::HttpResponse{};
  };
  server_ = std::make_unique<net::HttpServer>(
      needs_.loop,
      [self](const net::HttpRequest& request, const net::HttpDone& done) {
        if (const auto alive = self.lock()) {
          alive->on_request(request, done);
        }
      },
      std::move(options));
  (void)server_->listen_on(Fd(::dup(process.listening.get())));
  output_watch_ = std::make_unique<net::FdWatch>(needs_.loop, process.output.get(), [self] {
    if (const auto alive = self.lock()) {
      alive->on_output();
    }
  });
  exit_watch_ = std::make_unique<net::FdWatch>(needs_.loop, process.pidfd.get(), [self] {
    if (const auto alive = self.lock()) {
      alive->on_exit();
    }
  });
  set_deadline(started_->began + kInitFree + image_->timeout);
  write_lines({environments::init_start_line(started_->runtime_name, started_->runtime_version)});
}

void Environment::refuse_start(const std::string& type, const std::string& reason) {
  gone([this, keep = shared_from_this(), type, reason](const std::string&, Work& work) {
    current_ = Current{std::move(work), needs_.clock.now()};
    fail_current(type, reason);
  });
}

void Environment::set_deadline(Instant deadline) {
  deadline_ = deadline;
  needs_.on_deadline(deadline);
}

void Environment::on_request(const net::HttpRequest& request, const net::HttpDone& done) {
  has_spoken_ = true;
  const auto call = environments::parse_runtime_request(request.method, request.target);
  if (!call) {
    // Extensions, logs and telemetry are not there; asking whether somebody is there is fine.
    const bool is_ping =
        request.method == "GET" && request.target.find("/ping") != std::string::npos;
    done(is_ping
             ? net::HttpResponse{200, {}, "pong"}
             : json_answer(404, environments::error_object("NotFound", "there is no such call")));
    return;
  }
  if (call->call == RuntimeCall::kNext) {
    on_next(done);
  } else if (call->call == RuntimeCall::kInitError) {
    done(on_init_error(request));
  } else {
    done(on_answer(*call, request));
  }
}

void Environment::on_next(const net::HttpDone& done) {
  const auto after = environments::after(state_, RuntimeCall::kNext);
  if (!after) {
    done(json_answer(403, environments::out_of_order(state_, RuntimeCall::kNext)));
    return;
  }
  next_ = done;
  const RuntimeState before = std::exchange(state_, *after);
  if (before == RuntimeState::kReady) {
    return;  // the connection was lost and is there again
  }
  deadline_.reset();
  if (before == RuntimeState::kStarted) {
    init_duration_ = needs_.clock.now() - started_->began;
    // Before, it had all that it wanted, as on AWS.
    const Status set =
        needs_.host.set_cpu(started_->running, image_->memory_mb * 1'000 / kMemoryOfOneProcessor);
    if (!set) {
      log(Level::kWarning, "functions.cpu_not_limited", {{"why", set.error().message}});
    }
  }
  needs_.on_ready(id_);
}

void Environment::dispatch(Work work) {
  TRIVET_ASSERT(state_ == RuntimeState::kReady && next_);
  const Instant now = needs_.clock.now();
  const Invocation& invocation = work.invocation;
  net::HttpResponse event;
  event.headers = {{"Content-Type", "application/json"},
                   {"Lambda-Runtime-Aws-Request-Id", invocation.request_id},
                   {"Lambda-Runtime-Deadline-Ms",
                    std::to_string(to_ms(needs_.clock.wall_now() + image_->timeout))},
                   {"Lambda-Runtime-Invoked-Function-Arn", invocation.invoked_arn},
                   {"Lambda-Runtime-Trace-Id", trace_id_of(invocation.request_id)}};
  if (!invocation.client_context.empty()) {
    event.headers.emplace_back("Lambda-Runtime-Client-Context", invocation.client_context);
  }
  event.body = invocation.payload;
  tail_ = {};
  current_ = Current{std::move(work), now};
  state_ = RuntimeState::kRunning;
  write_lines({environments::start_line(current_->work.invocation.request_id, image_->version)});
  set_deadline(now + image_->timeout);
  std::exchange(next_, nullptr)(std::move(event));
}

net::HttpResponse Environment::on_answer(const environments::RuntimeRequest& call,
                                         const net::HttpRequest& request) {
  const auto after = environments::after(state_, call.call);
  if (!after) {
    return json_answer(403, environments::out_of_order(state_, call.call));
  }
  if (!current_ || call.request_id != current_->work.invocation.request_id) {
    return json_answer(400, environments::error_object("InvalidRequestID", "Invalid request ID"));
  }
  state_ = *after;
  InvocationResult result;
  result.payload = request.body;
  if (call.call == RuntimeCall::kError) {
    result.function_error = "Unhandled";
  }
  finish(std::move(result), "");
  return accepted();
}

// The server itself has refused a request. Too long a response is an event's end.
net::HttpResponse Environment::refuse(int status) {
  if (status != 413) {
    return json_answer(status, environments::error_object("InvalidRequest", "malformed request"));
  }
  if (state_ == RuntimeState::kRunning) {
    state_ = RuntimeState::kResponseSent;
    finish({too_large(), "Unhandled", {}}, "");
  }
  return json_answer(413, environments::error_object(
                              "RequestEntityTooLarge",
                              fmt::format("Exceeded maximum allowed payload size ({} bytes).",
                                          environments::kResponseBytesMax)));
}

net::HttpResponse Environment::on_init_error(const net::HttpRequest& request) {
  const auto after = environments::after(state_, RuntimeCall::kInitError);
  if (!after) {
    return json_answer(403, environments::out_of_order(state_, RuntimeCall::kInitError));
  }
  state_ = *after;
  // The answer goes out first: what is gone cannot answer.
  needs_.loop.post([self = weak_from_this(), payload = request.body] {
    if (const auto alive = self.lock()) {
      alive->fail_init(payload);
    }
  });
  return accepted();
}

void Environment::fail_init(std::string payload) {
  read_output(kWindowBytes);
  gone([payload = std::move(payload), self = shared_from_this()](const std::string& request_id,
                                                                 Work& work) {
    self->write_lines({environments::start_line(request_id, self->image_->version)});
    self->current_ = Current{std::move(work), self->needs_.clock.now()};
    self->finish({payload, "Unhandled", {}}, "");
  });
}

void Environment::finish(InvocationResult result, std::string_view status) {
  if (!current_) {
    return;
  }
  read_output(kReadBytes * 8);
  const Current current = std::move(*current_);
  current_.reset();
  const Instant now = needs_.clock.now();
  const std::string& request_id = current.work.invocation.request_id;
  const std::int64_t used = started_ ? needs_.host.memory(started_->running).peak : 0;
  write_lines({environments::end_line(request_id),
               environments::report_line({.request_id = request_id,
                                          .duration = now - current.began,
                                          .memory_mb = image_->memory_mb,
                                          .memory_used_bytes = used,
                                          .init_duration = std::exchange(init_duration_, {}),
                                          .status = status})});
  result.log_tail = tail_.text();
  if (state_ == RuntimeState::kResponseSent) {
    set_deadline(now + kNextDeadline);
    needs_.on_answered(id_);
  }
  current.work.done(std::move(result));
}

void Environment::fail_current(const std::string& type, const std::string& reason) {
  const std::string said =
      fmt::format("RequestId: {} Error: {}", current_->work.invocation.request_id, reason);
  finish({environments::error_object(type, said), "Unhandled", {}},
         type == "Sandbox.Timedout" ? "timeout" : "error");
}

void Environment::time_out() {
  const auto keep = shared_from_this();
  read_output(kWindowBytes);
  needs_.host.kill(started_->running);
  if (current_) {
    const std::string request_id = current_->work.invocation.request_id;
    write_lines({environments::timeout_line(format_iso8601_millis(needs_.clock.wall_now()),
                                            request_id, image_->timeout)});
    fail_current("Sandbox.Timedout", environments::timed_out(image_->timeout));
  }
  gone([this, keep](const std::string& request_id, Work& work) {
    current_ = Current{std::move(work), needs_.clock.now()};
    write_lines({environments::timeout_line(format_iso8601_millis(needs_.clock.wall_now()),
                                            request_id, image_->timeout)});
    fail_current("Sandbox.Timedout", environments::timed_out(image_->timeout));
  });
}

void Environment::check(Instant now) {
  if (deadline_ && *deadline_ <= now && !is_gone_ && started_) {
    time_out();
  }
}

void Environment::watch_memory() {
  if (is_gone_ || !started_) {
    return;
  }
  const std::int64_t used = needs_.host.memory(started_->running).now;
  if (used > (std::int64_t{image_->memory_mb} << 20)) {
    needs_.host.kill(started_->running);  // on_exit() says the rest
  }
}

void Environment::on_exit() {
  const auto keep = shared_from_this();
  const auto status = started_ ? sandbox::Host::wait_status(started_->running) : std::nullopt;
  if (!status || is_gone_) {
    return;
  }
  is_reaped_ = true;
  exit_watch_.reset();
  read_output(kWindowBytes);
  const std::string reason = environments::exit_reason(
      WIFEXITED(*status) ? WEXITSTATUS(*status) : 0, WIFSIGNALED(*status) ? WTERMSIG(*status) : 0);
  const auto fail = [this, reason](const std::string& request_id) {
    write_lines({fmt::format("RequestId: {} Error: {}", request_id, reason), "Runtime.ExitError"});
    fail_current("Runtime.ExitError", reason);
  };
  if (current_) {
    fail(current_->work.invocation.request_id);
  }
  gone([this, keep, fail](const std::string& request_id, Work& work) {
    const auto said = has_spoken_ ? std::nullopt : what_bubblewrap_said(first_line_);
    if (said && said->program.empty()) {
      work.done(make_error(Errc::kUnavailable, "no environment can be made: " + first_line_));
      return;
    }
    if (said) {
      current_ = Current{std::move(work), needs_.clock.now()};
      fail_current("Runtime.InvalidEntrypoint",
                   fmt::format("fork/exec {}: {}", said->program, said->error));
      return;
    }
    current_ = Current{std::move(work), needs_.clock.now()};
    fail(request_id);
  });
}

void Environment::gone(std::function<void(const std::string&, Work&)> failed) {
  if (!std::exchange(is_gone_, true)) {
    deadline_.reset();
    needs_.on_gone(id_, std::move(failed));
  }
}

void Environment::on_output() {
  const Instant now = needs_.clock.now();
  if (since(window_began_, now) >= kWindow) {
    window_began_ = now;
    read_in_window_ = 0;
  }
  if (read_in_window_ >= kWindowBytes) {
    output_watch_->pause();
    needs_.loop.post_after(kOutputPause, [self = weak_from_this()] {
      const auto alive = self.lock();
      if (alive && alive->output_watch_) {
        alive->output_watch_->resume();
      }
    });
    return;
  }
  read_output(kReadBytes);
}

void Environment::read_output(std::size_t bytes_max) {
  if (!started_) {
    return;
  }
  std::vector<std::string> lines;
  const auto take = [&lines](std::string line) { lines.push_back(std::move(line)); };
  std::vector<char> buffer(std::min(bytes_max, kReadBytes));
  ssize_t n = 0;
  std::size_t total = 0;
  while (total < bytes_max &&
         (n = ::read(started_->running.process.output.get(), buffer.data(), buffer.size())) > 0) {
    total += static_cast<std::size_t>(n);
    splitter_.add({buffer.data(), static_cast<std::size_t>(n)}, take);
  }
  read_in_window_ += total;
  if (n == 0) {
    splitter_.flush(take);
    output_watch_.reset();  // nobody is left who could write
  }
  if (first_line_.empty() && !lines.empty()) {
    first_line_ = lines.front();
  }
  if (!lines.empty()) {
    write_lines(std::move(lines));
  }
}

void Environment::write_lines(std::vector<std::string> lines) {
  std::vector<LogEvent> events;
  const WallTime now = needs_.clock.wall_now();
  for (std::string& line : lines) {
    line = valid_text(std::move(line));
    tail_.add(line);
    events.push_back({now, std::move(line)});
  }
  if (needs_.logs != nullptr && started_) {
    needs_.logs->append(image_->log_group, started_->log_stream, std::move(events));
  }
}

Environment::Remains Environment::close(const Error& why) {
  is_gone_ = true;
  if (current_) {
    Current current = std::move(*current_);
    current_.reset();
    current.work.done(why);
  }
  read_output(kReadBytes);
  output_watch_.reset();
  exit_watch_.reset();
  next_ = nullptr;
  return {std::exchange(started_, std::nullopt), std::move(server_), is_reaped_};
}

}  // namespace trivet::runner
