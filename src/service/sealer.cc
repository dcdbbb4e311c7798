// SPDX-License-Identifier: Apache-2.0
#include "service/sealer.h"

#include "base/crypto.h"

namespace trivet::service {

Result<std::shared_ptr<const Sealer>> Sealer::create(SecretString key) {
  if (key.reveal().size() != kKeyBytes) {
    return make_error(Errc::kInvalidArgument, "the sealing key must be 32 bytes, not " +
                                                  std::to_string(key.reveal().size()));
  }
  return std::shared_ptr<const Sealer>(new Sealer(std::move(key)));
}

std::string Sealer::seal(std::string_view context, const SecretString& secret) const {
  return seal_bytes(context, secret.reveal());
}

std::string Sealer::seal_bytes(std::string_view context, std::string_view bytes) const {
  return aead_seal(key_.reveal(), context, bytes);
}

Result<SecretString> Sealer::open(std::string_view context, std::string_view sealed) const {
  auto plain = aead_open(key_.reveal(), context, sealed);
  if (!plain) {
    return make_error(Errc::kCorrupt, "sealed value for '" + std::string(context) +
                                          "' does not open: it was altered, or the home's key file "
                                          "is another one");
  }
  return SecretString(std::move(*plain));
}

}  // namespace trivet::service
