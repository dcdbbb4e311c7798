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

TEST(Sealer, WantsThirtyTwoBytes) {
  EXPECT_FALSE(Sealer::create(SecretString(std::string(31, 'k'))));
  EXPECT_FALSE(Sealer::create(SecretString(std::string(33, 'k'))));
}

}  // namespace
}  // namespace trivet::service
