// SPDX-License-Identifier: Apache-2.0
//
// Keeps what functions and layers are made of: zip archives, unpacked into folders that sandboxes
// show read-only. The same archive is kept once, whoever uses it.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/function.h"

namespace trivet {

// Thread-safe; calls block on the disk, put() for seconds.
class FunctionCodeStore {
 public:
  virtual ~FunctionCodeStore() = default;
  // Unpacks; durable when it returns. kInvalidArgument, with what is wrong with the archive: no
  // zip, encrypted, more than `unpacked_bytes_max`, names that lead out of it, links. kUnavailable:
  // the disk.
  virtual Result<CodeRef> put(std::string_view archive, std::int64_t unpacked_bytes_max) = 0;
  // Absolute; it exists as long as the id is kept.
  virtual std::string folder(const std::string& id) const = 0;
  // The archive as it came. kNotFound.
  virtual Result<std::string> archive(const std::string& id) const = 0;
  // Removes everything else, and what a killed daemon left half-done.
  virtual void keep_only(const std::set<std::string>& ids) = 0;
};

}  // namespace trivet
