// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"
#include "model/function.h"
#include "model/record_json.h"

namespace trivet {
namespace {

using nlohmann::json;

using record_json::decode;
using record_json::dump;
using record_json::get;
using record_json::kVersion;
using record_json::put;

json to_json(const CodeRef& c) {
  return {{"id", c.id}, {"archive_bytes", c.archive_bytes}, {"unpacked_bytes", c.unpacked_bytes}};
}

CodeRef code_of(const json& j) {
  return {.id = j.at("id"),
          .archive_bytes = j.at("archive_bytes"),
          .unpacked_bytes = j.at("unpacked_bytes")};
}

json to_json(const FunctionVersion& f) {
  json j = {{"version", f.version},
            {"description", f.description},
            {"runtime", f.runtime},
            {"handler", f.handler},
            {"role_arn", f.role_arn},
            {"timeout_s", f.timeout_s},
            {"memory_mb", f.memory_mb},
            {"ephemeral_mb", f.ephemeral_mb},
            {"sealed_environment", to_base64(f.sealed_environment)},
            {"layers", json::array()},
            {"architecture", f.architecture},
            {"tracing_mode", f.tracing_mode},
            {"log_group", f.log_group},
            {"is_json_log", f.log_format == LogFormat::kJson},
            {"application_log_level", f.application_log_level},
            {"system_log_level", f.system_log_level},
            {"code", to_json(f.code)},
            {"modified", to_ms(f.modified)},
            {"content_revision", f.content_revision},
            {"revision_id", f.revision_id},
            {"is_active", f.is_active},
            {"is_updated", f.is_updated}};
  for (const LayerUse& layer : f.layers) {
    j["layers"].push_back({{"arn", layer.arn}, {"code", to_json(layer.code)}});
  }
  if (f.vpc) {
    j["vpc"] = {{"vpc_id", f.vpc->vpc_id},
                {"subnet_ids", f.vpc->subnet_ids},
                {"security_group_ids", f.vpc->security_group_ids}};
  }
  return j;
}

FunctionVersion version_of(const json& j) {
  FunctionVersion f;
  f.version = j.at("version");
  f.description = j.at("description");
  f.runtime = j.at("runtime");
  f.handler = j.at("handler");
  f.role_arn = j.at("role_arn");
  f.timeout_s = j.at("timeout_s");
  f.memory_mb = j.at("memory_mb");
  f.ephemeral_mb = j.at("ephemeral_mb");
  // What cannot be read is left so that it does not open.
  const std::string sealed = j.at("sealed_environment");
  f.sealed_environment = from_base64(sealed).value_or(sealed);
  for (const json& layer : j.at("layers")) {
    f.layers.push_back({.arn = layer.at("arn"), .code = code_of(layer.at("code"))});
  }
  f.architecture = j.at("architecture");
  f.tracing_mode = j.at("tracing_mode");
  f.log_group = j.at("log_group");
  f.log_format = j.at("is_json_log").get<bool>() ? LogFormat::kJson : LogFormat::kText;
  f.application_log_level = j.at("application_log_level");
  f.system_log_level = j.at("system_log_level");
  f.code = code_of(j.at("code"));
  f.modified = wall_time_from_ms(j.at("modified").get<std::int64_t>());
  f.content_revision = j.at("content_revision");
  f.revision_id = j.at("revision_id");
  f.is_active = j.at("is_active");
  f.is_updated = j.at("is_updated");
  if (j.contains("vpc")) {
    const json& vpc = j.at("vpc");
    f.vpc = FunctionVpc{
        .vpc_id = vpc.at("vpc_id"),
        .subnet_ids = vpc.at("subnet_ids").get<std::vector<std::string>>(),
        .security_group_ids = vpc.at("security_group_ids").get<std::vector<std::string>>()};
  }
  return f;
}

json to_json(const FunctionAlias& a) {
  return {{"version", a.version},
          {"description", a.description},
          {"other_version", a.other_version},
          {"other_weight", a.other_weight},
          {"revision_id", a.revision_id}};
}

json to_json(const EventInvokeConfig& c) {
  json j = {
      {"on_success", c.on_success}, {"on_failure", c.on_failure}, {"modified", to_ms(c.modified)}};
  put(j, "retries_max", c.retries_max);
  put(j, "age_max_s", c.age_max_s);
  return j;
}

EventInvokeConfig event_config_of(const json& j) {
  EventInvokeConfig c;
  c.on_success = j.at("on_success");
  c.on_failure = j.at("on_failure");
  c.modified = wall_time_from_ms(j.at("modified").get<std::int64_t>());
  get(j, "retries_max", c.retries_max);
  get(j, "age_max_s", c.age_max_s);
  return c;
}

void read_function(const json& j, Function& f) {
  f.name = j.at("name");
  f.latest = version_of(j.at("latest"));
  f.last_version = j.at("last_version");
  f.tags = j.at("tags").get<Tags>();
  get(j, "reserved_concurrency", f.reserved_concurrency);
  for (const auto& [name, a] : j.at("aliases").items()) {
    f.aliases[name] = {.name = name,
                       .version = a.at("version"),
                       .description = a.at("description"),
                       .other_version = a.at("other_version"),
                       .other_weight = a.at("other_weight"),
                       .revision_id = a.at("revision_id")};
  }
  for (const auto& [qualifier, statements] : j.at("policies").items()) {
    for (const json& statement : statements) {
      f.policies[qualifier].push_back({.id = statement.at("id"), .json = statement.at("json")});
    }
  }
  for (const auto& [qualifier, config] : j.at("event_configs").items()) {
    f.event_configs[qualifier] = event_config_of(config);
  }
}

}  // namespace

std::string encode(const Function& f) {
  json j = {{"v", kVersion},
            {"name", f.name},
            {"latest", to_json(f.latest)},
            {"last_version", f.last_version},
            {"tags", f.tags},
            {"aliases", json::object()},
            {"policies", json::object()},
            {"event_configs", json::object()}};
  put(j, "reserved_concurrency", f.reserved_concurrency);
  for (const auto& [name, alias] : f.aliases) {
    j["aliases"][name] = to_json(alias);
  }
  for (const auto& [qualifier, statements] : f.policies) {
    json& list = j["policies"][qualifier] = json::array();
    for (const PolicyStatement& statement : statements) {
      list.push_back({{"id", statement.id}, {"json", statement.json}});
    }
  }
  for (const auto& [qualifier, config] : f.event_configs) {
    j["event_configs"][qualifier] = to_json(config);
  }
  return dump(j);
}

std::string encode(const FunctionVersion& version) {
  return dump({{"v", kVersion}, {"version", to_json(version)}});
}

std::string encode(const LayerVersion& l) {
  return dump({{"v", kVersion},
               {"name", l.name},
               {"number", l.number},
               {"description", l.description},
               {"license", l.license},
               {"runtimes", l.runtimes},
               {"architectures", l.architectures},
               {"code", to_json(l.code)},
               {"created", to_ms(l.created)}});
}

Result<Function> decode_function(std::string_view text) {
  return decode<Function>(text, read_function);
}

Result<FunctionVersion> decode_function_version(std::string_view text) {
  return decode<FunctionVersion>(
      text, [](const json& j, FunctionVersion& f) { f = version_of(j.at("version")); });
}

Result<LayerVersion> decode_layer_version(std::string_view text) {
  return decode<LayerVersion>(text, [](const json& j, LayerVersion& l) {
    l.name = j.at("name");
    l.number = j.at("number");
    l.description = j.at("description");
    l.license = j.at("license");
    l.runtimes = j.at("runtimes").get<std::vector<std::string>>();
    l.architectures = j.at("architectures").get<std::vector<std::string>>();
    l.code = code_of(j.at("code"));
    l.created = wall_time_from_ms(j.at("created").get<std::int64_t>());
  });
}

}  // namespace trivet
