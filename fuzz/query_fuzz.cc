// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a query string or a form: what is read once is read the same again after it was
// written, and no name comes twice.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "api/query_params.h"
#include "base/assert.h"
#include "core/sigv4/canonical.h"

namespace {

using namespace trivet;

void check_params(const QueryParameters& pairs) {
  const auto params = api::QueryParams::from(pairs);
  if (!params) {
    return;
  }
  TRIVET_ASSERT(params->all().size() == pairs.size());
  for (const auto& [name, value] : pairs) {
    TRIVET_ASSERT(params->get(name) == value);
    TRIVET_ASSERT(is_valid_utf8(name) && is_valid_utf8(value));
    static_cast<void>(params->indices(name));
  }
  static_cast<void>(params->indices("Tags.Tag."));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto decoded = percent_decode(text)) {
    TRIVET_ASSERT(percent_decode(percent_encode(*decoded)) == *decoded);
  }
  if (const auto pairs = split_query(text)) {
    check_params(*pairs);
    // The canonical form is its own canonical form, but for the one that is left out.
    const std::string canonical = sigv4::canonical_query(*pairs);
    const auto again = split_query(canonical);
    TRIVET_ASSERT(again.has_value());
    TRIVET_ASSERT(sigv4::canonical_query(*again) == canonical);
  }
  if (const auto pairs = split_form(text)) {
    check_params(*pairs);
  }
  net::HttpRequest request;
  request.method = "POST";
  request.target = "/?" + std::string(text.substr(0, size / 2));
  request.body = text.substr(size / 2);
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  static_cast<void>(api::read_query_params(request));
  return 0;
}
