// SPDX-License-Identifier: Apache-2.0
//
// Something that happened to a cluster or to one of its members, in AWS's words. Once recorded it
// never changes; what it is about may be gone.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace trivet {

struct Event {
  enum class Source { kCluster, kInstance };
  WallTime at{};
  Source source = Source::kCluster;
  std::string source_id;   // DBClusterIdentifier or DBInstanceIdentifier
  std::string source_arn;  // "arn:aws:rds:us-east-1:123456789012:cluster:demo"
  std::string id;          // "RDS-EVENT-0071"
  std::string category;    // "failover"
  std::string message;
  friend bool operator==(const Event&, const Event&) = default;
};
std::string_view to_string(Event::Source source);  // AWS's SourceType: "db-cluster", "db-instance"

// JSON with a version field. Decoding fails with kCorrupt for text of a newer version or no text of
// ours.
std::string encode(const Event& event);
Result<Event> decode_event(std::string_view text);

}  // namespace trivet
