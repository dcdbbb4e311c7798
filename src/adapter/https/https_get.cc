// SPDX-License-Identifier: Apache-2.0
#include "adapter/https/https_get.h"

#include <curl/curl.h>

#include <array>
#include <memory>
#include <mutex>
#include <utility>

#include "base/file.h"

namespace trivet::https {
namespace {

// Debian's bundle of ca-certificates.
constexpr const char* kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";
constexpr long kStatusOk = 200;

struct Body {
  std::string text;
  std::size_t bytes_max = 0;
  bool is_too_long = false;
};

std::size_t take(char* data, std::size_t size, std::size_t count, void* to) {
  auto& body = *static_cast<Body*>(to);
  const std::size_t bytes = size * count;
  if (bytes > body.bytes_max - body.text.size()) {
    body.is_too_long = true;
    return 0;  // ends the transfer
  }
  body.text.append(data, bytes);
  return bytes;
}

struct Cleanup {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using Handle = std::unique_ptr<CURL, Cleanup>;

Handle make_handle() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  return Handle(curl_easy_init());
}

// Both files' certificates. Empty: the system's alone, as libcurl finds them.
std::string authorities(const HttpsOptions& options) {
  const auto more = read_file(options.more_authorities);
  if (options.more_authorities.empty() || !more) {
    return {};
  }
  const auto system = read_file(kSystemAuthorities);
  return (system ? *system + "\n" : "") + *more;
}

Error failure(const std::string& url, CURLcode code, const char* text) {
  const std::string why = text[0] != '\0' ? text : curl_easy_strerror(code);
  return make_error(code == CURLE_OPERATION_TIMEDOUT ? Errc::kTimeout : Errc::kUnavailable,
                    url + ": " + why);
}

}  // namespace

Result<std::string> https_get(const std::string& url, const HttpsOptions& options) {
  if (!url.starts_with("https://")) {
    return make_error(Errc::kInvalidArgument, url + " is not https");
  }
  const Handle handle = make_handle();
  if (!handle) {
    return make_error(Errc::kUnavailable, "libcurl gives no handle");
  }
  CURL* const curl = handle.get();
  Body body{.text = {}, .bytes_max = options.bytes_max};
  std::array<char, CURL_ERROR_SIZE> error{};
  std::string trusted = authorities(options);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error.data());
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(options.deadline.count()));
  curl_easy_setopt(curl, CURLOPT_MAXFILESIZE, static_cast<long>(options.bytes_max));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!trusted.empty()) {
    curl_blob blob{trusted.data(), trusted.size(), CURL_BLOB_NOCOPY};
    curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob);
  }
  const CURLcode code = curl_easy_perform(curl);
  if (body.is_too_long || code == CURLE_FILESIZE_EXCEEDED) {
    return make_error(Errc::kCorrupt, url + " answers with more than " +
                                          std::to_string(options.bytes_max) + " bytes");
  }
  if (code != CURLE_OK) {
    return failure(url, code, error.data());
  }
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (status != kStatusOk) {
    return make_error(Errc::kUnavailable, url + " answers with status " + std::to_string(status));
  }
  return std::move(body.text);
}

}  // namespace trivet::https
