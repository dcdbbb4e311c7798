// SPDX-License-Identifier: Apache-2.0
//
// The suite on SQLite, and what only a file can show: damage, newer versions, locks, a killed
// process.
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "adapter/store_sqlite/store.h"
#include "tests/conformance/state_store_suite.h"

namespace trivet {
namespace {

namespace fs = std::filesystem;

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (fs::temp_directory_path() / "trivet-store-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TempFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::unique_ptr<StateStore> open_or_die(const std::string& path) {
  auto opened = store_sqlite::open_sqlite_store({.path = path});
  EXPECT_TRUE(opened) << opened.error().message;
  return opened ? std::move(*opened) : nullptr;
}

class SqliteBed final : public StoreBed {
 public:
  SqliteBed() : store_(open_or_die(folder_.file("state.db"))) {}
  StateStore& store() override { return *store_; }
  bool reopen() override {
    store_ = nullptr;
    store_ = open_or_die(folder_.file("state.db"));
    return true;
  }

 private:
  TempFolder folder_;
  std::unique_ptr<StateStore> store_;
};

INSTANTIATE_TEST_SUITE_P(Sqlite, StateStoreSuite, testing::Values(StoreBedFactory([] {
                           return std::make_unique<SqliteBed>();
                         })),
                         [](const auto&) { return std::string("store"); });
INSTANTIATE_TEST_SUITE_P(Sqlite, DurableStateStoreSuite, testing::Values(StoreBedFactory([] {
                           return std::make_unique<SqliteBed>();
                         })),
                         [](const auto&) { return std::string("store"); });

void run_sql(const std::string& path, const char* sql) {
  sqlite3* connection = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &connection), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(connection, sql, nullptr, nullptr, nullptr), SQLITE_OK)
      << sqlite3_errmsg(connection);
  sqlite3_close(connection);
}

TEST(SqliteStore, FilesOfAKilledProcessHoldEveryCommitThatReturned) {
  const TempFolder folder;
  const auto live = open_or_die(folder.file("state.db"));
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(live->commit({.puts = {{"k" + std::to_string(i), "v"}}}));
  }
  // What a killed process leaves: the file and its WAL as they are now, never closed. The index of
  // the WAL (-shm) lives in memory and may be missing.
  fs::copy_file(folder.file("state.db"), folder.file("copy.db"));
  fs::copy_file(folder.file("state.db-wal"), folder.file("copy.db-wal"));
  const auto copy = open_or_die(folder.file("copy.db"));
  EXPECT_EQ(copy->list("k")->size(), 50U);
  EXPECT_EQ(*copy->commit({.puts = {{"next", "v"}}}), Revision(51));
}

TEST(SqliteStore, HalfWrittenLastCommitIsGoneAndTheRestIsThere) {
  const TempFolder folder;
  const auto live = open_or_die(folder.file("state.db"));
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(live->commit({.puts = {{"k" + std::to_string(i), std::string(5000, 'v')}}}));
  }
  fs::copy_file(folder.file("state.db"), folder.file("copy.db"));
  fs::copy_file(folder.file("state.db-wal"), folder.file("copy.db-wal"));
  fs::resize_file(folder.file("copy.db-wal"), fs::file_size(folder.file("copy.db-wal")) - 100);
  const auto copy = open_or_die(folder.file("copy.db"));
  const auto kept = copy->list("k");
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->size(), 19U);
  EXPECT_EQ(*copy->commit({.puts = {{"next", "v"}}}), Revision(20));
}

