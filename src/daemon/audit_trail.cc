// SPDX-License-Identifier: Apache-2.0
#include "daemon/audit_trail.h"

#include <utility>

#include "base/log.h"
#include "core/token/reason.h"
#include "service/token_verifier.h"

namespace trivet::daemon {
namespace {

// The daemon's log.
void log_refused(const LoginRecord& record) {
  const bool is_ours = record.reason == service::kReasonUnknownDatabase;
  log(is_ours ? Level::kError : Level::kWarning, "login.refused",
      {{"member", record.member},
       {"reason", record.reason},
       {"detail", record.detail},
       {"user", token::log_quoted(record.user)},
       {"principal", record.principal_arn},
       {"access_key", token::log_quoted(record.access_key_id)},
       {"peer", record.peer_address},
       {"connection", record.connection_id},
       {"answer_after_ms", record.answer_after.count()},
       {"iam-db-auth-error", record.aws_text}});
}

}  // namespace

AuditTrail::AuditTrail(const HomePaths& paths, const Clock& clock)
    : log_({.file = paths.audit_log(),
            .errors_folder = paths.auth_error_logs(),
            .clock = clock,
            .on_refused = log_refused}) {}

void AuditTrail::add(LoginRecord record) {
  metrics_.count(record);
  log_.add(std::move(record));
}

void AuditTrail::add(ApiRecord record) {
  metrics_.count(record);
  log_.add(std::move(record));
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
