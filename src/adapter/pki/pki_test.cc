// SPDX-License-Identifier: Apache-2.0
#include "adapter/pki/pki.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

namespace trivet::pki {
namespace {

constexpr WallTime kNow{Millis(1'764'000'000'000)};
constexpr std::chrono::hours kDay{24};

// An independent reading of what was made: OpenSSL's own structures, not pki.cc's.
struct Parsed {
  explicit Parsed(const std::string& pem)
      : bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free_all),
        certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free) {}
  std::unique_ptr<BIO, decltype(&BIO_free_all)> bio;
  std::unique_ptr<X509, decltype(&X509_free)> certificate;
};

KeyPair authority() {
  auto made = make_authority({.common_name = "Trivet CA abc", .now = kNow});
  EXPECT_TRUE(made) << made.error().message;
  return std::move(made).value();
}

ServerOptions server() {
  return {.common_name = "demo-instance-1",
          .dns_names = {"demo.cluster-abc.us-east-1.rds.trivet.internal",
                        "demo-instance-1.abc.us-east-1.rds.trivet.internal"},
          .addresses = {"127.43.0.10", "::1"},
          .now = kNow};
}

TEST(Pki, ServerCertificateVerifiesUnderItsAuthority) {
  const KeyPair ca = authority();
  auto made = issue_server_certificate(ca, server());
  ASSERT_TRUE(made) << made.error().message;
  const Status verified =
      verify_server_certificate(made->certificate_pem, ca.certificate_pem, kNow);
  EXPECT_TRUE(verified) << verified.error().message;

  const Parsed parsed(made->certificate_pem);
  ASSERT_NE(parsed.certificate, nullptr);
  X509* const certificate = parsed.certificate.get();
  EXPECT_EQ(
      X509_check_host(certificate, "demo.cluster-abc.us-east-1.rds.trivet.internal", 0, 0, nullptr),
      1);
  EXPECT_EQ(X509_check_host(certificate, "other.cluster-abc.us-east-1.rds.trivet.internal", 0, 0,
                            nullptr),
            0);
  EXPECT_EQ(X509_check_host(certificate, "demo-instance-1", 0, 0, nullptr), 0);
  EXPECT_EQ(X509_check_ip_asc(certificate, "127.43.0.10", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(certificate, "::1", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(certificate, "127.43.0.11", 0), 0);
  EXPECT_EQ(X509_check_ca(certificate), 0);
  EXPECT_EQ(X509_check_purpose(certificate, X509_PURPOSE_SSL_CLIENT, 0), 1);
  EXPECT_EQ(EVP_PKEY_get_bits(X509_get0_pubkey(certificate)), 256);
  EXPECT_EQ(EVP_PKEY_get_base_id(X509_get0_pubkey(certificate)), EVP_PKEY_EC);
}

TEST(Pki, KeyBelongsToCertificate) {
  const KeyPair ca = authority();
  auto made = issue_server_certificate(ca, server());
  ASSERT_TRUE(made);
  const std::string key_pem(made->private_key_pem.reveal());
  EXPECT_EQ(key_pem.rfind("-----BEGIN PRIVATE KEY-----", 0), 0u);
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(
      BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())), BIO_free_all);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  const Parsed parsed(made->certificate_pem);
  EXPECT_EQ(X509_check_private_key(parsed.certificate.get(), key.get()), 1);
}

TEST(Pki, AuthorityMaySignServersOnly) {
  const KeyPair ca = authority();
  const Parsed parsed(ca.certificate_pem);
  EXPECT_EQ(X509_check_ca(parsed.certificate.get()), 1);
  EXPECT_EQ(X509_get_pathlen(parsed.certificate.get()), 0);
  EXPECT_EQ(X509_get_key_usage(parsed.certificate.get()),
            static_cast<unsigned>(KU_KEY_CERT_SIGN | KU_CRL_SIGN));
  // A certificate that the authority's own holder would pass off as a server's.
  EXPECT_FALSE(verify_server_certificate(ca.certificate_pem, authority().certificate_pem, kNow));
}

