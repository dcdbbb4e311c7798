// SPDX-License-Identifier: Apache-2.0
#include "adapter/hosts/block.h"

#include <gtest/gtest.h>

namespace trivet::hosts {
namespace {

const std::vector<Entry> kOne = {{"127.43.0.10", {"demo.cluster-a.test"}}};
const std::vector<Entry> kTwo = {{"127.43.0.10", {"demo.cluster-a.test", "demo"}},
                                 {"127.43.0.11", {"demo.cluster-ro-a.test"}}};

std::string with(std::string_view text, std::string_view id, const std::vector<Entry>& entries) {
  auto out = with_block(text, id, entries);
  EXPECT_TRUE(out) << out.error().message;
  return *out;
}
std::string without(std::string_view text, std::string_view id) {
  auto out = without_block(text, id);
  EXPECT_TRUE(out) << out.error().message;
  return *out;
}

TEST(HostsBlock, IsAppendedAsWritten) {
  EXPECT_EQ(with("127.0.0.1 localhost\n", "i1", kTwo),
            "127.0.0.1 localhost\n"
            "# BEGIN trivet i1\n"
            "127.43.0.10 demo.cluster-a.test demo\n"
            "127.43.0.11 demo.cluster-ro-a.test\n"
            "# END trivet i1\n");
}

TEST(HostsBlock, ComesOutAgainByteForByte) {
  for (const std::string_view text :
       {"", "\n", "127.0.0.1 localhost\n", "127.0.0.1 localhost", "a b\r\n\r\n",
        "# no newline at end", "127.0.0.1\tlocalhost\n\n\n", "\n\nx"}) {
    EXPECT_EQ(without(with(text, "i1", kTwo), "i1"), text);
    EXPECT_EQ(with(with(text, "i1", kTwo), "i1", {}), text);
  }
}

TEST(HostsBlock, IsReplacedWhereItStands) {
  const std::string first = with("a\n", "i1", kOne) + "127.9.9.9 mine\n";
  const std::string second = with(first, "i1", kTwo);
  EXPECT_EQ(second, with("a\n", "i1", kTwo) + "127.9.9.9 mine\n");
  EXPECT_EQ(with(second, "i1", kOne), first);
  EXPECT_EQ(without(second, "i1"), "a\n127.9.9.9 mine\n");
}

TEST(HostsBlock, SettingTheSameChangesNothing) {
  for (const std::string_view text : {"a\n", "a"}) {
    const std::string once = with(text, "i1", kTwo);
    EXPECT_EQ(with(once, "i1", kTwo), once);
  }
}

TEST(HostsBlock, SeveralInstallationsComeAndGoInAnyOrder) {
  for (const std::string_view text : {"a\n", "a", ""}) {
    const std::string three = with(with(with(text, "i1", kOne), "i2", kTwo), "i3", kOne);
    EXPECT_EQ(without(without(without(three, "i1"), "i2"), "i3"), text);
    EXPECT_EQ(without(without(without(three, "i3"), "i2"), "i1"), text);
    EXPECT_EQ(without(without(without(three, "i2"), "i1"), "i3"), text);
    EXPECT_EQ(without(without(without(three, "i1"), "i3"), "i2"), text);
  }
}

TEST(HostsBlock, OneIdBeingTheStartOfAnotherIsNoMatter) {
  const std::string both = with(with("a\n", "i1", kOne), "i11", kTwo);
  EXPECT_EQ(without(both, "i1"), with("a\n", "i11", kTwo));
  EXPECT_EQ(without(both, "i"), both);
}

TEST(HostsBlock, LinesWrittenBelowStayLines) {
  const std::string text = with("a", "i1", kOne) + "mine\n";
  EXPECT_EQ(without(text, "i1"), "a\nmine\n");
}

TEST(HostsBlock, EndWithoutFinalNewlineIsFound) {
  const std::string text = with("a\n", "i1", kOne);
  EXPECT_EQ(without(text.substr(0, text.size() - 1), "i1"), "a\n");
}

TEST(HostsBlock, DamageIsReportedNotGuessed) {
  const std::string good = with("a\n", "i1", kOne);
  const std::string cut = good.substr(0, good.find("# END"));
  EXPECT_EQ(with_block(cut, "i1", kOne).error().code, Errc::kCorrupt);
  EXPECT_EQ(without_block(cut, "i1").error().code, Errc::kCorrupt);
  EXPECT_EQ(without_block(cut + with("", "i2", kOne), "i1").error().code, Errc::kCorrupt);
  EXPECT_EQ(without_block(good + good, "i1").error().code, Errc::kCorrupt);
  EXPECT_EQ(without_block("# END trivet i1\n", "i1").error().code, Errc::kCorrupt);
  // Another installation's damage is not ours.
  EXPECT_EQ(without(with(cut, "i2", kTwo), "i2"), cut);
}

TEST(HostsBlock, RefusesWhatWouldBreakTheFile) {
  EXPECT_EQ(with_block("", "a b", kOne).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(with_block("", "", kOne).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(with_block("", "i1", {{"localhost", {"x"}}}).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(with_block("", "i1", {{"127.0.0.1", {}}}).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(with_block("", "i1", {{"127.0.0.1", {"x\n6.6.6.6 evil"}}}).error().code,
            Errc::kInvalidArgument);
  EXPECT_EQ(with_block("", "i1", {{"127.0.0.1", {"x#y"}}}).error().code, Errc::kInvalidArgument);
}

}  // namespace
}  // namespace trivet::hosts
