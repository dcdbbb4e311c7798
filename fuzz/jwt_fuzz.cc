// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a signed web token and as a key set, which a stranger may send: reading ends,
// nothing leaks, and nothing that the key did not sign is accepted.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "adapter/jose/jose.h"
#include "base/assert.h"

namespace {

// The example of RFC 7517. A signature of it is not found by chance.
constexpr std::string_view kKeys = R"({"keys":[{"kty":"EC","crv":"P-256","kid":"a",)"
                                   R"("x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",)"
                                   R"("y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]})";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trivet;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  TRIVET_ASSERT(!jose::verify_jws(text, kKeys));
  static_cast<void>(jose::count_keys(text));
  const auto middle = text.find('\n');
  if (middle != std::string_view::npos) {
    static_cast<void>(jose::verify_jws(text.substr(0, middle), text.substr(middle + 1)));
  }
  return 0;
}
