// SPDX-License-Identifier: GPL-2.0-only
//
// What the TLS of a connection is called. MySQL tells an authentication plugin only that there is
// TLS: it fills the session's Ssl_version and Ssl_cipher in after the login. OpenSSL itself is
// asked: it lets whoever wishes hear of each SSL object that is made in the process
// (CRYPTO_get_ex_new_index), mysqld makes that of a connection on the thread that logs it in, and
// its descriptor shows that it is this one.
#pragma once

#include <string_view>

namespace trivet_plugin {

// Views into OpenSSL's own tables, which last as long as the process. Empty: not known.
struct TlsNames {
  std::string_view version;  // "TLSv1.3"
  std::string_view cipher;   // "TLS_AES_256_GCM_SHA384"
};

// Once, when the plugin is loaded. Without OpenSSL among mysqld's libraries names stay unknown.
// From then on the plugin's code stays in the process, even when it is uninstalled: OpenSSL may be
// calling it.
void watch_tls();

// Of the connection with this descriptor, which the calling thread is logging in. Unknown too when
// its handshake began before watch_tls().
TlsNames tls_names_of(int descriptor);

}  // namespace trivet_plugin
