// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as an Authorization header, as a presigned query and as headers of a request: reading
// ends, nothing that nobody signed is accepted, and canonical forms exist only for what can be
// read.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "core/sigv4/verify.h"

namespace {

using namespace trivet;

constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

void check(const sigv4::SignedRequest& request) {
  const sigv4::ParseResult parsed = sigv4::parse_auth(request);
  if (const auto* wrong = std::get_if<sigv4::Verdict>(&parsed)) {
    TRIVET_ASSERT(!wrong->ok());
    static_cast<void>(wrong->error());
    return;
  }
  const auto& auth = std::get<sigv4::ParsedAuth>(parsed);
  sigv4::VerifyOptions options;
  options.now = auth.signed_at;
  const sigv4::Verdict verdict = sigv4::verify(auth, request, kSecret, options);
  TRIVET_ASSERT(!verdict.ok());
  TRIVET_ASSERT(auth.signature.size() < 8 ||
                verdict.message.find(auth.signature) == std::string::npos);
  options.region = "us-east-1";
  options.service = "rds";
  TRIVET_ASSERT(!sigv4::verify(auth, request, kSecret, options).ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  sigv4::SignedRequest request;
  request.headers = {{"Host", "127.0.0.1:4566"}, {"X-Amz-Date", "20240506T070809Z"}};
  request.headers.emplace_back("Authorization", text);
  check(request);
  request.headers.pop_back();
  request.query = text;
  check(request);
  // Lines as headers, the first as the path.
  request.query.clear();
  request.headers = {{"Host", "h"}};
  std::string_view rest = text;
  request.path = rest.substr(0, rest.find('\n'));
  for (int i = 0; i < 20 && rest.find('\n') != std::string_view::npos; ++i) {
    rest.remove_prefix(rest.find('\n') + 1);
    const std::string_view line = rest.substr(0, rest.find('\n'));
    const auto colon = line.find(':');
    if (colon != std::string_view::npos) {
      request.headers.emplace_back(line.substr(0, colon), line.substr(colon + 1));
    }
  }
  check(request);
  static_cast<void>(sigv4::canonical_path(text));
  return 0;
}
