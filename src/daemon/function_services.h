// SPDX-License-Identifier: Apache-2.0
//
// Everything that functions and logs need beside the API: where code, events and logs lie, the
// services over them, and the threads that they use.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "api/lambda/actions.h"
#include "base/clock.h"
#include "daemon/code_download.h"
#include "model/installation.h"
#include "net/http_types.h"
#include "ports/function_runtime.h"
#include "ports/log_events.h"
#include "ports/state_store.h"
#include "service/iam_service.h"
#include "service/logs/log_service.h"
#include "service/network_state.h"
#include "service/sealer.h"

namespace trivet::daemon {

// Thread-safe after start(). What Needs refers to outlives it.
class FunctionServices {
 public:
  struct Needs {
    HomePaths paths;
    Installation installation;
    StateStore& store;
    service::IamService& iam;
    service::NetworkStore& network;
    std::shared_ptr<const service::Sealer> sealer;
    const Clock& clock;
  };
  // Errors of the store and of the folders below the home.
  static Result<std::unique_ptr<FunctionServices>> open(Needs needs);
  ~FunctionServices();

  // Takes up what earlier daemons left. `runtime` may be nullptr: then nothing can be invoked. It
  // outlives this, or is stopped before. `why_no_network`: see FunctionService. Once.
  Status start(FunctionRuntime* runtime, std::function<std::string()> why_no_network);
  // No more events are started; logs are on disk when it returns. The runtime must have stopped.
  void stop();

  // After start().
  void add_actions(api::ActionTable& table);
  functions::FunctionService& functions();
  // At any time.
  LogEventSink& logs();
  // The answer to a GET of an archive; nullopt for any other call.
  std::optional<net::HttpResponse> download(const net::HttpRequest& request) const;

 private:
  struct Parts;
  explicit FunctionServices(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace trivet::daemon
