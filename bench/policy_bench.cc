// SPDX-License-Identifier: Apache-2.0
//
// How long one decision takes: 100 statements of which only the last allows, so that every one is
// looked at twice (for a Deny, for an Allow).
//
//   policy_bench [--statements N] [--rounds N]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "bench/arguments.h"
#include "core/policy/evaluate.h"

namespace trivet::bench {
namespace {

// Statements that differ in one resource, every second with a condition.
std::string document(int statements) {
  std::string out = R"({"Version":"2012-10-17","Statement":[)";
  for (int i = 0; i < statements; ++i) {
    const bool is_last = i + 1 == statements;
    const std::string cluster = is_last ? "cluster-ABC" : "cluster-" + std::to_string(i);
    out += (i == 0 ? "" : ",") + std::string(R"({"Effect":"Allow","Action":["rds-db:connect",)") +
           R"("rds:Describe*"],"Resource":"arn:aws:rds-db:*:123456789012:dbuser:)" + cluster +
           "/${aws:username}\"";
    out += i % 2 == 0 ? R"(,"Condition":{"StringLike":{"aws:PrincipalTag/team":["pay*","o?s"]}}})"
                      : "}";
  }
  return out + "]}";
}

void run(const Arguments& arguments) {
  const int statements = arguments.number("statements", 100);
  const int rounds = arguments.number("rounds", 20);
  constexpr int kDecisions = 2'000;
  const policy::PolicySet set{
      .identity = {{"bench", std::make_shared<const policy::Policy>(
                                 must(policy::parse_policy(document(statements))))}}};
  policy::Request request{
      .action = "rds-db:connect",
      .resource = "arn:aws:rds-db:us-east-1:123456789012:dbuser:cluster-ABC/jane",
      .principal = {.arn = "arn:aws:iam::123456789012:user/jane",
                    .account = "123456789012",
                    .user_name = "jane",
                    .unique_id = "AIDAJANE",
                    .tags = {{"team", "ops"}}}};
  request.context = policy::principal_context(request.principal, wall_time_from_ms(0));
  std::vector<double> micros;
  for (int round = 0; round < rounds; ++round) {
    const auto begun = std::chrono::steady_clock::now();
    for (int i = 0; i < kDecisions; ++i) {
      if (!policy::evaluate(set, request).allowed()) {
        fail("the last statement must allow");
      }
    }
    const std::chrono::duration<double, std::micro> taken =
        std::chrono::steady_clock::now() - begun;
    micros.push_back(taken.count() / kDecisions);
  }
  std::sort(micros.begin(), micros.end());
  std::printf("%d statements: %.2f us a decision (median of %d rounds; best %.2f, worst %.2f)\n",
              statements, micros[micros.size() / 2], rounds, micros.front(), micros.back());
}

}  // namespace
}  // namespace trivet::bench

int main(int argc, char** argv) {
  trivet::bench::run(trivet::bench::Arguments(argc, argv));
  return 0;
}
