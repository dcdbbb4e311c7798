// SPDX-License-Identifier: Apache-2.0
#include "adapter/code_store/code_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <zip.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"

namespace trivet::code_store {
namespace {

namespace fs = std::filesystem;

struct Item {
  std::string name;
  std::string content;
  unsigned mode = S_IFREG | 0644;
  int method = ZIP_CM_STORE;
};

std::string zip_of(const std::vector<Item>& items) {
  zip_error_t error;
  zip_source_t* source = zip_source_buffer_create(nullptr, 0, 0, &error);
  zip_t* zip = zip_open_from_source(source, ZIP_TRUNCATE, &error);
  zip_source_keep(source);
  for (const Item& item : items) {
    const auto add_file = [&] {  // which takes the source over
      zip_source_t* content = zip_source_buffer(zip, item.content.data(), item.content.size(), 0);
      return zip_file_add(zip, item.name.c_str(), content, ZIP_FL_ENC_UTF_8);
    };
    const zip_int64_t index =
        item.name.ends_with('/') ? zip_dir_add(zip, item.name.c_str(), 0) : add_file();
    EXPECT_GE(index, 0) << zip_strerror(zip);
    const auto at = static_cast<zip_uint64_t>(index);
    zip_file_set_external_attributes(zip, at, 0, ZIP_OPSYS_UNIX, item.mode << 16U);
    if (!item.name.ends_with('/')) {
      zip_set_file_compression(zip, at, item.method, 9);
    }
  }
  EXPECT_EQ(zip_close(zip), 0);
  zip_source_open(source);
  zip_source_seek(source, 0, SEEK_END);
  std::string out(static_cast<std::size_t>(zip_source_tell(source)), '\0');
  zip_source_seek(source, 0, SEEK_SET);
  zip_source_read(source, out.data(), out.size());
  zip_source_close(source);
  zip_source_free(source);
  return out;
}

class CodeStoreTest : public testing::Test {
 protected:
  CodeStoreTest() {
    char path[] = "/tmp/trivet-code-XXXXXX";
    EXPECT_NE(::mkdtemp(path), nullptr);
    root_ = path;
    store_ = std::make_unique<CodeStore>(root_ + "/code");
  }
  ~CodeStoreTest() override { fs::remove_all(root_); }

  static std::string replaced(std::string bytes, std::string_view what, std::string_view by) {
    for (std::size_t at = bytes.find(what); at != std::string::npos;
         at = bytes.find(what, at + 1)) {
      bytes.replace(at, what.size(), by);
    }
    return bytes;
  }
  std::string why_refused(const std::string& archive, std::int64_t bytes_max = 1'000'000) {
    const auto put = store_->put(archive, bytes_max);
    EXPECT_FALSE(put.has_value());
    EXPECT_TRUE(put.has_value() || put.error().code == Errc::kInvalidArgument);
    // Nothing is left behind, in the store or beside it.
    std::size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(root_)) {
      files += entry.path() != root_ + "/code" ? 1U : 0U;
    }
    EXPECT_EQ(files, 0U);
    return put.has_value() ? "" : put.error().message;
  }

