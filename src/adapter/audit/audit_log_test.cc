// SPDX-License-Identifier: Apache-2.0
#include "adapter/audit/audit_log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <future>

#include "base/file.h"

namespace trivet::audit {
namespace {

class AuditLogTest : public testing::Test {
 protected:
  AuditLogTest() {
    std::string pattern = testing::TempDir() + "trivet-audit-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~AuditLogTest() override { std::filesystem::remove_all(folder_); }

  AuditLog::Options options() {
    return {.file = folder_ + "/audit.log", .errors_folder = folder_ + "/errors", .clock = clock_};
  }
  static LoginRecord login(const std::string& cluster, bool is_accepted) {
    LoginRecord record;
    record.cluster = cluster;
    record.is_accepted = is_accepted;
    record.reason = is_accepted ? "" : "expired";
    return record;
  }
  std::size_t lines() {
    const std::string text = read_file(folder_ + "/audit.log").value();
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }

  SystemClock clock_;
  std::string folder_;
};

TEST_F(AuditLogTest, WritesAllAndErrorsByCluster) {
  AuditLog log(options());
  log.add(login("demo", true));
  log.add(login("demo", false));
  log.add(login("other", false));
  log.add(login("../other", false));
  log.add(ApiRecord{});
  log.flush(Millis(10'000));
  EXPECT_EQ(lines(), 5U);
  EXPECT_EQ(log.dropped(), 0U);
  EXPECT_TRUE(read_file(folder_ + "/errors/demo.log"));
  EXPECT_TRUE(read_file(folder_ + "/errors/other.log"));
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/other.log"));
}

TEST_F(AuditLogTest, AStalledDiskDelaysNobodyAndWhatIsLostIsSaid) {
  std::promise<void> disk;
  std::promise<void> stalled;
  std::shared_future<void> works = disk.get_future().share();
  bool is_first = true;
  AuditLog::Options given = options();
  given.queue_max = 2;
  given.on_refused = [&, works](const LoginRecord&) {
    if (is_first) {
      is_first = false;
      stalled.set_value();
      works.wait();
    }
  };
  AuditLog log(std::move(given));
  log.add(login("demo", false));
  stalled.get_future().wait();
  for (int i = 0; i < 5; ++i) {
    log.add(login("demo", true));  // returns although nothing is written
  }
  EXPECT_EQ(log.dropped(), 3U);
  disk.set_value();
  log.flush(Millis(10'000));
  const std::string text = read_file(folder_ + "/audit.log").value();
  EXPECT_NE(text.find(R"("kind":"dropped","records":3)"), std::string::npos) << text;
  EXPECT_EQ(lines(), 4U);
}

TEST_F(AuditLogTest, AFileThatCannotBeWrittenLosesRecordsOnly) {
  AuditLog::Options given = options();
  given.file = "/proc/none/audit.log";
  AuditLog log(std::move(given));
  log.add(login("demo", true));
  log.add(ApiRecord{});
  log.flush(Millis(10'000));
  EXPECT_EQ(log.dropped(), 2U);
}

}  // namespace
}  // namespace trivet::audit
