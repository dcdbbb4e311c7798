// SPDX-License-Identifier: Apache-2.0
#include "adapter/sandbox/processes.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <set>
#include <string>
#include <vector>

#include "base/file.h"

namespace trivet::sandbox {
namespace {

// More than a sandbox may have: the bound of the walk.
constexpr std::size_t kProcessesMax = 4'096;

std::vector<std::int64_t> numbers(const std::string& text) {
  std::vector<std::int64_t> out;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    std::int64_t number = 0;
    const auto read = std::from_chars(at, end, number);
    if (read.ec == std::errc()) {
      out.push_back(number);
    }
    at = read.ptr + 1;
  }
  return out;
}

}  // namespace

std::int64_t resident_bytes_below(pid_t pid) {
  std::vector<std::int64_t> todo = {pid};
  std::set<std::int64_t> seen;
  std::int64_t pages = 0;
  while (!todo.empty() && seen.size() < kProcessesMax) {
    const std::int64_t one = todo.back();
    todo.pop_back();
    if (!seen.insert(one).second) {
      continue;
    }
    if (const auto text = read_file(fmt::format("/proc/{}/statm", one))) {
      const auto fields = numbers(*text);  // size resident …
      pages += fields.size() > 1 ? fields[1] : 0;
    }
    if (const auto text = read_file(fmt::format("/proc/{0}/task/{0}/children", one))) {
      const auto children = numbers(*text);
      todo.insert(todo.end(), children.begin(), children.end());
    }
  }
  return pages * ::sysconf(_SC_PAGESIZE);
}

}  // namespace trivet::sandbox
