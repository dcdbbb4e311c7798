// SPDX-License-Identifier: Apache-2.0
//
// Everything that functions and logs need beside the API: where code, events and logs lie, the
// services over them, what runs functions, and the threads that they use.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "api/lambda/actions.h"
#include "base/clock.h"
#include "daemon/code_download.h"
#include "model/installation.h"
#include "net/http_types.h"
#include "ports/function_networks.h"
#include "ports/state_store.h"
#include "runner/runner.h"
#include "service/iam_service.h"
#include "service/logs/log_service.h"
#include "service/network_state.h"
#include "service/sealer.h"
#include "service/sts_service.h"

namespace trivet::daemon {

// Thread-safe after start(). What Needs refers to outlives it.
class FunctionServices {
 public:
  struct Needs {
    const HomePaths& paths;
    const Installation& installation;
    std::string program_folder;  // where trivet-sandbox lies
    StateStore& store;
    service::IamService& iam;
    service::StsService& sts;
    service::NetworkStore& network;
    FunctionNetworks& networks;
    std::shared_ptr<const service::Sealer> sealer;
    const Clock& clock;
  };
  // Errors of the store and of the folders below the home.
  static Result<std::unique_ptr<FunctionServices>> open(Needs needs);
  ~FunctionServices();

  // Takes up what earlier daemons left. Once.
  Status start();
  // What runs is answered with an error, and nothing more is started. Before the networks go.
  void stop_running();
  // Logs are on disk when it returns. When nobody calls the API any more.
  void stop();

  // After start().
  void add_actions(api::ActionTable& table);
  functions::FunctionService& functions();
  runner::Runner& runner();
  // The answer to a GET of an archive; nullopt for any other call.
  std::optional<net::HttpResponse> download(const net::HttpRequest& request) const;

 private:
  struct Parts;
  explicit FunctionServices(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace trivet::daemon
