// SPDX-License-Identifier: Apache-2.0
#include "service/instance_tags.h"

#include <string_view>

#include "model/network.h"

namespace trivet::service {
namespace {

constexpr std::string_view kTagsPrefix = "instance-tags/";

std::string key_of(const std::string& resource_id) {
  return std::string(kTagsPrefix) + resource_id;
}

}  // namespace

Result<Tags> InstanceTags::get(const std::string& resource_id) {
  const auto value = store_.get(key_of(resource_id));
  if (!value) {
    return value.error().code == Errc::kNotFound ? Result<Tags>(Tags()) : value.error();
  }
  return decode_tags(value->value);
}

Status InstanceTags::update(const std::string& resource_id, const std::set<std::string>& present,
                            const std::function<Status(Tags&)>& change) {
  const MutexLock lock(mutex_);
  TRIVET_TRY(const auto values, store_.list(kTagsPrefix));
  Commit commit;
  Revision modified(0);
  Tags tags;
  for (const StoredValue& value : values) {
    const std::string id = value.key.substr(kTagsPrefix.size());
    if (id == resource_id) {
      TRIVET_TRY(tags, decode_tags(value.value));
      modified = value.modified;
    } else if (!present.contains(id)) {
      commit.deletes.push_back(value.key);
    }
  }
  TRIVET_CHECK_OK(change(tags));
  commit.compares.push_back({key_of(resource_id), modified});
  commit.puts.push_back({key_of(resource_id), encode_tags(tags)});
  const auto revision = store_.commit(commit);
  return revision ? ok() : Status(revision.error());
}

}  // namespace trivet::service
