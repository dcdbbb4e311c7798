// SPDX-License-Identifier: Apache-2.0
//
// The actions of IAM that are built.
#pragma once

#include "api/action.h"
#include "service/iam_service.h"

namespace trivet::api {

// `service` must outlive the table.
void add_iam_actions(ActionTable& table, service::IamService& service);

}  // namespace trivet::api
