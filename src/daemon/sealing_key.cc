// SPDX-License-Identifier: Apache-2.0
#include "daemon/sealing_key.h"

#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "adapter/store_sqlite/store.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/log.h"
#include "daemon/home_lock.h"
#include "service/cluster_store.h"
#include "service/failpoints.h"
#include "service/functions/book.h"

namespace trivet::daemon {
namespace {

using service::Side;

constexpr unsigned kSecretMode = 0600;

// What the authority's key is sealed for: its place in the home.
std::string authority_context(const HomePaths& paths) {
  return paths.authority_key().substr(paths.home.size());
}

Result<SecretString> read_secret_file(const std::string& path) {
  TRIVET_TRY(std::string text, read_file(path));
  return SecretString(std::move(text));
}

Status reseal_authority(const HomePaths& paths, const service::Sealer& sealer) {
  TRIVET_TRY(const std::string sealed, read_file(paths.authority_key()));
  if (sealer.is_current(sealed)) {
    return ok();
  }
  TRIVET_TRY(const SecretString key, open_authority_key(paths, sealer));
  return write_file_atomically(paths.authority_key(), sealer.seal(authority_context(paths), key),
                               kSecretMode);
}

// One step, with the places where a test may end the daemon.
Status step(std::string_view name, const std::function<Status()>& work) {
  service::failpoint(name, Side::kBefore);
  TRIVET_CHECK_OK(work());
  service::failpoint(name, Side::kAfter);
  return ok();
}

// Requires: the sealer is rotating, and the next key is in its file.
Status carry_through(const HomePaths& paths, const SealedThings& things) {
  TRIVET_CHECK_OK(step("key-identities", [&] { return things.identities.reseal(); }));
  TRIVET_CHECK_OK(step("key-clusters", things.reseal_clusters));
  TRIVET_CHECK_OK(step("key-functions", things.reseal_functions));
  TRIVET_CHECK_OK(step("key-authority", [&] { return reseal_authority(paths, *things.sealer); }));
  TRIVET_CHECK_OK(step("key-file", [&]() -> Status {
    TRIVET_TRY(const SecretString next, read_secret_file(paths.next_sealing_key()));
    return write_file_atomically(paths.sealing_key(), next.reveal(), kSecretMode);
  }));
  TRIVET_CHECK_OK(step("key-end", [&]() -> Status {
    if (::unlink(paths.next_sealing_key().c_str()) != 0 && errno != ENOENT) {
      return make_error(Errc::kDenied, errno_message("remove " + paths.next_sealing_key(), errno));
    }
    return ok();
  }));
  things.sealer->end_rotation();
  log(Level::kInfo, "sealing_key.replaced");
  return ok();
}

}  // namespace

Result<std::shared_ptr<service::Sealer>> open_sealer(const HomePaths& paths) {
  TRIVET_TRY(SecretString key, read_secret_file(paths.sealing_key()));
  TRIVET_TRY(auto sealer, service::Sealer::create(std::move(key)));
  auto next = read_secret_file(paths.next_sealing_key());
  if (next) {
    log(Level::kWarning, "sealing_key.replacement_was_cut_off");
    TRIVET_CHECK_OK(sealer->begin_rotation(std::move(*next)));
  } else if (next.error().code != Errc::kNotFound) {
    return next.error();
  }
  return sealer;
}

Result<SecretString> open_authority_key(const HomePaths& paths, const service::Sealer& sealer) {
  TRIVET_TRY(const std::string sealed, read_file(paths.authority_key()));
  return sealer.open(authority_context(paths), sealed);
}

Status replace_sealing_key(const HomePaths& paths, const SealedThings& things) {
  if (things.sealer->is_rotating()) {
    return carry_through(paths, things);
  }
  SecretString next(random_bytes(service::Sealer::kKeyBytes));
  TRIVET_CHECK_OK(step("key-next", [&] {
    return write_file_atomically(paths.next_sealing_key(), next.reveal(), kSecretMode);
  }));
  TRIVET_CHECK_OK(things.sealer->begin_rotation(std::move(next)));
  return carry_through(paths, things);
}

Status finish_replacement(const HomePaths& paths, const SealedThings& things) {
  return things.sealer->is_rotating() ? carry_through(paths, things) : ok();
}

Status replace_sealing_key_offline(const HomePaths& paths) {
  TRIVET_TRY(const std::string config, read_file(paths.config()));
  TRIVET_TRY(const Installation installation, decode_installation(config));
  HomeLock lock;
  TRIVET_CHECK_OK(lock.take(paths.lock()));
  TRIVET_TRY(const auto sealer, open_sealer(paths));
  TRIVET_TRY(const auto store, store_sqlite::open_sqlite_store({.path = paths.store()}));
  TRIVET_TRY(const auto identities,
             service::IamService::open(
                 {.store = store.get(), .sealer = sealer, .realm = installation.realm}));
  service::ClusterStore clusters(*store, sealer);
  TRIVET_TRY(const auto functions, functions::FunctionBook::open(*store));
  return replace_sealing_key(paths, {sealer, *identities, [&] { return clusters.reseal(); },
                                     [&] { return functions->reseal(*sealer); }});
}

}  // namespace trivet::daemon
