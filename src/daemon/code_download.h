// SPDX-License-Identifier: Apache-2.0
//
// Archives of functions and layers for whoever was given their address: GetFunction answers with
// one, as AWS does with one of S3. It is good for ten minutes and needs no other signature.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/secret.h"
#include "model/function.h"
#include "net/http_types.h"
#include "ports/function_code.h"

namespace trivet::daemon {

// Thread-safe. Addresses end with the daemon that gave them.
class CodeDownloads {
 public:
  CodeDownloads(std::string endpoint_url, const FunctionCodeStore& code, const Clock& clock);

  std::string url(const CodeRef& code) const;
  // nullopt: the request is for something else.
  std::optional<net::HttpResponse> answer(const net::HttpRequest& request) const;

 private:
  std::string signature(std::string_view id, std::int64_t expires_s) const;

  const std::string endpoint_url_;
  const FunctionCodeStore& code_;
  const Clock& clock_;
  const SecretString key_;
};

}  // namespace trivet::daemon
