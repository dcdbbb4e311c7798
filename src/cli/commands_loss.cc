// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "cli/admin_client.h"
#include "cli/cluster_watch.h"
#include "cli/commands.h"
#include "cli/loss.h"

namespace trivet::cli {
namespace {

// The cluster's name, typed: a "y" is typed too easily.
Result<bool> is_confirmed(const std::string& cluster) {
  if (::isatty(STDIN_FILENO) == 0) {
    return make_error(Errc::kInvalidArgument,
                      "nobody is there to be asked: with --yes it is done without");
  }
  std::cerr << "Type " << cluster << " to go on: " << std::flush;
  std::string typed;
  return static_cast<bool>(std::getline(std::cin, typed)) && typed == cluster;
}

}  // namespace

Result<int> run_failover_at_a_loss(const Context& context, const FailoverOptions& options) {
  TRIVET_TRY(const std::optional<AdminClient> admin, AdminClient::open(context.paths));
  if (!admin) {
    return say_not_running(context);
  }
  const ClusterWatch watch(*admin, options.cluster);
  TRIVET_TRY(const std::string json, admin->loss(options.cluster));
  TRIVET_TRY(const Loss loss, parse_loss(json));
  TRIVET_TRY(const LossOffer offer, choose_offer(loss, options.to));
  say(describe_loss(loss, offer));
  if (!options.is_sure) {
    TRIVET_TRY(const bool confirmed, is_confirmed(options.cluster));
    if (!confirmed) {
      return make_error(Errc::kDenied, "nothing was done");
    }
  }
  TRIVET_CHECK_OK(admin->accept_loss(options.cluster, offer.member, offer.held));
  const auto is_done = [](const StatusCluster& seen) { return !seen.writer.empty(); };
  TRIVET_TRY(const StatusCluster after,
             watch.wait(is_done, std::chrono::seconds(options.timeout_s)));
  const bool is_lost = after.writer == offer.member;
  if (options.json) {
    print(nlohmann::json{{"cluster", after.identifier},
                         {"writer", after.writer},
                         {"term", after.term},
                         {"lost", is_lost ? offer.lacks : ""},
                         {"lost_count", is_lost ? offer.lacks_count : 0}}
              .dump() +
          "\n");
  } else {
    print(fmt::format("{} writes to {} now (term {}). {}\n", after.identifier, after.writer,
                      after.term,
                      is_lost ? fmt::format("{} known transactions are lost.", offer.lacks_count)
                              : "Nothing had to be lost."));
  }
  return kExitOk;
}

}  // namespace trivet::cli
