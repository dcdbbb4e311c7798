// SPDX-License-Identifier: Apache-2.0
#include "daemon/admin_answer.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace trivet::daemon {
namespace {

int status_of(Errc code) {
  return code == Errc::kNotFound          ? 404
         : code == Errc::kInvalidArgument ? 400
         : code == Errc::kConflict        ? 409
                                          : 500;
}

}  // namespace

net::HttpResponse admin_answer(int status, const nlohmann::json& body) {
  return admin_answer_text(status,
                           body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

net::HttpResponse admin_answer_text(int status, std::string json) {
  return {status, {{"Content-Type", "application/json"}}, std::move(json) + "\n"};
}

net::HttpResponse admin_refusal(const Error& error) {
  return admin_answer(status_of(error.code), {{"error", error.message}});
}

net::HttpResponse admin_bad_request(const std::string& why) {
  return admin_answer(400, {{"error", why}});
}

}  // namespace trivet::daemon
