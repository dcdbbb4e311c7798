// SPDX-License-Identifier: Apache-2.0
//
// The actions of EC2 that are built.
#pragma once

#include "api/action.h"
#include "service/ec2_service.h"

namespace trivet::api {

// `service` must outlive the table.
void add_ec2_actions(ActionTable& table, service::Ec2Service& service);

}  // namespace trivet::api
