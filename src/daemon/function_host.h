// SPDX-License-Identifier: Apache-2.0
//
// What runs the functions of this installation: the runner, with the sessions of execution roles
// that it needs.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "model/installation.h"
#include "ports/function_networks.h"
#include "ports/log_events.h"
#include "runner/runner.h"
#include "service/sts_service.h"

namespace trivet::daemon {

struct FunctionHostNeeds {
  const Installation& installation;
  const HomePaths& paths;
  std::string program_folder;  // where trivet-sandbox lies
  const Clock& clock;
  service::StsService& sts;
  FunctionNetworks* networks = nullptr;  // none: functions have loopback alone
  LogEventSink* logs = nullptr;          // none: what functions write is not kept
};

// {"why_none":"","weaknesses":[],"idle":2,"busy":0,"resident_bytes":…}: `why_none` says why no
// function can run here.
std::string functions_json(const runner::Runner& runner);

// Always there; see runner::Runner::check. What is referred to must outlive it.
std::unique_ptr<runner::Runner> make_function_runner(const FunctionHostNeeds& needs);

}  // namespace trivet::daemon
