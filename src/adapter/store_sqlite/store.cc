// SPDX-License-Identifier: Apache-2.0
#include "adapter/store_sqlite/store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "adapter/store_sqlite/database.h"
#include "adapter/store_sqlite/schema.h"
#include "base/file.h"
#include "base/mutex.h"
#include "ports/watch_hub.h"

namespace trivet::store_sqlite {
namespace {

// Made once for a connection; every call binds, steps and resets.
struct Statements {
  Statement get, list_from, list_range, put, erase, revision, set_revision;
};

Result<Statements> prepare_statements(sqlite3* db) {
  TRIVET_TRY(auto get,
             Statement::prepare(db, "SELECT value, modified FROM entries WHERE key = ?1"));
  TRIVET_TRY(auto list_from, Statement::prepare(db,
                                                "SELECT key, value, modified FROM entries "
                                                "WHERE key >= ?1 ORDER BY key"));
  TRIVET_TRY(auto list_range, Statement::prepare(db,
                                                 "SELECT key, value, modified FROM entries "
                                                 "WHERE key >= ?1 AND key < ?2 ORDER BY key"));
  TRIVET_TRY(auto put, Statement::prepare(db,
                                          "INSERT INTO entries VALUES (?1, ?2, ?3) ON CONFLICT "
                                          "(key) DO UPDATE SET value = ?2, modified = ?3"));
  TRIVET_TRY(auto erase, Statement::prepare(db, "DELETE FROM entries WHERE key = ?1"));
  TRIVET_TRY(auto revision, Statement::prepare(db, "SELECT revision FROM trivet_revision"));
  TRIVET_TRY(auto set_revision, Statement::prepare(db, "UPDATE trivet_revision SET revision = ?1"));
  return Statements{std::move(get),   std::move(list_from), std::move(list_range),  std::move(put),
                    std::move(erase), std::move(revision),  std::move(set_revision)};
}

// Resets the statement when the use of it ends, so that no read transaction stays open.
class Use {
 public:
  explicit Use(Statement& statement) : statement_(statement) {}
  ~Use() { statement_.reset(); }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  Statement* operator->() { return &statement_; }

 private:
  Statement& statement_;
};

// The first key behind all keys that start with `prefix`; empty when there is none (prefix is all
// 0xff).
std::string end_of_prefix(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) {
    end.pop_back();
  }
  if (!end.empty()) {
    end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  }
  return end;
}

class SqliteStore final : public StateStore {
 public:
  SqliteStore(Connection connection, Statements statements)
      : connection_(std::move(connection)), statements_(std::move(statements)) {}

  Result<StoredValue> get(std::string_view key) override;
  Result<std::vector<StoredValue>> list(std::string_view prefix) override;
  Result<Revision> commit(const Commit& commit) override;
  Result<std::unique_ptr<StoreWatch>> watch(
      std::string prefix, std::function<void(const std::vector<StoreEvent>&)> on_events) override {
    MutexLock lock(mutex_);
    return hub_.add(std::move(prefix), std::move(on_events));
  }

 private:
  struct Applied {
    Revision revision;
    std::vector<StoreEvent> events;
  };
  Status check_compare(const Compare& compare) REQUIRES_LOCK(mutex_);
  Result<Applied> apply(const Commit& commit) REQUIRES_LOCK(mutex_);

