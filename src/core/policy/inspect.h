// SPDX-License-Identifier: Apache-2.0
//
// What a simulation tells of a policy beside its verdict: where its statements stand in the text,
// and which context keys it asks for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/policy/evaluate.h"

namespace trivet::policy {

// Lines and columns count from 1; the end is behind the last character.
struct TextPosition {
  int line = 1;
  int column = 1;
};
struct StatementSpan {
  TextPosition begin, end;
};

// One for each statement, in their order. Empty for a text that is no policy.
std::vector<StatementSpan> statement_spans(std::string_view text);

// The keys of conditions and variables, as they are written, each once, in their order.
Result<std::vector<std::string>> context_keys(std::string_view text);

struct MatchedStatement {
  PolicyKind kind = PolicyKind::kNone;
  std::string policy;
  int statement = -1;
};
// Every statement of that effect which applies to the request, in the order of evaluation.
std::vector<MatchedStatement> matching_statements(const PolicySet& policies, const Request& request,
                                                  Effect effect);

}  // namespace trivet::policy
