// SPDX-License-Identifier: Apache-2.0
//
// The one thing that the command line asks AWS's API of its own daemon: what kind of cluster this
// is. A signed Query request like any SDK's.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "cli/admin_client.h"
#include "net/http_types.h"

namespace trivet::cli {

struct ClusterFacts {
  std::string master_username;
  bool iam_authentication = false;
};

// DescribeDBClusters. Errors: kInternal with AWS's code and message; kUnavailable, kTimeout.
Result<ClusterFacts> describe_cluster(const SessionCredentials& credentials,
                                      std::string_view cluster, WallTime now);

// The request, signed. Pure. Errors: kInvalidArgument when the endpoint URL is none.
Result<net::HttpRequest> make_describe_request(const SessionCredentials& credentials,
                                               std::string_view cluster, WallTime now);
// The answer. Pure. Reads single elements whose values need no decoding; our own API wrote it.
Result<ClusterFacts> parse_describe_answer(int status, std::string_view xml);

}  // namespace trivet::cli
