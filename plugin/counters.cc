// SPDX-License-Identifier: GPL-2.0-only
#include "counters.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <mutex>

#include "mysql_plugin_abi.h"

namespace trivet_plugin {
namespace {

using mysql_abi::ShowVariable;
using Count = std::atomic<unsigned long long>;
static_assert(sizeof(Count) == sizeof(unsigned long long));  // mysqld reads it as one

// By Refusal. MySQL puts the prefix before each name.
constexpr std::array kRefusalNames = {
    "failures_no_tls",         "failures_too_long",
    "failures_client_gone",    "failures_not_configured",
    "failures_daemon_absent",  "failures_daemon_silent",
    "failures_daemon_error",   "failures_daemon_not_understood",
    "failures_other_protocol", "failures_socket_of_a_stranger",
    "failures_local_fault",
};
constexpr std::size_t kRefusals = kRefusalNames.size();
static_assert(kRefusals == static_cast<std::size_t>(Refusal::kLocalFault) + 1);

// More than the daemon has reasons. What comes beyond is counted under "other".
constexpr std::size_t kDenialsMax = 64;
constexpr std::string_view kDenialPrefix = "failures_";
// "AWSAuthenticationPlugin_", the name and a NUL in the 64 bytes that MySQL has for them.
constexpr std::size_t kNameBytes = mysql_abi::kShowNameBytes - sizeof "AWSAuthenticationPlugin";

constexpr std::size_t kTotals = 4;  // requests, successes, failures, failures_other

Count requests;
Count successes;
Count failures;
Count failures_other;
std::array<Count, kRefusals> refusals;

// One reason of the daemon's. Written once, before `denials` counts it.
struct Denial {
  std::array<char, kNameBytes> name;
  Count count;
};
std::array<Denial, kDenialsMax> denial;
std::atomic<std::size_t> denials;
std::mutex adding;

// As the server shows them; the first line without a name ends them, so adding a name adds a line.
std::array<ShowVariable, kTotals + kRefusals + kDenialsMax + 1> lines;
std::array<ShowVariable, 2> root;

ShowVariable line_of(const char* name, Count& count) {
  return {name, reinterpret_cast<char*>(&count), mysql_abi::kShowLongLong,
          mysql_abi::kShowScopeGlobal};
}

using Name = std::array<char, kNameBytes>;

// The name of the reason's line: lower-case letters, digits and underscores.
Name name_of(std::string_view reason) {
  Name name{};
  std::size_t used = kDenialPrefix.copy(name.data(), kDenialPrefix.size());
  for (const char c : reason) {
    if (used + 1 >= name.size()) {
      break;
    }
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    const bool is_capital = c >= 'A' && c <= 'Z';
    name[used++] = is_plain ? c : is_capital ? static_cast<char>(c - 'A' + 'a') : '_';
  }
  return name;
}

// The reason's own refusal of ours, where this side counts it under the same name.
Count* find(const Name& name) {
  for (std::size_t i = 0; i < kRefusals; ++i) {
    if (std::string_view(kRefusalNames[i]) == name.data()) {
      return &refusals[i];
    }
  }
  const std::size_t known = denials.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < known; ++i) {
    if (denial[i].name == name) {
      return &denial[i].count;
    }
  }
  return nullptr;
}

Count& add(const Name& name) {
  const std::lock_guard lock(adding);
  if (Count* const found = find(name)) {
    return *found;
  }
  const std::size_t next = denials.load(std::memory_order_relaxed);
  if (next == kDenialsMax) {
    return failures_other;
  }
  denial[next].name = name;
  denials.store(next + 1, std::memory_order_release);
  // All else of the line was there before, so a server that reads it now sees it whole.
  ShowVariable& line = lines[kTotals + kRefusals + next];
  std::atomic_ref(line.name).store(denial[next].name.data(), std::memory_order_release);
  return denial[next].count;
}

}  // namespace

void count_request() {
  requests.fetch_add(1, std::memory_order_relaxed);
}

void count_success() {
  successes.fetch_add(1, std::memory_order_relaxed);
}

void count_failure(Refusal refusal) {
  failures.fetch_add(1, std::memory_order_relaxed);
  refusals[static_cast<std::size_t>(refusal)].fetch_add(1, std::memory_order_relaxed);
}

void count_denial(std::string_view reason) {
  failures.fetch_add(1, std::memory_order_relaxed);
  if (reason.empty()) {
    failures_other.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  const Name name = name_of(reason);
  Count* const known = find(name);
  (known != nullptr ? *known : add(name)).fetch_add(1, std::memory_order_relaxed);
}

void* status_variables() {
  lines[0] = line_of("requests", requests);
  lines[1] = line_of("successes", successes);
  lines[2] = line_of("failures", failures);
  lines[3] = line_of("failures_other", failures_other);
  for (std::size_t i = 0; i < kRefusals; ++i) {
    lines[kTotals + i] = line_of(kRefusalNames[i], refusals[i]);
  }
  for (std::size_t i = 0; i < kDenialsMax; ++i) {
    lines[kTotals + kRefusals + i] = line_of(nullptr, denial[i].count);
  }
  root[0] = {"AWSAuthenticationPlugin", reinterpret_cast<char*>(lines.data()),
             mysql_abi::kShowArray, mysql_abi::kShowScopeGlobal};
  return root.data();
}

}  // namespace trivet_plugin
