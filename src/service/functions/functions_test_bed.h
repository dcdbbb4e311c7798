// SPDX-License-Identifier: Apache-2.0
//
// Functions in memory for tests: code, spool, runtime and time are the test's. Only included by
// tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/crypto.h"
#include "service/ec2_service.h"
#include "service/functions/event_queue.h"
#include "service/functions/function_service.h"
#include "service/functions/invoker.h"
#include "service/identity_test_bed.h"

namespace trivet::functions {

using service::kNow;

class TestClock final : public Clock {
 public:
  Instant now() const override { return Instant() + (wall_ - kNow); }
  WallTime wall_now() const override { return wall_; }
  void advance(Millis time) { wall_ += time; }

 private:
  WallTime wall_ = kNow;
};

// Runs what is due when it is told to.
class ManualExecutor final : public Executor {
 public:
  explicit ManualExecutor(const Clock& clock) : clock_(clock) {}
  bool post(Task task) override { return post_after(Millis(0), std::move(task)); }
  bool post_after(Millis delay, Task task) override {
    tasks_.emplace(clock_.wall_now() + delay, std::move(task));
    return true;
  }
  void stop() override { tasks_.clear(); }
  void run() {
    for (int i = 0; i < 10'000 && !tasks_.empty(); ++i) {
      const auto first = tasks_.begin();
      if (first->first > clock_.wall_now()) {
        return;
      }
      const Task task = std::move(first->second);
      tasks_.erase(first);
      task();
    }
  }

 private:
  const Clock& clock_;
  std::multimap<WallTime, Task> tasks_;
};

// An archive is its text; "bad" is none, and one of digits says how large it is unpacked.
class MemoryCode final : public FunctionCodeStore {
 public:
  Result<CodeRef> put(std::string_view archive, std::int64_t bytes_max) override {
    if (archive == "bad") {
      return make_error(Errc::kInvalidArgument, "Could not unzip uploaded file.");
    }
    const std::int64_t number = version_number(archive);
    const CodeRef code{.id = to_hex(sha256(archive)),
                       .archive_bytes = static_cast<std::int64_t>(archive.size()),
                       .unpacked_bytes = number};
    if (code.unpacked_bytes > bytes_max) {
      return make_error(Errc::kInvalidArgument, "too large");
    }
    kept[code.id] = archive;
    return code;
  }
  std::string folder(const std::string& id) const override { return "/code/" + id.substr(0, 8); }
  Result<std::string> archive(const std::string& id) const override {
    const auto it = kept.find(id);
    return it == kept.end() ? Result<std::string>(make_error(Errc::kNotFound, id)) : it->second;
  }
  void keep_only(const std::set<std::string>& ids) override {
    std::erase_if(kept, [&](const auto& entry) { return !ids.contains(entry.first); });
  }
  std::map<std::string, std::string> kept;
};

class MemorySpool final : public EventSpool {
 public:
  Status put(const std::string& id, std::string_view record) override {
    if (is_full) {
      return make_error(Errc::kUnavailable, "no space left");
    }
    records[id] = record;
    return ok();
  }
  Status remove(const std::string& id) override {
    records.erase(id);
    return ok();
  }
  Result<std::vector<std::pair<std::string, std::string>>> list() override {
    return std::vector<std::pair<std::string, std::string>>(records.begin(), records.end());
  }
  std::map<std::string, std::string> records;
  bool is_full = false;
};

// Keeps what it is asked to run until the test answers, or answers at once.
class TestRuntime final : public FunctionRuntime {
 public:
  struct Asked {
    FunctionImage image;
    Invocation invocation;
    Done done;
  };
  void invoke(const FunctionImage& image, Invocation invocation, Done done) override {
    if (answers) {
      asked.push_back({image, invocation, nullptr});
      done(answers(image, invocation));
      return;
    }
    asked.push_back({image, std::move(invocation), std::move(done)});
  }
  void retire(const std::string& arn, const std::string& except) override {
    retired.emplace_back(arn, except);
  }
  Status check_runtime(const std::string& runtime) const override {
    return missing.contains(runtime)
               ? Status(make_error(Errc::kUnavailable, "trivet runtime install " + runtime))
               : ok();
  }
  FunctionRuntimeStats stats() const override { return {}; }

