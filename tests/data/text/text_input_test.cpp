#include "riverrun/data/text/text_input.h"

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/core/random.h"

#include "tests/data/gzip.h"
#include "tests/temporary_folder.h"

namespace riverrun::text {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;
using test::gzip;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

const TextFormat kBytes{.encoding = {}, .as_bytes = true};

TextFormat encoded(const char* name) { return {.encoding = name, .as_bytes = false}; }

/// Text longer than the pieces in which everything is read.
std::string long_text() {
  Random random(1);
  std::string text;
  while (text.size() < 2'500'000) text += std::to_string(random.below(1'000'000)) + "\n";
  return text;
}

class TextInput : public ::testing::Test {
 protected:
  fs::path write(std::string_view text) {
    const fs::path path = folder_ / "text";
    replace_file(path, text);
    return path;
  }
  std::string read(std::string_view text, const TextFormat& format = {}) {
    return read_text(write(text), format, INT64_MAX);
  }
  void expect_refused(std::string_view text, const char* message, const TextFormat& format = {}) {
    EXPECT_THAT([&] { (void)read(text, format); }, ThrowsMessage<FormatError>(HasSubstr(message)));
  }

  TemporaryFolder folder_;
};

TEST_F(TextInput, AFileIsReadAsItIs) {
  EXPECT_EQ(read("caf\xC3\xA9\xFF"), "caf\xC3\xA9\xFF");
  const std::vector<fs::path> paths = {write("text")};
  EXPECT_EQ(open_texts(paths).front().bytes, nullptr) << "it is not copied";
}

TEST_F(TextInput, AByteOrderMarkIsNoCharacter) {
  EXPECT_EQ(read("\xEF\xBB\xBFtext"), "text");
  EXPECT_EQ(read("\xEF\xBB\xBFtext", kBytes), "\xEF\xBB\xBFtext");
  EXPECT_EQ(read("text\xEF\xBB\xBF"), "text\xEF\xBB\xBF") << "elsewhere it is one";
  EXPECT_EQ(read(gzip("\xEF\xBB\xBFtext")), "text");
  expect_refused("\xEF\xBB\xBF", "empty");
}

TEST_F(TextInput, GzipIsUnpacked) {
  const std::string text = long_text();
  EXPECT_EQ(read(gzip(text)), text);
  EXPECT_EQ(read(gzip(text), kBytes), text);
  EXPECT_EQ(read(gzip(std::string(5'000'000, 'a'))), std::string(5'000'000, 'a'));
  EXPECT_EQ(read(gzip("one ") + gzip("two") + gzip(text)), "one two" + text) << "several, joined";
  EXPECT_EQ(read(gzip("text") + std::string(512, '\0')), "text") << "as of a tape";
  EXPECT_EQ(read("\x1F\x8Bno"), "\x1F\x8Bno") << "another signature";
}

TEST_F(TextInput, DamagedGzipIsRefused) {
  const std::string whole = gzip(long_text());
  expect_refused(whole.substr(0, whole.size() / 2), "cut off");
  expect_refused(whole.substr(0, 12), "cut off");
  expect_refused(whole.substr(0, whole.size() - 1), "cut off");
  std::string damaged = whole;
  damaged[whole.size() / 2] ^= 0x10;
  expect_refused(damaged, "damaged");
  expect_refused(whole + "more", "damaged");
  expect_refused(whole + std::string(10, '\0') + "more", "damaged");
  expect_refused(gzip(""), "empty");
}

TEST_F(TextInput, AnyFlippedBitOfGzipIsRefusedOrHarmless) {
  const std::string text = "to be or not to be, that is the question";
  const std::string whole = gzip(text);
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] ^= static_cast<char>(1 << bit % 8);
    try {
      const std::string got = read(flipped, kBytes);
      EXPECT_TRUE(got == text || got == flipped) << bit;  // a flag, or no gzip any more
    } catch (const FormatError&) {
      continue;
    }
  }
}

