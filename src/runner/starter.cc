// SPDX-License-Identifier: Apache-2.0
#include "runner/starter.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "adapter/runtimes/runtimes.h"
#include "base/bytes.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/iso8601.h"
#include "base/log.h"
#include "base/random.h"
#include "runner/bootstraps.h"
#include "runner/variables.h"

namespace trivet::runner {
namespace {

constexpr Millis kLaunchDeadline{5'000};
constexpr Millis kFinishDeadline{5'000};
constexpr Millis kServerStop{100};
constexpr const char* kCaBundleInside = "/etc/trivet/ca-bundle.pem";
// Of a function's memory, what Node's heap may grow to; as AWS.
constexpr std::int64_t kNodeHeapPercent = 90;

// The machine's free memory in MB; nullopt when the kernel does not say.
std::optional<std::int64_t> available_mb() {
  const Result<std::string> text = read_file("/proc/meminfo");
  const std::size_t at = text ? text->find("MemAvailable:") : std::string::npos;
  if (at == std::string::npos) {
    return std::nullopt;
  }
  const std::size_t digits = text->find_first_of("0123456789", at);
  std::int64_t kb = 0;
  std::from_chars(text->data() + digits, text->data() + text->size(), kb);
  return kb >> 10;
}

bool is_program(const std::string& path) {
  struct stat found{};
  return ::stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) &&
         (found.st_mode & S_IXOTH) != 0;
}

}  // namespace

Result<std::vector<std::string>> command_of(const FunctionImage& image) {
  const runtimes::Kind* const kind = runtimes::find_kind(image.runtime);
  if (kind == nullptr) {
    return make_error(Errc::kInvalidArgument, fmt::format("there is no runtime {}", image.runtime));
  }
  const std::string interpreter(kind->interpreter);
  const std::string program = "/var/lang/bin/" + interpreter.substr(interpreter.rfind('/') + 1);
  if (kind->family == runtimes::Family::kPython) {
    return std::vector<std::string>{program, "/var/runtime/bootstrap.py"};
  }
  if (kind->family == runtimes::Family::kNode) {
    return std::vector<std::string>{
        program, fmt::format("--max-old-space-size={}", image.memory_mb * kNodeHeapPercent / 100),
        "/var/runtime/bootstrap.mjs"};
  }
  if (is_program(image.code_folder + "/bootstrap")) {
    return std::vector<std::string>{"/var/task/bootstrap"};
  }
  for (auto layer = image.layer_folders.rbegin(); layer != image.layer_folders.rend(); ++layer) {
    if (is_program(*layer + "/bootstrap")) {
      return std::vector<std::string>{"/opt/bootstrap"};
    }
  }
  return aws_fault(Errc::kInvalidArgument, "Runtime.InvalidEntrypoint",
                   "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]");
}

Status Starter::prepare() {
  const std::string version =
      to_hex(sha256(std::string(kPythonBootstrap) + std::string(kNodeBootstrap))).substr(0, 16);
  bootstrap_folder_ = fmt::format("{}/sandbox/.bootstrap-{}", options_.home, version);
  TRIVET_CHECK_OK(make_folders(bootstrap_folder_, 0755));
  if (::chmod(bootstrap_folder_.c_str(), 0755) != 0) {
    return make_error(Errc::kInternal, errno_message("chmod " + bootstrap_folder_, errno));
  }
  TRIVET_CHECK_OK(
      write_file_atomically(bootstrap_folder_ + "/bootstrap.py", kPythonBootstrap, 0644));
  return write_file_atomically(bootstrap_folder_ + "/bootstrap.mjs", kNodeBootstrap, 0644);
}

Result<FunctionNetwork> Starter::lease(const FunctionImage& image) {
  if (options_.networks != nullptr) {
    return options_.networks->lease(image.arn, image.vpc);
  }
  if (image.vpc && !options_.runs_vpc_functions_without_network) {
    return make_error(Errc::kUnavailable,
                      "networks are not enforced here, so functions with a VPC configuration do "
                      "not run");
  }
  return FunctionNetwork{};
}

Result<Started> Starter::start(const FunctionImage& image) {
  const Instant began = options_.clock->now();
  TRIVET_TRY(const runtimes::Runtime runtime, runtimes::find(options_.home, image.runtime));
  TRIVET_TRY(std::vector<std::string> command, command_of(image));
  if (const auto free = available_mb(); free && *free < image.memory_mb) {
    return make_error(Errc::kConflict,
                      fmt::format("{} MB of memory are free on this machine, and the function "
                                  "needs {} MB",
                                  *free, image.memory_mb));
  }
  TRIVET_TRY(const RoleSession session, options_.role_session(image));
  TRIVET_TRY(const FunctionNetwork network, lease(image));
  Started out;
  out.began = began;
  out.network_id = network.id;
  out.credentials_end = session.expires;
  out.runtime_name = image.runtime;
  out.runtime_version = runtime.manifest.version;
  const std::string day = format_iso8601(options_.clock->wall_now());
  out.log_stream = log_stream_name(day, image.version, random_text(32, "0123456789abcdef"));
  sandbox::Spec spec;
  spec.root = runtime.root();
  spec.code_folder = image.code_folder;
  spec.layer_folders = image.layer_folders;
  spec.bootstrap_folder = bootstrap_folder_;
  spec.ca_bundle = options_.ca_bundle;
  spec.resolv_conf =
      network.dns_server.empty() ? "" : fmt::format("nameserver {}\n", network.dns_server);
  spec.netns = network.netns_path;
  spec.environment = variables_of(image, session.keys,
                                  {.region = options_.region,
                                   .log_stream = out.log_stream,
                                   .api_url = network.api_url,
                                   .ca_bundle = options_.ca_bundle.empty() ? "" : kCaBundleInside});
  spec.command = std::move(command);
  spec.memory_mb = image.memory_mb;
  spec.ephemeral_mb = image.ephemeral_mb;
  Result<sandbox::Running> running = host_.start(spec, kLaunchDeadline);
  if (!running) {
    if (!network.id.empty()) {
      options_.networks->release(network.id);
    }
    return make_error(Errc::kUnavailable, "no environment can be made: " + running.error().message);
  }
  out.running = std::move(*running);
  return out;
}

void Starter::remove(Environment::Remains remains) {
  if (remains.server) {
    remains.server->stop(kServerStop);
  }
  if (!remains.started) {
    return;
  }
  host_.finish(std::move(remains.started->running), remains.is_reaped, kFinishDeadline);
  if (!remains.started->network_id.empty()) {
    options_.networks->release(remains.started->network_id);
  }
}

}  // namespace trivet::runner
