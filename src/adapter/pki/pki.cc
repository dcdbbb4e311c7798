// SPDX-License-Identifier: Apache-2.0
#include "adapter/pki/pki.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/crypto.h"

namespace trivet::pki {
namespace {

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* thing) const {
    Free(thing);
  }
};
using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>>;
using GeneralNames = std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES_free>>;
using GeneralName = std::unique_ptr<GENERAL_NAME, Freer<GENERAL_NAME_free>>;
using Bignum = std::unique_ptr<BIGNUM, Freer<BN_free>>;
using Store = std::unique_ptr<X509_STORE, Freer<X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, Freer<X509_STORE_CTX_free>>;

constexpr std::size_t kMostCommonName = 64;  // ub-common-name of RFC 5280
constexpr std::chrono::hours kClockMargin{1};

Error failed(std::string_view what) {
  char text[256] = "no reason given";
  const unsigned long number = ERR_get_error();
  if (number != 0) {
    ERR_error_string_n(number, text, sizeof text);
  }
  ERR_clear_error();
  return make_error(Errc::kInternal, fmt::format("{}: {}", what, text));
}

Bio reader(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

Result<Certificate> read_certificate(std::string_view pem) {
  const Bio bio = reader(pem);
  Certificate certificate(bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
  if (!certificate) {
    return make_error(Errc::kCorrupt, failed("not a PEM certificate").message);
  }
  return certificate;
}

// Refuses an encrypted key instead of asking the terminal for its password.
int no_password(char*, int, int, void*) {
  return -1;
}

Result<Key> read_key(const SecretString& pem) {
  const Bio bio = reader(pem.reveal());
  Key key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr) : nullptr);
  if (!key) {
    return make_error(Errc::kCorrupt, failed("not a PEM private key").message);
  }
  return key;
}

Result<KeyPair> to_pem(X509* certificate, EVP_PKEY* key) {
  const Bio certificate_bio(BIO_new(BIO_s_mem()));
  const Bio key_bio(BIO_new(BIO_s_secmem()));
  if (!certificate_bio || !key_bio || PEM_write_bio_X509(certificate_bio.get(), certificate) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(key_bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) !=
          1) {
    return failed("write PEM");
  }
  return KeyPair{text_of(certificate_bio.get()), SecretString(text_of(key_bio.get()))};
}

bool set_time(ASN1_TIME* field, WallTime t) {
  return ASN1_TIME_set(field, static_cast<std::time_t>(to_seconds(t))) != nullptr;
}

std::optional<WallTime> time_of(const ASN1_TIME* field) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(field, &parts) != 1) {
    return std::nullopt;
  }
  return wall_time_from_ms(static_cast<std::int64_t>(::timegm(&parts)) * 1000);
}

// 127 random bits, positive: RFC 5280 allows at most 20 bytes and wants them unpredictable.
bool set_serial(X509* certificate) {
  std::string bytes = random_bytes(16);
  bytes[0] = static_cast<char>(bytes[0] & 0x7f);
  const Bignum number(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                                static_cast<int>(bytes.size()), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_common_name(X509_NAME* name, const std::string& text) {
  return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(text.data()),
                                    static_cast<int>(text.size()), -1, 0) == 1;
}

// `value` is a constant of this file: the text form is a little language that must not see input.
bool add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool is_dns_name(std::string_view name) {
  if (name.substr(0, 2) == "*.") {
    name.remove_prefix(2);
  }
  if (name.empty() || name.size() > 253 || name.front() == '.' || name.back() == '.' ||
      name.find("..") != std::string_view::npos) {
    return false;
  }
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
  });
}

// The 4 or 16 bytes of an address; empty when `text` is none.
std::string address_bytes(const std::string& text) {
  unsigned char bytes[16];
  if (::inet_pton(AF_INET, text.c_str(), bytes) == 1) {
    return std::string(reinterpret_cast<char*>(bytes), 4);
  }
  if (::inet_pton(AF_INET6, text.c_str(), bytes) == 1) {
    return std::string(reinterpret_cast<char*>(bytes), 16);
  }
  return {};
}

