// SPDX-License-Identifier: Apache-2.0
//
// The output of `trivet env`. AWS_CA_BUNDLE is not in it on purpose: the AWS tools would trust
// nobody else with it, and our API is plain HTTP on loopback; the databases' CA is
// TRIVET_CA_BUNDLE. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/admin_client.h"

namespace trivet::cli {

using Variables = std::vector<std::pair<std::string, std::string>>;

// The caller's own settings that matter here.
struct ProxySettings {
  std::string http_proxy;  // of http_proxy or HTTP_PROXY
  std::string no_proxy;    // of no_proxy or NO_PROXY
};

// AWS's tools send even loopback through a proxy unless NO_PROXY names it: then it is among them.
Variables session_variables(const SessionCredentials& credentials, const ProxySettings& proxy);

// One word for a POSIX shell, whatever is in it (but NUL).
std::string shell_quote(std::string_view text);
std::string render_exports(const Variables& variables);  // "export A=b\n"…
std::string render_json(const Variables& variables);     // one object, one line

}  // namespace trivet::cli
