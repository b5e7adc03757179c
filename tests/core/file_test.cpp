#include "riverrun/core/file.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "riverrun/core/error.h"

#include "tests/temporary_folder.h"

namespace riverrun {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

template <class Body>
int io_error_code(Body body) {
  try {
    body();
  } catch (const IoError& error) {
    return error.code();
  }
  return 0;
}

mode_t mode_of(const fs::path& path) {
  struct stat file {};
  EXPECT_EQ(::stat(path.c_str(), &file), 0);
  return file.st_mode & 07777;
}

TEST(ReadFile, ReturnsEveryByte) {
  TemporaryFolder folder;
  std::string contents = "a\0b\nc\xff";
  contents.resize(200000, 'x');
  replace_file(folder / "file", contents);
  EXPECT_EQ(read_file(folder / "file"), contents);
  replace_file(folder / "none", "");
  EXPECT_EQ(read_file(folder / "none"), "");
}

TEST(ReadFile, ReadsFilesThatDoNotSayTheirSize) {
  EXPECT_THAT(read_file("/proc/self/status"), StartsWith("Name:"));
}

TEST(ReadFile, RefusesWhatIsNoFile) {
  TemporaryFolder folder;
  EXPECT_EQ(io_error_code([&] { (void)read_file(folder / "absent"); }), ENOENT);
  EXPECT_EQ(io_error_code([&] { (void)read_file(folder.path()); }), EISDIR);
}

std::string part(const File& file, std::uint64_t offset, std::size_t size) {
  std::string bytes(size, '?');
  file.read(offset, std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

TEST(File, IsReadAtAnyPlace) {
  TemporaryFolder folder;
  replace_file(folder / "file", "contents");
  File first(folder / "file");
  EXPECT_EQ(first.path(), (folder / "file").string());
  EXPECT_EQ(first.size(), 8u);
  EXPECT_EQ(part(first, 3, 4), "tent");
  EXPECT_EQ(part(first, 8, 0), "");
  File second = std::move(first);
  EXPECT_EQ(second.contents(), "contents");
  EXPECT_EQ(second.contents(8), "contents");
  EXPECT_THROW((void)second.contents(7), FormatError);
  replace_file(folder / "other", "");
  File third(folder / "other");
  EXPECT_EQ(third.contents(), "");
  third = std::move(second);
  EXPECT_EQ(third.contents(), "contents");
}

TEST(File, StaysTheSameWhenAnotherTakesItsPlace) {
  TemporaryFolder folder;
  replace_file(folder / "file", "old");
  const File file(folder / "file");
  replace_file(folder / "file", "new");
  EXPECT_EQ(file.contents(), "old");
}

// Were it mapped into memory, this would end the process with SIGBUS.
TEST(File, SaysThatItWasShortened) {
  TemporaryFolder folder;
  replace_file(folder / "file", std::string(10000, 'x'));
  const File file(folder / "file");
  fs::resize_file(folder / "file", 5000);
  EXPECT_EQ(part(file, 4000, 1000), std::string(1000, 'x'));
  for (const auto& read : {std::function<void()>([&] { (void)part(file, 4000, 1001); }),
                           std::function<void()>([&] { (void)file.contents(); })}) {
    try {
      read();
      ADD_FAILURE();
    } catch (const FormatError& error) {
      EXPECT_EQ(error.offset(), 5000u);
      EXPECT_THAT(error.what(), HasSubstr("it had 10000 bytes when it was opened"));
    }
  }
}

TEST(File, RefusesWhatCannotBeReadAtAnyPlace) {
  TemporaryFolder folder;
  EXPECT_EQ(io_error_code([&] { File{folder / "absent"}; }), ENOENT);
  EXPECT_EQ(io_error_code([&] { File{folder.path()}; }), EISDIR);
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(io_error_code([&] { File{folder / "pipe"}; }), ESPIPE);
}

TEST(ReplaceFile, LeavesNothingElseBehind) {
  TemporaryFolder folder;
  replace_file(folder / "file", "one");
  replace_file(folder / "file", [](FileWriter& writer) {
    writer.write("tw");
    writer.write(std::as_bytes(std::span("o", 1)));
  });
  EXPECT_EQ(read_file(folder / "file"), "two");
  EXPECT_THAT(names_in(folder.path()), ElementsAre("file"));
}

TEST(ReplaceFile, WorksWithANameWithoutAFolder) {
  TemporaryFolder folder;
  fs::path before = fs::current_path();
  fs::current_path(folder.path());
  replace_file("file", "here");
  EXPECT_EQ(read_file("file"), "here");
  fs::current_path(before);
}

TEST(ReplaceFile, KeepsThePreviousFileWhenTheWriterThrows) {
  TemporaryFolder folder;
  replace_file(folder / "file", "previous");
  EXPECT_THROW(replace_file(folder / "file",
                            [](FileWriter& writer) {
                              writer.write("half");
                              throw std::runtime_error("stop");
                            }),
               std::runtime_error);
  EXPECT_EQ(read_file(folder / "file"), "previous");
  EXPECT_THAT(names_in(folder.path()), ElementsAre("file"));
}

// A limit on the size of files stands for a full disk: both refuse the write.
TEST(ReplaceFile, KeepsThePreviousFileWhenTheSystemRefusesToWrite) {
  TemporaryFolder folder;
  replace_file(folder / "file", "previous");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  auto* handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small{.rlim_cur = 100, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  int code = io_error_code([&] { replace_file(folder / "file", std::string(5000, 'x')); });
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);

  EXPECT_EQ(code, EFBIG);
  EXPECT_EQ(read_file(folder / "file"), "previous");
  EXPECT_THAT(names_in(folder.path()), ElementsAre("file"));
}

TEST(ReplaceFile, KeepsThePreviousFileWhenKilledAndTidiesUpLater) {
  TemporaryFolder folder;
  replace_file(folder / "file", "previous");
  pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    replace_file(folder / "file", [](FileWriter& writer) {
      writer.write("half");
      ::kill(::getpid(), SIGKILL);
    });
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));

  EXPECT_EQ(read_file(folder / "file"), "previous");
  EXPECT_EQ(names_in(folder.path()).size(), 2u) << "the killed process leaves its temporary file";
  replace_file(folder / "file", "next");
  EXPECT_EQ(read_file(folder / "file"), "next");
  EXPECT_THAT(names_in(folder.path()), ElementsAre("file"));
}

TEST(ReplaceFile, DoesNotTakeALiveWritersTemporaryForAStaleOne) {
  TemporaryFolder folder;
  replace_file(folder / "slow", [&](FileWriter& writer) {
    writer.write("one ");
    replace_file(folder / "quick", "meanwhile");
    writer.write("two");
  });
  EXPECT_EQ(read_file(folder / "slow"), "one two");
  EXPECT_EQ(read_file(folder / "quick"), "meanwhile");
}

TEST(ReplaceFile, MayRunInSeveralThreads) {
  TemporaryFolder folder;
  std::vector<std::thread> writers;
  for (int t = 0; t < 4; ++t) {
    writers.emplace_back([&folder, t] {
      for (int round = 0; round < 20; ++round) {
        replace_file(folder / "file", std::string(1000, static_cast<char>('a' + t)));
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  std::string contents = read_file(folder / "file");
  EXPECT_EQ(contents, std::string(1000, contents.at(0)));
  EXPECT_THAT(names_in(folder.path()), ElementsAre("file"));
}

TEST(ReplaceFile, KeepsPermissions) {
  TemporaryFolder folder;
  replace_file(folder / "file", "one");
  mode_t mask = ::umask(0);
  ::umask(mask);
  EXPECT_EQ(mode_of(folder / "file"), 0666 & ~mask);
  fs::permissions(folder / "file", fs::perms::owner_read | fs::perms::others_exec);
  replace_file(folder / "file", "two");
  EXPECT_EQ(mode_of(folder / "file"), 0401u);
}

TEST(ReplaceFile, ReplacesWhatALinkLeadsTo) {
  TemporaryFolder folder;
  fs::create_directory(folder / "real");
  replace_file(folder / "real/file", "one");
  fs::create_symlink("real/file", folder / "link");
  fs::create_symlink(folder / "link", folder / "link_to_link");
  replace_file(folder / "link_to_link", "two");
  EXPECT_TRUE(fs::is_symlink(folder / "link_to_link"));
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(read_file(folder / "real/file"), "two");

  fs::create_symlink("real/new", folder / "dangling");
  replace_file(folder / "dangling", "three");
  EXPECT_TRUE(fs::is_symlink(folder / "dangling"));
  EXPECT_EQ(read_file(folder / "real/new"), "three");

  fs::create_symlink("round", folder / "round");
  EXPECT_EQ(io_error_code([&] { replace_file(folder / "round", "x"); }), ELOOP);
}

TEST(ReplaceFile, RefusesWhatIsNoFile) {
  TemporaryFolder folder;
  EXPECT_EQ(io_error_code([&] { replace_file(folder.path(), "x"); }), EISDIR);
  EXPECT_EQ(io_error_code([&] { replace_file(folder / "absent/file", "x"); }), ENOENT);
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(io_error_code([&] { replace_file(folder / "pipe", "x"); }), EINVAL);
  EXPECT_THAT(names_in(folder.path()), ElementsAre("pipe"));
}

TEST(ReplaceFile, NamesTheTargetAndNotTheTemporary) {
  TemporaryFolder folder;
  try {
    replace_file(folder / "absent/file", "x");
    ADD_FAILURE();
  } catch (const IoError& error) {
    EXPECT_EQ(error.path(), (folder / "absent/file").string());
    EXPECT_THAT(error.what(), HasSubstr("No such file or directory"));
  }
}

}  // namespace
}  // namespace riverrun
