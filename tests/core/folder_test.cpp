#include "riverrun/core/folder.h"

#include <cerrno>
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "riverrun/core/error.h"

#include "tests/temporary_folder.h"

namespace riverrun {
namespace {

namespace fs = std::filesystem;

template <class Function>
int io_error_code(Function function) {
  try {
    function();
  } catch (const IoError& error) {
    return error.code();
  }
  return 0;
}

/// Two folders "a" and "b", each with a file "name" that says which.
class Folders : public ::testing::Test {
 protected:
  Folders() {
    for (const char* name : {"a", "b"}) {
      fs::create_directory(folder_ / name);
      replace_file(folder_ / name / "name", name);
    }
  }

  /// What `body` returns to a process without the rights of root, who may do everything.
  template <class Body>
  static int as_another_user(const Body& body) {
    const pid_t child = ::fork();
    if (child == 0) {
      if (::geteuid() == 0 && ::seteuid(65534) != 0) ::_exit(77);
      ::_exit(body());
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  TemporaryFolder folder_;
};

TEST_F(Folders, AreReadThoughAnotherHasTheirName) {
  const Folder a(folder_ / "a");
  EXPECT_TRUE(a.has_its_name());
  EXPECT_TRUE(a.contains("name"));
  EXPECT_FALSE(a.contains("other"));
  const File early = a.open("name");
  ASSERT_TRUE(exchange_folders(folder_ / "a", folder_ / "b"));
  EXPECT_FALSE(a.has_its_name());
  EXPECT_EQ(early.contents(), "a");
  EXPECT_EQ(a.open("name").contents(), "a");
  EXPECT_EQ(a.open("name").path(), (folder_ / "a" / "name").string());
  EXPECT_EQ(Folder(folder_ / "a").open("name").contents(), "b");
  fs::remove_all(folder_ / "b");
  EXPECT_FALSE(a.contains("name"));
}

TEST_F(Folders, AreRefusedIfTheyAreNone) {
  EXPECT_EQ(io_error_code([&] { Folder{folder_ / "absent"}; }), ENOENT);
  EXPECT_EQ(io_error_code([&] { Folder{folder_ / "a" / "name"}; }), ENOTDIR);
  const Folder folder(folder_.path());
  EXPECT_EQ(io_error_code([&] { (void)folder.open("absent"); }), ENOENT);
  EXPECT_EQ(io_error_code([&] { (void)folder.open("a"); }), EISDIR);
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(io_error_code([&] { (void)folder.open("pipe"); }), ESPIPE);
}

TEST_F(Folders, AreExchangedOnlyWithFolders) {
  EXPECT_FALSE(exchange_folders(folder_ / "a", folder_ / "absent"));
  EXPECT_FALSE(is_mount_point(folder_ / "a"));
  EXPECT_FALSE(is_mount_point(folder_ / "absent"));
}

TEST_F(Folders, AreLockedByOneProcess) {
  auto lock = FolderLock::take(folder_ / "a");
  ASSERT_TRUE(lock);
  EXPECT_FALSE(FolderLock::take(folder_ / "a"));
  EXPECT_TRUE(FolderLock::take(folder_ / "b"));
  ASSERT_TRUE(exchange_folders(folder_ / "a", folder_ / "b"));
  EXPECT_TRUE(FolderLock::take(folder_ / "a")) << "the lock goes with the folder";
  EXPECT_FALSE(FolderLock::take(folder_ / "b"));
  lock.reset();
  EXPECT_TRUE(FolderLock::take(folder_ / "b"));
}

TEST_F(Folders, TellWhoMayWriteToThem) {
  EXPECT_EQ(io_error_code([&] { require_writable(folder_ / "absent"); }), ENOENT);
  fs::permissions(folder_.path(), fs::perms::all);
  fs::permissions(folder_ / "a", fs::perms::all);
  fs::permissions(folder_ / "b", fs::perms::owner_read | fs::perms::owner_exec |
                                     fs::perms::others_read | fs::perms::others_exec);
  const auto code = [&](const char* name) {
    return as_another_user(
        [&] { return io_error_code([&] { require_writable(folder_ / name); }); });
  };
  EXPECT_EQ(code("a"), 0);
  EXPECT_EQ(code("b"), EACCES);
}

}  // namespace
}  // namespace riverrun
