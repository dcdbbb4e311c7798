// SPDX-License-Identifier: Apache-2.0
//
// What is known of one AWS service as a whole: its names, the list of all its actions (also of
// those that are not built) and its faults. The tables are generated from
// api/models/<service>.json.
#pragma once

#include <span>
#include <string_view>

namespace trivet::api {

// A fault of the service's model. `name` is the SDKs' exception, `code` what goes over the wire.
struct FaultInfo {
  std::string_view name;
  std::string_view code;
  int status = 400;
  // JSON services: the key of the text, "message" or "Message". Empty: it has none of its own.
  std::string_view message_member{};
};

// An operation of a REST service. `path` has labels, "/functions/{FunctionName}", and may end in a
// parameter that tells it from another of that path: "?find=LayerVersion".
struct Route {
  std::string_view method;
  std::string_view path;
  std::string_view action;
};

enum class ServiceKind { kRds, kIam, kSts, kEc2, kLambda, kLogs };

struct ServiceInfo {
  ServiceKind kind = ServiceKind::kRds;
  std::string_view name;  // as in a credential scope: "rds"
  std::string_view version;
  std::string_view xml_namespace;
  std::span<const std::string_view> actions;  // all of AWS's, sorted
  std::span<const FaultInfo> faults;          // sorted by name
  std::span<const Route> routes{};            // REST services only
  std::string_view target_prefix{};           // of X-Amz-Target; services that have no paths only

  // Does it speak JSON? The others speak the Query protocol and XML.
  bool is_json() const { return !routes.empty() || !target_prefix.empty(); }
};

std::span<const ServiceInfo* const> all_services();
// nullptr when there is no such service.
const ServiceInfo* find_service(std::string_view name);
// Of a service of the Query protocol, whose calls carry it.
const ServiceInfo* find_service_by_version(std::string_view version);

}  // namespace trivet::api
