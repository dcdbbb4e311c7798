// SPDX-License-Identifier: Apache-2.0
#include "service/iam_ids.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/random.h"

namespace trivet::service {
namespace {

TEST(IamIds, AccessKeyCarriesItsAccount) {
  for (const char* account :
       {"123456789012", "123456789013", "000000000000", "000000000001", "999999999999"}) {
    for (const char* prefix : {"AKIA", "ASIA"}) {
      const AccessKeyId id = make_access_key_id(prefix, AccountId(account));
      EXPECT_EQ(id.str().size(), 20U);
      EXPECT_TRUE(id.str().starts_with(prefix));
      EXPECT_EQ(account_of_access_key(id.str()), AccountId(account)) << id.str();
    }
  }
}

// The account of this well-known key is published with the scheme (trufflesecurity, "AWS account
// ids").
TEST(IamIds, ReadsTheAccountAsAwsWritesIt) {
  EXPECT_EQ(account_of_access_key("ASIAY34FZKBOKMUTVV7A"), AccountId("609629065308"));
  EXPECT_EQ(account_of_access_key("AKIA"), std::nullopt);
  EXPECT_EQ(account_of_access_key("AKIA0000000000000000"), std::nullopt);
  EXPECT_EQ(account_of_access_key("AROAY34FZKBOKMUTVV7A"), std::nullopt);
}

TEST(IamIds, UniqueIdsAndSecretsLookLikeAwss) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string id = make_unique_id("AIDA");
    EXPECT_EQ(id.size(), 21U);
    EXPECT_EQ(id.find_first_not_of(kBase32), std::string::npos);
    EXPECT_TRUE(seen.insert(id).second);
    const SecretString secret = make_secret_access_key();
    EXPECT_EQ(secret.reveal().size(), 40U);
    EXPECT_EQ(secret.reveal().find('='), std::string::npos);
  }
}

TEST(IamIds, ArnsHaveAwssForms) {
  const Realm realm{.account = AccountId("123456789012")};
  EXPECT_EQ(iam_arn(realm, "user", "/dev/", "ana"), "arn:aws:iam::123456789012:user/dev/ana");
  EXPECT_EQ(iam_arn(realm, "policy", "/", "p"), "arn:aws:iam::123456789012:policy/p");
  EXPECT_EQ(root_arn(realm), "arn:aws:iam::123456789012:root");
  EXPECT_EQ(assumed_role_arn(realm, "r", "s"), "arn:aws:sts::123456789012:assumed-role/r/s");
}

}  // namespace
}  // namespace trivet::service
