// SPDX-License-Identifier: Apache-2.0
//
// What calls on the daemon's own socket are answered with: one line of JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"
#include "net/http_types.h"

namespace trivet::daemon {

net::HttpResponse admin_answer(int status, const nlohmann::json& body);
net::HttpResponse admin_answer_text(int status, std::string json);  // rendered already
// {"error": message} with 404 for kNotFound, 400 for kInvalidArgument, 409 for kConflict, else 500.
net::HttpResponse admin_refusal(const Error& error);
// 400: the call itself is wrong.
net::HttpResponse admin_bad_request(const std::string& why);

}  // namespace trivet::daemon
