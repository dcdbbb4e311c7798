// SPDX-License-Identifier: Apache-2.0
#include "service/functions/book.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace trivet::functions {
namespace {

constexpr std::string_view kFunctions = "functions/";
constexpr std::string_view kVersions = "function-versions/";
constexpr std::string_view kLayers = "function-layers/";  // their last numbers
constexpr std::string_view kLayerVersions = "function-layer-versions/";

std::string numbered(std::string_view prefix, std::string_view name, std::int64_t number) {
  return fmt::format("{}{}/{:010}", prefix, name, number);
}

Error with_key(const Error& error, const std::string& key) {
  return make_error(error.code, key + ": " + error.message);
}

// "NAME/0000000007" behind `prefix`.
std::string name_in(std::string_view key, std::string_view prefix) {
  key.remove_prefix(prefix.size());
  return std::string(key.substr(0, key.rfind('/')));
}

template <typename T>
std::shared_ptr<T> copy_of(const BookState::ByName<T>& map, std::string_view name) {
  const auto it = map.find(name);
  return it == map.end() ? std::make_shared<T>() : std::make_shared<T>(*it->second);
}

// The state that a change makes of another.
void apply(const BookChange& change, BookState& state) {
  for (const Function& function : change.functions) {
    auto entry = copy_of(state.functions, function.name);
    entry->function = function;
    state.functions[function.name] = std::move(entry);
  }
  for (const auto& [name, version] : change.published) {
    auto entry = copy_of(state.functions, name);
    entry->versions[version_number(version.version)] = version;
    state.functions[name] = std::move(entry);
  }
  for (const auto& [name, number] : change.removed_versions) {
    auto entry = copy_of(state.functions, name);
    entry->versions.erase(number);
    state.functions[name] = std::move(entry);
  }
  if (!change.removed_function.empty()) {
    state.functions.erase(change.removed_function);
  }
  for (const LayerVersion& layer : change.layers) {
    auto entry = copy_of(state.layers, layer.name);
    entry->last_number = std::max(entry->last_number, layer.number);
    entry->versions[layer.number] = layer;
    state.layers[layer.name] = std::move(entry);
  }
  for (const auto& [name, number] : change.removed_layers) {
    auto entry = copy_of(state.layers, name);
    entry->versions.erase(number);
    state.layers[name] = std::move(entry);
  }
}

Commit commit_of(const BookChange& change, const BookState& before) {
  Commit out;
  for (const Function& function : change.functions) {
    out.puts.push_back({std::string(kFunctions) + function.name, encode(function)});
  }
  for (const auto& [name, version] : change.published) {
    out.puts.push_back(
        {numbered(kVersions, name, version_number(version.version)), encode(version)});
  }
  for (const LayerVersion& layer : change.layers) {
    out.puts.push_back({numbered(kLayerVersions, layer.name, layer.number), encode(layer)});
    out.puts.push_back({std::string(kLayers) + layer.name, std::to_string(layer.number)});
  }
  for (const auto& [name, number] : change.removed_versions) {
    out.deletes.push_back(numbered(kVersions, name, number));
  }
  for (const auto& [name, number] : change.removed_layers) {
    out.deletes.push_back(numbered(kLayerVersions, name, number));
  }
  if (const FunctionEntry* gone = before.find(change.removed_function)) {
    out.deletes.push_back(std::string(kFunctions) + change.removed_function);
    for (const auto& [number, version] : gone->versions) {
      out.deletes.push_back(numbered(kVersions, change.removed_function, number));
    }
  }
  return out;
}

}  // namespace

std::int64_t version_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

const FunctionVersion* FunctionEntry::find_version(std::string_view version) const {
  if (version.empty() || version == kLatestVersion) {
    return &function.latest;
  }
  const auto it = versions.find(version_number(version));
  return it == versions.end() || it->second.version != version ? nullptr : &it->second;
}

const FunctionEntry* BookState::find(std::string_view name) const {
  const auto it = functions.find(name);
  return it == functions.end() ? nullptr : it->second.get();
}

const LayerVersion* BookState::find_layer(std::string_view name, std::int64_t number) const {
  const auto layer = layers.find(name);
  if (layer == layers.end()) {
    return nullptr;
  }
  const auto it = layer->second->versions.find(number);
  return it == layer->second->versions.end() ? nullptr : &it->second;
}

Result<std::unique_ptr<FunctionBook>> FunctionBook::open(StateStore& store) {
  std::unique_ptr<FunctionBook> book(new FunctionBook(store));
  TRIVET_CHECK_OK(book->load());
  return book;
}

Status FunctionBook::load() {
  const MutexLock lock(mutex_);
  BookState state;
  BookChange found;
  TRIVET_TRY(const auto functions, store_.list(kFunctions));
  for (const StoredValue& value : functions) {
    auto function = decode_function(value.value);
    if (!function) {
      return with_key(function.error(), value.key);
    }
    found.functions.push_back(std::move(*function));
  }
  TRIVET_TRY(const auto versions, store_.list(kVersions));
  for (const StoredValue& value : versions) {
    auto version = decode_function_version(value.value);
    if (!version) {
      return with_key(version.error(), value.key);
    }
    found.published.emplace_back(name_in(value.key, kVersions), std::move(*version));
  }
  TRIVET_TRY(const auto layer_versions, store_.list(kLayerVersions));
  for (const StoredValue& value : layer_versions) {
    auto layer = decode_layer_version(value.value);
    if (!layer) {
      return with_key(layer.error(), value.key);
    }
    found.layers.push_back(std::move(*layer));
  }
  apply(found, state);
  TRIVET_TRY(const auto layers, store_.list(kLayers));
  for (const StoredValue& value : layers) {
    const std::string name = value.key.substr(kLayers.size());
    auto entry = copy_of(state.layers, name);
    entry->last_number = std::max(entry->last_number, version_number(value.value));
    state.layers[name] = std::move(entry);
  }
  state_ = std::make_shared<const BookState>(std::move(state));
  return ok();
}

Status FunctionBook::change(const Plan& plan) {
  const MutexLock lock(mutex_);
  const std::shared_ptr<const BookState> before = state_.load();
  TRIVET_TRY(const BookChange change, plan(*before));
  const Commit commit = commit_of(change, *before);
  if (commit.puts.empty() && commit.deletes.empty()) {
    return ok();
  }
  if (auto revision = store_.commit(commit); !revision) {
    return revision.error();
  }
  BookState next = *before;
  apply(change, next);
  state_ = std::make_shared<const BookState>(std::move(next));
  return ok();
}

Status FunctionBook::reseal(const Sealer& sealer) {
  return change([&](const BookState& state) -> Result<BookChange> {
    BookChange out;
    const auto reseal_one = [&](const std::string& name, FunctionVersion& version) -> Status {
      if (version.sealed_environment.empty()) {
        return ok();
      }
      TRIVET_TRY(const SecretString clear,
                 sealer.open(environment_context(name), version.sealed_environment));
      version.sealed_environment = sealer.seal(environment_context(name), clear);
      return ok();
    };
    for (const auto& [name, entry] : state.functions) {
      Function function = entry->function;
      TRIVET_CHECK_OK(reseal_one(name, function.latest));
      out.functions.push_back(std::move(function));
      for (const auto& [number, published] : entry->versions) {
        FunctionVersion version = published;
        TRIVET_CHECK_OK(reseal_one(name, version));
        out.published.emplace_back(name, std::move(version));
      }
    }
    return out;
  });
}

std::string environment_context(std::string_view function_name) {
  return fmt::format("functions/{}/environment", function_name);
}

}  // namespace trivet::functions