TEST_F(TextInput, EncodingsBecomeUtf8) {
  EXPECT_EQ(read("caf\xE9", encoded("latin1")), "caf\xC3\xA9");
  EXPECT_EQ(read("\x80 5", encoded("CP1252")), "\xE2\x82\xAC 5");
  EXPECT_EQ(read("\xFF\xFE"
                 "a\0\xE9\0"s,
                 encoded("utf-16")),
            "a\xC3\xA9");
  EXPECT_EQ(read("\xFE\xFF\0a\0\xE9"s, encoded("utf-16")), "a\xC3\xA9");
  EXPECT_EQ(read("\xFF\xFE"
                 "a\0\xE9\0"s,
                 encoded("utf-16le")),
            "a\xC3\xA9")
      << "no mark";
  EXPECT_EQ(read("\x3D\xD8\x00\xDE"s, encoded("utf-16le")), "\xF0\x9F\x98\x80");
  EXPECT_EQ(read("\xEF\xBB\xBF"
                 "a",
                 encoded("utf-8")),
            "a");
  EXPECT_EQ(read(gzip("caf\xE9"), encoded("latin1")), "caf\xC3\xA9");
  EXPECT_EQ(read("caf\xE9", {.encoding = "latin1", .as_bytes = true}), "caf\xC3\xA9");
  // Long ones, in which characters lie across the pieces.
  const std::string text = long_text();
  std::string utf16 = "\xFF\xFE";
  for (const char c : text) utf16 += {c, '\0'};
  EXPECT_EQ(read(utf16, encoded("utf-16")), text);
  std::string utf8;
  for (int i = 0; i < 500'000; ++i) utf8 += "\xE2\x82\xAC";
  EXPECT_EQ(read(utf8, encoded("utf-8")), utf8);
  EXPECT_EQ(read("x" + utf8, encoded("utf-8")), "x" + utf8);
  EXPECT_EQ(read(utf16.substr(2, 1'500'000) + "\x3D\xD8\x00\xDE"s, encoded("utf-16le")),
            text.substr(0, 750'000) + "\xF0\x9F\x98\x80");
}

TEST_F(TextInput, WhatAnEncodingDoesNotAllowIsRefusedWithItsPlace) {
  try {
    (void)read("abc\xFFx", encoded("utf-8"));
    FAIL() << "it is not UTF-8";
  } catch (const FormatError& error) {
    EXPECT_EQ(error.offset(), 3u);
    EXPECT_THAT(error.what(), HasSubstr("utf-8"));
  }
  std::string far(3'000'000, 'a');
  far[2'500'000] = '\xFF';
  try {
    (void)read(far, encoded("ascii"));
    FAIL() << "it is not ASCII";
  } catch (const FormatError& error) {
    EXPECT_EQ(error.offset(), 2'500'000u);
  }
  expect_refused("abc\xE2\x82", "middle of a character", encoded("utf-8"));
  expect_refused("\0a\0"s, "middle of a character", encoded("utf-16be"));
}

TEST_F(TextInput, WhatIsConvertedIsUnicode) {
  for (const char* beyond : {"\xF4\x90\x80\x80", "\xF6\xA5\xA5\xA5", "\xF7\xBF\xBF\xBF"}) {
    expect_refused("abc" + std::string(beyond), "in another encoding?", encoded("utf-8"));
  }
  expect_refused("\xFF\xFF\x12\0"s, "in another encoding?", encoded("utf-32le"));
  EXPECT_EQ(read("\xF4\x8F\xBF\xBF", encoded("utf-8")), "\xF4\x8F\xBF\xBF");
}

TEST_F(TextInput, AnUnknownEncodingIsNamed) {
  for (const char* name : {"klingon", "latin1//IGNORE", "utf-8//TRANSLIT", "../x"}) {
    EXPECT_THAT([&] { (void)read("text", encoded(name)); },
                ThrowsMessage<ConfigError>(AllOf(HasSubstr(name), HasSubstr("not known"))));
  }
}

TEST_F(TextInput, OtherKindsOfFilesAreNamed) {
  expect_refused(
      "\xFF\xFE"
      "a\0b\0"s,
      "UTF-16");
  expect_refused("\xFE\xFF\0a\0b"s, "UTF-16");
  expect_refused("\xFF\xFE\0\0a\0\0\0"s, "UTF-32");
  expect_refused("t\0h\0e\0 \0c\0a\0t\0"s, "UTF-16LE");
  expect_refused("\0t\0h\0e\0 \0c\0a\0t"s, "UTF-16BE");
  expect_refused("%PDF-1.7\n", "PDF");
  expect_refused("PK\3\4\24\0", "ZIP");
  expect_refused(
      "\xFD"
      "7zXZ\0\0"s,
      "xz");
  expect_refused("BZh91AY&SY\1\2", "bzip2");
  expect_refused("\x28\xB5\x2F\xFD\1", "zstd");
  expect_refused(gzip("%PDF-1.7\n"), "PDF");
  EXPECT_EQ(read("%PDF-1.7\n", kBytes), "%PDF-1.7\n") << "bytes are bytes";
  EXPECT_EQ(read("a\0b"s), "a\0b"s) << "a 0 alone says nothing";
}

TEST_F(TextInput, APipeIsReadOnceAndKept) {
  const fs::path pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const std::string text = long_text();
  for (const std::int64_t limit : {std::int64_t{1} << 30, std::int64_t{1000}}) {
    std::thread writer([&] { std::ofstream(pipe) << text; });
    const std::vector<fs::path> paths = {pipe};
    const std::vector<TextPart> parts =
        open_texts(paths, {}, {.memory_limit = limit, .temporary_folder = folder_.path()});
    writer.join();
    ASSERT_EQ(parts.size(), 1u);
    ASSERT_NE(parts[0].bytes, nullptr);
    EXPECT_EQ(parts[0].bytes->on_disk(), limit == 1000);
    EXPECT_EQ(size_of(parts[0]), std::ssize(text));
    for (int twice = 0; twice < 2; ++twice) {
      std::string got;
      for_each_piece(parts[0], [&got](std::string_view piece) { got += piece; });
      EXPECT_EQ(got, text);
    }
    std::string some;
    for_each_piece({.path = pipe, .begin = 1'000'000, .end = 2'200'000, .bytes = parts[0].bytes},
                   [&some](std::string_view piece) { some += piece; });
    EXPECT_EQ(some, text.substr(1'000'000, 1'200'000));
  }
}

TEST_F(TextInput, StandardInputIsADash) {
  const int saved = ::dup(STDIN_FILENO);
  const int file = ::open(write("from standard input").c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(::dup2(file, STDIN_FILENO), STDIN_FILENO);
  EXPECT_EQ(read_text("-", {}, INT64_MAX), "from standard input");
  EXPECT_THAT([] { (void)read_text("-", {}, INT64_MAX); },
              ThrowsMessage<FormatError>(AllOf(HasSubstr("standard input"), HasSubstr("empty"))))
      << "it can be read only once";
  ::dup2(saved, STDIN_FILENO);
  ::close(saved);
  ::close(file);
  const std::vector<fs::path> twice = {"-", "-"};
  EXPECT_THROW((void)open_texts(twice), ConfigError);
}

TEST_F(TextInput, RefusesWhatIsNoTextFile) {
  const auto code = [](const fs::path& path) {
    try {
      (void)read_text(path, {}, INT64_MAX);
    } catch (const IoError& error) {
      return error.code();
    }
    return 0;
  };
  EXPECT_EQ(code(folder_ / "missing"), ENOENT);
  EXPECT_EQ(code(folder_.path()), EISDIR);
  EXPECT_EQ(code("/dev/zero"), EINVAL);
}

TEST_F(TextInput, AnEmptyDeviceIsAnEmptyText) {
  EXPECT_THAT([] { (void)read_text("/dev/null", {}, INT64_MAX); },
              ThrowsMessage<FormatError>(AllOf(HasSubstr("/dev/null"), HasSubstr("empty"))));
  const std::vector<fs::path> paths = {"/dev/null", write("text")};
  EXPECT_EQ(size_of(open_texts(paths)[1]), 4);
}

TEST_F(TextInput, GzipWithinGzipIsNamed) {
  const std::string twice = gzip(gzip("text"));
  expect_refused(twice, "gzip file within a gzip file");
  expect_refused(twice, "gzip file within a gzip file", encoded("latin1"));
  EXPECT_EQ(read(twice, kBytes), gzip("text")) << "bytes are bytes";
}

TEST_F(TextInput, AnEncodingIsKnownOrNotBeforeThereIsAText) {
  for (const char* name : {"latin1", "CP1252", "utf-16", "shift_jis"}) require_encoding(name);
  for (const char* name :
       {"", " ", "latin1 ", " latin1", "\t", "utf 8", "klingon", "latin1//IGNORE"}) {
    EXPECT_THROW(require_encoding(name), ConfigError) << '"' << name << '"';
  }
}

TEST_F(TextInput, ALimitIsKept) {
  EXPECT_EQ(read_text(write("12345"), {}, 5), "12345");
  EXPECT_THAT([&] { (void)read_text(write("123456"), {}, 5); },
              ThrowsMessage<ConfigError>(HasSubstr("at most 5")));
}

}  // namespace
}  // namespace riverrun::text
