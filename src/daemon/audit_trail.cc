// SPDX-License-Identifier: Apache-2.0
#include "daemon/audit_trail.h"

#include <utility>

#include "base/log.h"
#include "core/token/reason.h"
#include "service/token_verifier.h"

namespace trivet::daemon {
namespace {

// The daemon's log: one line for each login.
void log_login(const LoginRecord& record) {
  const std::string user = token::log_quoted(record.user);
  const std::string key = token::log_quoted(record.access_key_id);
  if (record.is_accepted) {
    log(Level::kInfo, "login.accepted",
        {{"member", record.member},
         {"user", user},
         {"principal", record.principal_arn},
         {"access_key", key},
         {"peer", record.peer_address},
         {"connection", record.connection_id},
         {"token_uses", record.token_uses},
         {"token_first_from", record.token_first_from}});
    return;
  }
  const bool is_ours = record.reason == service::kReasonUnknownDatabase;
  log(is_ours ? Level::kError : Level::kWarning, "login.refused",
      {{"member", record.member},
       {"reason", record.reason},
       {"detail", record.detail},
       {"user", user},
       {"principal", record.principal_arn},
       {"access_key", key},
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
            .on_login = log_login}) {}

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