  Mutex mutex_;
  Connection connection_ GUARDED_BY(mutex_);
  Statements statements_ GUARDED_BY(mutex_);  // behind connection_: goes first
  WatchHub hub_;
};

Result<StoredValue> SqliteStore::get(std::string_view key) {
  MutexLock lock(mutex_);
  Use select(statements_.get);
  TRIVET_TRY(const bool row, select->bind(1, key).step());
  if (!row) {
    return make_error(Errc::kNotFound, "no key '" + std::string(key) + "' in the store");
  }
  return StoredValue{std::string(key), select->bytes(0), Revision(select->number(1))};
}

Result<std::vector<StoredValue>> SqliteStore::list(std::string_view prefix) {
  MutexLock lock(mutex_);
  const std::string end = end_of_prefix(prefix);
  Use select(end.empty() ? statements_.list_from : statements_.list_range);
  select->bind(1, prefix);
  if (!end.empty()) {
    select->bind(2, end);
  }
  std::vector<StoredValue> found;
  for (;;) {
    TRIVET_TRY(const bool row, select->step());
    if (!row) {
      return found;
    }
    found.push_back({select->bytes(0), select->bytes(1), Revision(select->number(2))});
  }
}

Status SqliteStore::check_compare(const Compare& compare) {
  Use select(statements_.get);
  TRIVET_TRY(const bool row, select->bind(1, compare.key).step());
  const std::int64_t actual = row ? select->number(1) : 0;
  if (actual != compare.modified.value()) {
    return make_error(Errc::kConflict, "key '" + compare.key + "' is at revision " +
                                           std::to_string(actual) + ", not " +
                                           std::to_string(compare.modified.value()));
  }
  return ok();
}

Result<SqliteStore::Applied> SqliteStore::apply(const Commit& commit) {
  for (const Compare& compare : commit.compares) {
    TRIVET_CHECK_OK(check_compare(compare));
  }
  Applied applied;
  {
    Use select(statements_.revision);
    TRIVET_TRY(const bool row, select->step());
    if (!row) {
      return make_error(Errc::kCorrupt, "state store: its revision is missing");
    }
    applied.revision = Revision(select->number(0));
  }
  const Revision next = applied.revision.next();
  for (const Write& put : commit.puts) {
    Use insert(statements_.put);
    TRIVET_TRY(const bool row,
               insert->bind(1, put.key).bind(2, put.value).bind(3, next.value()).step());
    static_cast<void>(row);
    applied.events.push_back({StoreEvent::Kind::kPut, {put.key, put.value, next}});
  }
  for (const std::string& key : commit.deletes) {
    Use erase(statements_.erase);
    TRIVET_TRY(const bool row, erase->bind(1, key).step());
    static_cast<void>(row);
    if (sqlite3_changes(connection_.get()) > 0) {
      applied.events.push_back({StoreEvent::Kind::kDelete, {key, "", next}});
    }
  }
  if (!applied.events.empty()) {
    Use update(statements_.set_revision);
    TRIVET_TRY(const bool row, update->bind(1, next.value()).step());
    static_cast<void>(row);
    applied.revision = next;
  }
  return applied;
}

Result<Revision> SqliteStore::commit(const Commit& commit) {
  TRIVET_CHECK_OK(check_commit(commit));
  MutexLock lock(mutex_);
  TRIVET_CHECK_OK(execute(connection_.get(), "BEGIN IMMEDIATE"));
  Result<Applied> applied = apply(commit);
  const bool changed = applied.has_value() && !applied->events.empty();
  const Status ended = execute(connection_.get(), changed ? "COMMIT" : "ROLLBACK");
  if (changed && !ended && sqlite3_get_autocommit(connection_.get()) == 0) {
    // A COMMIT that failed leaves the transaction open; what it wrote must not join the next one.
    static_cast<void>(execute(connection_.get(), "ROLLBACK"));
  }
  if (!applied) {
    return applied.error();
  }
  if (changed) {
    TRIVET_CHECK_OK(ended);
    hub_.publish(std::move(applied->events));
  }
  return applied->revision;
}

// Made by us first, so that it (and the WAL beside it, which takes its mode) is nobody else's to
// read.
Status make_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return make_error(Errc::kUnavailable, errno_message("state store: open " + path, errno));
  }
  ::close(fd);
  return ok();
}

Status configure(sqlite3* connection) {
  TRIVET_CHECK_OK(execute(connection, "PRAGMA journal_mode = WAL"));
  TRIVET_CHECK_OK(execute(connection, "PRAGMA synchronous = FULL"));
  TRIVET_CHECK_OK(execute(connection, "PRAGMA trusted_schema = OFF"));
  return ok();
}

// SQLite's own structure check; a store is small, so it costs a millisecond.
Status check_integrity(sqlite3* connection) {
  TRIVET_TRY(auto check, Statement::prepare(connection, "PRAGMA quick_check(1)"));
  TRIVET_TRY(const bool row, check.step());
  const std::string verdict = row ? check.bytes(0) : "no answer";
  if (verdict != "ok") {
    return make_error(Errc::kCorrupt, "state store: damaged: " + verdict);
  }
  return ok();
}

}  // namespace

Result<std::unique_ptr<StateStore>> open_sqlite_store(const SqliteOptions& options) {
  TRIVET_CHECK_OK(make_file(options.path));
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(options.path.c_str(), &raw,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  Connection connection(raw);
  if (code != SQLITE_OK) {
    return sqlite_error(raw, code, "open " + options.path);
  }
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, static_cast<int>(options.busy_timeout.count()));
  TRIVET_CHECK_OK(configure(raw));
  TRIVET_CHECK_OK(check_integrity(raw));
  TRIVET_CHECK_OK(prepare_schema(raw));
  TRIVET_TRY(auto statements, prepare_statements(raw));
  return std::unique_ptr<StateStore>(
      std::make_unique<SqliteStore>(std::move(connection), std::move(statements)));
}

}  // namespace trivet::store_sqlite
