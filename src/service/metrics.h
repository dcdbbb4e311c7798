// SPDX-License-Identifier: Apache-2.0
//
// Counts of logins and API calls since the daemon started, as Prometheus reads them. RDS's seven
// metrics of IAM database authentication keep RDS's names.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "model/audit.h"
#include "service/cluster_view.h"

namespace trivet::service {

// Prometheus's text format, one metric after the other. Pure.
class MetricsText {
 public:
  using Labels = std::vector<std::pair<std::string_view, std::string_view>>;
  // `type`: "counter" or "gauge". Values of this metric follow.
  void begin(std::string_view name, std::string_view type, std::string_view help);
  void value(const Labels& labels, std::int64_t number);
  std::string str() && { return std::move(out_); }

 private:
  std::string name_;
  std::string out_;
};

// Thread-safe. Logins and API calls do not wait for each other.
class Metrics {
 public:
  void count(const LoginRecord& record);
  void count(const ApiRecord& record);
  void add_to(MetricsText& text) const;

 private:
  // RDS's, in the order of kRdsNames.
  using RdsCounts = std::array<std::int64_t, 7>;
  mutable Mutex logins_mutex_;
  std::map<std::string, RdsCounts> rds_ GUARDED_BY(logins_mutex_);  // by cluster
  std::map<std::pair<std::string, std::string>, std::int64_t> refusals_
      GUARDED_BY(logins_mutex_);  // by cluster and reason
  mutable Mutex api_mutex_;
  std::map<std::array<std::string, 3>, std::int64_t> calls_
      GUARDED_BY(api_mutex_);  // by service, action and verdict
};

// Terms, roles, states and lags, as the views have them.
void add_cluster_metrics(const std::vector<ClusterViewPtr>& views, MetricsText& text);

}  // namespace trivet::service
