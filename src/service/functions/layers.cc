// SPDX-License-Identifier: Apache-2.0
//
// Layers: archives that functions share, each version of which never changes.
#include <fmt/format.h>

#include "service/functions/faults.h"
#include "service/functions/function_service.h"

namespace trivet::functions {

Result<LayerVersion> FunctionService::publish_layer(const PublishLayer& wish) {
  if (wish.archive.empty()) {
    return bad_value("Please provide a source for layer content.");
  }
  if (wish.archive.size() > static_cast<std::size_t>(kArchiveBytesMax)) {
    return aws_fault(Errc::kInvalidArgument, "RequestEntityTooLarge",
                     fmt::format("Zipped size must be smaller than {} bytes", kArchiveBytesMax));
  }
  const MutexLock lock(code_mutex_);
  const auto code = needs_.code.put(wish.archive, kUnpackedBytesMax);
  if (!code) {
    return code.error().code == Errc::kInvalidArgument ? bad_value(code.error().message)
                                                       : code.error();
  }
  LayerVersion layer{.name = wish.name,
                     .description = wish.description,
                     .license = wish.license,
                     .runtimes = wish.runtimes,
                     .architectures = wish.architectures,
                     .code = *code,
                     .created = needs_.clock.wall_now()};
  TRIVET_CHECK_OK(needs_.book.change([&](const BookState& all) -> Result<BookChange> {
    const auto known = all.layers.find(wish.name);
    layer.number = known == all.layers.end() ? 1 : known->second->last_number + 1;
    BookChange change;
    change.layers.push_back(layer);
    return change;
  }));
  return layer;
}

Result<LayerVersion> FunctionService::get_layer(const std::string& name,
                                                std::int64_t number) const {
  if (number < 1) {
    return bad_value("Layer Version Cannot be less than 1");
  }
  const auto all = state();
  const LayerVersion* layer = all->find_layer(name, number);
  return layer == nullptr
             ? Result<LayerVersion>(not_found("The resource you requested does not exist."))
             : *layer;
}

// AWS: deleting what is not there is no error.
Status FunctionService::remove_layer(const std::string& name, std::int64_t number) {
  if (number < 1) {
    return bad_value("Layer Version Cannot be less than 1");
  }
  TRIVET_CHECK_OK(needs_.book.change([&](const BookState& all) -> Result<BookChange> {
    BookChange change;
    if (all.find_layer(name, number) != nullptr) {
      change.removed_layers.emplace_back(name, number);
    }
    return change;
  }));
  collect_code_later();
  return ok();
}

}  // namespace trivet::functions