TEST(SqliteStore, FileIsReadableByItsOwnerOnly) {
  const TempFolder folder;
  const auto store = open_or_die(folder.file("state.db"));
  ASSERT_TRUE(store->commit({.puts = {{"a", "1"}}}));
  for (const char* name : {"state.db", "state.db-wal"}) {
    struct stat status = {};
    ASSERT_EQ(::stat(folder.file(name).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & 0777U, 0600U) << name;
  }
}

TEST(SqliteStore, RefusesAFileOfANewerVersionAndNamesBoth) {
  const TempFolder folder;
  static_cast<void>(open_or_die(folder.file("state.db")));
  run_sql(folder.file("state.db"), "UPDATE trivet_schema SET version = 7");
  const auto opened = store_sqlite::open_sqlite_store({.path = folder.file("state.db")});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::kConflict);
  EXPECT_NE(opened.error().message.find("version 7"), std::string::npos);
  EXPECT_NE(opened.error().message.find("version 1"), std::string::npos);
}

TEST(SqliteStore, GarbageIsCorrupt) {
  const TempFolder folder;
  std::ofstream(folder.file("state.db")) << std::string(8192, 'x');
  const auto opened = store_sqlite::open_sqlite_store({.path = folder.file("state.db")});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::kCorrupt);
}

TEST(SqliteStore, DamagedPageIsCorrupt) {
  const TempFolder folder;
  {
    const auto store = open_or_die(folder.file("state.db"));
    for (int i = 0; i < 100; ++i) {
      ASSERT_TRUE(store->commit({.puts = {{"k" + std::to_string(i), std::string(500, 'v')}}}));
    }
  }
  std::fstream file(folder.file("state.db"), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096 * 5);
  file << std::string(4096, '\x7e');
  file.close();
  const auto opened = store_sqlite::open_sqlite_store({.path = folder.file("state.db")});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::kCorrupt) << opened.error().message;
}

TEST(SqliteStore, AnotherApplicationsDatabaseIsNotTouched) {
  const TempFolder folder;
  run_sql(folder.file("state.db"), "CREATE TABLE theirs (x)");
  const auto opened = store_sqlite::open_sqlite_store({.path = folder.file("state.db")});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::kCorrupt);
}

TEST(SqliteStore, LockedFileIsUnavailable) {
  const TempFolder folder;
  static_cast<void>(open_or_die(folder.file("state.db")));
  auto opened = store_sqlite::open_sqlite_store(
      {.path = folder.file("state.db"), .busy_timeout = Millis(20)});
  ASSERT_TRUE(opened);
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(folder.file("state.db").c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  const auto busy = (*opened)->commit({.puts = {{"a", "1"}}});
  ASSERT_FALSE(busy);
  EXPECT_EQ(busy.error().code, Errc::kUnavailable);
  EXPECT_NE(busy.error().message.find("lock"), std::string::npos);
  sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr);
  sqlite3_close(other);
  EXPECT_TRUE((*opened)->commit({.puts = {{"a", "1"}}})) << "it goes on when the lock is gone";
}

TEST(SqliteStore, MissingFolderIsUnavailableAndNamed) {
  const auto opened = store_sqlite::open_sqlite_store({.path = "/nonexistent/folder/state.db"});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::kUnavailable);
  EXPECT_NE(opened.error().message.find("/nonexistent/folder/state.db"), std::string::npos);
}

// A full disk as SQLite reports it: no page may be added. What was there stays readable and a later
// commit works once there is room.
TEST(SqliteStore, FullDiskIsUnavailableAndLosesNothing) {
  if (::access("/dev/full", W_OK) != 0) {
    GTEST_SKIP() << "no /dev/full";
  }
  const TempFolder folder;
  auto store = open_or_die(folder.file("state.db"));
  ASSERT_TRUE(store->commit({.puts = {{"a", "1"}}}));
  store = nullptr;
  fs::remove(folder.file("state.db-wal"));
  fs::create_symlink("/dev/full", folder.file("state.db-wal"));
  const auto opened = store_sqlite::open_sqlite_store({.path = folder.file("state.db")});
  const Error error = opened ? (*opened)->commit({.puts = {{"b", "2"}}}).error() : opened.error();
  EXPECT_EQ(error.code, Errc::kUnavailable) << error.message;
  fs::remove(folder.file("state.db-wal"));
  EXPECT_EQ(open_or_die(folder.file("state.db"))->get("a")->value, "1");
}

}  // namespace
}  // namespace trivet
