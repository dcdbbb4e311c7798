// SPDX-License-Identifier: Apache-2.0
#include "adapter/mysql/connection.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <mysql.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <mutex>

#include "base/clock.h"
#include "base/file.h"

namespace trivet::mysql {
namespace {

Instant now() {
  return SystemClock().now();
}

// Once for the process. libmariadb writes to TLS sockets without MSG_NOSIGNAL: a peer that is gone
// must be an error, not the end of the daemon.
void initialize_library() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action{};
    if (::sigaction(SIGPIPE, nullptr, &action) == 0 && action.sa_handler == SIG_DFL) {
      ::signal(SIGPIPE, SIG_IGN);
    }
    ::mysql_server_init(0, nullptr, nullptr);
  });
}

// Does anybody listen at a unix socket? libmariadb must not be the one to find out that nobody
// does: then it closes its descriptor twice, and the second time it can be another thread's.
Status check_listens(const std::string& path) {
  sockaddr_un address{};
  if (path.size() >= sizeof address.sun_path) {
    return make_error(Errc::kInvalidArgument, "the path of a unix socket is too long: " + path);
  }
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    return make_error(Errc::kInternal, errno_message("socket", errno));
  }
  const bool connected =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  const int number = connected ? 0 : errno;
  ::close(fd);
  return connected
             ? ok()
             : Status(make_error(Errc::kUnavailable, errno_message("connect to " + path, number)));
}

short poll_events(int status) {
  int events = 0;
  if ((status & MYSQL_WAIT_READ) != 0) {
    events |= POLLIN;
  }
  if ((status & MYSQL_WAIT_WRITE) != 0) {
    events |= POLLOUT;
  }
  if ((status & MYSQL_WAIT_EXCEPT) != 0) {
    events |= POLLPRI;
  }
  return static_cast<short>(events);
}

// What of `status` has come about, or MYSQL_WAIT_TIMEOUT when `until` has passed.
int wait_ready(MYSQL* mysql, int status, Instant until) {
  for (;;) {
    const auto left = std::chrono::ceil<Millis>(until - now()).count();
    if (left <= 0) {
      return MYSQL_WAIT_TIMEOUT;
    }
    pollfd wanted{static_cast<int>(::mysql_get_socket(mysql)), poll_events(status), 0};
    const int ready = ::poll(&wanted, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (ready < 0 && errno == EINTR) {
      continue;
    }
    if (ready <= 0) {
      continue;
    }
    int out = 0;
    if ((wanted.revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
      out |= status & MYSQL_WAIT_READ;
    }
    if ((wanted.revents & (POLLOUT | POLLHUP | POLLERR)) != 0) {
      out |= status & MYSQL_WAIT_WRITE;
    }
    if ((wanted.revents & POLLPRI) != 0) {
      out |= status & MYSQL_WAIT_EXCEPT;
    }
    return out != 0 ? out : status;
  }
}

// Runs one operation of libmariadb's non-blocking interface to its end. False when the deadline
// passed: the socket is then shut, so that the operation ends with an error instead of being left
// half done.
template <typename Continue>
bool finish(MYSQL* mysql, int status, Instant until, Continue&& proceed) {
  bool in_time = true;
  while (status != 0) {
    const int ready = wait_ready(mysql, status, until);
    if (ready == MYSQL_WAIT_TIMEOUT && in_time) {
      in_time = false;
      ::shutdown(static_cast<int>(::mysql_get_socket(mysql)), SHUT_RDWR);
    }
    status = proceed(ready);
  }
  return in_time;
}

bool is_connection_error(unsigned number) {
  return number >= 2000 && number < 3000;
}

Status set_options(MYSQL* mysql, const ConnectOptions& options) {
  const my_bool on = 1;
  ::mysql_optionsv(mysql, MYSQL_OPT_NONBLOCK, nullptr);
  ::mysql_optionsv(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  // In whole seconds; the bound of last resort under ours, for the TLS handshake, in which
  // libmariadb blocks.
  const auto seconds = static_cast<unsigned>(
      std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(options.deadline).count()));
  ::mysql_optionsv(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
  const unsigned local_infile = 0;
  ::mysql_optionsv(mysql, MYSQL_OPT_LOCAL_INFILE, &local_infile);
  ::mysql_optionsv(mysql, MARIADB_OPT_RESTRICTED_AUTH,
                   options.allow_clear_password ? "mysql_clear_password,caching_sha2_password"
                                                : "caching_sha2_password");
  if (!options.unix_socket.empty()) {
    return ok();
  }
  if (options.tls_ca.empty() || options.host.empty()) {
    return make_error(Errc::kInvalidArgument, "a connection over TCP needs a host and a CA file");
  }
  if (!options.source.empty()) {
    ::mysql_optionsv(mysql, MYSQL_OPT_BIND, options.source.c_str());
  }
  ::mysql_optionsv(mysql, MYSQL_OPT_SSL_CA, options.tls_ca.c_str());
  ::mysql_optionsv(mysql, MYSQL_OPT_SSL_ENFORCE, &on);
  ::mysql_optionsv(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &on);
  return ok();
}

const char* or_null(const std::string& text) {
  return text.empty() ? nullptr : text.c_str();
}

}  // namespace

std::optional<std::string> QueryResult::value(std::size_t row, std::string_view column) const {
  const auto at = std::find(columns.begin(), columns.end(), column);
  if (row >= rows.size() || at == columns.end()) {
    return std::nullopt;
  }
  return rows[row][static_cast<std::size_t>(at - columns.begin())];
}

std::string QueryResult::text(std::size_t row, std::string_view column) const {
  return value(row, column).value_or("");
}

std::int64_t QueryResult::number(std::size_t row, std::string_view column) const {
  const std::string digits = text(row, column);
  std::int64_t out = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), out);
  return out;
}

