// SPDX-License-Identifier: Apache-2.0
#include "adapter/engine/template.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>

#include "adapter/engine/files.h"
#include "adapter/engine/subprocess.h"
#include "base/clock.h"
#include "base/file.h"

namespace trivet::engine {
namespace {

// Grows when a template made by older code must not be used any more.
constexpr int kFormat = 1;
constexpr Millis kLockTimeout{900'000};
constexpr Millis kInitializeTimeout{300'000};
constexpr Millis kStartTimeout{120'000};
constexpr Millis kShutdownTimeout{120'000};
constexpr int kPauseMs = 20;
// Relative to the data directory, where both sides run: a unix socket's path is at most 107 bytes
// long.
constexpr std::string_view kSocket = "template.sock";
constexpr std::string_view kRedoFolder = "#innodb_redo";

// The folders of one template in the making.
struct Paths {
  explicit Paths(const Engine& engine) : final(engine.template_folder()) {}
  std::string final;
  std::string lock() const { return final + ".lock"; }
  std::string partial() const { return final + ".partial"; }
  std::string data() const { return partial() + "/data"; }
  std::string log() const { return partial() + "/mysqld.log"; }
  std::string sql() const { return partial() + "/accounts.sql"; }
};

// Says for whom a template is. Empty when there is none, or one of another format.
std::string admin_of(const std::string& folder) {
  const Result<std::string> text = read_file(folder + "/template.json");
  if (!text || !is_folder(folder + "/data")) {
    return {};
  }
  const auto json = nlohmann::json::parse(*text, nullptr, false);
  if (!json.is_object() || !json.contains("format") || json["format"] != kFormat ||
      !json.contains("admin_user") || !json["admin_user"].is_string()) {
    return {};
  }
  return json["admin_user"].get<std::string>();
}

bool is_plain_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '@' || c == '+' || c == '$';
  });
}

// Runs at the first real start, before any connection, with all rights and no account. One
// statement a line.
std::string account_sql(const std::string& admin_user) {
  const std::string account = fmt::format("'{}'@'localhost'", kAdminAccount);
  return fmt::format(
      "CREATE USER {0} IDENTIFIED WITH auth_socket AS '{1}';\n"
      "GRANT ALL PRIVILEGES ON *.* TO {0} WITH GRANT OPTION;\n"
      "DROP USER 'root'@'localhost';\n",
      account, admin_user);
}

// Its answer is compared with kExpected: the admin account works, no other one can log in, and
// nothing was written that replicas could miss.
constexpr std::string_view kProof =
    "SELECT CURRENT_USER(), @@GLOBAL.gtid_executed = '', @@GLOBAL.log_bin,"
    " (SELECT COUNT(*) FROM mysql.user WHERE account_locked = 'N'),"
    " (SELECT COUNT(*) FROM mysql.plugin);\n"
    "SET GLOBAL innodb_fast_shutdown = 0;\n"
    "SHUTDOWN;\n";
constexpr std::string_view kExpected = "trivet_admin@localhost\t1\t0\t1\t0";

Command server(const Engine& engine, const Paths& paths, const TemplateOptions& options) {
  const EngineLayout& layout = engine.layout;
  Command command;
  command.argv = layout.command("mysqld");
  for (std::string argument :
       {std::string("--no-defaults"), "--basedir=" + layout.basedir,
        "--lc-messages-dir=" + layout.lc_messages_dir,
        "--character-sets-dir=" + layout.character_sets_dir, "--plugin-dir=" + layout.plugin_dir,
        "--datadir=" + paths.data(), std::string("--disable-log-bin"),
        std::string("--auto-generate-certs=OFF"),
        std::string("--caching-sha2-password-auto-generate-rsa-keys=OFF"),
        std::string("--secure-file-priv=NULL"), std::string("--mysqlx=OFF"),
        std::string("--pid-file=template.pid"), fmt::format("--socket={}", kSocket),
        // Small files make a template that is cheap to copy; a member's own settings resize them.
        std::string("--innodb-redo-log-capacity=8M"),
        std::string("--innodb-buffer-pool-size=64M")}) {
    command.argv.push_back(std::move(argument));
  }
  if (::geteuid() == 0) {
    if (options.server_user.uid == 0) {
      command.argv.emplace_back("--user=root");
    } else {
      command.run_as = RunAs{options.server_user.uid, options.server_user.gid};
    }
  }
  command.folder = paths.partial();
  return command;
}

// What mysqld wrote about its failure.
std::string errors_of(const std::string& log_path) {
  const Result<std::string> text = read_file(log_path);
  if (!text) {
    return "it wrote no log";
  }
  std::string out;
  std::string last;
  for (std::size_t at = 0; at < text->size();) {
    const std::size_t end = std::min(text->find('\n', at), text->size());
    last = text->substr(at, end - at);
    if (last.find("[ERROR]") != std::string::npos && out.size() < 1000) {
      out += out.empty() ? "" : "; ";
      out += last.substr(last.find("[ERROR]") + 8);
    }
    at = end + 1;
  }
  return out.empty() ? last : out;
}

Error server_failed(std::string_view doing, const Paths& paths) {
  return make_error(Errc::kUnavailable,
                    fmt::format("mysqld failed at {}: {}", doing, errors_of(paths.log())));
}

Status initialize(const Engine& engine, const Paths& paths, const TemplateOptions& options) {
  Command command = server(engine, paths, options);
  command.argv.emplace_back("--initialize-insecure");
  // With a small log it would spend a second waiting for checkpoints.
  command.argv.emplace_back("--innodb-redo-log-capacity=32M");
  TRIVET_TRY(Child child, Child::start(command, paths.log()));
  const std::optional<int> status = child.wait(kInitializeTimeout);
  if (!status) {
    return make_error(Errc::kTimeout, fmt::format("mysqld did not initialise {} in {} s",
                                                  paths.data(), kInitializeTimeout.count() / 1000));
  }
  return *status == 0 ? ok() : Status(server_failed("initialising a data directory", paths));
}

Status wait_for_socket(Child& child, const Paths& paths) {
  const SystemClock clock;
  const Instant until = clock.now() + kStartTimeout;
  while (!exists(fmt::format("{}/{}", paths.data(), kSocket))) {
    if (child.wait(Millis(kPauseMs))) {
      return server_failed("starting the template", paths);
    }
    if (clock.now() >= until) {
      return make_error(Errc::kTimeout, "mysqld opened no socket for the template");
    }
  }
  return ok();
}

// Starts the new data directory once: makes the accounts, proves them over the socket, shuts down
// clean.
Status complete(const Engine& engine, const Paths& paths, const TemplateOptions& options) {
  TRIVET_CHECK_OK(write_file_atomically(paths.sql(), account_sql(options.admin_user.name), 0644));
  Command command = server(engine, paths, options);
  for (const std::string& argument :
       {std::string("--skip-networking"), std::string("--plugin-load-add=auth_socket.so"),
        std::string("--auth-socket=FORCE_PLUS_PERMANENT"), "--init-file=" + paths.sql(),
        // The smallest log makes the template cheap to copy; a member's own setting resizes it.
        std::string("--innodb-redo-log-capacity=8M")}) {
    command.argv.push_back(argument);
  }
  TRIVET_TRY(Child child, Child::start(command, paths.log()));
  TRIVET_CHECK_OK(wait_for_socket(child, paths));
  Command client;
  client.argv = engine.layout.command("mysql");
  for (const std::string& argument :
       {std::string("--no-defaults"), fmt::format("--socket={}", kSocket),
        fmt::format("--user={}", kAdminAccount), std::string("--batch"),
        std::string("--skip-column-names")}) {
    client.argv.push_back(argument);
  }
  client.folder = paths.data();
  client.input = kProof;
  client.timeout = kStartTimeout;
  const Result<Outcome> answer = run_checked(client, "log in to the template");
  if (!answer) {
    return child.wait(Millis(0)) ? server_failed("starting the template", paths) : answer.error();
  }
  if (answer->out.substr(0, answer->out.find('\n')) != kExpected) {
    return make_error(Errc::kInternal,
                      fmt::format("the template is not as it should be: {}", answer->out));
  }
  const std::optional<int> status = child.wait(kShutdownTimeout);
  if (!status) {
    return make_error(Errc::kTimeout, "mysqld did not shut the template down");
  }
  return *status == 0 ? ok() : Status(server_failed("shutting the template down", paths));
}

// Leaves what every copy may share. The doublewrite files are empty of use after a clean shutdown;
// each start reads them whole, several times over (50 MB resident, which the allocator keeps), and
// makes new ones, of the size that a member's own settings ask for, where there are none.
Status strip(const Paths& paths) {
  for (const std::string& name : names_in(paths.data())) {
    if (name.ends_with(".pem") || name.ends_with(".dblwr") || name == "auto.cnf" ||
        name == "ibtmp1" || name == "template.pid" || name.rfind(kSocket, 0) == 0) {
      TRIVET_CHECK_OK(remove_tree(paths.data() + "/" + name));
    }
  }
  TRIVET_CHECK_OK(remove_tree(paths.log()));
  return remove_tree(paths.sql());
}

Status make_partial_folders(const Paths& paths, const TemplateOptions& options) {
  TRIVET_CHECK_OK(remove_tree(paths.partial()));
  // The server's user passes through; the data is its own until the template is whole.
  TRIVET_CHECK_OK(make_folders_exactly(paths.partial(), 0711));
  TRIVET_CHECK_OK(make_folders_exactly(paths.data(), 0750));
  if (::geteuid() == 0) {
    TRIVET_CHECK_OK(give_tree(paths.data(), {options.server_user.uid, options.server_user.gid}));
    return check_can_enter(paths.partial(), options.server_user);
  }
  return ok();
}

Status build(const Engine& engine, const Paths& paths, const TemplateOptions& options) {
  TRIVET_CHECK_OK(make_partial_folders(paths, options));
  if (options.progress) {
    options.progress("initialising a data directory as the template of all members");
  }
  TRIVET_CHECK_OK(initialize(engine, paths, options));
  if (options.progress) {
    options.progress("making its accounts");
  }
  TRIVET_CHECK_OK(complete(engine, paths, options));
  if (options.progress) {
    options.progress("writing the template to disk");
  }
  TRIVET_CHECK_OK(strip(paths));
  TRIVET_CHECK_OK(punch_holes(paths.data()));
  const nlohmann::json about = {{"format", kFormat},
                                {"engine_version", engine.manifest.version},
                                {"admin_user", options.admin_user.name}};
  TRIVET_CHECK_OK(
      write_file_atomically(paths.partial() + "/template.json", about.dump(1) + "\n", 0644));
  // From now on nobody but us reads or changes it, not even a server that was broken into.
  TRIVET_CHECK_OK(give_tree(paths.partial(), {::geteuid(), ::getegid()}));
  if (::chmod(paths.partial().c_str(), 0700) != 0) {
    return make_error(Errc::kInternal,
                      errno_message(fmt::format("chmod {}", paths.partial()), errno));
  }
  TRIVET_CHECK_OK(sync_tree(paths.partial()));
  TRIVET_CHECK_OK(remove_tree(paths.final));
  return rename_path(paths.partial(), paths.final);
}

}  // namespace

bool has_template(const Engine& engine) {
  return !admin_of(engine.template_folder()).empty();
}

Status make_template(const Engine& engine, const TemplateOptions& options) {
  if (!is_plain_name(options.admin_user.name)) {
    return make_error(Errc::kInvalidArgument,
                      fmt::format("\"{}\" is not a user name that MySQL can be told of",
                                  options.admin_user.name));
  }
  const Paths paths(engine);
  if (admin_of(paths.final) == options.admin_user.name) {
    return ok();
  }
  TRIVET_TRY(const Fd lock, lock_file(paths.lock(), LockKind::kExclusive, kLockTimeout, [&] {
               if (options.progress) {
                 options.progress("waiting for the template that another process makes");
               }
             }));
  if (admin_of(paths.final) == options.admin_user.name) {
    return ok();
  }
  const Status built = build(engine, paths, options);
  if (!built) {
    static_cast<void>(remove_tree(paths.partial()));
  }
  return built;
}

Status copy_template(const Engine& engine, const CopyTemplateOptions& options) {
  const Paths paths(engine);
  TRIVET_TRY(const Fd lock, lock_file(paths.lock(), LockKind::kShared, kLockTimeout));
  if (!has_template(engine)) {
    return make_error(Errc::kNotFound, fmt::format("{} has no template yet", engine.folder));
  }
  if (exists(options.target)) {
    return make_error(Errc::kAlreadyExists, fmt::format("{} is already there", options.target));
  }
  const std::string partial = options.target + ".partial";
  TRIVET_CHECK_OK(remove_tree(partial));
  const CopyOptions copy{options.owner, std::string(kRedoFolder)};
  TRIVET_CHECK_OK(copy_tree(paths.final + "/data", partial, copy));
  Status status = options.durable ? sync_tree(partial) : ok();
  if (status) {
    status = rename_path(partial, options.target);
  }
  if (!status) {
    static_cast<void>(remove_tree(partial));
  }
  return status;
}

}  // namespace trivet::engine
