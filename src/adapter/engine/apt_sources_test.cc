// SPDX-License-Identifier: Apache-2.0
#include "adapter/engine/apt_sources.h"

#include <gtest/gtest.h>

namespace trivet::engine {
namespace {

std::string mirror(std::vector<SourceFile> files) {
  return find_debian_mirror(files).value_or("none");
}

constexpr const char* kKey = "/usr/share/keyrings/debian-archive-keyring.gpg";

TEST(DebianMirror, FromStanzas) {
  EXPECT_EQ(mirror({{"/x/debian.sources",
                     "Types: deb\n"
                     "# an archive of a day\n"
                     "URIs: http://mirror.example/debian-security\n"
                     "Suites: bookworm-security\n"
                     "Components: main\n"
                     "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
                     "\n"
                     "Types: deb deb-src\n"
                     "URIs: http://mirror.example/debian/\n"
                     "Suites: bookworm bookworm-updates\n"
                     "Components: main contrib\n"
                     "Signed-By:\n /usr/share/keyrings/debian-archive-keyring.gpg\n"}}),
            "http://mirror.example/debian");
}

TEST(DebianMirror, FromLines) {
  EXPECT_EQ(mirror({{"/etc/apt/sources.list",
                     "# deb http://old.example/debian bookworm main\n"
                     "deb cdrom:[Debian 12]/ bookworm main\n"
                     "deb-src http://src.example/debian bookworm main\n"
                     "deb http://security.example/debian-security bookworm-security main\n"
                     "deb http://mirror.example/debian trixie main # the one\n"}}),
            "http://mirror.example/debian");
  EXPECT_EQ(mirror({{"/etc/apt/sources.list", std::string("deb [arch=amd64 signed-by=") + kKey +
                                                  "] https://m.example/pool/ stable main\n"}}),
            "https://m.example/pool");
}

TEST(DebianMirror, ThirdPartiesAreNotDebian) {
  EXPECT_EQ(
      mirror(
          {{"a.list",
            "deb https://docker.example/linux/debian bookworm stable\n"
            "deb http://pg.example/pub/repos/apt bookworm-pgdg main\n"
            "deb https://cloud.example/apt cloud-sdk-bookworm main\n"
            "deb https://php.example/php bookworm main\n"
            "deb [signed-by=/etc/apt/keyrings/other.gpg] https://o.example/debian bookworm main\n"
            "deb http://archive.example/ubuntu noble main\n"
            "deb [trusted=yes http://broken.example/debian bookworm main\n"},
           {"b.sources",
            "Types: deb\nURIs: https://n.example/debian\nSuites: nodistro\nComponents: main\n"}}),
      "none");
}

TEST(DebianMirror, DisabledAndSourceStanzasDoNotCount) {
  EXPECT_EQ(mirror({{"a.sources",
                     "Enabled: no\nTypes: deb\nURIs: http://a.example/debian\nSuites: bookworm\n"
                     "Components: main\n\n"
                     "Types: deb-src\nURIs: http://b.example/debian\nSuites: bookworm\nComponents: "
                     "main\n"}}),
            "none");
}

TEST(DebianMirror, OneThatNamesTheKeyringGoesFirst) {
  EXPECT_EQ(mirror({{"a.list", "deb http://first.example/debian bookworm main\n"},
                    {"b.list", std::string("deb [signed-by=") + kKey +
                                   "] http://second.example/debian bookworm main\n"}}),
            "http://second.example/debian");
}

TEST(FetchSettings, KeepsHowAndDropsWhatAndWeakening) {
  EXPECT_EQ(fetch_settings("APT \"\";\n"
                           "Acquire \"\";\n"
                           "Acquire::http::Proxy \"http://proxy.example:3128\";\n"
                           "Acquire::http::Proxy::inner.example \"DIRECT\";\n"
                           "Acquire::Check-Valid-Until \"false\";\n"
                           "Acquire::AllowInsecureRepositories \"1\";\n"
                           "Acquire::AllowDowngradeToInsecureRepositories \"1\";\n"
                           "acquire::allowweakrepositories \"1\";\n"
                           "Acquire::IndexTargets::deb::Contents::MetaKey \"x\";\n"
                           "Acquire::Languages:: \"de\";\n"
                           "APT::Get::AllowUnauthenticated \"1\";\n"
                           "DPkg::Post-Invoke:: \"rm -rf x\";\n"
                           "Dir::Etc::parts \"apt.conf.d\";\n"),
            "Acquire::http::Proxy \"http://proxy.example:3128\";\n"
            "Acquire::http::Proxy::inner.example \"DIRECT\";\n"
            "Acquire::Check-Valid-Until \"false\";\n");
}

TEST(Offer, IsParsed) {
  const auto offer = parse_offer(
      "Reading package lists...\n"
      "'http://m.example/debian/pool/main/m/mysql-9.7/mysql-server-core_9.7.4-2_amd64.deb' "
      "mysql-server-core_9.7.4-2_amd64.deb 26123456 SHA256:ABCDEF01\n"
      "'http://m.example/z.deb' zlib1g_1%3a1.3.dfsg+really1.3.2-4_amd64.deb 100 MD5Sum:00\n"
      "'http://m.example/odd' odd_name 12 SHA256:aa\n"
      "'http://m.example/x_1_all.deb' x_1_all.deb -5 SHA256:aa\n");
  ASSERT_EQ(offer.size(), 2u);
  EXPECT_EQ(offer[0].name, "mysql-server-core");
  EXPECT_EQ(offer[0].version, "9.7.4-2");
  EXPECT_EQ(offer[0].bytes, 26123456u);
  EXPECT_EQ(offer[0].sha256, "abcdef01");
  EXPECT_EQ(offer[0].file, "mysql-server-core_9.7.4-2_amd64.deb");
  EXPECT_EQ(offer[1].name, "zlib1g");
  EXPECT_EQ(offer[1].version, "1:1.3.dfsg+really1.3.2-4");
  EXPECT_EQ(offer[1].sha256, "");
}

TEST(Versions, AreTakenApart) {
  EXPECT_EQ(upstream_version("9.7.4-2"), "9.7.4");
  EXPECT_EQ(upstream_version("1:9.7.4+dfsg-2"), "9.7.4");
  EXPECT_EQ(upstream_version("10.0.1"), "10.0.1");
  EXPECT_EQ(upstream_version("9.7.4.-x"), "9.7.4");
  EXPECT_EQ(upstream_version("x"), "");
  EXPECT_EQ(series_of("9.7.4"), "9.7");
  EXPECT_EQ(series_of("9.70.1"), "9.70");
  EXPECT_EQ(series_of("9"), "9");
  EXPECT_FALSE(parse_package_file("x.deb"));
  EXPECT_FALSE(parse_package_file("_1_amd64.deb"));
  EXPECT_FALSE(parse_package_file("a_1_amd64.rpm"));
  EXPECT_EQ(parse_package_file("/p/a_1_all.deb")->name, "a");
}

}  // namespace
}  // namespace trivet::engine
