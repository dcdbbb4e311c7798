// SPDX-License-Identifier: Apache-2.0
//
// One execution environment from its start to its end: the Runtime API as it answers it, the event
// that it has, its deadlines, what it writes, how it ends. It knows nothing of other environments.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapter/sandbox/host.h"
#include "base/clock.h"
#include "core/environments/log_lines.h"
#include "core/environments/pool.h"
#include "core/environments/runtime_state.h"
#include "net/fd_watch.h"
#include "net/http_server.h"
#include "ports/function_runtime.h"
#include "ports/log_events.h"

namespace trivet::runner {

// What was made for an environment and must be taken away after it.
struct Started {
  sandbox::Running running;
  std::string network_id;  // of FunctionNetworks; empty: none
  WallTime credentials_end{};
  std::string runtime_name;     // "python:3.13"
  std::string runtime_version;  // "3.13.5"
  std::string log_stream;
  Instant began{};
};

struct Work {
  Invocation invocation;
  FunctionRuntime::Done done;
};

// Runs on the loop's thread, all calls.
class Environment : public std::enable_shared_from_this<Environment> {
 public:
  struct Needs {
    net::Loop& loop;
    const Clock& clock;
    const sandbox::Host& host;
    LogEventSink* logs = nullptr;  // none: nothing is kept but the tail
    // It waits for an event.
    std::function<void(environments::EnvironmentId)> on_ready;
    // Its event is answered; it is about to ask for the next.
    std::function<void(environments::EnvironmentId)> on_answered;
    // It has ended, or must; its event, if it had one, is answered. While it was starting:
    // `failed` answers whoever it was started for.
    std::function<void(environments::EnvironmentId,
                       std::function<void(const std::string& request_id, Work&)> failed)>
        on_gone;
    // Its next deadline came nearer.
    std::function<void(Instant)> on_deadline;
  };

  Environment(environments::EnvironmentId id, std::shared_ptr<const FunctionImage> image,
              Needs needs)
      : id_(id), image_(std::move(image)), needs_(std::move(needs)) {}

  // Takes what was started; from here on it serves the Runtime API.
  void open(Started started);
  // Instead of open(): the function is such that it cannot be started.
  void refuse_start(const std::string& type, const std::string& reason);
  // Gives it an event. Requires: it waits for one.
  void dispatch(Work work);
  // What has a deadline that is over is ended.
  void check(Instant now);
  std::optional<Instant> deadline() const { return deadline_; }
  // For hosts without memory cgroups: ends it when it has too much.
  void watch_memory();

  // Nothing is heard of it any more. What it had is given up to whoever removes it.
  struct Remains {
    std::optional<Started> started;
    std::unique_ptr<net::HttpServer> server;
    bool is_reaped = false;
  };
  // An event that it still has is answered with `why`.
  Remains close(const Error& why);

  const std::shared_ptr<const FunctionImage>& image() const { return image_; }
  const std::optional<Started>& started() const { return started_; }

 private:
  struct Current {
    Work work;
    Instant began{};
  };

  void on_request(const net::HttpRequest& request, const net::HttpDone& done);
  void on_next(const net::HttpDone& done);
  net::HttpResponse on_answer(const environments::RuntimeRequest& call,
                              const net::HttpRequest& request);
  net::HttpResponse on_init_error(const net::HttpRequest& request);
  net::HttpResponse refuse(int status);
  void on_output();
  void read_output(std::size_t bytes_max);
  void on_exit();
  void fail_init(std::string payload);
  void time_out();
  void fail_current(const std::string& type, const std::string& reason);
  // Ends the current event: log lines, answer.
  void finish(InvocationResult result, std::string_view status);
  void write_lines(std::vector<std::string> lines);
  void gone(std::function<void(const std::string&, Work&)> failed = {});
  void set_deadline(Instant deadline);

  const environments::EnvironmentId id_;
  const std::shared_ptr<const FunctionImage> image_;
  const Needs needs_;
  std::optional<Started> started_;
  std::unique_ptr<net::HttpServer> server_;
  std::unique_ptr<net::FdWatch> output_watch_;
  std::unique_ptr<net::FdWatch> exit_watch_;
  environments::RuntimeState state_ = environments::RuntimeState::kStarted;
  net::HttpDone next_;  // the request that waits for an event
  std::optional<Current> current_;
  std::optional<Instant> deadline_;
  std::optional<std::chrono::microseconds> init_duration_;  // until it was reported
  environments::LineSplitter splitter_;
  environments::LogTail tail_;
  std::string first_line_;  // of its output
  std::size_t read_in_window_ = 0;
  Instant window_began_{};
  bool has_spoken_ = false;  // it made a request: what ends it is the function's
  bool is_reaped_ = false;
  bool is_gone_ = false;
};

}  // namespace trivet::runner
