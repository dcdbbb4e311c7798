// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a policy document, and as the patterns of one: reading and deciding must end, within
// bounds, and an empty set of policies must allow nothing.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "core/policy/evaluate.h"
#include "core/policy/inspect.h"

namespace trivet::policy {
namespace {

Request request_for(std::string_view text) {
  Request request{.action = "rds-db:connect",
                  .resource = "arn:aws:rds-db:us-east-1:123456789012:dbuser:cluster-ABC/jane",
                  .principal = {.arn = "arn:aws:iam::123456789012:user/jane",
                                .account = "123456789012",
                                .user_name = "jane",
                                .unique_id = "AIDAJANE"}};
  request.context = principal_context(request.principal, wall_time_from_ms(1'700'000'000'000));
  const std::string value(text.substr(0, 200));
  for (const char* key : {"aws:sourceip", "aws:multifactorauthage", "aws:tagkeys", "k"}) {
    request.context[key] = {value, "jane"};
  }
  return request;
}

void decide(std::string_view text, Policy policy) {
  const NamedPolicy named{"fuzzed", std::make_shared<const Policy>(std::move(policy))};
  const Request request = request_for(text);
  TRIVET_ASSERT(!evaluate({}, request).allowed());
  evaluate({.identity = {named}}, request);
  evaluate({.resource = {named}, .is_trust = true, .identity = {named}, .boundary = {named}},
           request);
  // A boundary never allows by itself.
  TRIVET_ASSERT(!evaluate({.boundary = {named}}, request).allowed());
}

}  // namespace
}  // namespace trivet::policy

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trivet::policy;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto parse : {parse_policy, parse_identity_policy, parse_trust_policy}) {
    if (auto policy = parse(text)) {
      decide(text, std::move(*policy));
    }
  }
  const auto spans = statement_spans(text);
  static_cast<void>(context_keys(text));
  if (const auto policy = parse_policy(text)) {
    // None where "Statement" is written with escapes.
    TRIVET_ASSERT(spans.empty() || spans.size() == policy->statements.size());
  }
  // As one value of a condition and one resource, without the JSON around it.
  const auto half = text.substr(0, size / 2);
  Template::compile(half, {.variables = true, .ignore_case = true})
      .match(text.substr(size / 2), {{"aws:username", {"*"}}});
  static_cast<void>(ArnPattern::compile(half, ArnPattern::Variables::kEverywhere)
                        .match_wide(ArnText(text.substr(size / 2)), {}));
  return 0;
}
