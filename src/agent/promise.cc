// SPDX-License-Identifier: Apache-2.0
#include "agent/promise.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/file.h"

namespace trivet::agent {

Status PromiseFile::load() {
  const auto text = read_file(path_);
  if (!text) {
    promised_ = Term();
    return text.error().code == Errc::kNotFound ? ok() : Status(text.error());
  }
  const auto json = nlohmann::json::parse(*text, nullptr, false);
  if (!json.is_object() || !json.contains("promised") || !json["promised"].is_number_integer()) {
    return make_error(Errc::kCorrupt, path_ + " cannot be read");
  }
  promised_ = Term(json["promised"].get<std::int64_t>());
  return ok();
}

Status PromiseFile::admit(const Stamp& stamp, Instant now) {
  if (now > stamp.not_after) {
    return make_error(Errc::kTimeout, "the command came too late");
  }
  if (stamp.term < promised_) {
    return make_error(Errc::kConflict,
                      fmt::format("term {} was promised, the command is of term {}",
                                  promised_.value(), stamp.term.value()));
  }
  if (stamp.term > promised_) {
    TRIVET_CHECK_OK(write_file_atomically(
        path_, fmt::format("{{\"v\":1,\"promised\":{}}}\n", stamp.term.value()), 0600));
    promised_ = stamp.term;
  }
  return ok();
}

}  // namespace trivet::agent
