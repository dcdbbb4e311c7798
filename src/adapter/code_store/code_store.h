// SPDX-License-Identifier: Apache-2.0
//
// <root>/<sha256>/: "archive.zip" as it came, "content/" unpacked, "facts" with its sizes. A folder
// appears whole, by one rename, or not at all.
#pragma once

#include <string>

#include "base/mutex.h"
#include "ports/function_code.h"

namespace trivet::code_store {

// Thread-safe: one archive is unpacked at a time.
class CodeStore final : public FunctionCodeStore {
 public:
  // `root` is made when it is needed. Who may enter the folder that it is in can enter what is
  // unpacked, whatever the umask: functions run as users of their own.
  explicit CodeStore(std::string root) : root_(std::move(root)) {}

  Result<CodeRef> put(std::string_view archive, std::int64_t unpacked_bytes_max) override;
  std::string folder(const std::string& id) const override { return path_of(id) + "/content"; }
  Result<std::string> archive(const std::string& id) const override;
  void keep_only(const std::set<std::string>& ids) override;

 private:
  std::string path_of(const std::string& id) const { return root_ + "/" + id; }
  Result<CodeRef> find(const std::string& id) const;
  Result<CodeRef> fill(std::string_view archive, const std::string& id, const std::string& into,
                       std::int64_t unpacked_bytes_max) const;

  const std::string root_;
  Mutex mutex_;
};

}  // namespace trivet::code_store
