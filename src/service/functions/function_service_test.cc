// SPDX-License-Identifier: Apache-2.0
#include "service/functions/function_service.h"

#include "service/functions/functions_test_bed.h"

namespace trivet::functions {
namespace {

using service::fault_of;
using service::message_of;
using service::role_ref;

ConfigurationWish with_variables(std::initializer_list<std::pair<const char*, const char*>> all) {
  ConfigurationWish out;
  Environment& variables = out.environment.emplace();
  for (const auto& [key, value] : all) {
    variables.emplace(key, SecretString(value));
  }
  return out;
}

TEST(FunctionService, ANewFunctionIsPendingThenActive) {
  FunctionsBed bed;
  auto wish = bed.wish();
  wish.tags = {{"team", "blue"}};
  const auto made = bed.service->create(std::move(wish));
  ASSERT_TRUE(made.has_value()) << made.error().message;
  EXPECT_EQ(made->arn, "arn:aws:lambda:us-east-1:123456789012:function:report");
  EXPECT_FALSE(made->version.is_active);
  EXPECT_EQ(made->version.log_group, "/aws/lambda/report");
  EXPECT_EQ(fault_of(bed.service->update_configuration("report", {}, "")),
            "ResourceConflictException");
  bed.worker.run();
  EXPECT_TRUE(bed.service->get("report", "")->version.is_active);
  EXPECT_EQ(*bed.service->tags("report"), (Tags{{"team", "blue"}}));
  EXPECT_EQ(message_of(bed.service->create(bed.wish())), "Function already exist: report");
}

TEST(FunctionService, EverythingIsThereAfterARestartAlsoWhatWasHalfDone) {
  FunctionsBed bed;
  auto wish = bed.wish();
  wish.configuration.environment.emplace().emplace("KEY", SecretString("value"));
  wish.publish = true;
  ASSERT_TRUE(bed.service->create(std::move(wish)).has_value());
  ASSERT_TRUE(bed.service->create_alias("report", {.name = "live", .version = "1"}).has_value());
  bed.reopen();  // before the worker made it active
  bed.worker.run();
  const auto view = bed.service->get("report", "live");
  ASSERT_TRUE(view.has_value()) << view.error().message;
  EXPECT_EQ(view->version.version, "1");
  EXPECT_EQ(view->environment.at("KEY").reveal(), "value");
  EXPECT_TRUE(bed.service->get("report", "")->version.is_active);
  // The variables are not in the store in clear.
  for (const auto& value : *bed.identities.store().list("function")) {
    EXPECT_EQ(value.value.find("value\""), std::string::npos) << value.key;
  }
}

TEST(FunctionService, VariablesAreLimitedAndSomeNamesAreReserved) {
  FunctionsBed bed;
  bed.make();
  const auto change = [&](ConfigurationWish wish) {
    auto changed = bed.service->update_configuration("report", std::move(wish), "");
    bed.worker.run();
    return changed;
  };
  const auto reserved = change(with_variables({{"AWS_REGION", "x"}, {"_HANDLER", "y"}}));
  EXPECT_TRUE(
      message_of(reserved).ends_with("Reserved keys used in this request: AWS_REGION, _HANDLER"))
      << message_of(reserved);
  const std::string large(4'200, 'x');
  EXPECT_EQ(fault_of(change(with_variables({{"A1", large.c_str()}}))),
            "InvalidParameterValueException");
  EXPECT_TRUE(change(with_variables({{"A1", "1"}, {"B1", "2"}})).has_value());
  EXPECT_TRUE(change({}).has_value());
  EXPECT_EQ(bed.service->get("report", "")->environment.size(), 2U);
  EXPECT_TRUE(change(with_variables({})).has_value());
  EXPECT_EQ(bed.service->get("report", "")->environment.size(), 0U);
}

TEST(FunctionService, TheRoleMustTrustLambda) {
  FunctionsBed bed;
  bed.identities.role("other", service::trust("arn:aws:iam::123456789012:root"));
  bed.identities.role(
      "narrow",
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",)"
      R"("Principal":{"Service":"lambda.amazonaws.com"},"Condition":{"ArnLike":)"
      R"({"aws:SourceArn":"arn:aws:lambda:us-east-1:123456789012:function:only-*"}}}]})");
  const auto with_role = [&](const std::string& function, const std::string& role) {
    auto wish = bed.wish(function);
    wish.configuration.role_arn = "arn:aws:iam::123456789012:role/" + role;
    return message_of(bed.service->create(std::move(wish)));
  };
  const std::string refused = "The role defined for the function cannot be assumed by Lambda.";
  EXPECT_EQ(with_role("f", "other"), refused);
  EXPECT_EQ(with_role("f", "missing"), refused);
  EXPECT_EQ(with_role("f", "narrow"), refused);
  EXPECT_EQ(with_role("only-f", "narrow"), "");
}

TEST(FunctionService, AVpcNeedsPermissionsSubnetsAndGroups) {
  FunctionsBed bed;
  const auto place = [&](std::vector<std::string> subnets, std::vector<std::string> groups) {
    auto wish = bed.wish();
    wish.configuration.vpc = VpcWish{std::move(subnets), std::move(groups)};
    return bed.service->create(std::move(wish));
  };
  EXPECT_EQ(message_of(place({"subnet-0"}, {bed.group()})),
            "Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound. EC2 "
            "Error Message: The subnet ID 'subnet-0' does not exist");
  EXPECT_EQ(message_of(place({bed.subnet()}, {"sg-0"})),
            "Error occurred while DescribeSecurityGroups. EC2 Error Code: InvalidGroup.NotFound. "
            "EC2 Error Message: The security group 'sg-0' does not exist");
  EXPECT_FALSE(place({bed.subnet()}, {}).has_value());
  bed.why_no_network = "networks are not enforced here";
  EXPECT_EQ(message_of(place({bed.subnet()}, {bed.group()})), bed.why_no_network);
  bed.why_no_network.clear();
  ASSERT_TRUE(bed.identities.iam().delete_inline_policy(role_ref("run"), "inline").has_value());
  EXPECT_EQ(message_of(place({bed.subnet()}, {bed.group()})),
            "The provided execution role does not have permissions to call CreateNetworkInterface "
            "on EC2");
  ASSERT_TRUE(bed.identities.iam()
                  .attach_policy(role_ref("run"),
                                 "arn:aws:iam::aws:policy/service-role/"
                                 "AWSLambdaVPCAccessExecutionRole")
                  .has_value());
  const auto made = place({bed.subnet()}, {bed.group()});
  ASSERT_TRUE(made.has_value()) << made.error().message;
  EXPECT_TRUE(made->version.vpc->vpc_id.starts_with("vpc-"));
}

TEST(FunctionService, WhatAFunctionUsesCannotBeDeleted) {
  FunctionsBed bed;
  const auto group = bed.ec2.create_security_group({.name = "fn", .description = "d"});
  ASSERT_TRUE(group.has_value());
  auto wish = bed.wish();
  wish.configuration.vpc = VpcWish{{bed.subnet()}, {group->id}};
  ASSERT_TRUE(bed.service->create(std::move(wish)).has_value());
  bed.worker.run();
  EXPECT_EQ(fault_of(bed.ec2.delete_subnet(bed.subnet())), "DependencyViolation");
  EXPECT_EQ(fault_of(bed.ec2.delete_security_group({.id = group->id})), "DependencyViolation");
  ConfigurationWish nowhere;
  nowhere.vpc = VpcWish{};
  ASSERT_TRUE(bed.service->update_configuration("report", std::move(nowhere), "").has_value());
  EXPECT_EQ(fault_of(bed.ec2.delete_security_group({.id = group->id})), "");
  EXPECT_EQ(fault_of(bed.ec2.delete_subnet(bed.subnet())), "");
}

TEST(FunctionService, RuntimesAndHandlersAreChecked) {
  FunctionsBed bed;
  auto wish = bed.wish();
  wish.configuration.runtime = "python2.7";
  EXPECT_EQ(message_of(bed.service->create(std::move(wish))),
            "Value python2.7 at 'runtime' failed to satisfy constraint: Member must satisfy enum "
            "value set: [nodejs20.x, provided.al2023, python3.11, python3.13] or be a valid ARN");
  bed.runtime.missing = {"python3.13"};
  EXPECT_EQ(message_of(bed.service->create(bed.wish())), "trivet runtime install python3.13");
  bed.runtime.missing.clear();
  wish = bed.wish();
  wish.configuration.handler.reset();
  EXPECT_EQ(fault_of(bed.service->create(std::move(wish))), "InvalidParameterValueException");
  wish = bed.wish();
  wish.configuration.timeout_s = 901;
  EXPECT_EQ(fault_of(bed.service->create(std::move(wish))), "ValidationException");
  wish = bed.wish();
  wish.archive = "bad";
  EXPECT_EQ(message_of(bed.service->create(std::move(wish))), "Could not unzip uploaded file.");
  wish = bed.wish();
  wish.archive = std::string(52'428'801, 'x');
  EXPECT_EQ(fault_of(bed.service->create(std::move(wish))), "RequestEntityTooLarge");
}

TEST(FunctionService, VersionsAreMadeOnlyWhenSomethingChanged) {
  FunctionsBed bed;
  bed.make();
  EXPECT_EQ(bed.service->publish({.name = "report"})->version.version, "1");
  EXPECT_EQ(bed.service->publish({.name = "report"})->version.version, "1");
  ASSERT_TRUE(bed.service->update_code({.name = "report", .archive = "second"}).has_value());
  EXPECT_FALSE(bed.service->get("report", "")->version.is_updated);
  bed.worker.run();
  EXPECT_EQ(bed.service->publish({.name = "report", .description = "two"})->version.version, "2");
  EXPECT_EQ(bed.service->get("report", "1")->version.code.id, to_hex(sha256("zip of report")));
  EXPECT_EQ(bed.service->get("report", "2")->version.description, "two");
  EXPECT_EQ(bed.service->versions("report")->size(), 3U);
  EXPECT_EQ(fault_of(bed.service->publish({.name = "report", .revision_id = "old"})),
            "PreconditionFailedException");
  EXPECT_EQ(fault_of(bed.service->publish({.name = "report", .code_sha256 = "AAAA"})),
            "InvalidParameterValueException");
  EXPECT_EQ(message_of(bed.service->get("report", "9")),
            "Function not found: arn:aws:lambda:us-east-1:123456789012:function:report:9");
  // A number is never given twice.
  ASSERT_TRUE(bed.service->remove("report", "2").has_value());
  ASSERT_TRUE(bed.service->update_code({.name = "report", .archive = "third"}).has_value());
  bed.worker.run();
  EXPECT_EQ(bed.service->publish({.name = "report"})->version.version, "3");
}

TEST(FunctionService, AliasesPointToVersions) {
  FunctionsBed bed;
  bed.make();
  ASSERT_TRUE(bed.service->publish({.name = "report"}).has_value());
  EXPECT_EQ(fault_of(bed.service->create_alias("report", {.name = "live", .version = "7"})),
            "ResourceNotFoundException");
  ASSERT_TRUE(bed.service->create_alias("report", {.name = "live", .version = "1"}).has_value());
  EXPECT_EQ(fault_of(bed.service->create_alias("report", {.name = "live", .version = "1"})),
            "ResourceConflictException");
  EXPECT_EQ(fault_of(bed.service->remove("report", "1")), "ResourceConflictException");
  EXPECT_EQ(fault_of(bed.service->update_alias(
                "report", {.name = "live", .other = std::pair<std::string, double>("1", 0.5)})),
            "InvalidParameterValueException");
  EXPECT_EQ(fault_of(bed.service->update_alias("report", {.name = "live", .revision_id = "x"})),
            "PreconditionFailedException");
  EXPECT_EQ(bed.service->get("report", "live")->arn,
            "arn:aws:lambda:us-east-1:123456789012:function:report:live");
  EXPECT_TRUE(bed.service->remove_alias("report", "live").has_value());
  EXPECT_TRUE(bed.service->remove_alias("report", "live").has_value());
  EXPECT_EQ(fault_of(bed.service->get_alias("report", "live")), "ResourceNotFoundException");
}

TEST(FunctionService, LayersAreVersionedAndStayInTheFunctionsThatHaveThem) {
  FunctionsBed bed;
  const auto first = bed.service->publish_layer({.name = "mysql", .archive = "100"});
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->number, 1);
  EXPECT_EQ(bed.service->publish_layer({.name = "mysql", .archive = "200"})->number, 2);
  const std::string arn = "arn:aws:lambda:us-east-1:123456789012:layer:mysql:";
  const auto with_layers = [&](std::vector<std::string> layers) {
    auto wish = bed.wish();
    wish.configuration.layers = std::move(layers);
    return bed.service->create(std::move(wish));
  };
  EXPECT_EQ(message_of(with_layers({arn + "7"})), "Layer version " + arn + "7 does not exist.");
  EXPECT_EQ(message_of(with_layers({arn + "1", arn + "2"})),
            "Two different versions of the same layer are not allowed to be referenced in the same "
            "function. " +
                arn + "1 and " + arn + "2 are versions of the same layer.");
  EXPECT_EQ(message_of(with_layers(std::vector<std::string>(6, arn + "1"))),
            "Cannot reference more than 5 layers.");
  ASSERT_TRUE(with_layers({arn + "1"}).has_value());
  bed.worker.run();
  ASSERT_TRUE(bed.service->remove_layer("mysql", 1).has_value());
  ASSERT_TRUE(bed.service->remove_layer("mysql", 2).has_value());
  EXPECT_EQ(fault_of(bed.service->get_layer("mysql", 1)), "ResourceNotFoundException");
  bed.pass(Millis(17 * 60'000));
  EXPECT_TRUE(bed.code.kept.contains(to_hex(sha256("100"))));
  EXPECT_FALSE(bed.code.kept.contains(to_hex(sha256("200"))));
  const auto view = bed.service->get("report", "");
  EXPECT_EQ(bed.service->image_of("report", view->version)->layer_folders.size(), 1U);
  EXPECT_TRUE(bed.service->update_configuration("report", {}, "").has_value());
  // The number goes on, also over a restart.
  bed.reopen();
  EXPECT_EQ(bed.service->publish_layer({.name = "mysql", .archive = "1"})->number, 3);
}

TEST(FunctionService, CodeAndLayersTogetherAreLimited) {
  FunctionsBed bed;
  ASSERT_TRUE(bed.service->publish_layer({.name = "big", .archive = "200000000"}).has_value());
  auto wish = bed.wish();
  wish.archive = "100000000";
  wish.configuration.layers =
      std::vector<std::string>{"arn:aws:lambda:us-east-1:123456789012:layer:big:1"};
  EXPECT_EQ(message_of(bed.service->create(std::move(wish))),
            "Function code combined with layers exceeds the maximum allowed size of 262144000 "
            "bytes. The actual size is 300000000 bytes.");
}

TEST(FunctionService, CodeThatNobodyUsesGoesAfterAWhile) {
  FunctionsBed bed;
  bed.make("a");
  bed.make("b");
  ASSERT_TRUE(bed.service->remove("a", "").has_value());
  EXPECT_EQ(bed.runtime.retired.back(),
            (std::pair<std::string, std::string>("arn:aws:lambda:us-east-1:123456789012:function:a",
                                                 "")));
  EXPECT_EQ(bed.code.kept.size(), 2U);
  bed.pass(Millis(17 * 60'000));
  EXPECT_EQ(bed.code.kept.size(), 1U);
  EXPECT_EQ(fault_of(bed.service->remove("a", "")), "ResourceNotFoundException");
  EXPECT_EQ(fault_of(bed.service->remove("b", "$LATEST")), "InvalidParameterValueException");
}

TEST(FunctionService, AResourcePolicyMayAllowWhatIdentityPoliciesDoNot) {
  FunctionsBed bed;
  bed.make();
  bed.identities.user("ana");
  const sigv4::Credentials key = bed.identities.key("ana");
  const Principal ana = bed.identities.principal(key);
  const auto may_invoke = [&](const std::string& qualifier) {
    const auto policies = bed.service->resource_policies("report", qualifier);
    const std::string arn = "arn:aws:lambda:us-east-1:123456789012:function:report" +
                            (qualifier.empty() ? "" : ":" + qualifier);
    const service::ContextKeys none;
    return decide_access(*bed.identities.iam().snapshot(), {.principal = ana,
                                                            .action = "lambda:InvokeFunction",
                                                            .resource = arn,
                                                            .context = none,
                                                            .now = kNow,
                                                            .resource_policies = &policies})
        .allowed();
  };
  EXPECT_FALSE(may_invoke(""));
  PermissionWish wish{.statement_id = "ana",
                      .action = "lambda:InvokeFunction",
                      .principal = "arn:aws:iam::123456789012:user/ana"};
  const auto added = bed.service->add_permission("report", "", wish);
  ASSERT_TRUE(added.has_value()) << added.error().message;
  EXPECT_EQ(*added,
            R"({"Sid":"ana","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/)"
            R"(ana"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:)"
            R"(123456789012:function:report"})");
  EXPECT_TRUE(may_invoke(""));
  EXPECT_EQ(fault_of(bed.service->add_permission("report", "", wish)), "ResourceConflictException");
  wish.principal = "arn:aws:iam::123456789012:user/nobody";
  wish.statement_id = "n";
  EXPECT_EQ(message_of(bed.service->add_permission("report", "", wish)),
            "The provided principal was invalid. Please check the principal and try again.");
  EXPECT_EQ(fault_of(bed.service->add_permission("report", "$LATEST", wish)),
            "InvalidParameterValueException");
  ASSERT_TRUE(bed.service->remove_permission("report", "", "ana", "").has_value());
  EXPECT_FALSE(may_invoke(""));
  EXPECT_EQ(fault_of(bed.service->policy("report", "")), "ResourceNotFoundException");
}

TEST(FunctionService, ReservedConcurrencyLeavesAHundred) {
  FunctionsBed bed;
  bed.make();
  EXPECT_EQ(fault_of(bed.service->set_reserved_concurrency("report", 901)),
            "InvalidParameterValueException");
  EXPECT_TRUE(bed.service->set_reserved_concurrency("report", 900).has_value());
  EXPECT_EQ(bed.service->unreserved_concurrency(), 100);
}

TEST(FunctionService, TheVariablesAreUnderANewKeyAfterItsReplacement) {
  FunctionsBed bed;
  auto wish = bed.wish();
  wish.configuration.environment.emplace().emplace("KEY", SecretString("value"));
  wish.publish = true;
  ASSERT_TRUE(bed.service->create(std::move(wish)).has_value());
  const auto sealer = *Sealer::create(SecretString(std::string(32, 'k')));
  ASSERT_TRUE(sealer->begin_rotation(SecretString(std::string(32, 'n'))).has_value());
  ASSERT_TRUE(bed.book->reseal(*sealer).has_value());
  const auto& entry = *bed.service->state()->functions.at("report");
  EXPECT_TRUE(sealer->is_current(entry.function.latest.sealed_environment));
  EXPECT_TRUE(sealer->is_current(entry.versions.at(1).sealed_environment));
}

}  // namespace
}  // namespace trivet::functions