  std::function<Result<InvocationResult>(const FunctionImage&, const Invocation&)> answers;
  std::vector<Asked> asked;
  std::vector<std::pair<std::string, std::string>> retired;
  std::set<std::string> missing;
};

inline constexpr const char* kLambdaTrust =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",)"
    R"("Principal":{"Service":"lambda.amazonaws.com"}}]})";
inline constexpr const char* kRole = "arn:aws:iam::123456789012:role/run";

// A role "run" that Lambda may take, with the permissions for a VPC; the default VPC.
class FunctionsBed {
 public:
  FunctionsBed() {
    identities.role("run", kLambdaTrust);
    identities.allow(service::role_ref("run"), service::statement("Allow", "ec2:*", "*"));
    EXPECT_TRUE(ec2.start().has_value());
    reopen();
  }
  // As a restart of the daemon.
  void reopen() {
    events = nullptr;
    invoker = nullptr;
    service = nullptr;
    worker.stop();
    auto opened = FunctionBook::open(identities.store());
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    book = std::move(*opened);
    service = std::make_unique<FunctionService>(
        FunctionService::Needs{.book = *book,
                               .code = code,
                               .iam = identities.iam(),
                               .network = network,
                               .sealer = identities.sealer(),
                               .realm = realm,
                               .clock = clock,
                               .worker = worker,
                               .runtime = &runtime,
                               .why_no_network = [this] { return why_no_network; }});
    invoker = std::make_unique<Invoker>(*service, &runtime);
    events = std::make_unique<EventQueue>(EventQueue::Needs{.functions = *service,
                                                            .invoker = *invoker,
                                                            .spool = spool,
                                                            .clock = clock,
                                                            .worker = worker,
                                                            .limits = limits});
    service->start();
    ASSERT_TRUE(events->start().has_value());
  }

  CreateFunction wish(const std::string& name = "report") const {
    CreateFunction out;
    out.name = name;
    out.archive = "zip of " + name;
    out.configuration.runtime = "python3.13";
    out.configuration.handler = "app.handler";
    out.configuration.role_arn = kRole;
    return out;
  }
  // Made and active.
  FunctionView make(const std::string& name = "report") {
    auto made = service->create(wish(name));
    EXPECT_TRUE(made.has_value()) << made.error().message;
    worker.run();
    return made ? std::move(*made) : FunctionView();
  }
  std::string subnet() const { return ec2.state()->subnets.begin()->first; }
  std::string group() const { return ec2.state()->security_groups.begin()->first; }
  // Lets so much time pass, step by step, running what is due.
  void pass(Millis time) {
    for (Millis step{0}; step < time; step += Millis(500)) {
      clock.advance(Millis(500));
      worker.run();
    }
  }

  const Realm realm{.account = AccountId(service::kAccount)};
  TestClock clock;
  ManualExecutor worker{clock};
  service::IdentityBed identities;
  service::NetworkStore network{identities.store()};
  service::Ec2Service ec2{
      {.network = network,
       .realm = realm,
       .is_group_used =
           [this](const std::string& id) { return service && service->uses_security_group(id); },
       .is_subnet_used =
           [this](const std::string& id) { return service && service->uses_subnet(id); }}};
  MemoryCode code;
  MemorySpool spool;
  TestRuntime runtime;
  EventQueueLimits limits;
  std::string why_no_network;
  std::unique_ptr<FunctionBook> book;
  std::unique_ptr<FunctionService> service;
  std::unique_ptr<Invoker> invoker;
  std::unique_ptr<EventQueue> events;
};

}  // namespace trivet::functions
