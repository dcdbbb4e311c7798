// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"
#include "model/iam.h"
#include "model/record_json.h"

namespace trivet {
namespace {

using nlohmann::json;

using record_json::corrupt;
using record_json::decode;
using record_json::dump;
using record_json::kVersion;

json entity_json(const IamEntity& e) {
  return {{"v", kVersion},
          {"name", e.name},
          {"path", e.path},
          {"id", e.id},
          {"created_ms", to_ms(e.created)},
          {"tags", e.tags},
          {"inline_policies", e.inline_policies},
          {"attached_policies", e.attached_policies},
          {"permissions_boundary", e.permissions_boundary}};
}

void read_entity(const json& j, IamEntity& e) {
  e.name = j.at("name");
  e.path = j.at("path");
  e.id = j.at("id");
  e.created = wall_time_from_ms(j.at("created_ms"));
  e.tags = j.at("tags").get<Tags>();
  e.inline_policies = j.at("inline_policies").get<std::map<std::string, std::string>>();
  e.attached_policies = j.at("attached_policies").get<std::vector<std::string>>();
  e.permissions_boundary = j.value("permissions_boundary", "");
}

json data_json(const SessionData& d) {
  json j = {{"v", kVersion}};
  if (!d.policies.empty()) {
    j["policies"] = d.policies;
  }
  if (!d.tags.empty()) {
    j["tags"] = d.tags;
  }
  if (!d.transitive_keys.empty()) {
    j["transitive_keys"] = d.transitive_keys;
  }
  return j;
}

void read_data(const json& j, SessionData& d) {
  d.policies = j.value("policies", std::vector<std::string>());
  d.tags = j.value("tags", Tags());
  d.transitive_keys = j.value("transitive_keys", std::vector<std::string>());
}

}  // namespace

std::string encode(const IamUser& user) {
  json j = entity_json(user);
  j["access_keys"] = user.access_keys;
  return dump(j);
}

Result<IamUser> decode_iam_user(std::string_view text) {
  return decode<IamUser>(text, [](const json& j, IamUser& u) {
    read_entity(j, u);
    u.access_keys = j.at("access_keys").get<std::vector<std::string>>();
  });
}

std::string encode(const IamRole& role) {
  json j = entity_json(role);
  j["description"] = role.description;
  j["trust_policy"] = role.trust_policy;
  j["trusted_ids"] = role.trusted_ids;
  j["session_seconds_max"] = role.session_seconds_max;
  return dump(j);
}

Result<IamRole> decode_iam_role(std::string_view text) {
  return decode<IamRole>(text, [](const json& j, IamRole& r) {
    read_entity(j, r);
    r.description = j.at("description");
    r.trust_policy = j.at("trust_policy");
    r.trusted_ids = j.at("trusted_ids").get<std::map<std::string, std::string>>();
    r.session_seconds_max = j.at("session_seconds_max");
  });
}

std::string encode(const IamAccessKey& key) {
  return dump({{"v", kVersion},
               {"id", key.id.str()},
               {"owner_id", key.owner_id},
               {"owner_name", key.owner_name},
               {"sealed_secret", to_base64(key.sealed_secret)},
               {"active", key.active},
               {"created_ms", to_ms(key.created)}});
}

Result<IamAccessKey> decode_iam_access_key(std::string_view text) {
  auto key = decode<IamAccessKey>(text, [](const json& j, IamAccessKey& k) {
    k.id = AccessKeyId(j.at("id"));
    k.owner_id = j.at("owner_id");
    k.owner_name = j.at("owner_name");
    k.sealed_secret = from_base64(j.at("sealed_secret").get<std::string>()).value_or("");
    k.active = j.at("active");
    k.created = wall_time_from_ms(j.at("created_ms"));
  });
  if (key && key->sealed_secret.empty()) {
    return corrupt("secret of access key " + key->id.str() + " is no base64");
  }
  return key;
}

std::string encode(const IamPolicy& policy) {
  json versions = json::array();
  for (const IamPolicyVersion& version : policy.versions) {
    versions.push_back({{"number", version.number},
                        {"document", version.document},
                        {"created_ms", to_ms(version.created)}});
  }
  return dump({{"v", kVersion},
               {"name", policy.name},
               {"path", policy.path},
               {"id", policy.id},
               {"description", policy.description},
               {"versions", versions},
               {"default_version", policy.default_version},
               {"last_version", policy.last_version},
               {"created_ms", to_ms(policy.created)},
               {"updated_ms", to_ms(policy.updated)},
               {"tags", policy.tags},
               {"attachments", policy.attachments},
               {"boundary_uses", policy.boundary_uses}});
}

Result<IamPolicy> decode_iam_policy(std::string_view text) {
  auto policy = decode<IamPolicy>(text, [](const json& j, IamPolicy& p) {
    p.name = j.at("name");
    p.path = j.at("path");
    p.id = j.at("id");
    p.description = j.at("description");
    p.created = wall_time_from_ms(j.at("created_ms"));
    p.updated = wall_time_from_ms(j.at("updated_ms"));
    p.tags = j.at("tags").get<Tags>();
    p.attachments = j.at("attachments");
    p.boundary_uses = j.value("boundary_uses", std::int64_t{0});
    p.default_version = j.value("default_version", std::int64_t{1});
    p.last_version = j.value("last_version", std::int64_t{1});
    if (!j.contains("versions")) {  // written before policies had versions
      p.versions = {{1, j.at("document"), p.created}};
      return;
    }
    for (const json& version : j.at("versions")) {
      p.versions.push_back({version.at("number"), version.at("document"),
                            wall_time_from_ms(version.at("created_ms"))});
    }
  });
  if (policy && policy->find_version(policy->default_version) == nullptr) {
    return corrupt("policy " + policy->name + " has no default version");
  }
  return policy;
}

std::string encode(const IamGroup& group) {
  json j = entity_json(group);
  j["member_ids"] = group.member_ids;
  return dump(j);
}

Result<IamGroup> decode_iam_group(std::string_view text) {
  return decode<IamGroup>(text, [](const json& j, IamGroup& g) {
    read_entity(j, g);
    g.member_ids = j.at("member_ids").get<std::vector<std::string>>();
  });
}

std::string encode(const IamOidcProvider& provider) {
  return dump({{"v", kVersion},
               {"url", provider.url},
               {"client_ids", provider.client_ids},
               {"thumbprints", provider.thumbprints},
               {"jwks", provider.jwks},
               {"created_ms", to_ms(provider.created)},
               {"tags", provider.tags}});
}

Result<IamOidcProvider> decode_iam_oidc_provider(std::string_view text) {
  return decode<IamOidcProvider>(text, [](const json& j, IamOidcProvider& p) {
    p.url = j.at("url");
    p.client_ids = j.at("client_ids").get<std::vector<std::string>>();
    p.thumbprints = j.at("thumbprints").get<std::vector<std::string>>();
    p.jwks = j.at("jwks");
    p.created = wall_time_from_ms(j.at("created_ms"));
    p.tags = j.at("tags").get<Tags>();
  });
}

std::string encode(const IamInstanceProfile& profile) {
  return dump({{"v", kVersion},
               {"name", profile.name},
               {"path", profile.path},
               {"id", profile.id},
               {"role_name", profile.role_name},
               {"created_ms", to_ms(profile.created)},
               {"tags", profile.tags}});
}

Result<IamInstanceProfile> decode_iam_instance_profile(std::string_view text) {
  return decode<IamInstanceProfile>(text, [](const json& j, IamInstanceProfile& p) {
    p.name = j.at("name");
    p.path = j.at("path");
    p.id = j.at("id");
    p.role_name = j.at("role_name");
    p.created = wall_time_from_ms(j.at("created_ms"));
    p.tags = j.at("tags").get<Tags>();
  });
}

std::string encode(const IamAccount& account) {
  return dump({{"v", kVersion}, {"alias", account.alias}, {"guardrail", account.guardrail}});
}

Result<IamAccount> decode_iam_account(std::string_view text) {
  return decode<IamAccount>(text, [](const json& j, IamAccount& a) {
    a.alias = j.at("alias");
    a.guardrail = j.at("guardrail");
  });
}

std::string encode(const SessionData& data) {
  return dump(data_json(data));
}

Result<SessionData> decode_session_data(std::string_view text) {
  return decode<SessionData>(text, read_data);
}

std::string encode(const StoredSessionData& stored) {
  json j = data_json(stored.data);
  j["expires_ms"] = to_ms(stored.expires);
  return dump(j);
}

Result<StoredSessionData> decode_stored_session_data(std::string_view text) {
  return decode<StoredSessionData>(text, [](const json& j, StoredSessionData& s) {
    read_data(j, s.data);
    s.expires = wall_time_from_ms(j.at("expires_ms"));
  });
}

}  // namespace trivet