  std::string root_;
  std::unique_ptr<CodeStore> store_;
};

TEST_F(CodeStoreTest, UnpacksFilesAndFoldersWithTheRightToExecute) {
  const mode_t before = ::umask(077);  // as the daemon has it
  const std::string archive = zip_of({{"app.py", "print(1)"},
                                      {"bin/", "", S_IFDIR | 0700},
                                      {"bin/tool", "#!/bin/sh", S_IFREG | 0700},
                                      {"a/b/c.txt", std::string(100'000, 'x'), 0, ZIP_CM_DEFLATE}});
  const auto put = store_->put(archive, 1'000'000);
  ASSERT_TRUE(put.has_value()) << put.error().message;
  EXPECT_EQ(put->archive_bytes, static_cast<std::int64_t>(archive.size()));
  EXPECT_EQ(put->unpacked_bytes, 8 + 9 + 100'000);
  const std::string folder = store_->folder(put->id);
  EXPECT_EQ(*read_file(folder + "/app.py"), "print(1)");
  EXPECT_EQ(read_file(folder + "/a/b/c.txt")->size(), 100'000U);
  struct stat found{};
  ASSERT_EQ(::stat((folder + "/bin/tool").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777U, 0755U);
  ASSERT_EQ(::stat((folder + "/app.py").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777U, 0644U);
  for (const std::string& path : {folder, folder + "/bin", folder + "/a", folder + "/a/b"}) {
    ASSERT_EQ(::stat(path.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 07777U, 0755U) << path;
  }
  for (const std::string& path : {root_ + "/code", root_ + "/code/" + put->id}) {
    ASSERT_EQ(::stat(path.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 07777U, 0711U) << path;
  }
  ::umask(before);
  EXPECT_EQ(*store_->archive(put->id), archive);
  EXPECT_EQ(store_->put(archive, 1'000'000)->id, put->id);
  EXPECT_FALSE(store_->put(archive, 100).has_value());
}

TEST_F(CodeStoreTest, NothingLeavesTheFolder) {
  EXPECT_NE(why_refused(zip_of({{"../x", "1"}})).find("leads out"), std::string::npos);
  EXPECT_NE(why_refused(zip_of({{"a/../../x", "1"}})).find("leads out"), std::string::npos);
  EXPECT_NE(
      why_refused(replaced(zip_of({{"#tmp/x", "1"}}), "#tmp/x", "/tmp/x")).find("not relative"),
      std::string::npos);
  EXPECT_NE(why_refused(zip_of({{"link", "/etc", S_IFLNK | 0777}, {"link/x", "1"}})).find("link"),
            std::string::npos);
  EXPECT_NE(why_refused(zip_of({{"p", "", S_IFIFO | 0666}})).find("special file"),
            std::string::npos);
  EXPECT_FALSE(fs::exists(root_ + "/x"));
}

TEST_F(CodeStoreTest, ABombIsFoundWhileItIsUnpacked) {
  const std::string bomb = zip_of({{"zeros", std::string(3'000'000, '\0'), 0, ZIP_CM_DEFLATE}});
  EXPECT_LT(bomb.size(), 10'000U);
  EXPECT_EQ(why_refused(bomb), "Unzipped size must be smaller than 1000000 bytes");
  std::vector<Item> many;
  for (int i = 0; i < 20; ++i) {
    many.push_back({std::to_string(i), std::string(100'000, 'x'), 0, ZIP_CM_DEFLATE});
  }
  EXPECT_EQ(why_refused(zip_of(many)), "Unzipped size must be smaller than 1000000 bytes");
}

TEST_F(CodeStoreTest, WhatIsNoArchiveIsRefused) {
  const std::string kAws =
      "Could not unzip uploaded file. Please check your file, then try to upload again.";
  EXPECT_TRUE(why_refused("no zip").starts_with(kAws));
  EXPECT_FALSE(why_refused("").empty());
  const std::string whole = zip_of({{"app.py", std::string(5'000, 'x')}});
  EXPECT_TRUE(why_refused(whole.substr(0, whole.size() / 2)).starts_with(kAws));
  // The checksum of the content does not fit.
  EXPECT_TRUE(why_refused(replaced(whole, "xxxxx", "xxyxx")).starts_with(kAws));
  EXPECT_TRUE(why_refused(zip_of({{"a", "1"}, {"a/b", "2"}})).starts_with(kAws));
}

TEST_F(CodeStoreTest, KeepsWhatIsNamedAndNothingElse) {
  const auto one = store_->put(zip_of({{"a", "1"}}), 100);
  const auto two = store_->put(zip_of({{"a", "2"}}), 100);
  ASSERT_TRUE(one.has_value() && two.has_value());
  fs::create_directory(root_ + "/code/left.part");
  store_->keep_only({one->id});
  EXPECT_TRUE(fs::exists(store_->folder(one->id)));
  EXPECT_FALSE(fs::exists(root_ + "/code/" + two->id));
  EXPECT_FALSE(fs::exists(root_ + "/code/left.part"));
}

}  // namespace
}  // namespace trivet::code_store
