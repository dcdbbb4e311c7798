// SPDX-License-Identifier: Apache-2.0
//
// All functions and layers: read from the store once, then answered from an immutable value that
// every change replaces. A change is decided on what is there and written in one commit.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "model/function.h"
#include "ports/state_store.h"
#include "service/sealer.h"

namespace trivet::functions {

using service::Sealer;

// Immutable.
struct FunctionEntry {
  Function function;
  std::map<std::int64_t, FunctionVersion> versions;  // published ones

  // "$LATEST" (or "") or a number; nullptr when there is no such version.
  const FunctionVersion* find_version(std::string_view version) const;
};
struct LayerEntry {
  std::int64_t last_number = 0;  // the highest that was ever given
  std::map<std::int64_t, LayerVersion> versions;
};

// Immutable in use; copies share their entries.
struct BookState {
  template <typename T>
  using ByName = std::map<std::string, std::shared_ptr<const T>, std::less<>>;
  ByName<FunctionEntry> functions;
  ByName<LayerEntry> layers;

  const FunctionEntry* find(std::string_view name) const;
  const LayerVersion* find_layer(std::string_view name, std::int64_t number) const;
};

// What to change. Plain value.
struct BookChange {
  std::vector<Function> functions;
  std::vector<std::pair<std::string, FunctionVersion>> published;  // of the function of that name
  std::vector<LayerVersion> layers;
  std::string removed_function;  // empty: none
  std::vector<std::pair<std::string, std::int64_t>> removed_versions;
  std::vector<std::pair<std::string, std::int64_t>> removed_layers;
};

// Thread-safe. Does not own the store.
class FunctionBook {
 public:
  using Plan = std::function<Result<BookChange>(const BookState&)>;

  // kCorrupt, naming the record.
  static Result<std::unique_ptr<FunctionBook>> open(StateStore& store);

  // As it is now; never null.
  std::shared_ptr<const BookState> state() const { return state_.load(); }
  // Asks `plan`, commits, replaces the state. One change at a time; this process is the only
  // writer.
  Status change(const Plan& plan) EXCLUDES_LOCK(mutex_);
  // All environments are under the sealer's current key when it returns, in one commit.
  Status reseal(const Sealer& sealer);

 private:
  explicit FunctionBook(StateStore& store) : store_(store) {}
  Status load();

  StateStore& store_;
  Mutex mutex_;
  std::atomic<std::shared_ptr<const BookState>> state_;
};

// 0: it is no number of a version.
std::int64_t version_number(std::string_view text);

// What a function's variables are sealed for.
std::string environment_context(std::string_view function_name);

}  // namespace trivet::functions
