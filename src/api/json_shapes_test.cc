// SPDX-License-Identifier: Apache-2.0
//
// The bodies are what botocore sends.
#include <gtest/gtest.h>

#include "api/shapes/lambda.h"
#include "api/shapes/logs.h"

namespace trivet::api {
namespace {

const net::Headers kNoHeaders;

JsonRequest with_body(std::string_view body) {
  JsonRequest out;
  out.headers = &kNoHeaders;
  out.body = body;
  return out;
}

std::string fault_of(std::string_view body) {
  const auto request = lambda::parse_CreateFunctionRequest(with_body(body));
  return request ? "none" : std::string(request.error().fault) + ": " + request.error().message;
}

TEST(JsonShapes, CreateFunction) {
  const auto request = lambda::parse_CreateFunctionRequest(with_body(R"({
      "FunctionName": "report", "Runtime": "python3.13", "Handler": "app.handler",
      "Role": "arn:aws:iam::123456789012:role/run", "Code": {"ZipFile": "UEsDBA=="},
      "Timeout": 10, "MemorySize": 256, "Publish": true, "Layers": [],
      "Environment": {"Variables": {"AA": "ä", "B_1": ""}}, "Tags": {"team": "blue"},
      "VpcConfig": {"SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]},
      "EphemeralStorage": {"Size": 1024}, "Description": null})"));
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->FunctionName, "report");
  EXPECT_EQ(request->Code.ZipFile, "PK\x03\x04");
  EXPECT_EQ(request->Timeout, 10);
  EXPECT_EQ(request->Publish, true);
  EXPECT_EQ(request->Environment->Variables.at("AA").reveal(), "ä");
  EXPECT_EQ(request->Tags, (std::map<std::string, std::string>{{"team", "blue"}}));
  EXPECT_EQ(request->VpcConfig->SubnetIds, (std::vector<std::string>{"subnet-1", "subnet-2"}));
  EXPECT_EQ(request->EphemeralStorage->Size, 1024);
  EXPECT_FALSE(request->Description.has_value());
  EXPECT_FALSE(request->SnapStart.has_value());
}

constexpr std::string_view kRest = R"("Role": "arn:aws:iam::123456789012:role/run", "Code": {}, )";

TEST(JsonShapes, AllThatIsWrongIsCounted) {
  const std::string text = fault_of(R"({"FunctionName": "a b", "Role": "nobody", "Timeout": 0})");
  EXPECT_TRUE(
      text.starts_with("ValidationException: 4 validation errors detected: Value 'a b' at "
                       "'functionName' failed to satisfy constraint: Member must satisfy "
                       "regular expression pattern: (arn:"))
      << text;
  EXPECT_NE(text.find("Value null at 'code' failed to satisfy constraint: Member must not be null"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("Value '0' at 'timeout' failed to satisfy constraint: Member must have "
                      "value greater than or equal to 1"),
            std::string::npos)
      << text;
}

TEST(JsonShapes, ItemsAndKeysHaveTheirConstraintsInOneSentence) {
  const std::string item =
      fault_of("{" + std::string(kRest) + R"("FunctionName": "f", "Layers": ["arn:nowhere"]})");
  EXPECT_NE(item.find("Value '[arn:nowhere]' at 'layers' failed to satisfy constraint: Member must "
                      "satisfy constraint: [Member must have length less than or equal to 140, "
                      "Member must have length greater than or equal to 1, Member must satisfy "
                      "regular expression pattern: "),
            std::string::npos)
      << item;
  const std::string key =
      fault_of("{" + std::string(kRest) +
               R"("FunctionName": "f", "Environment": {"Variables": {"1": "hidden"}}})");
  EXPECT_NE(key.find("at 'environment.variables' failed to satisfy constraint: Map keys must "
                     "satisfy constraint: [Member must satisfy regular expression pattern: "
                     "[a-zA-Z]([a-zA-Z0-9_])+, Member must not be null]"),
            std::string::npos)
      << key;
  EXPECT_EQ(key.find("hidden"), std::string::npos);
}

TEST(JsonShapes, WhatHasTheWrongTypeIsNoRequest) {
  EXPECT_EQ(fault_of("{\"FunctionName\": 1}"),
            "SerializationException: NUMBER_VALUE can not be converted to a String");
  EXPECT_EQ(fault_of("[]").substr(0, 22), "SerializationException");
  EXPECT_EQ(fault_of("{").substr(0, 22), "SerializationException");
  EXPECT_EQ(fault_of("{\"FunctionName\": \"\xff\"}").substr(0, 22), "SerializationException");
  EXPECT_EQ(fault_of("{\"Timeout\": 3.5}").substr(0, 22), "SerializationException");
  EXPECT_EQ(fault_of("{\"Timeout\": 99999999999}").substr(0, 22), "SerializationException");
  EXPECT_EQ(fault_of("{\"Code\": {\"ZipFile\": \"%%\"}}").substr(0, 22), "SerializationException");
  const std::string deep(100'000, '[');
  EXPECT_EQ(fault_of("{\"a\": " + deep).substr(0, 22), "SerializationException");
}

TEST(JsonShapes, MembersBesideTheBody) {
  JsonRequest call = with_body("not JSON");
  call.labels["FunctionName"] = "f:live";
  call.query = {{"Qualifier", "7"}};
  const net::Headers headers = {{"x-amz-log-type", "Tail"}, {"X-Amz-Invocation-Type", "Event"}};
  call.headers = &headers;
  const auto invoke = lambda::parse_InvokeRequest(call);
  ASSERT_TRUE(invoke) << invoke.error().message;
  EXPECT_EQ(invoke->FunctionName, "f:live");
  EXPECT_EQ(invoke->Qualifier, "7");
  EXPECT_EQ(invoke->LogType, "Tail");
  EXPECT_EQ(invoke->InvocationType, "Event");
  EXPECT_EQ(invoke->Payload, "not JSON");

  JsonRequest untag = with_body("");
  untag.labels["Resource"] = "arn:aws:lambda:us-east-1:123456789012:function:f";
  untag.query = {{"tagKeys", "a"}, {"tagKeys", "b c"}};
  const auto keys = lambda::parse_UntagResourceRequest(untag);
  ASSERT_TRUE(keys) << keys.error().message;
  EXPECT_EQ(keys->TagKeys, (std::vector<std::string>{"a", "b c"}));

  JsonRequest list = with_body("");
  list.query = {{"MaxItems", "50"}};
  EXPECT_EQ(lambda::parse_ListFunctionsRequest(list)->MaxItems, 50);
  list.query = {{"MaxItems", "x"}};
  EXPECT_FALSE(lambda::parse_ListFunctionsRequest(list).has_value());
}

TEST(JsonShapes, ItemsOfAListAreNamedByTheirPlace) {
  const auto put = logs::parse_PutLogEventsRequest(with_body(
      R"({"logGroupName": "g", "logStreamName": "s", "logEvents": [
          {"timestamp": 1, "message": "x"}, {"timestamp": 2}]})"));
  ASSERT_FALSE(put.has_value());
  EXPECT_EQ(put.error().message,
            "1 validation error detected: Value null at 'logEvents.2.member.message' failed to "
            "satisfy constraint: Member must not be null");
}

TEST(JsonShapes, AnswersLeaveOutWhatIsNotSet) {
  lambda::CreateFunctionResponse response;
  response.FunctionName = "f\"";
  response.Timeout = 3;
  response.VpcConfig.emplace().VpcId = "vpc-1";
  JsonAnswer answer = lambda::answer(response);
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.body, R"({"FunctionName":"f\"","Timeout":3,"VpcConfig":{"VpcId":"vpc-1"}})");
  answer = lambda::answer(lambda::ListFunctionsResponse());
  EXPECT_EQ(answer.body, R"({"Functions":[]})");
  lambda::PutFunctionEventInvokeConfigResponse event;
  event.LastModified = wall_time_from_ms(1767323045678);
  EXPECT_EQ(lambda::answer(event).body, R"({"LastModified":1767323045.678})");
  EXPECT_EQ(lambda::answer(lambda::TagResourceResponse()).status, 204);
}

}  // namespace
}  // namespace trivet::api
