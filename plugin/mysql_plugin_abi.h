// SPDX-License-Identifier: GPL-2.0-only
//
// The binary interface between MySQL 9.7 and an authentication plugin, as far as this plugin uses
// it: plugin interface 0x010B, authentication interface 0x0201, Linux on 64-bit machines. MySQL's
// own plugin.h cannot be included without much of the server's tree. Names of members are MySQL's;
// static_asserts state the offsets.
#pragma once

#include <cstddef>

class THD;  // MySQL's connection object; only its address is used

namespace mysql_abi {

inline constexpr int kPluginInterfaceVersion = 0x010B;
inline constexpr int kAuthenticationInterfaceVersion = 0x0201;
inline constexpr int kAuthenticationPluginType = 7;
inline constexpr int kLicenseGpl = 1;

// What authenticate_user() returns. performance_schema.host_cache counts each failure in a column
// of its own; only CR_AUTH_HANDSHAKE (2), which is not here, counts towards max_connect_errors and
// blocks the host.
inline constexpr int kCrOk = -1;
inline constexpr int kCrAuthUserCredentials = 1;  // COUNT_AUTHENTICATION_ERRORS
inline constexpr int kCrAuthPluginError = 3;      // COUNT_AUTH_PLUGIN_ERRORS

inline constexpr int kPasswordUsedNo = 0;
inline constexpr int kPasswordUsedYes = 1;

inline constexpr unsigned kErPasswordFormat = 1827;
inline constexpr unsigned kErSecureTransportRequired = 3159;

struct VioInfo {  // MYSQL_PLUGIN_VIO_INFO
  enum Protocol : int { kInvalid, kTcp, kSocket, kPipe, kMemory };
  Protocol protocol;
  int socket;
  // Servers before 9.7 do not write it: zero the struct before asking, and it is then "no".
  bool is_tls_established;
};
static_assert(offsetof(VioInfo, is_tls_established) == 8 && sizeof(VioInfo) == 12);

struct Vio {  // MYSQL_PLUGIN_VIO; the server owns it. Two more members follow, for non-blocking
              // use.
  // The length of the next packet, or -1. The first call sends the request to switch
  // authentication, unless the client used this method from the start. *buf stays the server's and
  // good until the next call.
  int (*read_packet)(Vio* vio, unsigned char** buf);
  int (*write_packet)(Vio* vio, const unsigned char* packet, int packet_len);
  void (*info)(Vio* vio, VioInfo* info);
};
static_assert(offsetof(Vio, info) == 16);

inline constexpr std::size_t kUserNameBytes = 96;

struct ServerAuthInfo {  // MYSQL_SERVER_AUTH_INFO; members after the last one here are not touched
  char* user_name;       // as the client sent it
  unsigned int user_name_length;
  const char* auth_string;  // mysql.user.authentication_string
  unsigned long auth_string_length;
  char authenticated_as[kUserNameBytes + 1];  // the account to take the privileges of
  char external_user[512];                    // @@external_user
  int password_used;
  const char* host_or_ip;
  unsigned int host_or_ip_length;
};
static_assert(offsetof(ServerAuthInfo, authenticated_as) == 32);
static_assert(offsetof(ServerAuthInfo, external_user) == 129);
static_assert(offsetof(ServerAuthInfo, password_used) == 644);
static_assert(offsetof(ServerAuthInfo, host_or_ip) == 648);
static_assert(offsetof(ServerAuthInfo, host_or_ip_length) == 656);

struct AuthDescriptor {  // st_mysql_auth
  int interface_version;
  const char* client_auth_plugin;
  int (*authenticate_user)(Vio* vio, ServerAuthInfo* info);
  // IDENTIFIED BY, or no text at all. Writes what is stored to outbuf. 0 is success.
  int (*generate_authentication_string)(char* outbuf, unsigned int* outbuflen, const char* inbuf,
                                        unsigned int inbuflen);
  // IDENTIFIED WITH … AS 'inbuf'. 0 is success.
  int (*validate_authentication_string)(char* inbuf, unsigned int inbuflen);
  int (*set_salt)(const char* password, unsigned int password_len, unsigned char* salt,
                  unsigned char* salt_len);
  unsigned long authentication_flags;  // 0: passwords live outside the server
  int (*compare_password_with_hash)(const char* hash, unsigned long hash_length,
                                    const char* cleartext, unsigned long cleartext_length,
                                    int* is_error);
};
static_assert(sizeof(AuthDescriptor) == 64);

// What SHOW GLOBAL STATUS reads. Only these types and scopes are used.
inline constexpr int kShowLongLong = 4;  // value points to an unsigned long long
inline constexpr int kShowArray = 7;     // value points to more of them; a null name ends both
inline constexpr int kShowScopeGlobal = 1;
inline constexpr std::size_t kShowNameBytes = 64;
struct ShowVariable {  // SHOW_VAR
  const char* name;
  char* value;
  int type;
  int scope;
};
static_assert(sizeof(ShowVariable) == 24);

struct PluginDescriptor {  // st_mysql_plugin
  int type;
  void* info;
  const char* name;
  const char* author;
  const char* descr;
  int license;
  int (*init)(void* plugin);
  int (*check_uninstall)(void* plugin);
  int (*deinit)(void* plugin);
  unsigned int version;
  void* status_vars;
  void* system_vars;
  void* reserved;
  unsigned long flags;
};
static_assert(sizeof(PluginDescriptor) == 112);

}  // namespace mysql_abi

// Functions of the server that it exports to plugins. Weak: a server without one loads the plugin
// all the same.
#define MYSQL_SERVER_EXPORT __attribute__((weak, visibility("default")))
MYSQL_SERVER_EXPORT void my_printf_error(unsigned int code, const char* format, int flags, ...);
MYSQL_SERVER_EXPORT THD* thd_get_current_thd();
extern "C" MYSQL_SERVER_EXPORT unsigned long thd_get_thread_id(const THD* thd);
extern "C" MYSQL_SERVER_EXPORT int thd_killed(const void* thd);