TEST(Pki, VerificationRefusesWhatIsWrong) {
  const KeyPair ca = authority();
  const KeyPair other = authority();
  auto made = issue_server_certificate(ca, server());
  ASSERT_TRUE(made);
  EXPECT_FALSE(verify_server_certificate(made->certificate_pem, other.certificate_pem, kNow));
  EXPECT_FALSE(
      verify_server_certificate(made->certificate_pem, ca.certificate_pem, kNow + 826 * kDay));
  EXPECT_FALSE(verify_server_certificate(made->certificate_pem, ca.certificate_pem, kNow - kDay));
  EXPECT_TRUE(
      verify_server_certificate(made->certificate_pem, ca.certificate_pem, kNow + 824 * kDay));
  EXPECT_EQ(verify_server_certificate("nonsense", ca.certificate_pem, kNow).error().code,
            Errc::kCorrupt);
}

TEST(Pki, FactsAreReadBack) {
  const KeyPair ca = authority();
  auto made = issue_server_certificate(ca, server());
  ASSERT_TRUE(made);
  auto facts = inspect(made->certificate_pem);
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_EQ(facts->common_name, "demo-instance-1");
  EXPECT_EQ(facts->dns_names, server().dns_names);
  EXPECT_EQ(facts->addresses, server().addresses);
  EXPECT_EQ(facts->not_after, kNow + 825 * kDay);
  EXPECT_EQ(*not_after(ca.certificate_pem), kNow + 3652 * kDay);

  const Parsed parsed(made->certificate_pem);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  ASSERT_EQ(X509_digest(parsed.certificate.get(), EVP_sha256(), digest, &size), 1);
  std::string expected;
  for (unsigned i = 0; i < size; ++i) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", digest[i]);
    expected += two;
  }
  EXPECT_EQ(facts->fingerprint, expected);
  EXPECT_EQ(*fingerprint(made->certificate_pem), expected);
}

TEST(Pki, NeverOutlivesTheAuthority) {
  auto ca = make_authority({.common_name = "short", .now = kNow, .lifetime_days = 10});
  ASSERT_TRUE(ca);
  auto made = issue_server_certificate(*ca, server());
  ASSERT_TRUE(made);
  EXPECT_EQ(*not_after(made->certificate_pem), kNow + 10 * kDay);
}

TEST(Pki, SerialsAndKeysDiffer) {
  const KeyPair ca = authority();
  auto a = issue_server_certificate(ca, server());
  auto b = issue_server_certificate(ca, server());
  ASSERT_TRUE(a && b);
  EXPECT_NE(a->private_key_pem.reveal(), b->private_key_pem.reveal());
  const Parsed pa(a->certificate_pem);
  const Parsed pb(b->certificate_pem);
  EXPECT_NE(ASN1_INTEGER_cmp(X509_get0_serialNumber(pa.certificate.get()),
                             X509_get0_serialNumber(pb.certificate.get())),
            0);
}

TEST(Pki, BadInputIsRefused) {
  const KeyPair ca = authority();
  ServerOptions options = server();
  options.dns_names = {"a,IP:10.0.0.1"};
  EXPECT_EQ(issue_server_certificate(ca, options).error().code, Errc::kInvalidArgument);
  options.dns_names = {"a..b"};
  EXPECT_EQ(issue_server_certificate(ca, options).error().code, Errc::kInvalidArgument);
  options = server();
  options.addresses = {"127.0.0.256"};
  EXPECT_EQ(issue_server_certificate(ca, options).error().code, Errc::kInvalidArgument);
  options.addresses.clear();
  options.dns_names.clear();
  EXPECT_EQ(issue_server_certificate(ca, options).error().code, Errc::kInvalidArgument);
  options = server();
  options.common_name = std::string(65, 'x');
  EXPECT_EQ(issue_server_certificate(ca, options).error().code, Errc::kInvalidArgument);

  KeyPair mixed{ca.certificate_pem, authority().private_key_pem.copy()};
  EXPECT_EQ(issue_server_certificate(mixed, server()).error().code, Errc::kCorrupt);
  KeyPair broken{"", SecretString("")};
  EXPECT_EQ(issue_server_certificate(broken, server()).error().code, Errc::kCorrupt);
  EXPECT_EQ(not_after("x").error().code, Errc::kCorrupt);
}

}  // namespace
}  // namespace trivet::pki
