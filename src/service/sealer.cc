// SPDX-License-Identifier: Apache-2.0
#include "service/sealer.h"

#include <utility>

#include "base/crypto.h"

namespace trivet::service {
namespace {

constexpr std::size_t kIdBytes = 4;

// Tells keys apart and nothing about them.
std::string id_of(const SecretString& key) {
  return hmac_sha256(key.reveal(), "trivet sealing key").substr(0, kIdBytes);
}

}  // namespace

Result<std::shared_ptr<const Sealer::Key>> Sealer::make_key(SecretString bytes) {
  if (bytes.reveal().size() != kKeyBytes) {
    return make_error(Errc::kInvalidArgument, "the sealing key must be 32 bytes, not " +
                                                  std::to_string(bytes.reveal().size()));
  }
  std::string id = id_of(bytes);
  return std::make_shared<const Key>(Key{std::move(bytes), std::move(id)});
}

Result<std::shared_ptr<Sealer>> Sealer::create(SecretString key) {
  TRIVET_TRY(std::shared_ptr<const Key> made, make_key(std::move(key)));
  return std::shared_ptr<Sealer>(new Sealer(std::move(made)));
}

std::string Sealer::seal(std::string_view context, const SecretString& secret) const {
  return seal_bytes(context, secret.reveal());
}

std::string Sealer::seal_bytes(std::string_view context, std::string_view bytes) const {
  const auto keys = keys_.load();
  return keys->current->id + aead_seal(keys->current->bytes.reveal(), context, bytes);
}

Result<SecretString> Sealer::open(std::string_view context, std::string_view sealed) const {
  const auto keys = keys_.load();
  const std::string_view id = sealed.substr(0, kIdBytes);
  for (const auto& key : {keys->current, keys->former}) {
    if (key == nullptr || key->id != id) {
      continue;
    }
    if (auto plain = aead_open(key->bytes.reveal(), context, sealed.substr(kIdBytes))) {
      return SecretString(std::move(*plain));
    }
  }
  return make_error(Errc::kCorrupt, "sealed value for '" + std::string(context) +
                                        "' does not open: it was altered, or the home's key file "
                                        "is another one");
}

bool Sealer::is_current(std::string_view sealed) const {
  return sealed.substr(0, kIdBytes) == keys_.load()->current->id;
}

Status Sealer::begin_rotation(SecretString next) {
  TRIVET_TRY(std::shared_ptr<const Key> made, make_key(std::move(next)));
  const auto keys = keys_.load();
  if (keys->former != nullptr) {
    return make_error(Errc::kConflict, "the sealing key is being replaced already");
  }
  keys_.store(std::make_shared<const Keys>(Keys{std::move(made), keys->current}));
  return ok();
}

void Sealer::end_rotation() {
  keys_.store(std::make_shared<const Keys>(Keys{keys_.load()->current, nullptr}));
}

}  // namespace trivet::service