Errc code_of_server_error(unsigned number) {
  switch (number) {
    case 1044:  // access denied to a database
    case 1045:  // access denied
    case 1142:  // command denied on a table
    case 1227:  // privilege needed
    case 1698:  // access denied, no password asked
    case 1862:  // password expired
    case 3118:  // account locked
    case 3159:  // TLS required
      return Errc::kDenied;
    case 1040:  // too many connections
    case 1053:  // shutting down
    case 1927:  // killed
    case 3032:  // offline mode
      return Errc::kUnavailable;
    case 1205:  // lock wait timeout
    case 1317:  // query interrupted
    case 3024:  // statement's time is over
      return Errc::kTimeout;
    case 1198:  // replica threads must be stopped
    case 1290:  // read only
    case 1836:  // read-only mode
    case 3081:  // both replica threads must be stopped
      return Errc::kConflict;
    case 1007:  // database exists
    case 1050:  // table exists
      return Errc::kAlreadyExists;
    case 1008:  // no such database
    case 1049:  // unknown database
    case 1094:  // no such thread
    case 1146:  // no such table
      return Errc::kNotFound;
    default:
      return is_connection_error(number) ? Errc::kUnavailable : Errc::kInternal;
  }
}

Connection::Connection(Connection&& other) noexcept
    : mysql_(std::exchange(other.mysql_, nullptr)),
      connection_id_(other.connection_id_),
      last_errno_(other.last_errno_),
      broken_(other.broken_),
      timed_out_(other.timed_out_) {}

Connection& Connection::operator=(Connection&& other) noexcept {
  if (this != &other) {
    close();
    mysql_ = std::exchange(other.mysql_, nullptr);
    connection_id_ = other.connection_id_;
    last_errno_ = other.last_errno_;
    broken_ = other.broken_;
    timed_out_ = other.timed_out_;
  }
  return *this;
}

Connection::~Connection() {
  close();
}

void Connection::close() {
  if (mysql_ != nullptr) {
    if (broken_) {
      // Nothing more may be said to the server, not even goodbye: that could block.
      ::shutdown(static_cast<int>(::mysql_get_socket(mysql_)), SHUT_RDWR);
    }
    ::mysql_close(mysql_);
    mysql_ = nullptr;
  }
}

Result<Connection> Connection::open(const ConnectOptions& options, unsigned* server_error) {
  if (server_error != nullptr) {
    *server_error = 0;
  }
  initialize_library();
  if (!options.unix_socket.empty()) {
    TRIVET_CHECK_OK(check_listens(options.unix_socket));
  }
  MYSQL* mysql = ::mysql_init(nullptr);
  if (mysql == nullptr) {
    return make_error(Errc::kInternal, "libmariadb has no memory");
  }
  Connection connection(mysql);
  TRIVET_CHECK_OK(set_options(mysql, options));
  const bool local = !options.unix_socket.empty();
  const std::string password(options.password.reveal());
  MYSQL* done = nullptr;
  const Instant until = now() + options.deadline;
  const int status =
      ::mysql_real_connect_start(&done, mysql, local ? "localhost" : options.host.c_str(),
                                 options.user.c_str(), password.c_str(), or_null(options.database),
                                 local ? 0U : options.port, or_null(options.unix_socket), 0);
  connection.timed_out_ = !finish(mysql, status, until, [&](int ready) {
    return ::mysql_real_connect_cont(&done, mysql, ready);
  });
  if (done == nullptr || connection.timed_out_) {
    connection.timed_out_ = connection.timed_out_ || now() >= until;
    const Error error =
        connection.failure(local ? "connect to " + options.unix_socket
                                 : fmt::format("connect to {}:{}", options.host, options.port));
    connection.broken_ = true;
    if (server_error != nullptr && !connection.timed_out_) {
      *server_error = connection.last_errno_;
    }
    return error;
  }
  // The TLS handshake leaves the socket blocking, and then a read would not come back to us.
  const int fd = static_cast<int>(::mysql_get_socket(mysql));
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  connection.connection_id_ = ::mysql_thread_id(mysql);
  return connection;
}

