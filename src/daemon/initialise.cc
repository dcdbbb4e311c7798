// SPDX-License-Identifier: Apache-2.0
#include "daemon/initialise.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "adapter/pki/pki.h"
#include "adapter/store_sqlite/store.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/random.h"
#include "service/iam_service.h"
#include "service/sealer.h"

namespace trivet::daemon {
namespace {

// "<home>/run/4294967295/mysqld.sock" must fit a unix socket's name.
constexpr std::size_t kHomeCharactersMax = 107 - 27;
constexpr std::size_t kHashCharacters = 12;

bool all_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Error wrong(const std::string& what) {
  return make_error(Errc::kInvalidArgument, what);
}

// "us-east-1": what credential scopes, ARNs and endpoint names have in the place of a region.
bool is_region(std::string_view text) {
  const std::size_t last = text.rfind('-');
  if (last == std::string_view::npos || last + 2 != text.size() ||
      !all_digits(text.substr(last + 1))) {
    return false;
  }
  text = text.substr(0, last);
  std::size_t words = 0;
  for (std::size_t begin = 0; begin <= text.size(); ++words) {
    const std::size_t end = std::min(text.find('-', begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    const bool is_word =
        !word.empty() && (words > 0 || word.size() == 2) &&
        std::all_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    if (!is_word) {
      return false;
    }
    begin = end + 1;
  }
  return words >= 2;
}

// Labels of a DNS name in lower case, with room for what endpoints have before it.
bool is_domain(std::string_view text) {
  constexpr std::size_t kDomainMax = 128;
  constexpr std::size_t kLabelMax = 63;
  if (text.size() > kDomainMax) {
    return false;
  }
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('.', begin), text.size());
    const std::string_view label = text.substr(begin, end - begin);
    if (label.empty() || label.size() > kLabelMax || label.front() == '-' || label.back() == '-' ||
        label.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") !=
            std::string_view::npos) {
      return false;
    }
    begin = end + 1;
  }
  return true;
}

Status check_names(const Installation& wanted) {
  const std::string& account = wanted.realm.account.str();
  if (account.size() != 12 || !all_digits(account)) {
    return wrong("--account-id must be 12 digits");
  }
  if (!is_region(wanted.realm.region)) {
    return wrong(
        fmt::format("--region '{}' is no region's name: us-east-1 is one", wanted.realm.region));
  }
  if (!is_domain(wanted.endpoint_domain)) {
    return wrong(
        fmt::format("--domain '{}' is no DNS name in lower case of at most 128 characters: "
                    "db.example.com is one",
                    wanted.endpoint_domain));
  }
  return ok();
}

Status check(const HomePaths& paths, const Installation& wanted) {
  if (paths.home.empty() || paths.home[0] != '/' || paths.home.size() > kHomeCharactersMax) {
    return wrong(
        fmt::format("--home must be an absolute path of at most {} characters (unix sockets below"
                    " it have a limit): {}",
                    kHomeCharactersMax, paths.home));
  }
  TRIVET_CHECK_OK(check_names(wanted));
  if (wanted.realm.availability_zones.size() != 3) {
    return wrong("exactly three --az are needed");
  }
  for (const std::string& az : wanted.realm.availability_zones) {
    const bool is_named_well = az.size() == wanted.realm.region.size() + 1 &&
                               az.starts_with(wanted.realm.region) && az.back() >= 'a' &&
                               az.back() <= 'z';
    if (!is_named_well) {
      return wrong(fmt::format("--az {} is no Availability Zone of region {}: {}a, {}b, …", az,
                               wanted.realm.region, wanted.realm.region, wanted.realm.region));
    }
  }
  const std::set<std::string> distinct(wanted.realm.availability_zones.begin(),
                                       wanted.realm.availability_zones.end());
  if (distinct.size() != wanted.realm.availability_zones.size()) {
    return wrong("the three --az must differ");
  }
  if (!wanted.api_host.starts_with("127.")) {
    return wrong(
        "--api-address must be a loopback address (127.x.y.z:port): the API is plain HTTP");
  }
  const std::string_view prefix = wanted.address_prefix;
  const std::string_view second = prefix.starts_with("127.") ? prefix.substr(4) : "";
  if (!all_digits(second) || second.size() > 3 || std::stoi(std::string(second)) > 255) {
    return wrong("--address-prefix must be 127.N");
  }
  return ok();
}

// A folder whose mode is this whatever the umask.
Status make_folder(const std::string& path, unsigned mode) {
  TRIVET_CHECK_OK(make_folders(path, 0755));
  if (::chmod(path.c_str(), mode) != 0) {
    return make_error(Errc::kDenied, errno_message("chmod " + path, errno));
  }
  return ok();
}

Status write_authority(const HomePaths& paths, const service::Sealer& sealer,
                       const Installation& installation) {
  pki::AuthorityOptions options;
  options.common_name =
      fmt::format("Trivet {} {}", installation.realm.region, installation.id.substr(0, 8));
  options.now = SystemClock().wall_now();
  TRIVET_TRY(const pki::KeyPair authority, pki::make_authority(options));
  const std::string sealed =
      sealer.seal(paths.authority_key().substr(paths.home.size()), authority.private_key_pem);
  TRIVET_CHECK_OK(write_file_atomically(paths.authority_key(), sealed, 0600));
  return write_file_atomically(paths.ca_bundle(), authority.certificate_pem, 0644);
}

}  // namespace

Result<InitialisedHome> initialise(const HomePaths& paths, Installation wanted) {
  TRIVET_CHECK_OK(check(paths, wanted));
  if (read_file(paths.config())) {
    return make_error(Errc::kAlreadyExists, paths.home + " is initialised already");
  }
  // mysqld runs as another user and must pass through; what is secret has modes of its own.
  TRIVET_CHECK_OK(make_folder(paths.home, 0711));
  TRIVET_CHECK_OK(make_folder(paths.home + "/state", 0700));
  TRIVET_CHECK_OK(make_folder(paths.home + "/log", 0700));
  TRIVET_CHECK_OK(make_folder(paths.home + "/tls", 0755));
  TRIVET_CHECK_OK(make_folder(paths.run(), 0711));
  // What a cut-off attempt left belongs to nothing.
  ::unlink(paths.next_sealing_key().c_str());
  for (const char* suffix : {"", "-wal", "-shm"}) {
    ::unlink((paths.store() + suffix).c_str());
  }

  wanted.id = random_uuid();
  wanted.endpoint_hash = random_text(1, "abcdefghijklmnopqrstuvwxyz") +
                         random_text(kHashCharacters - 1, kLowerAlphanumerics);
  SecretString key(random_bytes(service::Sealer::kKeyBytes));
  TRIVET_CHECK_OK(write_file_atomically(paths.sealing_key(), key.reveal(), 0600));
  TRIVET_TRY(const std::shared_ptr<const service::Sealer> sealer,
             service::Sealer::create(std::move(key)));
  TRIVET_CHECK_OK(write_authority(paths, *sealer, wanted));

  TRIVET_TRY(const auto store, store_sqlite::open_sqlite_store({.path = paths.store()}));
  TRIVET_TRY(const auto iam, service::IamService::open(
                                 {.store = store.get(), .sealer = sealer, .realm = wanted.realm}));
  TRIVET_TRY(auto root, iam->create_root_key(SystemClock().wall_now()));
  TRIVET_CHECK_OK(write_file_atomically(paths.config(), encode(wanted), 0644));
  return InitialisedHome{std::move(wanted), root.record.id.str(), std::move(root.secret)};
}

}  // namespace trivet::daemon
