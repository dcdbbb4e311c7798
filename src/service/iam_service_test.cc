// SPDX-License-Identifier: Apache-2.0
#include "service/iam_service.h"

#include <gtest/gtest.h>

#include <thread>

#include "service/iam_ids.h"
#include "service/identity_test_bed.h"

namespace trivet::service {
namespace {

constexpr const char* kAdmin = "arn:aws:iam::aws:policy/AdministratorAccess";
constexpr const char* kRootArn = "arn:aws:iam::123456789012:root";

TEST(IamUsers, AreFoundWhateverTheCaseAndUnique) {
  IdentityBed bed;
  const IamUser made = bed.user("Ana", "/dev/");
  EXPECT_EQ(made.id.substr(0, 4), "AIDA");
  EXPECT_EQ(bed.iam().get_user("aNA")->name, "Ana");
  EXPECT_EQ(bed.iam().get_user("Ana")->path, "/dev/");
  const auto again = bed.iam().create_user({.name = "ANA"}, kNow);
  EXPECT_EQ(fault_of(again), "EntityAlreadyExistsException");
  EXPECT_EQ(message_of(again), "User with name ANA already exists.");
  EXPECT_EQ(message_of(bed.iam().get_user("bo")), "The user with name bo cannot be found.");
  EXPECT_EQ(fault_of(bed.iam().get_user("bo")), "NoSuchEntityException");
}

TEST(IamAccessKeys, AreSealedAgainUnderANewKeyAndGoOn) {
  IdentityBed bed;
  bed.user("ana");
  const sigv4::Credentials root = bed.key("");
  const sigv4::Credentials ana = bed.key("ana");
  const auto sealer = *Sealer::create(SecretString(std::string(32, 'k')));
  auto iam = *IamService::open(
      {.store = &bed.store(), .sealer = sealer, .realm = {.account = AccountId(kAccount)}});
  ASSERT_TRUE(sealer->begin_rotation(SecretString(std::string(32, 'n'))));
  ASSERT_TRUE(iam->reseal());
  sealer->end_rotation();
  for (const auto* key : {&root, &ana}) {
    EXPECT_EQ(iam->snapshot()->find_key(key->access_key_id)->secret->reveal(),
              key->secret_access_key.reveal());
  }
  // Its memory is as new as the store: the next change does not collide.
  EXPECT_TRUE(iam->update_access_key("ana", ana.access_key_id, false));
  EXPECT_FALSE(IamService::open(
      {.store = &bed.store(), .sealer = bed.sealer(), .realm = {.account = AccountId(kAccount)}}));
  EXPECT_TRUE(IamService::open({.store = &bed.store(),
                                .sealer = *Sealer::create(SecretString(std::string(32, 'n'))),
                                .realm = {.account = AccountId(kAccount)}}));
}

TEST(IamUsers, RefuseBadNamesPathsAndTags) {
  IdentityBed bed;
  EXPECT_EQ(fault_of(bed.iam().create_user({.name = "a b"}, kNow)), "ValidationError");
  EXPECT_EQ(fault_of(bed.iam().create_user({.name = ""}, kNow)), "ValidationError");
  EXPECT_EQ(fault_of(bed.iam().create_user({.name = std::string(65, 'a')}, kNow)),
            "ValidationError");
  EXPECT_EQ(fault_of(bed.iam().create_user({.name = "a", .path = "dev/"}, kNow)),
            "ValidationError");
  EXPECT_EQ(fault_of(bed.iam().create_user({.name = "a", .path = "/d v/"}, kNow)),
            "ValidationError");
  const auto twice =
      bed.iam().create_user({.name = "a", .tags = {{"Team", "x"}, {"team", "y"}}}, kNow);
  EXPECT_EQ(fault_of(twice), "InvalidInputException");
  EXPECT_EQ(message_of(twice),
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
  EXPECT_EQ(fault_of(bed.iam().create_user({.name = "a", .tags = {{"aws:x", "y"}}}, kNow)),
            "InvalidInputException");
  EXPECT_TRUE(bed.iam().list_users({})->items.empty());
}

TEST(IamUsers, AreListedInPagesByPath) {
  IdentityBed bed;
  for (int i = 0; i < 25; ++i) {
    bed.user("u" + std::string(i < 10 ? "0" : "") + std::to_string(i), i % 2 == 0 ? "/a/" : "/b/");
  }
  std::vector<std::string> names;
  PageRequest request{.path_prefix = "/a/", .items_max = 5};
  for (int page = 0; page < 10; ++page) {
    const auto got = bed.iam().list_users(request);
    ASSERT_TRUE(got);
    for (const IamUser& user : got->items) {
      names.push_back(user.name);
    }
    request.marker = got->marker;
    if (got->marker.empty()) {
      break;
    }
  }
  ASSERT_EQ(names.size(), 13U);
  EXPECT_EQ(names.front(), "u00");
  EXPECT_EQ(names.back(), "u24");
  EXPECT_EQ(fault_of(bed.iam().list_users({.items_max = 0})), "ValidationError");
  EXPECT_EQ(fault_of(bed.iam().list_users({.marker = "!"})), "ValidationError");
}

TEST(IamUsers, DeletingOneThatHasSomethingIsAConflict) {
  IdentityBed bed;
  bed.user("ana");
  const sigv4::Credentials key = bed.key("ana");
  EXPECT_EQ(message_of(bed.iam().delete_user("ana")),
            "Cannot delete entity, must delete access keys first.");
  ASSERT_TRUE(bed.iam().delete_access_key("ana", key.access_key_id));
  ASSERT_TRUE(bed.iam().attach_policy(user_ref("ana"), kAdmin));
  EXPECT_EQ(message_of(bed.iam().delete_user("ana")),
            "Cannot delete entity, must detach all policies first.");
  ASSERT_TRUE(bed.iam().detach_policy(user_ref("ana"), kAdmin));
  bed.allow(user_ref("ana"), kAllowAll);
  EXPECT_EQ(fault_of(bed.iam().delete_user("ana")), "DeleteConflictException");
  ASSERT_TRUE(bed.iam().delete_inline_policy(user_ref("ana"), "inline"));
  EXPECT_TRUE(bed.iam().delete_user("ana"));
  EXPECT_TRUE(bed.store().list("iam/")->empty());
}

TEST(IamUsers, RenameKeepsIdKeysAndTrust) {
  IdentityBed bed;
  const IamUser ana = bed.user("ana");
  bed.user("bo");
  const sigv4::Credentials key = bed.key("ana");
  bed.role("r", trust("arn:aws:iam::123456789012:user/ana"));
  EXPECT_EQ(fault_of(bed.iam().update_user({.name = "ana", .new_name = "BO"})),
            "EntityAlreadyExistsException");
  ASSERT_TRUE(bed.iam().update_user({.name = "ana", .new_name = "anna", .new_path = "/x/"}));
  EXPECT_FALSE(bed.iam().get_user("ana"));
  EXPECT_EQ(bed.iam().get_user("anna")->id, ana.id);
  EXPECT_EQ(bed.iam().list_access_keys("anna", {})->items.size(), 1U);
  EXPECT_EQ(bed.principal(key).arn, "arn:aws:iam::123456789012:user/x/anna");
  EXPECT_NE(bed.iam().get_role("r")->trust_policy.find("user/x/anna"), std::string::npos);
  const ContextKeys none;
  EXPECT_TRUE(bed.sts().assume_role(
      {bed.principal(key), none, kNow},
      {.role_arn = "arn:aws:iam::123456789012:role/r", .session_name = "s1"}));
}

TEST(AccessKeys, AreTwoAtMostAndSecretsAreSealed) {
  IdentityBed bed;
  bed.user("ana");
  const auto first = bed.iam().create_access_key("ana", kNow);
  ASSERT_TRUE(first);
  EXPECT_EQ(account_of_access_key(first->record.id.str()), AccountId(kAccount));
  ASSERT_TRUE(bed.iam().create_access_key("ana", kNow));
  const auto third = bed.iam().create_access_key("ana", kNow);
  EXPECT_EQ(fault_of(third), "LimitExceededException");
  EXPECT_EQ(message_of(third), "Cannot exceed quota for AccessKeysPerUser: 2");
  const auto stored = bed.store().list("");
  ASSERT_TRUE(stored.has_value());
  for (const StoredValue& value : *stored) {
    EXPECT_EQ(value.value.find(first->secret.reveal()), std::string::npos);
  }
  bed.reopen();
  EXPECT_EQ(bed.iam().snapshot()->find_key(first->record.id.str())->secret->reveal(),
            first->secret.reveal());
}

TEST(AccessKeys, StatusAndOwnerCount) {
  IdentityBed bed;
  bed.user("ana");
  bed.user("bo");
  const sigv4::Credentials key = bed.key("ana");
  EXPECT_EQ(fault_of(bed.iam().update_access_key("bo", key.access_key_id, false)),
            "NoSuchEntityException");
  ASSERT_TRUE(bed.iam().update_access_key("ana", key.access_key_id, false));
  EXPECT_FALSE(bed.iam().snapshot()->find_key(key.access_key_id)->active);
  EXPECT_EQ(
      look_up_key(*bed.iam().snapshot(), *bed.sealer(), key.access_key_id, std::nullopt).state,
      KeyLookup::State::kInactive);
  ASSERT_TRUE(bed.iam().update_access_key("ana", key.access_key_id, true));
  EXPECT_TRUE(bed.iam().snapshot()->find_key(key.access_key_id)->active);
  EXPECT_EQ(bed.iam().access_key_last_used(key.access_key_id)->use, std::nullopt);
  bed.iam().note_access_key_used(key.access_key_id, {kNow, "rds", "us-east-1"});
  EXPECT_EQ(bed.iam().access_key_last_used(key.access_key_id)->use->service, "rds");
  ASSERT_TRUE(bed.iam().delete_access_key("ana", key.access_key_id));
  EXPECT_EQ(bed.iam().snapshot()->find_key(key.access_key_id), nullptr);
  EXPECT_TRUE(bed.iam().get_user("ana")->access_keys.empty());
}

TEST(AccessKeys, RootHasKeysOfItsOwnAndMayEverything) {
  IdentityBed bed;
  const auto made = bed.iam().create_root_key(kNow);
  ASSERT_TRUE(made);
  const Principal root = bed.principal({made->record.id.str(), made->secret.copy(), ""});
  EXPECT_EQ(root.kind, Principal::Kind::kRoot);
  EXPECT_EQ(root.arn, kRootArn);
  EXPECT_EQ(root.user_id, kAccount);
  const ContextKeys none;
  EXPECT_TRUE(
      decide_access(*bed.iam().snapshot(), {root, "iam:CreateUser", "*", none, kNow}).allowed());
  EXPECT_EQ(bed.iam().list_access_keys("", {})->items.size(), 1U);
  EXPECT_EQ(bed.iam().account_created(), kNow);
}

TEST(IamRoles, RememberTheUniqueIdsOfTheirPrincipals) {
  IdentityBed bed;
  const IamUser first = bed.user("ana");
  bed.role("r", trust("arn:aws:iam::123456789012:user/ana"));
  ASSERT_TRUE(bed.iam().delete_user("ana"));
  EXPECT_NE(bed.iam().get_role("r")->trust_policy.find(first.id), std::string::npos)
      << "AWS shows the id of a principal that is gone";
  bed.user("ana");
  bed.allow(user_ref("ana"), kAllowAll);
  EXPECT_NE(bed.iam().get_role("r")->trust_policy.find(first.id), std::string::npos);
  const ContextKeys none;
  const auto assumed =
      bed.sts().assume_role({bed.principal(bed.key("ana")), none, kNow},
                            {.role_arn = "arn:aws:iam::123456789012:role/r", .session_name = "s1"});
  EXPECT_EQ(fault_of(assumed), "AccessDenied") << "a new user of that name is somebody else";
}

TEST(IamRoles, RefuseBadTrustPolicies) {
  IdentityBed bed;
  const auto nobody = bed.iam().create_role(
      {.name = "r", .trust_policy = trust("arn:aws:iam::123456789012:user/nobody")}, kNow);
  EXPECT_EQ(fault_of(nobody), "MalformedPolicyDocumentException");
  EXPECT_EQ(message_of(nobody),
            "Invalid principal in policy: \"AWS\":\"arn:aws:iam::123456789012:user/nobody\"");
  EXPECT_FALSE(bed.iam().create_role({.name = "r", .trust_policy = kAllowAll}, kNow));
  EXPECT_FALSE(bed.iam().create_role({.name = "r", .trust_policy = "{"}, kNow));
  const auto big = bed.iam().create_role(
      {.name = "r",
       .trust_policy = trust(
           kRootArn, R"({"StringEquals":{"sts:ExternalId":")" + std::string(2048, 'x') + "\"}}")},
      kNow);
  EXPECT_EQ(message_of(big), "Cannot exceed quota for ACLSizePerRole: 2048");
  EXPECT_EQ(fault_of(bed.iam().create_role(
                {.name = "r", .trust_policy = trust(kRootArn), .session_seconds_max = 3599}, kNow)),
            "ValidationError");
}

TEST(InlinePolicies, ArePutReadListedAndDeleted) {
  IdentityBed bed;
  bed.user("ana");
  const EntityRef ana = user_ref("ana");
  bed.allow(ana, kAllowAll, "one");
  bed.allow(ana, statement("Deny", "s3:*", "*"), "two");
  EXPECT_EQ(*bed.iam().get_inline_policy(ana, "one"), kAllowAll);
  EXPECT_EQ(bed.iam().list_inline_policies(ana, {})->items,
            (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(message_of(bed.iam().get_inline_policy(ana, "no")),
            "The user policy with name no cannot be found.");
  EXPECT_EQ(fault_of(bed.iam().put_inline_policy(ana, "x", "{}")), "MalformedPolicyDocument");
  const auto big = bed.iam().put_inline_policy(
      ana, "x", statement("Allow", "s3:*", "arn:aws:s3:::" + std::string(2048, 'x')));
  EXPECT_EQ(message_of(big), "Maximum policy size of 2048 bytes exceeded for user ana");
  ASSERT_TRUE(bed.iam().delete_inline_policy(ana, "one"));
  EXPECT_EQ(fault_of(bed.iam().delete_inline_policy(ana, "one")), "NoSuchEntityException");
  EXPECT_EQ(fault_of(bed.iam().put_inline_policy(role_ref("ana"), "x", kAllowAll)),
            "NoSuchEntityException");
}

TEST(ManagedPolicies, CannotBeDeletedWhileAttached) {
  IdentityBed bed;
  bed.role("r", trust(kRootArn));
  const auto made = bed.iam().create_policy({.name = "p", .document = kAllowAll}, kNow);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->arn, "arn:aws:iam::123456789012:policy/p");
  ASSERT_TRUE(bed.iam().attach_policy(role_ref("r"), made->arn));
  ASSERT_TRUE(bed.iam().attach_policy(role_ref("r"), made->arn)) << "again is no error";
  EXPECT_EQ(bed.iam().get_policy(made->arn)->attachments, 1);
  EXPECT_EQ(message_of(bed.iam().delete_policy(made->arn)),
            "Cannot delete a policy attached to entities.");
  EXPECT_EQ(bed.iam().entities_for_policy(made->arn, "", PolicyUse::kAny)->roles.size(), 1U);
  EXPECT_EQ(bed.iam().entities_for_policy(made->arn, "/else/", PolicyUse::kAny)->roles.size(), 0U);
  EXPECT_EQ(bed.iam().list_attached_policies(role_ref("r"), {})->items[0].name, "p");
  EXPECT_EQ(fault_of(bed.iam().delete_role("r")), "DeleteConflictException");
  ASSERT_TRUE(bed.iam().detach_policy(role_ref("r"), made->arn));
  EXPECT_EQ(message_of(bed.iam().detach_policy(role_ref("r"), made->arn)),
            "Policy arn:aws:iam::123456789012:policy/p was not found.");
  ASSERT_TRUE(bed.iam().delete_policy(made->arn));
  EXPECT_EQ(fault_of(bed.iam().get_policy(made->arn)), "NoSuchEntityException");
}

TEST(ManagedPolicies, TenAtMostOnOneUser) {
  IdentityBed bed;
  bed.user("ana");
  for (int i = 0; i < 11; ++i) {
    const std::string name = "p" + std::to_string(i);
    ASSERT_TRUE(bed.iam().create_policy({.name = name, .document = kAllowAll}, kNow));
    const Status attached =
        bed.iam().attach_policy(user_ref("ana"), "arn:aws:iam::123456789012:policy/" + name);
    EXPECT_EQ(message_of(attached), i < 10 ? "" : "Cannot exceed quota for PoliciesPerUser: 10");
  }
}

TEST(ManagedPolicies, AwssOwnAreThere) {
  IdentityBed bed;
  for (const char* arn :
       {"arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws:iam::aws:policy/ReadOnlyAccess",
        "arn:aws:iam::aws:policy/PowerUserAccess", "arn:aws:iam::aws:policy/IAMFullAccess",
        "arn:aws:iam::aws:policy/AmazonRDSFullAccess",
        "arn:aws:iam::aws:policy/AmazonRDSReadOnlyAccess",
        "arn:aws:iam::aws:policy/AmazonRDSDataFullAccess",
        "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
        "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"}) {
    const auto policy = bed.iam().get_policy(arn);
    ASSERT_TRUE(policy) << arn;
    EXPECT_EQ(policy->arn, arn);
    EXPECT_EQ(policy->id.size(), 21U) << arn;
    const Result<NamedPolicy> checked = check_identity_policy("x", policy->document);
    EXPECT_TRUE(checked) << arn << ": " << message_of(checked);
  }
  EXPECT_EQ(fault_of(bed.iam().get_policy("arn:aws:iam::aws:policy/Nothing")),
            "NoSuchEntityException");
  EXPECT_EQ(fault_of(bed.iam().get_policy("nonsense")), "ValidationError");
  EXPECT_EQ(fault_of(bed.iam().delete_policy(kAdmin)), "AccessDenied");
  bed.user("ana");
  ASSERT_TRUE(bed.iam().attach_policy(user_ref("ana"), kAdmin));
  EXPECT_EQ(bed.iam().get_policy(kAdmin)->attachments, 1);
  EXPECT_EQ(
      bed.iam().list_policies({.scope = PolicyScope::kAll, .only_attached = true})->items.size(),
      1U);
  EXPECT_EQ(bed.iam().list_policies({.scope = PolicyScope::kLocal})->items.size(), 0U);
}

TEST(Tags, AreMergedWithoutRegardToCase) {
  IdentityBed bed;
  bed.user("ana");
  ASSERT_TRUE(bed.iam().tag(user_ref("ana"), {{"Team", "red"}, {"x", "1"}}));
  ASSERT_TRUE(bed.iam().tag(user_ref("ana"), {{"team", "blue"}}));
  EXPECT_EQ(*bed.iam().list_tags(user_ref("ana")), (Tags{{"team", "blue"}, {"x", "1"}}));
  ASSERT_TRUE(bed.iam().untag(user_ref("ana"), {"TEAM", "none"}));
  EXPECT_EQ(*bed.iam().list_tags(user_ref("ana")), (Tags{{"x", "1"}}));
  TagList many;
  for (int i = 0; i < 50; ++i) {
    many.emplace_back("k" + std::to_string(i), "");
  }
  EXPECT_EQ(fault_of(bed.iam().tag(user_ref("ana"), many)), "LimitExceededException");
}

TEST(IamService, FindsEverythingAgainAfterARestart) {
  IdentityBed bed;
  const IamUser ana = bed.user("ana", "/dev/");
  bed.allow(user_ref("ana"), statement("Allow", "rds:*", "*"));
  ASSERT_TRUE(bed.iam().tag(user_ref("ana"), {{"t", "v"}}));
  const sigv4::Credentials key = bed.key("ana");
  bed.role("r", trust("arn:aws:iam::123456789012:user/dev/ana"));
  ASSERT_TRUE(bed.iam().attach_policy(role_ref("r"), kAdmin));
  bed.reopen();
  EXPECT_EQ(bed.iam().get_user("ana")->id, ana.id);
  EXPECT_EQ(*bed.iam().list_tags(user_ref("ana")), (Tags{{"t", "v"}}));
  const Principal principal = bed.principal(key);
  const ContextKeys none;
  const auto may = [&](std::string_view action) {
    return decide_access(*bed.iam().snapshot(), {principal, action, "*", none, kNow}).allowed();
  };
  EXPECT_TRUE(may("rds:DescribeDBClusters"));
  EXPECT_FALSE(may("iam:CreateUser"));
  EXPECT_EQ(bed.iam().list_attached_policies(role_ref("r"), {})->items.size(), 1U);
}

TEST(IamService, WrongKeyFileOrDamagedRecordIsCorrupt) {
  IdentityBed bed;
  bed.user("ana");
  bed.key("ana");
  const auto other = *Sealer::create(SecretString(std::string(32, 'o')));
  const auto opened = IamService::open(
      {.store = &bed.store(), .sealer = other, .realm = {.account = AccountId(kAccount)}});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::kCorrupt);
  ASSERT_TRUE(bed.store().commit({.puts = {{"iam/users/bo", "{}"}}}));
  const auto damaged = IamService::open(
      {.store = &bed.store(), .sealer = bed.sealer(), .realm = {.account = AccountId(kAccount)}});
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, Errc::kCorrupt);
}

// Two daemons on one store, as two hosts will be: the slower one decides again on what is there
// now.
TEST(IamService, LostRaceIsDecidedAgain) {
  IdentityBed bed;
  auto second = IamService::open(
      {.store = &bed.store(), .sealer = bed.sealer(), .realm = {.account = AccountId(kAccount)}});
  ASSERT_TRUE(second);
  bed.user("ana");
  EXPECT_EQ(fault_of((*second)->create_user({.name = "ana"}, kNow)),
            "EntityAlreadyExistsException");
  ASSERT_TRUE((*second)->put_inline_policy(user_ref("ana"), "p", kAllowAll));
  ASSERT_TRUE(bed.iam().tag(user_ref("ana"), {{"a", "b"}}));
  bed.reopen();
  EXPECT_TRUE(bed.iam().get_inline_policy(user_ref("ana"), "p")) << "nobody's change was lost";
  EXPECT_EQ(bed.iam().list_tags(user_ref("ana"))->size(), 1U);
}

TEST(IamService, ConcurrentCallsKeepTheLimits) {
  IdentityBed bed;
  bed.user("ana");
  std::vector<std::thread> threads;
  std::atomic<int> made = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        made += bed.iam().create_access_key("ana", kNow) ? 1 : 0;
        EXPECT_NE(bed.iam().snapshot(), nullptr);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(made, 2);
  EXPECT_EQ(bed.iam().list_access_keys("ana", {})->items.size(), 2U);
}

TEST(Groups, AUserMadeAgainIsInNone) {
  IdentityBed bed;
  bed.user("ana");
  EXPECT_TRUE(bed.iam().create_group("ops", "/", kNow));
  EXPECT_TRUE(bed.iam().add_to_group("ops", "ana"));
  EXPECT_TRUE(bed.iam().add_to_group("OPS", "ANA"));  // once more is no error
  EXPECT_EQ(fault_of(bed.iam().delete_user("ana")), "DeleteConflictException");
  EXPECT_EQ(fault_of(bed.iam().delete_group("ops")), "DeleteConflictException");
  bed.reopen();
  EXPECT_EQ(bed.iam().get_group("ops", {})->users.items.size(), 1U);
  EXPECT_TRUE(bed.iam().remove_from_group("ops", "ana"));
  EXPECT_EQ(fault_of(bed.iam().remove_from_group("ops", "ana")), "NoSuchEntityException");
  EXPECT_TRUE(bed.iam().add_to_group("ops", "ana"));
  EXPECT_TRUE(bed.iam().remove_from_group("ops", "ana"));
  EXPECT_TRUE(bed.iam().delete_user("ana"));
  bed.user("ana");
  EXPECT_TRUE(bed.iam().get_group("ops", {})->users.items.empty());
  EXPECT_TRUE(bed.iam().delete_group("ops"));
}

TEST(Groups, TenForAUserAtMost) {
  IdentityBed bed;
  bed.user("ana");
  for (int i = 0; i < 11; ++i) {
    EXPECT_TRUE(bed.iam().create_group("g" + std::to_string(i), "/", kNow));
    EXPECT_EQ(fault_of(bed.iam().add_to_group("g" + std::to_string(i), "ana")),
              i < 10 ? "" : "LimitExceededException");
  }
}

TEST(Boundaries, AreCountedWhereTheyAreUsed) {
  IdentityBed bed;
  const auto made = bed.iam().create_policy({.name = "fence", .document = kAllowAll}, kNow);
  const auto uses = [&] { return bed.iam().get_policy(made->arn)->boundary_uses; };
  EXPECT_TRUE(bed.iam().create_user({.name = "ana", .permissions_boundary = made->arn}, kNow));
  bed.user("bo");
  EXPECT_TRUE(bed.iam().set_boundary(user_ref("bo"), made->arn));
  EXPECT_TRUE(bed.iam().set_boundary(user_ref("bo"), made->arn));
  EXPECT_EQ(uses(), 2);
  EXPECT_TRUE(bed.iam().delete_user("ana"));
  EXPECT_EQ(uses(), 1);
  EXPECT_TRUE(bed.iam().set_boundary(user_ref("bo"), ""));
  EXPECT_EQ(uses(), 0);
  EXPECT_EQ(fault_of(bed.iam().set_boundary(user_ref("bo"), "")), "NoSuchEntityException");
  EXPECT_TRUE(bed.iam().delete_policy(made->arn));
}

TEST(InstanceProfiles, HoldOneRoleThatStays) {
  IdentityBed bed;
  bed.role("app", trust(kRootArn));
  bed.role("other", trust(kRootArn));
  const auto made = bed.iam().create_instance_profile("Web", "/x/", {{"a", "b"}}, kNow);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->id.substr(0, 4), "AIPA");
  EXPECT_EQ(fault_of(bed.iam().create_instance_profile("WEB", "/", {}, kNow)),
            "EntityAlreadyExistsException");
  EXPECT_EQ(fault_of(bed.iam().add_to_instance_profile("web", "none")), "NoSuchEntityException");
  EXPECT_EQ(message_of(bed.iam().get_instance_profile("db")),
            "Instance Profile db cannot be found.");
  EXPECT_TRUE(bed.iam().add_to_instance_profile("web", "APP"));
  EXPECT_EQ(bed.iam().get_instance_profile("web")->role_name, "app");
  EXPECT_EQ(fault_of(bed.iam().add_to_instance_profile("web", "other")), "LimitExceededException");
  EXPECT_EQ(bed.iam().list_instance_profiles({}, "app")->items.size(), 1U);
  EXPECT_EQ(bed.iam().list_instance_profiles({}, "other")->items.size(), 0U);
  EXPECT_EQ(fault_of(bed.iam().list_instance_profiles({}, "none")), "NoSuchEntityException");
  EXPECT_EQ(message_of(bed.iam().delete_role("app")),
            "Cannot delete entity, must remove roles from instance profile first.");
  EXPECT_EQ(fault_of(bed.iam().delete_instance_profile("web")), "DeleteConflictException");
  EXPECT_EQ(fault_of(bed.iam().remove_from_instance_profile("web", "other")),
            "NoSuchEntityException");
  const auto later = *IamService::open(
      {.store = &bed.store(), .sealer = bed.sealer(), .realm = {.account = AccountId(kAccount)}});
  EXPECT_EQ(later->get_instance_profile("web")->role_name, "app") << "after a restart";
  EXPECT_TRUE(bed.iam().remove_from_instance_profile("web", "app"));
  EXPECT_TRUE(bed.iam().delete_instance_profile("web"));
  EXPECT_EQ(fault_of(bed.iam().get_instance_profile("web")), "NoSuchEntityException");
  EXPECT_TRUE(bed.iam().delete_role("app"));
}

