// SPDX-License-Identifier: Apache-2.0
#include "api/service_info.h"

#include <algorithm>
#include <array>

#include "api/shapes/ec2.h"
#include "api/shapes/iam.h"
#include "api/shapes/lambda.h"
#include "api/shapes/logs.h"
#include "api/shapes/rds.h"
#include "api/shapes/sts.h"

namespace trivet::api {

std::span<const ServiceInfo* const> all_services() {
  static const std::array<const ServiceInfo*, 6> kAll = {
      &rds::service_info(), &iam::service_info(),    &sts::service_info(),
      &ec2::service_info(), &lambda::service_info(), &logs::service_info()};
  return kAll;
}

const ServiceInfo* find_service(std::string_view name) {
  for (const ServiceInfo* service : all_services()) {
    if (service->name == name) {
      return service;
    }
  }
  return nullptr;
}

const ServiceInfo* find_service_by_version(std::string_view version) {
  for (const ServiceInfo* service : all_services()) {
    if (!service->is_json() && service->version == version) {
      return service;
    }
  }
  return nullptr;
}

}  // namespace trivet::api
