#include "riverrun/core/error.h"

#include <cerrno>
#include <string>

#include <gtest/gtest.h>

namespace riverrun {
namespace {

TEST(FormatError, SaysFileOffsetAndReason) {
  FormatError error("model.safetensors", 8, "the header is not JSON");
  EXPECT_STREQ(error.what(), "model.safetensors, byte 8: the header is not JSON");
  EXPECT_EQ(error.path(), "model.safetensors");
  EXPECT_EQ(error.offset(), 8u);
}

TEST(IoError, SaysPathReasonAndWhatTheSystemSays) {
  IoError error("a/b.txt", ENOENT, "cannot be opened");
  EXPECT_STREQ(error.what(), "a/b.txt: cannot be opened: No such file or directory");
  EXPECT_EQ(error.path(), "a/b.txt");
  EXPECT_EQ(error.code(), ENOENT);
}

}  // namespace
}  // namespace riverrun