TEST(ServiceLinkedRoles, OnlyTheirServiceChangesThem) {
  IdentityBed bed;
  const auto made = bed.iam().create_service_linked_role("rds.amazonaws.com", "", "for RDS", kNow);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->name, "AWSServiceRoleForRDS");
  EXPECT_EQ(made->path, "/aws-service-role/rds.amazonaws.com/");
  const EntityRef role{EntityRef::Kind::kRole, made->name};
  for (const Status& refused :
       {bed.iam().delete_role(made->name), bed.iam().attach_policy(role, kAdmin),
        bed.iam().put_inline_policy(role, "own", kAllowAll), bed.iam().set_boundary(role, kAdmin),
        bed.iam().update_trust_policy(made->name, made->trust_policy)}) {
    EXPECT_EQ(fault_of(refused), "UnmodifiableEntityException");
  }
  EXPECT_TRUE(bed.iam().tag(role, {{"team", "db"}}));
  const auto again = bed.iam().create_service_linked_role("rds.amazonaws.com", "", "", kNow);
  EXPECT_EQ(fault_of(again), "InvalidInputException");
  EXPECT_EQ(fault_of(bed.iam().create_service_linked_role("ecs.amazonaws.com", "", "", kNow)),
            "NotImplemented");
  EXPECT_EQ(fault_of(bed.iam().create_role(
                {.name = "own", .path = made->path, .trust_policy = made->trust_policy}, kNow)),
            "InvalidInputException");
  const auto task = bed.iam().delete_service_linked_role(made->name);
  ASSERT_TRUE(task) << task.error().message;
  EXPECT_TRUE(task->starts_with("task/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS/"));
  EXPECT_TRUE(bed.iam().check_deletion(*task));
  EXPECT_EQ(fault_of(bed.iam().check_deletion("task/x")), "NoSuchEntityException");
  EXPECT_EQ(fault_of(bed.iam().get_role(made->name)), "NoSuchEntityException");
  bed.role("plain", trust(kRootArn));
  EXPECT_EQ(fault_of(bed.iam().delete_service_linked_role("plain")), "NoSuchEntityException");
}

}  // namespace
}  // namespace trivet::service
