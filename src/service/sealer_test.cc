// SPDX-License-Identifier: Apache-2.0
#include "service/sealer.h"

#include <gtest/gtest.h>

namespace trivet::service {
namespace {

std::shared_ptr<const Sealer> sealer(char fill) {
  return *Sealer::create(SecretString(std::string(32, fill)));
}

TEST(Sealer, OpensWhatItSealedForTheSameContextOnly) {
  const std::string sealed = sealer('k')->seal("iam/access-keys/A", SecretString("secret"));
  EXPECT_EQ(sealed.find("secret"), std::string::npos);
  const auto opened = sealer('k')->open("iam/access-keys/A", sealed);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->reveal(), "secret");
  EXPECT_EQ(sealer('k')->open("iam/access-keys/B", sealed).error().code, Errc::kCorrupt);
  EXPECT_EQ(sealer('x')->open("iam/access-keys/A", sealed).error().code, Errc::kCorrupt);
  std::string altered = sealed;
  altered.back() = static_cast<char>(altered.back() ^ 1);
  EXPECT_FALSE(sealer('k')->open("iam/access-keys/A", altered));
  EXPECT_FALSE(sealer('k')->open("iam/access-keys/A", sealed.substr(0, 10)));
}

TEST(Sealer, OpensWhatIsUnderBothKeysWhileOneReplacesTheOther) {
  const auto rotated = *Sealer::create(SecretString(std::string(32, 'k')));
  const std::string before = rotated->seal("a", SecretString("secret"));
  EXPECT_TRUE(rotated->is_current(before));
  ASSERT_TRUE(rotated->begin_rotation(SecretString(std::string(32, 'n'))));
  EXPECT_FALSE(rotated->is_current(before));
  EXPECT_EQ(rotated->open("a", before)->reveal(), "secret");
  const std::string after = rotated->seal("a", SecretString("secret"));
  EXPECT_TRUE(rotated->is_current(after));
  EXPECT_EQ(rotated->begin_rotation(SecretString(std::string(32, 'm'))).error().code,
            Errc::kConflict);
  EXPECT_TRUE(rotated->is_rotating());
  rotated->end_rotation();
  EXPECT_FALSE(rotated->is_rotating());
  EXPECT_FALSE(rotated->open("a", before));
  EXPECT_EQ(rotated->open("a", after)->reveal(), "secret");
  EXPECT_EQ(sealer('n')->open("a", after)->reveal(), "secret");
}

// A daemon that was cut off after the last step but one finds the same key twice.
TEST(Sealer, AKeyMayReplaceItself) {
  const auto rotated = *Sealer::create(SecretString(std::string(32, 'k')));
  const std::string sealed = rotated->seal("a", SecretString("secret"));
  ASSERT_TRUE(rotated->begin_rotation(SecretString(std::string(32, 'k'))));
  EXPECT_TRUE(rotated->is_current(sealed));
  rotated->end_rotation();
  EXPECT_EQ(rotated->open("a", sealed)->reveal(), "secret");
}

TEST(Sealer, WantsThirtyTwoBytes) {
  EXPECT_FALSE(Sealer::create(SecretString(std::string(31, 'k'))));
  EXPECT_FALSE(Sealer::create(SecretString(std::string(33, 'k'))));
}

}  // namespace
}  // namespace trivet::service
