// SPDX-License-Identifier: Apache-2.0
//
// The life of a call: limits → parameters → signature → principal → action → policy → handler →
// response. Whatever goes wrong becomes AWS's error; every call leaves one line in the log, without
// secrets. RDS, IAM, STS and EC2 are called with parameters and answer XML; Lambda and CloudWatch
// Logs are called with JSON, and what they do may end later than handle().
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "api/action.h"
#include "api/error_map.h"
#include "api/identities.h"
#include "api/request_auth.h"
#include "base/clock.h"
#include "model/ids.h"
#include "net/http_types.h"
#include "ports/audit_sink.h"

namespace trivet::api {

struct DispatcherOptions {
  const Clock& clock;
  Identities& identities;
  const ActionTable& actions;
  Realm realm;
  AuditSink* audit = nullptr;  // is told of every call
  // How far a client's clock may be off. AWS allows 15 minutes for most services.
  Millis clock_skew_max = std::chrono::minutes(15);
  // Larger than any legal request of the Query protocol; the HTTP server should cut off a little
  // above it. Bodies of JSON are as long as body_bytes_max() says.
  std::size_t body_bytes_max = kQueryBodyMax;

  static constexpr std::size_t kQueryBodyMax = std::size_t{1} << 20;
};

// How long the body of a request to this path may be, for the HTTP server: AWS's limits for code
// and events, which are larger than those of other calls.
std::size_t body_bytes_max(std::string_view target);

// Thread-safe; handle() blocks as long as the action does, or its start if it answers later, so it
// runs on the `api` pool. What the options refer to must outlive it, and it outlives its calls.
class Dispatcher {
 public:
  using Respond = std::function<void(net::HttpResponse)>;

  explicit Dispatcher(DispatcherOptions options) : options_(std::move(options)) {}
  // Calls `respond` once, before it returns or later, on any thread.
  void handle(net::HttpRequest request, Respond respond) const;

 private:
  struct Progress;
  using ProgressPtr = std::shared_ptr<Progress>;

  void handle_json(const ProgressPtr& progress, Respond respond) const;
  Result<std::string> process(const net::HttpRequest& request, Progress& progress) const;
  Result<std::string> run(const net::HttpRequest& request, const QueryParams& params,
                          Progress& progress) const;
  Result<Authenticated> authenticate_caller(Progress& progress) const;
  Status start_json(const ProgressPtr& progress, const FinishJson& finish) const;
  Call call_of(const Progress& progress, const Authenticated& caller,
               std::string_view action) const;
  Status authorize(const Call& call, const std::vector<Permission>& permissions,
                   Progress& progress) const;
  // Logs and records how it ended. nullptr: well.
  AwsError conclude(const Progress& progress, const Error* error, int status) const;
  void record_call(const Progress& progress, ApiRecord record) const;

  DispatcherOptions options_;
};

}  // namespace trivet::api
