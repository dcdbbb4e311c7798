// SPDX-License-Identifier: Apache-2.0
//
// Where desired state, identities and terms live: keys and values with revisions, shaped after etcd
// v3, so that one host (SQLite), many hosts (etcd) and tests (memory) are the same to everything
// above. A term, a name, a membership changes only by a commit whose compares held (failover.md I4,
// I13).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/strong_id.h"

namespace trivet {

// The store's revision: one more for each commit that changed something. 0 = "no such key".
using Revision = StrongInt<struct RevisionTag>;

struct StoredValue {
  std::string key;
  std::string value;
  Revision modified;  // the commit that last wrote this key
};

// "key was last written by exactly this revision"; Revision(0) = "key does not exist".
struct Compare {
  std::string key;
  Revision modified;
};

struct Write {
  std::string key;
  std::string value;
};

// All or nothing. Puts and deletes of one commit share a revision. A key may occur once.
struct Commit {
  std::vector<Compare> compares;
  std::vector<Write> puts;
  std::vector<std::string> deletes;
};

struct StoreEvent {
  enum class Kind { kPut, kDelete };
  Kind kind = Kind::kPut;
  StoredValue value;  // for kDelete: the key, an empty value and the revision of the delete
};

// Stops the watch when destroyed; after that the callback is not called any more.
class StoreWatch {
 public:
  virtual ~StoreWatch() = default;
};

// Thread-safe; calls block on disk or network.
class StateStore {
 public:
  virtual ~StateStore() = default;
  // kNotFound when the key does not exist; kUnavailable, kCorrupt.
  virtual Result<StoredValue> get(std::string_view key) = 0;
  // All keys that start with `prefix`, in key order.
  virtual Result<std::vector<StoredValue>> list(std::string_view prefix) = 0;
  // The new revision, durable when it returns. kConflict when a compare did not hold: nothing was
  // written.
  virtual Result<Revision> commit(const Commit& commit) = 0;
  // `on_events` gets every later commit's events under `prefix`, in order, one call a commit, on a
  // thread of the store's; it must not block and must not call the store.
  virtual Result<std::unique_ptr<StoreWatch>> watch(
      std::string prefix, std::function<void(const std::vector<StoreEvent>&)> on_events) = 0;
};

}  // namespace trivet
