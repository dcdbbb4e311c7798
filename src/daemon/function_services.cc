// SPDX-License-Identifier: Apache-2.0
#include "daemon/function_services.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include "adapter/code_store/code_store.h"
#include "adapter/event_spool/event_spool.h"
#include "adapter/log_store/log_store.h"
#include "api/logs/actions.h"
#include "base/file.h"
#include "base/log.h"
#include "base/worker.h"
#include "daemon/function_host.h"
#include "service/functions/book.h"

namespace trivet::daemon {
namespace {

constexpr Millis kFlushLogs{5'000};
// Each holds an archive of up to 50 MB in memory.
constexpr std::size_t kArchivesWaitingMax = 8;

// For tests, which cannot wait for AWS's one and two minutes: TRIVET_FUNCTION_RETRY_MS="100,200".
functions::RetryRules retry_rules() {
  functions::RetryRules rules;
  const char* text = std::getenv("TRIVET_FUNCTION_RETRY_MS");
  std::string_view rest = text == nullptr ? "" : text;
  std::vector<Millis> delays;
  while (!rest.empty()) {
    std::int64_t ms = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), ms);
    if (error != std::errc() || ms < 0) {
      log(Level::kWarning, "functions.retry_delays_unreadable", {{"text", text}});
      return rules;
    }
    delays.emplace_back(ms);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    rest.remove_prefix(rest.empty() ? 0 : 1);
  }
  if (!delays.empty()) {
    rules.after_errors = delays;
    rules.first_delay = std::min(rules.first_delay, delays.front());
  }
  return rules;
}

}  // namespace

struct FunctionServices::Parts {
  explicit Parts(Needs given)
      : needs(std::move(given)),
        code(needs.paths.functions() + "/code"),
        spool(needs.paths.functions() + "/events"),
        downloads(needs.installation.endpoint_url(), code, needs.clock),
        chores("functions"),
        archives("function-code", kArchivesWaitingMax),
        queueing("function-events") {}

  std::string why_no_network() const;

  Needs needs;
  code_store::CodeStore code;
  event_spool::FileSpool spool;
  CodeDownloads downloads;
  std::unique_ptr<log_store::FileLogStore> logs;
  std::unique_ptr<logs::LogService> log_service;
  std::unique_ptr<functions::FunctionBook> book;
  std::unique_ptr<functions::FunctionService> functions;
  std::unique_ptr<functions::Invoker> invoker;
  std::unique_ptr<runner::Runner> runner;
  std::unique_ptr<functions::EventQueue> events;
  bool is_runner_stopped = false;
  Worker chores;
  Worker archives;
  Worker queueing;
};

FunctionServices::FunctionServices(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

FunctionServices::~FunctionServices() {
  stop();
}

Result<std::unique_ptr<FunctionServices>> FunctionServices::open(Needs needs) {
  // Sandboxes enter it as users of their own, whatever the umask.
  const std::string folder = needs.paths.functions();
  TRIVET_CHECK_OK(make_folders(folder, 0711));
  if (::chmod(folder.c_str(), 0711) != 0) {
    return make_error(Errc::kDenied, errno_message("chmod " + folder, errno));
  }
  auto parts = std::make_unique<Parts>(std::move(needs));
  TRIVET_TRY(parts->logs,
             log_store::FileLogStore::open(parts->needs.paths.logs(), parts->needs.clock));
  parts->log_service =
      std::make_unique<logs::LogService>(*parts->logs, parts->needs.installation.realm);
  TRIVET_TRY(parts->book, functions::FunctionBook::open(parts->needs.store));
  return std::unique_ptr<FunctionServices>(new FunctionServices(std::move(parts)));
}

Status FunctionServices::start() {
  Parts& p = *parts_;
  p.runner = make_function_runner({.installation = p.needs.installation,
                                   .paths = p.needs.paths,
                                   .program_folder = p.needs.program_folder,
                                   .clock = p.needs.clock,
                                   .sts = p.needs.sts,
                                   .networks = &p.needs.networks,
                                   .logs = p.logs.get()});
  p.functions = std::make_unique<functions::FunctionService>(
      functions::FunctionService::Needs{.book = *p.book,
                                        .code = p.code,
                                        .iam = p.needs.iam,
                                        .network = p.needs.network,
                                        .sealer = p.needs.sealer,
                                        .realm = p.needs.installation.realm,
                                        .clock = p.needs.clock,
                                        .worker = p.chores,
                                        .runtime = p.runner.get(),
                                        .why_no_network = [&p] { return p.why_no_network(); }});
  p.invoker = std::make_unique<functions::Invoker>(*p.functions, p.runner.get());
  p.events = std::make_unique<functions::EventQueue>(
      functions::EventQueue::Needs{.functions = *p.functions,
                                   .invoker = *p.invoker,
                                   .spool = p.spool,
                                   .clock = p.needs.clock,
                                   .worker = p.queueing,
                                   .rules = retry_rules()});
  p.functions->start();
  return p.events->start();
}

// Functions in a VPC where nothing is enforced are the operator's decision.
std::string FunctionServices::Parts::why_no_network() const {
  const std::string why = needs.networks.why_not_enforced();
  const auto state = needs.network.load();
  return why.empty() || (state && state->policy.allows_unenforced)
             ? ""
             : "Functions with a VPC configuration are refused, because networks are not enforced "
               "here: " +
                   why;
}

void FunctionServices::stop_running() {
  Parts& p = *parts_;
  if (p.events) {
    p.events->stop();
  }
  if (p.runner && !std::exchange(p.is_runner_stopped, true)) {
    p.runner->stop();
  }
}

void FunctionServices::stop() {
  Parts& p = *parts_;
  stop_running();
  p.archives.stop();
  p.queueing.stop();
  p.chores.stop();
  if (p.logs) {
    p.logs->stop(kFlushLogs);
  }
}

void FunctionServices::add_actions(api::ActionTable& table) {
  Parts& p = *parts_;
  api::add_lambda_actions(
      table, {*p.functions, *p.invoker, *p.events, p.archives,
              [&downloads = p.downloads](const CodeRef& code) { return downloads.url(code); }});
  api::add_logs_actions(table, *p.log_service);
}

functions::FunctionService& FunctionServices::functions() {
  return *parts_->functions;
}

runner::Runner& FunctionServices::runner() {
  return *parts_->runner;
}

std::optional<net::HttpResponse> FunctionServices::download(const net::HttpRequest& request) const {
  return parts_->downloads.answer(request);
}

}  // namespace trivet::daemon
