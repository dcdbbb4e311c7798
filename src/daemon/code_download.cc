// SPDX-License-Identifier: Apache-2.0
#include "daemon/code_download.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/uri.h"

namespace trivet::daemon {
namespace {

constexpr std::string_view kPath = "/trivet/code/";
constexpr std::chrono::minutes kGoodFor{10};

net::HttpResponse plain(int status, std::string text) {
  return {status, {{"Content-Type", "text/plain"}}, std::move(text) + "\n"};
}

std::string value_of(const QueryParameters& query, std::string_view name) {
  for (const auto& [key, value] : query) {
    if (key == name) {
      return value;
    }
  }
  return {};
}

}  // namespace

CodeDownloads::CodeDownloads(std::string endpoint_url, const FunctionCodeStore& code,
                             const Clock& clock)
    : endpoint_url_(std::move(endpoint_url)), code_(code), clock_(clock), key_(random_bytes(32)) {}

std::string CodeDownloads::signature(std::string_view id, std::int64_t expires_s) const {
  return to_hex(hmac_sha256(key_.reveal(), fmt::format("{} {}", id, expires_s)));
}

std::string CodeDownloads::url(const CodeRef& code) const {
  const std::int64_t expires = to_seconds(clock_.wall_now() + kGoodFor);
  return fmt::format("{}{}{}?expires={}&signature={}", endpoint_url_, kPath, code.id, expires,
                     signature(code.id, expires));
}

std::optional<net::HttpResponse> CodeDownloads::answer(const net::HttpRequest& request) const {
  const std::string_view target = request.target;
  if (request.method != "GET" || !target.starts_with(kPath)) {
    return std::nullopt;
  }
  const std::size_t mark = std::min(target.find('?'), target.size());
  const std::string id(target.substr(kPath.size(), mark - kPath.size()));
  const auto query = split_query(target.substr(std::min(mark + 1, target.size())));
  std::int64_t expires = 0;
  const std::string text = query ? value_of(*query, "expires") : "";
  std::from_chars(text.data(), text.data() + text.size(), expires);
  const bool is_signed =
      query && constant_time_equal(value_of(*query, "signature"), signature(id, expires));
  if (!is_signed) {
    return plain(403, "this address was not given by this daemon");
  }
  if (to_seconds(clock_.wall_now()) > expires) {
    return plain(403, "this address has expired");
  }
  auto archive = code_.archive(id);
  if (!archive) {
    return plain(404, "the archive is gone");
  }
  return net::HttpResponse{200, {{"Content-Type", "application/zip"}}, std::move(*archive)};
}

}  // namespace trivet::daemon