bool push_name(GENERAL_NAMES* names, int type, const std::string& value) {
  GeneralName name(GENERAL_NAME_new());
  ASN1_STRING* text = type == GEN_DNS ? ASN1_IA5STRING_new() : ASN1_OCTET_STRING_new();
  if (!name || text == nullptr ||
      ASN1_STRING_set(text, value.data(), static_cast<int>(value.size())) != 1) {
    ASN1_STRING_free(text);
    return false;
  }
  GENERAL_NAME_set0_value(name.get(), type, text);  // owns `text` now
  if (sk_GENERAL_NAME_push(names, name.get()) <= 0) {
    return false;
  }
  static_cast<void>(name.release());
  return true;
}

Status add_alternative_names(X509* certificate, const ServerOptions& options) {
  const GeneralNames names(sk_GENERAL_NAME_new_null());
  if (!names) {
    return failed("subject alternative names");
  }
  for (const std::string& name : options.dns_names) {
    if (!is_dns_name(name)) {
      return make_error(Errc::kInvalidArgument, fmt::format("\"{}\" is not a DNS name", name));
    }
    if (!push_name(names.get(), GEN_DNS, name)) {
      return failed("add a DNS name");
    }
  }
  for (const std::string& address : options.addresses) {
    const std::string bytes = address_bytes(address);
    if (bytes.empty()) {
      return make_error(Errc::kInvalidArgument,
                        fmt::format("\"{}\" is not an IP address", address));
    }
    if (!push_name(names.get(), GEN_IPADD, bytes)) {
      return failed("add an address");
    }
  }
  if (X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) !=
      1) {
    return failed("add subject alternative names");
  }
  return ok();
}

Status check_common(const std::string& common_name, int lifetime_days) {
  if (common_name.empty() || common_name.size() > kMostCommonName) {
    return make_error(Errc::kInvalidArgument, fmt::format("a common name has 1 to {} bytes, not {}",
                                                          kMostCommonName, common_name.size()));
  }
  if (lifetime_days < 1 || lifetime_days > 36525) {
    return make_error(Errc::kInvalidArgument,
                      fmt::format("a certificate lives 1 to 36525 days, not {}", lifetime_days));
  }
  return ok();
}

struct Draft {
  Certificate certificate;
  Key key;
};

// A version 3 certificate with a fresh key, its subject and its dates; unsigned, issuer not set.
Result<Draft> start_draft(const std::string& common_name, WallTime from, WallTime until) {
  Draft draft{Certificate(X509_new()), Key(EVP_EC_gen("P-256"))};
  X509* const certificate = draft.certificate.get();
  if (certificate == nullptr || !draft.key || X509_set_version(certificate, X509_VERSION_3) != 1 ||
      !set_serial(certificate) || X509_set_pubkey(certificate, draft.key.get()) != 1 ||
      !set_time(X509_getm_notBefore(certificate), from) ||
      !set_time(X509_getm_notAfter(certificate), until) ||
      !set_common_name(X509_get_subject_name(certificate), common_name)) {
    return failed("make a certificate");
  }
  return draft;
}

void read_names(X509* certificate, CertificateFacts& facts) {
  const GeneralNames names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  const int count = names ? sk_GENERAL_NAME_num(names.get()) : 0;
  for (int i = 0; i < count; ++i) {
    int type = 0;
    const auto* const text = static_cast<const ASN1_STRING*>(
        GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type));
    const std::string bytes(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                            static_cast<std::size_t>(ASN1_STRING_length(text)));
    if (type == GEN_DNS) {
      facts.dns_names.push_back(bytes);
    } else if (type == GEN_IPADD && (bytes.size() == 4 || bytes.size() == 16)) {
      char buffer[INET6_ADDRSTRLEN] = {};
      ::inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), buffer, sizeof buffer);
      facts.addresses.emplace_back(buffer);
    }
  }
}

std::string fingerprint_of(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  if (size <= 0) {
    return {};
  }
  const std::string out =
      to_hex(sha256({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)}));
  OPENSSL_free(der);
  return out;
}

}  // namespace

Result<KeyPair> make_authority(const AuthorityOptions& options) {
  TRIVET_CHECK_OK(check_common(options.common_name, options.lifetime_days));
  const WallTime until = options.now + std::chrono::hours(24) * options.lifetime_days;
  TRIVET_TRY(const Draft draft,
             start_draft(options.common_name, options.now - kClockMargin, until));
  X509* const certificate = draft.certificate.get();
  if (X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) != 1 ||
      !add_extension(certificate, certificate, NID_basic_constraints,
                     "critical,CA:TRUE,pathlen:0") ||
      !add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add_extension(certificate, certificate, NID_subject_key_identifier, "hash") ||
      !add_extension(certificate, certificate, NID_authority_key_identifier, "keyid:always") ||
      X509_sign(certificate, draft.key.get(), EVP_sha256()) == 0) {
    return failed("make the authority");
  }
  return to_pem(certificate, draft.key.get());
}

