// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as an ARN and as a pattern of ARNs: what is read is written back the same, every ARN
// matches itself as a pattern, and a narrow match is a wide one.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "core/policy/wildcard.h"
#include "model/arn.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trivet;
  using policy::ArnPattern;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto arn = parse_arn(text);
  if (arn) {
    TRIVET_ASSERT(arn->str() == text);
    TRIVET_ASSERT(parse_arn(arn->str()) == arn);
  }
  const auto itself = ArnPattern::compile(text, ArnPattern::Variables::kNone);
  if (arn) {
    TRIVET_ASSERT(itself.match_wide(policy::ArnText(text), {}) == policy::Match::kYes);
  }
  const auto half = text.substr(0, size / 2);
  const auto rest = text.substr(size / 2);
  for (const auto variables : {ArnPattern::Variables::kNone, ArnPattern::Variables::kResourcePart,
                               ArnPattern::Variables::kEverywhere}) {
    const auto pattern = ArnPattern::compile(half, variables);
    const policy::Context context = {{"aws:username", {"*"}}, {"aws:userid", {"a:b"}}};
    if (pattern.match_narrow(policy::ArnText(rest), context) == policy::Match::kYes) {
      TRIVET_ASSERT(pattern.match_wide(policy::ArnText(rest), context) == policy::Match::kYes);
    }
  }
  return 0;
}
