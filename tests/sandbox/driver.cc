// SPDX-License-Identifier: Apache-2.0
//
// sandbox-driver: the runner of functions without a daemon around it, for tests and measurements.
// One JSON object a line on standard input is one request, one a line on standard output an
// answer; answers come when they are there, with the `id` of their request.
//
//   {"id":1,"op":"invoke","image":{…},"payload":"…"}
//   {"id":2,"op":"bench","image":{…},"payload":"…","clients":8,"count":1000}
//   {"id":3,"op":"retire","arn":"…","except":""}     {"id":4,"op":"stats"}
//   {"id":5,"op":"logs","group":"…"}                 {"id":6,"op":"check","runtime":"…"}
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/random.h"
#include "runner/runner.h"

namespace trivet::runner {
namespace {

using nlohmann::json;

// Keeps all that is written.
class MemoryLog final : public LogEventSink {
 public:
  void append(const std::string& group, const std::string& stream,
              std::vector<LogEvent> events) override {
    const MutexLock lock(mutex_);
    for (LogEvent& event : events) {
      lines_[group].push_back({{"stream", stream}, {"message", std::move(event.message)}});
    }
  }
  json of(const std::string& group) {
    const MutexLock lock(mutex_);
    return lines_[group];
  }

 private:
  Mutex mutex_;
  std::map<std::string, std::vector<json>> lines_ GUARDED_BY(mutex_);
};

void print(const json& answer) {
  static Mutex mutex;
  const MutexLock lock(mutex);
  const std::string text = answer.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  (void)std::fwrite(text.data(), 1, text.size(), stdout);
  (void)std::fflush(stdout);
}

FunctionImage image_of(const json& given) {
  FunctionImage image;
  image.name = given.at("name");
  image.version = given.value("version", "$LATEST");
  image.arn = "arn:aws:lambda:us-east-1:123456789012:function:" + image.name;
  image.revision = given.value("revision", "1");
  image.runtime = given.at("runtime");
  image.handler = given.value("handler", "");
  image.role_arn = "arn:aws:iam::123456789012:role/test";
  image.code_folder = given.at("code");
  image.layer_folders = given.value("layers", std::vector<std::string>());
  image.environment = given.value("environment", std::map<std::string, std::string>());
  image.memory_mb = given.value("memory_mb", 128);
  image.ephemeral_mb = given.value("ephemeral_mb", 512);
  image.timeout = Millis(given.value("timeout_ms", 3'000));
  image.log_group = "/aws/lambda/" + image.name;
  if (given.value("vpc", false)) {
    image.vpc = VpcPlacement{"vpc-1", {"subnet-1"}, {"sg-1"}};
  }
  return image;
}

Invocation invocation_of(const json& given, const FunctionImage& image) {
  return {random_uuid(), given.value("payload", "{}"), image.arn, ""};
}

void invoke(Runner& runner, const json& request) {
  const FunctionImage image = image_of(request.at("image"));
  const auto began = std::chrono::steady_clock::now();
  runner.invoke(image, invocation_of(request, image),
                [id = request.at("id"), began](Result<InvocationResult> result) {
                  const std::chrono::duration<double, std::milli> took =
                      std::chrono::steady_clock::now() - began;
                  json answer = {{"id", id}, {"ms", took.count()}};
                  if (result) {
                    answer["payload"] = result->payload;
                    answer["function_error"] = result->function_error;
                    answer["log_tail"] = result->log_tail;
                  } else {
                    answer["error"] = to_string(result.error().code);
                    answer["message"] = result.error().message;
                  }
                  print(answer);
                });
}

// Each client has one event at a time, until all together have had `count`.
class Bench : public std::enable_shared_from_this<Bench> {
 public:
  Bench(Runner& runner, json request)
      : runner_(runner),
        request_(std::move(request)),
        image_(image_of(request_.at("image"))),
        count_(request_.at("count")),
        began_(std::chrono::steady_clock::now()) {}

  void start() {
    for (int i = 0; i < request_.at("clients").get<int>(); ++i) {
      next();
    }
  }

 private:
  void next() {
    {
      const MutexLock lock(mutex_);
      if (begun_ == count_) {
        return;
      }
      ++begun_;
    }
    const auto began = std::chrono::steady_clock::now();
    runner_.invoke(image_, invocation_of(request_, image_),
                   [self = shared_from_this(), began](const Result<InvocationResult>& result) {
                     self->done(std::chrono::steady_clock::now() - began,
                                !result || !result->function_error.empty());
                   });
  }

  void done(std::chrono::duration<double, std::milli> took, bool failed) {
    bool is_last = false;
    {
      const MutexLock lock(mutex_);
      took_.push_back(took.count());
      failed_ += failed ? 1 : 0;
      is_last = took_.size() == count_;
    }
    is_last ? report() : next();
  }

  void report() {
    const MutexLock lock(mutex_);
    const std::chrono::duration<double> all = std::chrono::steady_clock::now() - began_;
    std::sort(took_.begin(), took_.end());
    print({{"id", request_.at("id")},
           {"per_second", static_cast<double>(count_) / all.count()},
           {"failed", failed_},
           {"median_ms", took_[took_.size() / 2]},
           {"p99_ms", took_[took_.size() * 99 / 100]},
           {"max_ms", took_.back()}});
  }

  Runner& runner_;
  const json request_;
  const FunctionImage image_;
  const std::size_t count_;
  const std::chrono::steady_clock::time_point began_;
  Mutex mutex_;
  std::size_t begun_ GUARDED_BY(mutex_) = 0;
  std::size_t failed_ GUARDED_BY(mutex_) = 0;
  std::vector<double> took_ GUARDED_BY(mutex_);
};

void carry_out(Runner& runner, MemoryLog& logs, const json& request) {
  const std::string op = request.at("op");
  if (op == "invoke") {
    invoke(runner, request);
  } else if (op == "bench") {
    std::make_shared<Bench>(runner, request)->start();
  } else if (op == "retire") {
    runner.retire(request.at("arn"), request.value("except", ""));
    print({{"id", request.at("id")}});
  } else if (op == "stats") {
    const FunctionRuntimeStats stats = runner.stats();
    print({{"id", request.at("id")},
           {"idle", stats.environments_idle},
           {"busy", stats.environments_busy},
           {"resident_bytes", stats.resident_bytes},
           {"weaknesses", runner.weaknesses()}});
  } else if (op == "logs") {
    print({{"id", request.at("id")}, {"events", logs.of(request.at("group"))}});
  } else if (op == "check") {
    const Status able = runner.check_runtime(request.at("runtime"));
    print({{"id", request.at("id")}, {"message", able ? "" : able.error().message}});
  }
}

int run(const json& settings) {
  const SystemClock clock;
  MemoryLog logs;
  RunnerOptions options;
  options.home = settings.at("home");
  options.program = settings.at("program");
  options.installation_id = settings.value("installation_id", "sandbox-driver");
  options.region = "us-east-1";
  options.ca_bundle = settings.value("ca_bundle", "");
  options.limits.environments_max = settings.value("environments_max", std::size_t{200});
  options.limits.idle_max = Millis(settings.value("idle_ms", 300'000));
  options.runs_vpc_functions_without_network = settings.value("vpc_without_network", false);
  options.clock = &clock;
  options.logs = &logs;
  options.role_session = [&clock, &settings](const FunctionImage& image) -> Result<RoleSession> {
    if (settings.value("deny_role", false)) {
      return make_error(Errc::kDenied,
                        "The role defined for the function cannot be assumed by Lambda.");
    }
    return RoleSession{{"ASIA" + image.name, "secret-of-" + image.name, "token"},
                       clock.wall_now() + Millis(settings.value("session_ms", 3'600'000))};
  };
  Runner runner(std::move(options));
  const Status able = runner.check();
  print({{"id", 0}, {"message", able ? "" : able.error().message}});
  std::string line;
  while (std::getline(std::cin, line)) {
    carry_out(runner, logs, json::parse(line));
  }
  runner.stop();
  return 0;
}

}  // namespace
}  // namespace trivet::runner

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: sandbox-driver '{\"home\":…,\"program\":…}'\n";
    return 2;
  }
  return trivet::runner::run(nlohmann::json::parse(argv[1]));
}
