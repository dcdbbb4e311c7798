// SPDX-License-Identifier: Apache-2.0
#include "adapter/mysql/sql_text.h"

#include <gtest/gtest.h>

#include "adapter/mysql/connection.h"

namespace trivet::mysql {
namespace {

TEST(SqlText, QuotesCannotBeLeft) {
  EXPECT_EQ(quote("plain"), "'plain'");
  EXPECT_EQ(quote("it's"), "'it''s'");
  EXPECT_EQ(quote("\\' OR 1=1 -- "), "'\\\\'' OR 1=1 -- '");
  EXPECT_EQ(quote(std::string_view("a\0b", 3)), "'a\\0b'");
  EXPECT_EQ(quote_name("a`b"), "`a``b`");
  EXPECT_EQ(quote_account("x", "%"), "'x'@'%'");
}

TEST(SqlText, BindFillsInOrderAndLeavesMarksInsideValuesAlone) {
  EXPECT_EQ(bind("SELECT ?, ?", {"'?'", "2"}), "SELECT '?', 2");
}

TEST(ServerErrors, ArePutIntoTheFewCodesThatCallersReactTo) {
  EXPECT_EQ(code_of_server_error(1045), Errc::kDenied);
  EXPECT_EQ(code_of_server_error(3118), Errc::kDenied);       // account locked
  EXPECT_EQ(code_of_server_error(2013), Errc::kUnavailable);  // lost connection
  EXPECT_EQ(code_of_server_error(3032), Errc::kUnavailable);  // offline mode
  EXPECT_EQ(code_of_server_error(1290), Errc::kConflict);     // super_read_only
  EXPECT_EQ(code_of_server_error(1205), Errc::kTimeout);
  EXPECT_EQ(code_of_server_error(1007), Errc::kAlreadyExists);
  EXPECT_EQ(code_of_server_error(1049), Errc::kNotFound);
  EXPECT_EQ(code_of_server_error(1064), Errc::kInternal);
}

TEST(QueryResult, FindsValuesByTheirColumnsName) {
  const QueryResult result{.columns = {"A", "B"}, .rows = {{"1", std::nullopt}}};
  EXPECT_EQ(result.text(0, "A"), "1");
  EXPECT_EQ(result.text(0, "B"), "");
  EXPECT_EQ(result.value(0, "B"), std::nullopt);
  EXPECT_EQ(result.text(1, "A"), "");
  EXPECT_EQ(result.number(0, "A"), 1);
}

}  // namespace
}  // namespace trivet::mysql
