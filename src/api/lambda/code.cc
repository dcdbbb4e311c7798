// SPDX-License-Identifier: Apache-2.0
//
// CreateFunction, UpdateFunctionCode and PublishLayerVersion: what comes with an archive is done on
// a worker of its own and answered from there.
#include <memory>
#include <utility>

#include "api/lambda/common.h"
#include "api/lambda/layer_shapes.h"
#include "api/lambda/wishes.h"

namespace trivet::api::lambda {
namespace {

// Runs `work` on the worker for archives and replies with what it returns.
template <typename Request, typename Work>
void on_code_worker(const LambdaServices& services, Reply<Request> reply, Work work) {
  auto kept = std::make_shared<Work>(std::move(work));
  if (!services.code_worker.post([kept, reply] { reply((*kept)()); })) {
    reply(make_error(Errc::kUnavailable, "too many archives are waiting to be unpacked"));
  }
}

Result<functions::CreateFunction> create_wish(const Realm& realm, CreateFunctionRequest& request) {
  TRIVET_TRY(Target target, target_of(realm, request.FunctionName));
  if (!target.qualifier.empty()) {
    return functions::bad_value("The name of a new function must have no qualifier.");
  }
  functions::CreateFunction wish;
  wish.name = std::move(target.name);
  TRIVET_TRY(wish.configuration, configuration_wish(request));
  TRIVET_TRY(wish.archive,
             archive_of(request.Code.ZipFile, request.Code.S3Bucket, request.Code.ImageUri));
  wish.tags = request.Tags;
  wish.publish = request.Publish.value_or(false);
  return wish;
}

std::vector<Permission> may_create(const LambdaServices& services, const Call& call,
                                   const CreateFunctionRequest& request) {
  Permission wanted =
      function_permission(services, call.realm, "lambda:CreateFunction", request.FunctionName);
  add_request_tags(request.Tags, wanted);
  if (!request.Layers.empty()) {
    wanted.context["lambda:Layer"] = request.Layers;
  }
  if (request.VpcConfig) {
    wanted.context["lambda:SubnetIds"] = request.VpcConfig->SubnetIds;
    wanted.context["lambda:SecurityGroupIds"] = request.VpcConfig->SecurityGroupIds;
  }
  return {std::move(wanted), pass_role(request.Role)};
}

void create(const LambdaServices& services, const Call& call, CreateFunctionRequest request,
            Reply<CreateFunctionRequest> reply) {
  auto wish = create_wish(call.realm, request);
  if (!wish) {
    reply(wish.error());
    return;
  }
  on_code_worker<CreateFunctionRequest>(
      services, std::move(reply),
      [services, realm = call.realm,
       wish = std::move(*wish)]() mutable -> Result<CreateFunctionResponse> {
        TRIVET_TRY(functions::FunctionView view, services.functions.create(std::move(wish)));
        return CreateFunctionResponse{configuration_shape(realm, std::move(view), false)};
      });
}

Result<functions::UpdateCode> update_wish(const Realm& realm, UpdateFunctionCodeRequest& request) {
  TRIVET_TRY(Target target, whole_function(realm, request.FunctionName));
  functions::UpdateCode wish;
  wish.name = std::move(target.name);
  TRIVET_TRY(wish.archive, archive_of(request.ZipFile, request.S3Bucket, request.ImageUri));
  wish.architecture = architecture_of(request.Architectures.value_or(std::vector<std::string>()));
  wish.revision_id = request.RevisionId.value_or("");
  wish.publish = request.Publish.value_or(false);
  wish.dry_run = request.DryRun.value_or(false);
  return wish;
}

void update(const LambdaServices& services, const Call& call, UpdateFunctionCodeRequest request,
            Reply<UpdateFunctionCodeRequest> reply) {
  auto wish = update_wish(call.realm, request);
  if (!wish) {
    reply(wish.error());
    return;
  }
  on_code_worker<UpdateFunctionCodeRequest>(
      services, std::move(reply),
      [services, realm = call.realm,
       wish = std::move(*wish)]() -> Result<UpdateFunctionCodeResponse> {
        TRIVET_TRY(functions::FunctionView view, services.functions.update_code(wish));
        return UpdateFunctionCodeResponse{configuration_shape(realm, std::move(view))};
      });
}

void publish_layer(const LambdaServices& services, const Call& call,
                   PublishLayerVersionRequest request, Reply<PublishLayerVersionRequest> reply) {
  const auto ref = layer_of(call.realm, request.LayerName);
  if (!ref) {
    reply(ref.error());
    return;
  }
  auto archive = archive_of(request.Content.ZipFile, request.Content.S3Bucket, std::nullopt);
  if (!archive) {
    reply(archive.error());
    return;
  }
  functions::PublishLayer wish{.name = *ref,
                               .description = request.Description.value_or(""),
                               .license = request.LicenseInfo.value_or(""),
                               .runtimes = request.CompatibleRuntimes,
                               .architectures = request.CompatibleArchitectures,
                               .archive = std::move(*archive)};
  on_code_worker<PublishLayerVersionRequest>(
      services, std::move(reply),
      [services, realm = call.realm,
       wish = std::move(wish)]() -> Result<PublishLayerVersionResponse> {
        TRIVET_TRY(const LayerVersion layer, services.functions.publish_layer(wish));
        return layer_shape<PublishLayerVersionResponse>(services, realm, layer);
      });
}

}  // namespace

void add_code_actions(ActionTable& table, const LambdaServices& services) {
  table.add(make_deferred_action<CreateFunctionRequest>(
      [services](const Call& call, const CreateFunctionRequest& request) {
        return may_create(services, call, request);
      },
      [services](const Call& call, CreateFunctionRequest request,
                 Reply<CreateFunctionRequest> reply) {
        create(services, call, std::move(request), std::move(reply));
      }));
  table.add(make_deferred_action<UpdateFunctionCodeRequest>(
      [services](const Call& call, const UpdateFunctionCodeRequest& request) {
        return std::vector<Permission>{function_permission(
            services, call.realm, "lambda:UpdateFunctionCode", request.FunctionName)};
      },
      [services](const Call& call, UpdateFunctionCodeRequest request,
                 Reply<UpdateFunctionCodeRequest> reply) {
        update(services, call, std::move(request), std::move(reply));
      }));
  table.add(make_deferred_action<PublishLayerVersionRequest>(
      [](const Call& call, const PublishLayerVersionRequest& request) {
        return std::vector<Permission>{
            layer_permission(call.realm, "lambda:PublishLayerVersion", request.LayerName)};
      },
      [services](const Call& call, PublishLayerVersionRequest request,
                 Reply<PublishLayerVersionRequest> reply) {
        publish_layer(services, call, std::move(request), std::move(reply));
      }));
}

}  // namespace trivet::api::lambda
