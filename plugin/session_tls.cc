// SPDX-License-Identifier: GPL-2.0-only
#include "session_tls.h"

#include <dlfcn.h>

#include <mutex>

namespace trivet_plugin {
namespace {

// OpenSSL's, by its stable interface (1.1 and 3). Looked up among the libraries that mysqld itself
// has loaded: another copy would not know mysqld's connections.
struct Ssl;  // SSL
using ExNew = void (*)(void* parent, void* ptr, void* data, int index, long argl, void* argp);
using ExDup = int (*)(void* to, const void* from, void* from_d, int index, long argl, void* argp);
using ExFree = void (*)(void* parent, void* ptr, void* data, int index, long argl, void* argp);
constexpr int kExIndexSsl = 0;  // CRYPTO_EX_INDEX_SSL

struct OpenSsl {
  int (*get_fd)(const Ssl*) = nullptr;
  const char* (*get_version)(const Ssl*) = nullptr;
  const void* (*get_current_cipher)(const Ssl*) = nullptr;
  const char* (*cipher_get_name)(const void*) = nullptr;
};

// Written once, before the callbacks are registered.
OpenSsl openssl;
std::once_flag once;
bool is_watching = false;

// The SSL object made last on this thread, until it is freed.
thread_local const Ssl* made_last = nullptr;

void on_made(void* parent, void*, void*, int, long, void*) {
  made_last = static_cast<const Ssl*>(parent);
}

void on_freed(void* parent, void*, void*, int, long, void*) {
  if (made_last == parent) {
    made_last = nullptr;
  }
}

template <typename Function>
bool find(const char* name, Function& out) {
  out = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
  return out != nullptr;
}

void start() {
  int (*get_ex_new_index)(int, long, void*, ExNew, ExDup, ExFree) = nullptr;
  Dl_info self{};
  if (!find("CRYPTO_get_ex_new_index", get_ex_new_index) || !find("SSL_get_fd", openssl.get_fd) ||
      !find("SSL_get_version", openssl.get_version) ||
      !find("SSL_get_current_cipher", openssl.get_current_cipher) ||
      !find("SSL_CIPHER_get_name", openssl.cipher_get_name) ||
      dladdr(reinterpret_cast<const void*>(&on_made), &self) == 0 ||
      // Never closed: UNINSTALL PLUGIN must not take away what OpenSSL calls.
      dlopen(self.dli_fname, RTLD_NOW | RTLD_NODELETE) == nullptr) {
    return;
  }
  is_watching = get_ex_new_index(kExIndexSsl, 0, nullptr, on_made, nullptr, on_freed) >= 0;
}

}  // namespace

void watch_tls() {
  std::call_once(once, start);
}

TlsNames tls_names_of(int descriptor) {
  if (!is_watching || made_last == nullptr || openssl.get_fd(made_last) != descriptor) {
    return {};
  }
  const char* const version = openssl.get_version(made_last);
  const void* const cipher = openssl.get_current_cipher(made_last);
  const char* const name = cipher != nullptr ? openssl.cipher_get_name(cipher) : nullptr;
  TlsNames names;
  if (version != nullptr && name != nullptr) {
    names.version = version;
    names.cipher = name;
  }
  return names;
}

}  // namespace trivet_plugin
