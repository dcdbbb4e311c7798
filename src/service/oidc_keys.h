// SPDX-License-Identifier: Apache-2.0
//
// The keys of OIDC providers: those that the installation was given; of the others what they
// publish (OpenID Connect Discovery 1.0, section 4), kept in memory for an hour.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "model/iam.h"

namespace trivet::service {

// Thread-safe. At most one thread waits for a provider at a time, and two for any: the others that
// serve the API must not all wait for strangers.
class OidcKeys {
 public:
  struct Needs {
    // A document over HTTPS, bounded in time and size.
    std::function<Result<std::string>(const std::string& url)> fetch;
    // How many keys of a JSON Web Key Set can check signatures; an error where none can.
    std::function<Result<int>(std::string_view jwks)> count_keys;
    const Clock& clock;  // outlives it
  };
  explicit OidcKeys(Needs needs) : needs_(std::move(needs)) {}

  // The provider's JSON Web Key Set. May ask it, which blocks as long as `fetch` does. kUnavailable
  // says why there is none.
  Result<std::string> find(const IamOidcProvider& provider);
  // Newer keys than `refused`, which did not make a signature: a provider that has changed its keys
  // is asked once a minute at most. kNotFound: there are none.
  Result<std::string> newer(const IamOidcProvider& provider, std::string_view refused);

  static constexpr Millis kFresh{3'600'000};
  // Keys that could not be fetched anew are good so long, from when they were fetched.
  static constexpr Millis kStaleMax{24 * 3'600'000};
  static constexpr Millis kRefusedAgain{60'000};
  static constexpr Millis kFailedAgain{10'000};
  static constexpr std::size_t kProvidersMax = 256;
  static constexpr std::ptrdiff_t kAskedMax = 2;

 private:
  struct Entry {
    std::string jwks;  // empty: none were fetched
    Instant fetched{};
    std::optional<Instant> tried;  // last; nullopt: never
    std::string error;             // of the last try; empty: it worked
    bool is_asked = false;         // a thread is asking it
  };

  bool may_ask(const Entry& entry) const REQUIRES_LOCK(mutex_);
  Result<std::string> ask(const std::string& url) EXCLUDES_LOCK(mutex_);
  Result<std::string> fetch(const std::string& url) const;

  const Needs needs_;
  Mutex mutex_;  // never held over a fetch
  std::map<std::string, Entry> entries_ GUARDED_BY(mutex_);
};

}  // namespace trivet::service
