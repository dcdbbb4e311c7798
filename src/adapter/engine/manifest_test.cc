// SPDX-License-Identifier: Apache-2.0
#include "adapter/engine/manifest.h"

#include <gtest/gtest.h>

#include "adapter/engine/layout.h"
#include "adapter/engine/plugins.h"

namespace trivet::engine {
namespace {

Manifest example() {
  return {"mysql",
          "9.7.4",
          "9.7",
          "9.7.4-2",
          "http://m.example/debian",
          {{"libc6", "2.43-7", "aa"}, {"mysql-server-core", "9.7.4-2", "bb"}},
          "2026-01-02T03:04:05Z"};
}

TEST(Manifest, ComesBackAsItWas) {
  const auto back = parse_manifest(to_json(example()));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->engine, "mysql");
  EXPECT_EQ(back->version, "9.7.4");
  EXPECT_EQ(back->series, "9.7");
  EXPECT_EQ(back->package_version, "9.7.4-2");
  EXPECT_EQ(back->origin, "http://m.example/debian");
  EXPECT_EQ(back->installed_at, "2026-01-02T03:04:05Z");
  ASSERT_EQ(back->packages.size(), 2u);
  EXPECT_EQ(back->packages[1].name, "mysql-server-core");
  EXPECT_EQ(back->packages[1].version, "9.7.4-2");
  EXPECT_EQ(back->packages[1].sha256, "bb");
}

TEST(Manifest, RefusesWhatIsNone) {
  const std::string good = to_json(example());
  for (std::size_t size = 0; size + 2 < good.size(); size += 7) {
    EXPECT_FALSE(parse_manifest(good.substr(0, size)));
  }
  EXPECT_EQ(parse_manifest("[]").error().code, Errc::kCorrupt);
  EXPECT_EQ(parse_manifest("{\"format\":1}").error().code, Errc::kCorrupt);
  EXPECT_FALSE(parse_manifest(R"({"format":2,"engine":"mysql","version":"9.7.4","series":"9.7"})"));
  EXPECT_TRUE(
      parse_manifest(R"({"format":1,"engine":"mysql","version":"9.7.4","series":"9.7","new":[]})"));
}

TEST(Layout, ProgramsRunThroughTheBundledLoader) {
  EngineLayout layout;
  layout.server_folder = "/e/root/usr/sbin";
  layout.client_folder = "/e/root/usr/bin";
  EXPECT_EQ(layout.command("mysqld"), std::vector<std::string>{"/e/root/usr/sbin/mysqld"});
  layout.loader = "/e/root/lib/ld.so";
  layout.library_folders = {"/e/root/a", "/e/root/b"};
  EXPECT_EQ(layout.command("mysql"),
            (std::vector<std::string>{"/e/root/lib/ld.so", "--inhibit-cache", "--argv0",
                                      "/e/root/usr/bin/mysql", "--library-path",
                                      "/e/root/a:/e/root/b", "/e/root/usr/bin/mysql"}));
}

TEST(PluginSettings, EachPluginIsLoadedForGood) {
  int loaded = 0;
  int permanent = 0;
  for (const std::string& line : plugin_settings()) {
    loaded += line.rfind("plugin-load-add=", 0) == 0 ? 1 : 0;
    permanent += line.find("=FORCE_PLUS_PERMANENT") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(loaded, 5);
  EXPECT_EQ(permanent, 5);
}

}  // namespace
}  // namespace trivet::engine
