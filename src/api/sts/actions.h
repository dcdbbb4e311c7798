// SPDX-License-Identifier: Apache-2.0
//
// The actions of STS that are built.
#pragma once

#include "api/action.h"
#include "service/sts_service.h"

namespace trivet::api {

// `service` must outlive the table.
void add_sts_actions(ActionTable& table, service::StsService& service);

}  // namespace trivet::api
