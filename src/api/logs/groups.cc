// SPDX-License-Identifier: Apache-2.0
//
// Log groups: made, described, deleted, tagged, with a retention.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "api/logs/common.h"

namespace trivet::api {

void add_logs_actions(ActionTable& table, trivet::logs::LogService& service) {
  logs::add_group_actions(table, service);
  logs::add_event_actions(table, service);
}

}  // namespace trivet::api

namespace trivet::api::logs {
namespace {

constexpr std::size_t kPageDefault = 50;

Error not_implemented(std::string what) {
  return aws_fault(Errc::kInvalidArgument, "NotImplemented", std::move(what));
}

LogGroup group_shape(const LogService& service, const trivet::LogGroup& group) {
  const std::string arn = service.group_arn(group.name);
  return {.logGroupName = group.name,
          .creationTime = to_ms(group.created),
          .retentionInDays = group.retention_days,
          .metricFilterCount = 0,
          .arn = arn + ":*",
          .storedBytes = group.stored_bytes,
          .logGroupClass = "STANDARD",
          .logGroupArn = arn};
}

Result<CreateLogGroupResponse> create(LogService& service, WallTime now,
                                      const CreateLogGroupRequest& request) {
  if (request.kmsKeyId) {
    return not_implemented("kmsKeyId is not implemented: there are no KMS keys here.");
  }
  if (request.logGroupClass.value_or("STANDARD") != "STANDARD") {
    return not_implemented("Only log groups of the class STANDARD are implemented.");
  }
  if (request.deletionProtectionEnabled.value_or(false)) {
    return not_implemented("deletionProtectionEnabled is not implemented.");
  }
  TRIVET_CHECK_OK(service.create_group(request.logGroupName, request.tags, now));
  return CreateLogGroupResponse{};
}

Result<DescribeLogGroupsResponse> describe(const LogService& service,
                                           const DescribeLogGroupsRequest& request) {
  if (request.logGroupNamePrefix && request.logGroupNamePattern) {
    return aws_fault(Errc::kInvalidArgument, "InvalidParameterException",
                     "LogGroup name prefix and LogGroup name pattern are mutually exclusive "
                     "parameters.");
  }
  std::vector<trivet::LogGroup> groups = service.groups();
  std::vector<std::string> wanted;
  for (const std::string& identifier : request.logGroupIdentifiers) {
    TRIVET_TRY(std::string name, service.group_name(identifier));
    wanted.push_back(std::move(name));
  }
  std::erase_if(groups, [&](const trivet::LogGroup& group) {
    const bool is_named =
        wanted.empty() || std::find(wanted.begin(), wanted.end(), group.name) != wanted.end();
    return !is_named || !group.name.starts_with(request.logGroupNamePrefix.value_or("")) ||
           group.name.find(request.logGroupNamePattern.value_or("")) == std::string::npos;
  });
  DescribeLogGroupsResponse response;
  const auto limit = static_cast<std::size_t>(request.limit.value_or(kPageDefault));
  for (const trivet::LogGroup& group :
       page_of(std::move(groups), request.nextToken, limit, response.nextToken,
               [](const trivet::LogGroup& item) { return item.name; })) {
    response.logGroups.push_back(group_shape(service, group));
  }
  return response;
}

template <typename Request>
void add_for_group(ActionTable& table, LogService& service, std::string action,
                   std::function<Status(const Call&, const Request&)> run) {
  table.add(make_action<Request>(
      [&service, action = std::move(action)](const Call&, const Request& request) {
        return std::vector<Permission>{group_permission(service, action, request.logGroupName)};
      },
      [run = std::move(run)](const Call& call, const Request& request)
          -> Result<typename Operation<Request>::Response> {
        TRIVET_CHECK_OK(run(call, request));
        return typename Operation<Request>::Response{};
      }));
}

void add_tag_actions(ActionTable& table, LogService& service) {
  const auto permission = [&service](std::string_view action, const std::string& arn) {
    return std::vector<Permission>{group_permission(service, action, arn)};
  };
  table.add(make_action<TagResourceRequest>(
      [permission](const Call&, const TagResourceRequest& request) {
        auto out = permission("logs:TagResource", request.resourceArn);
        for (const auto& [key, value] : request.tags) {
          out[0].context["aws:RequestTag/" + key] = {value};
          out[0].context["aws:TagKeys"].push_back(key);
        }
        return out;
      },
      [&service](const Call&, const TagResourceRequest& request) -> Result<TagResourceResponse> {
        TRIVET_TRY(const std::string name, service.group_name(request.resourceArn));
        TRIVET_CHECK_OK(service.tag(name, request.tags));
        return TagResourceResponse{};
      }));
  table.add(make_action<UntagResourceRequest>(
      [permission](const Call&, const UntagResourceRequest& request) {
        return permission("logs:UntagResource", request.resourceArn);
      },
      [&service](const Call&,
                 const UntagResourceRequest& request) -> Result<UntagResourceResponse> {
        TRIVET_TRY(const std::string name, service.group_name(request.resourceArn));
        TRIVET_CHECK_OK(service.untag(name, request.tagKeys));
        return UntagResourceResponse{};
      }));
  table.add(make_action<ListTagsForResourceRequest>(
      [permission](const Call&, const ListTagsForResourceRequest& request) {
        return permission("logs:ListTagsForResource", request.resourceArn);
      },
      [&service](const Call&,
                 const ListTagsForResourceRequest& request) -> Result<ListTagsForResourceResponse> {
        TRIVET_TRY(const std::string name, service.group_name(request.resourceArn));
        TRIVET_TRY(const trivet::LogGroup group, service.group(name));
        return ListTagsForResourceResponse{.tags = group.tags};
      }));
}

}  // namespace

Permission group_permission(const LogService& service, std::string_view action,
                            const std::string& name_or_arn) {
  const auto name = service.group_name(name_or_arn);
  Permission out{.action = std::string(action),
                 .resource = name ? service.group_arn(*name) + ":*" : name_or_arn};
  const auto group = name ? service.group(*name) : Result<trivet::LogGroup>(name.error());
  if (group) {
    for (const auto& [key, value] : group->tags) {
      out.context["aws:ResourceTag/" + key] = {value};
    }
  }
  return out;
}

Permission stream_permission(const LogService& service, std::string_view action,
                             const std::string& group, const std::string& stream) {
  Permission out = group_permission(service, action, group);
  if (out.resource.ends_with(":*")) {
    out.resource.resize(out.resource.size() - 1);
    out.resource += "log-stream:" + stream;
  }
  return out;
}

Result<std::string> group_of(const LogService& service, const std::optional<std::string>& name,
                             const std::optional<std::string>& identifier) {
  if (name.has_value() == identifier.has_value()) {
    return aws_fault(Errc::kInvalidArgument, "InvalidParameterException",
                     "Exactly one of logGroupName and logGroupIdentifier must be specified.");
  }
  return name ? Result<std::string>(*name) : service.group_name(*identifier);
}

std::optional<WallTime> time_of(const std::optional<std::int64_t>& ms) {
  // Clients say "until the end of time" with numbers that no clock has.
  constexpr std::int64_t kMax = 253'402'300'800'000;
  return ms ? std::optional(wall_time_from_ms(std::clamp<std::int64_t>(*ms, 0, kMax)))
            : std::nullopt;
}

void add_group_actions(ActionTable& table, LogService& service) {
  table.add(make_action<CreateLogGroupRequest>(
      [&service](const Call&, const CreateLogGroupRequest& request) {
        Permission wanted = group_permission(service, "logs:CreateLogGroup", request.logGroupName);
        for (const auto& [key, value] : request.tags) {
          wanted.context["aws:RequestTag/" + key] = {value};
          wanted.context["aws:TagKeys"].push_back(key);
        }
        return std::vector<Permission>{std::move(wanted)};
      },
      [&service](const Call& call, const CreateLogGroupRequest& request) {
        return create(service, call.now, request);
      }));
  table.add(make_action<DescribeLogGroupsRequest>(
      [&service](const Call&, const DescribeLogGroupsRequest&) {
        return std::vector<Permission>{
            {.action = "logs:DescribeLogGroups", .resource = service.group_arn("*")}};
      },
      [&service](const Call&, const DescribeLogGroupsRequest& request) {
        return describe(service, request);
      }));
  add_for_group<DeleteLogGroupRequest>(
      table, service, "logs:DeleteLogGroup",
      [&service](const Call&, const DeleteLogGroupRequest& request) {
        return service.delete_group(request.logGroupName);
      });
  add_for_group<PutRetentionPolicyRequest>(
      table, service, "logs:PutRetentionPolicy",
      [&service](const Call&, const PutRetentionPolicyRequest& request) {
        return service.set_retention(request.logGroupName, request.retentionInDays);
      });
  add_for_group<DeleteRetentionPolicyRequest>(
      table, service, "logs:DeleteRetentionPolicy",
      [&service](const Call&, const DeleteRetentionPolicyRequest& request) {
        return service.set_retention(request.logGroupName, std::nullopt);
      });
  add_tag_actions(table, service);
}

}  // namespace trivet::api::logs
