// SPDX-License-Identifier: Apache-2.0
//
// The actions of Lambda that are built.
#pragma once

#include <functional>
#include <string>

#include "api/action.h"
#include "base/executor.h"
#include "service/functions/event_queue.h"
#include "service/functions/function_service.h"
#include "service/functions/invoker.h"

namespace trivet::api {

// What the actions work with. It all must outlive the table and the calls.
struct LambdaServices {
  functions::FunctionService& functions;
  functions::Invoker& invoker;
  functions::EventQueue& events;
  Executor& code_worker;  // where archives are unpacked: seconds, one after the other
  // Where an archive can be fetched for some minutes.
  std::function<std::string(const CodeRef&)> code_url;
};

void add_lambda_actions(ActionTable& table, LambdaServices services);

}  // namespace trivet::api
