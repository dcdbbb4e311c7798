// SPDX-License-Identifier: Apache-2.0
#include "service/metrics.h"

namespace trivet::service {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kRds = {
    {{"IamDbAuthConnectionRequests", "Logins with a token that were asked for"},
     {"IamDbAuthConnectionSuccess", "Logins with a token that were accepted"},
     {"IamDbAuthConnectionFailure", "Logins with a token that were refused"},
     {"IamDbAuthConnectionFailureInvalidToken", "Refused: the token is invalid or expired"},
     {"IamDbAuthConnectionFailureInsufficientPermissions",
      "Refused: no policy allows rds-db:connect"},
     {"IamDbAuthConnectionFailureThrottling", "Refused: too many logins"},
     {"IamDbAuthConnectionFailureServerError", "Refused: it could not be decided"}}};
constexpr std::size_t kRequests = 0;
constexpr std::size_t kSuccess = 1;
constexpr std::size_t kFailure = 2;

// Which of the failures RDS's status stands for.
std::size_t failure_of(int aws_status) {
  switch (aws_status) {
    case 403:
      return 4;
    case 429:
      return 5;
    case 500:
      return 6;
    default:
      return 3;
  }
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') {
      out += '\\';
    }
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

}  // namespace

void MetricsText::begin(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  out_ += "# HELP " + name_ + " ";
  out_ += help;
  out_ += "\n# TYPE " + name_ + " ";
  out_ += type;
  out_ += '\n';
}

void MetricsText::value(const Labels& labels, std::int64_t number) {
  out_ += name_;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    out_ += i == 0 ? '{' : ',';
    out_ += labels[i].first;
    out_ += "=\"" + escaped(labels[i].second) + '"';
  }
  out_ += labels.empty() ? " " : "} ";
  out_ += std::to_string(number) + '\n';
}

void Metrics::count(const LoginRecord& record) {
  const MutexLock lock(logins_mutex_);
  RdsCounts& counts = rds_[record.cluster];
  ++counts[kRequests];
  if (record.is_accepted) {
    ++counts[kSuccess];
    return;
  }
  ++counts[kFailure];
  ++counts[failure_of(record.aws_status)];
  ++refusals_[{record.cluster, record.reason}];
}

void Metrics::count(const ApiRecord& record) {
  // What a client made up must not become a metric of its own.
  const std::string action = record.is_known_action ? record.action : "other";
  const MutexLock lock(api_mutex_);
  ++calls_[{record.service, action, record.verdict}];
}

void Metrics::add_to(MetricsText& text) const {
  {
    const MutexLock lock(logins_mutex_);
    for (std::size_t i = 0; i < kRds.size(); ++i) {
      text.begin(kRds[i].first, "counter", kRds[i].second);
      for (const auto& [cluster, counts] : rds_) {
        text.value({{"cluster", cluster}}, counts[i]);
      }
    }
    text.begin("trivet_login_refusals_total", "counter", "Refused logins by reason");
    for (const auto& [key, number] : refusals_) {
      text.value({{"cluster", key.first}, {"reason", key.second}}, number);
    }
  }
  const MutexLock lock(api_mutex_);
  text.begin("trivet_api_calls_total", "counter",
             "API calls; verdict: done, refused, denied, rejected or failed");
  for (const auto& [key, number] : calls_) {
    text.value({{"service", key[0]}, {"action", key[1]}, {"verdict", key[2]}}, number);
  }
}

void add_cluster_metrics(const std::vector<ClusterViewPtr>& views, MetricsText& text) {
  const auto for_clusters = [&](std::string_view name, std::string_view help, auto number) {
    text.begin(name, "gauge", help);
    for (const ClusterViewPtr& view : views) {
      text.value({{"cluster", view->cluster.id.str()}}, number(*view));
    }
  };
  const auto for_members = [&](std::string_view name, std::string_view help, auto number) {
    text.begin(name, "gauge", help);
    for (const ClusterViewPtr& view : views) {
      for (const MemberStatus& member : view->members) {
        if (const std::optional<std::int64_t> found = number(*view, member)) {
          text.value({{"cluster", view->cluster.id.str()}, {"member", member.id.str()}}, *found);
        }
      }
    }
  };
  using Number = std::optional<std::int64_t>;
  for_clusters("trivet_cluster_term", "The term of the writer", [](const ClusterView& view) {
    return static_cast<std::int64_t>(view.topology.term.value());
  });
  for_clusters("trivet_cluster_has_writer", "1: the writer endpoint is served",
               [](const ClusterView& view) { return view.writer ? 1 : 0; });
  for_clusters("trivet_cluster_commit_delay_milliseconds",
               "How long commits are held back so that readers keep up",
               [](const ClusterView& view) { return view.commit_delay.count(); });
  for_members(
      "trivet_member_is_writer", "1: the writer, 0: a reader",
      [](const ClusterView&, const MemberStatus& m) { return Number(m.is_writer ? 1 : 0); });
  for_members("trivet_member_is_voter", "1: its acknowledgement counts",
              [](const ClusterView&, const MemberStatus& m) { return Number(m.is_voter ? 1 : 0); });
  for_members("trivet_member_is_available", "1: it serves",
              [](const ClusterView& view, const MemberStatus& m) {
                return Number(instance_status_text(view, m) == "available" ? 1 : 0);
              });
  for_members("trivet_member_apply_lag_milliseconds", "How far a reader is behind",
              [](const ClusterView&, const MemberStatus& m) {
                return m.apply_lag ? Number(m.apply_lag->count()) : Number();
              });
}

}  // namespace trivet::service