Error Connection::failure(std::string_view what) {
  last_errno_ = ::mysql_errno(mysql_);
  if (timed_out_) {
    broken_ = true;
    return make_error(Errc::kTimeout, fmt::format("{}: the deadline passed", what));
  }
  broken_ = broken_ || is_connection_error(last_errno_);
  return make_error(code_of_server_error(last_errno_),
                    fmt::format("{}: {} (errno {})", what, ::mysql_error(mysql_), last_errno_));
}

Status Connection::run(std::string_view sql, Instant until) {
  if (is_broken()) {
    return make_error(Errc::kUnavailable, "the connection is broken");
  }
  last_errno_ = 0;
  int failed = 0;
  const int status = ::mysql_real_query_start(&failed, mysql_, sql.data(), sql.size());
  timed_out_ = !finish(mysql_, status, until,
                       [&](int ready) { return ::mysql_real_query_cont(&failed, mysql_, ready); });
  if (failed != 0 || timed_out_) {
    return failure("statement");
  }
  return ok();
}

Result<QueryResult> Connection::collect(Instant until) {
  MYSQL_RES* stored = nullptr;
  const int status = ::mysql_store_result_start(&stored, mysql_);
  timed_out_ = !finish(mysql_, status, until, [&](int ready) {
    return ::mysql_store_result_cont(&stored, mysql_, ready);
  });
  QueryResult out;
  if (stored == nullptr) {
    if (timed_out_ || ::mysql_errno(mysql_) != 0) {
      return failure("result");
    }
    out.affected_rows = ::mysql_affected_rows(mysql_);
    return out;
  }
  const unsigned count = ::mysql_num_fields(stored);
  const MYSQL_FIELD* fields = ::mysql_fetch_fields(stored);
  for (unsigned i = 0; i < count; ++i) {
    out.columns.emplace_back(fields[i].name, fields[i].name_length);
  }
  while (MYSQL_ROW row = ::mysql_fetch_row(stored)) {  // from memory: the result was stored
    const unsigned long* lengths = ::mysql_fetch_lengths(stored);
    Row values;
    for (unsigned i = 0; i < count; ++i) {
      values.push_back(row[i] == nullptr ? std::nullopt
                                         : std::make_optional<std::string>(row[i], lengths[i]));
    }
    out.rows.push_back(std::move(values));
  }
  ::mysql_free_result(stored);
  return out;
}

Result<QueryResult> Connection::query(std::string_view sql, Millis deadline) {
  const Instant until = now() + deadline;
  const Status ran = run(sql, until);
  if (!ran) {
    // Our own statements only, and none with a secret: the text is the best name of what failed.
    return make_error(ran.error().code, fmt::format("{}; in: {:.200}", ran.error().message, sql));
  }
  return collect(until);
}

Status Connection::execute(std::string_view sql, Millis deadline) {
  TRIVET_TRY([[maybe_unused]] const QueryResult result, query(sql, deadline));
  return ok();
}

Status Connection::execute_secret(const SecretString& sql, Millis deadline) {
  const Instant until = now() + deadline;
  const Status ran = run(sql.reveal(), until);
  if (!ran) {
    return make_error(ran.error().code,
                      fmt::format("a statement with a secret failed (errno {})", last_errno_));
  }
  TRIVET_TRY([[maybe_unused]] const QueryResult result, collect(until));
  return ok();
}

std::string Connection::tls_version() const {
  const char* version = nullptr;
  if (is_broken() || ::mariadb_get_infov(mysql_, MARIADB_CONNECTION_TLS_VERSION, &version) != 0 ||
      version == nullptr) {
    return "";
  }
  return version;
}

}  // namespace trivet::mysql
