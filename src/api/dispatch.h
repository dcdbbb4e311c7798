// SPDX-License-Identifier: Apache-2.0
//
// The life of a call: limits → parameters → signature → principal → action → policy → handler →
// response. Whatever goes wrong becomes AWS's error; every call leaves one line in the log, without
// secrets.
#pragma once

#include <cstddef>
#include <string>

#include "api/action.h"
#include "api/identities.h"
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
  // Larger than any legal request of these APIs; the HTTP server should cut off a little above it.
  std::size_t body_bytes_max = std::size_t{1} << 20;
};

// Thread-safe; handle() blocks as long as the action does, so it runs on the `api` pool. What the
// options refer to must outlive it.
class Dispatcher {
 public:
  explicit Dispatcher(DispatcherOptions options) : options_(std::move(options)) {}
  net::HttpResponse handle(const net::HttpRequest& request) const;

 private:
  struct Progress;
  Result<std::string> process(const net::HttpRequest& request, Progress& progress) const;
  Result<std::string> run(const net::HttpRequest& request, const QueryParams& params,
                          Progress& progress) const;
  Status authorize(const Call& call, const std::vector<Permission>& permissions,
                   Progress& progress) const;
  void record_call(const net::HttpRequest& request, const Progress& progress,
                   ApiRecord record) const;

  DispatcherOptions options_;
};

}  // namespace trivet::api
