// SPDX-License-Identifier: Apache-2.0
//
// The actions of CloudWatch Logs that are built.
#pragma once

#include "api/action.h"
#include "service/logs/log_service.h"

namespace trivet::api {

// `service` must outlive the table.
void add_logs_actions(ActionTable& table, trivet::logs::LogService& service);

}  // namespace trivet::api