Result<KeyPair> issue_server_certificate(const KeyPair& authority, const ServerOptions& options) {
  TRIVET_CHECK_OK(check_common(options.common_name, options.lifetime_days));
  if (options.dns_names.empty() && options.addresses.empty()) {
    return make_error(Errc::kInvalidArgument, "a server certificate needs a name or an address");
  }
  TRIVET_TRY(const Certificate issuer, read_certificate(authority.certificate_pem));
  TRIVET_TRY(const Key issuer_key, read_key(authority.private_key_pem));
  if (X509_check_private_key(issuer.get(), issuer_key.get()) != 1) {
    return make_error(Errc::kCorrupt,
                      failed("the authority's key does not belong to its certificate").message);
  }
  const std::optional<WallTime> issuer_end = time_of(X509_get0_notAfter(issuer.get()));
  if (!issuer_end) {
    return make_error(Errc::kCorrupt, "the authority's certificate has no readable end");
  }
  const WallTime until =
      std::min(*issuer_end, options.now + std::chrono::hours(24) * options.lifetime_days);
  TRIVET_TRY(const Draft draft,
             start_draft(options.common_name, options.now - kClockMargin, until));
  X509* const certificate = draft.certificate.get();
  if (X509_set_issuer_name(certificate, X509_get_subject_name(issuer.get())) != 1 ||
      !add_extension(certificate, issuer.get(), NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(certificate, issuer.get(), NID_key_usage, "critical,digitalSignature") ||
      !add_extension(certificate, issuer.get(), NID_ext_key_usage, "serverAuth,clientAuth") ||
      !add_extension(certificate, issuer.get(), NID_subject_key_identifier, "hash") ||
      !add_extension(certificate, issuer.get(), NID_authority_key_identifier, "keyid:always")) {
    return failed("make a server certificate");
  }
  TRIVET_CHECK_OK(add_alternative_names(certificate, options));
  if (X509_sign(certificate, issuer_key.get(), EVP_sha256()) == 0) {
    return failed("sign a server certificate");
  }
  return to_pem(certificate, draft.key.get());
}

Result<CertificateFacts> inspect(std::string_view certificate_pem) {
  TRIVET_TRY(const Certificate certificate, read_certificate(certificate_pem));
  const auto from = time_of(X509_get0_notBefore(certificate.get()));
  const auto until = time_of(X509_get0_notAfter(certificate.get()));
  if (!from || !until) {
    return make_error(Errc::kCorrupt, "the certificate's dates are unreadable");
  }
  CertificateFacts facts;
  facts.not_before = *from;
  facts.not_after = *until;
  facts.fingerprint = fingerprint_of(certificate.get());
  char name[256] = {};
  if (X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name,
                                sizeof name) > 0) {
    facts.common_name = name;
  }
  read_names(certificate.get(), facts);
  return facts;
}

Result<std::string> fingerprint(std::string_view certificate_pem) {
  TRIVET_TRY(CertificateFacts facts, inspect(certificate_pem));
  return std::move(facts.fingerprint);
}

Result<WallTime> not_after(std::string_view certificate_pem) {
  TRIVET_TRY(const CertificateFacts facts, inspect(certificate_pem));
  return facts.not_after;
}

Status verify_server_certificate(std::string_view certificate_pem, std::string_view authority_pem,
                                 WallTime now) {
  TRIVET_TRY(const Certificate certificate, read_certificate(certificate_pem));
  TRIVET_TRY(const Certificate authority, read_certificate(authority_pem));
  const Store store(X509_STORE_new());
  const StoreContext context(X509_STORE_CTX_new());
  if (!store || !context || X509_STORE_add_cert(store.get(), authority.get()) != 1 ||
      X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), nullptr) != 1) {
    return failed("prepare the verification");
  }
  X509_VERIFY_PARAM* const parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(parameters, static_cast<std::time_t>(to_seconds(now)));
  X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER);
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
  if (X509_verify_cert(context.get()) != 1) {
    const int number = X509_STORE_CTX_get_error(context.get());
    ERR_clear_error();
    return make_error(Errc::kInvalidArgument, X509_verify_cert_error_string(number));
  }
  return ok();
}

}  // namespace trivet::pki
