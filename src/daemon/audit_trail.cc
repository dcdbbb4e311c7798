// SPDX-License-Identifier: Apache-2.0
#include "daemon/audit_trail.h"

#include <utility>

namespace trivet::daemon {

AuditTrail::AuditTrail(const HomePaths& paths, const Clock& clock)
    : log_({.file = paths.audit_log(), .errors_folder = paths.auth_error_logs(), .clock = clock}) {}

void AuditTrail::add(const LoginRecord& record) {
  metrics_.count(record);
  log_.add(record);
}

void AuditTrail::add(const ApiRecord& record) {
  metrics_.count(record);
  log_.add(record);
}

std::string AuditTrail::metrics_text(const std::vector<service::ClusterViewPtr>& views) const {
  service::MetricsText text;
  metrics_.add_to(text);
  service::add_cluster_metrics(views, text);
  text.begin("trivet_audit_records_dropped_total", "counter",
             "Audit records that could not be written");
  text.value({}, static_cast<std::int64_t>(log_.dropped()));
  return std::move(text).str();
}

}  // namespace trivet::daemon
