// SPDX-License-Identifier: Apache-2.0
//
// Where the records of logins and API calls go: counted at once, written to files behind the
// caller's back. A refused login's line in the daemon's log is written there too: it must not wait
// for a disk either. Accepted ones are in the audit log alone: a pool's would push all else out of
// the daemon's.
#pragma once

#include <string>
#include <vector>

#include "adapter/audit/audit_log.h"
#include "model/installation.h"
#include "ports/audit_sink.h"
#include "service/metrics.h"

namespace trivet::daemon {

// Thread-safe.
class AuditTrail final : public AuditSink {
 public:
  // `clock` outlives it.
  AuditTrail(const HomePaths& paths, const Clock& clock);

  void add(LoginRecord record) override;
  void add(ApiRecord record) override;
  void flush(Millis deadline) { log_.flush(deadline); }
  // Prometheus's text: what was counted, and how the clusters are.
  std::string metrics_text(const std::vector<service::ClusterViewPtr>& views) const;

 private:
  service::Metrics metrics_;
  audit::AuditLog log_;
};

}  // namespace trivet::daemon
