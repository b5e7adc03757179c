// Files that are broken or lie: each must be refused with an error that says what is wrong.

#include <cstdint>
#include <cstring>
#include <ostream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/io/safetensors.h"

#include "tests/io/safetensors_bytes.h"

namespace riverrun::io {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Lie {
  const char* name;
  std::string bytes;
  const char* message;
};
// What GoogleTest, and so CTest, calls the case.
void PrintTo(const Lie& lie, std::ostream* out) { *out << lie.name; }

std::string tensor(const std::string& fields) { return R"({"x":{)" + fields + "}}"; }

std::string with_header(const std::string& header, std::size_t data_size = 4) {
  return safetensors_bytes(header, std::string(data_size, '\0'));
}

std::vector<Lie> lies() {
  const std::string dtype = R"("dtype":"F32")";
  const std::string shape = R"("shape":[1])";
  const std::string offsets = R"("data_offsets":[0,4])";
  const std::string good = dtype + "," + shape + "," + offsets;
  auto shaped = [&](const std::string& s) {
    return with_header(tensor(dtype + R"(,"shape":)" + s + "," + offsets));
  };
  auto placed = [&](const std::string& o, std::size_t data_size = 4) {
    return with_header(tensor(dtype + "," + shape + R"(,"data_offsets":)" + o), data_size);
  };
  auto two = [&](const std::string& first, const std::string& second, std::size_t data_size) {
    return with_header(R"({"x":{"dtype":"U8","shape":[4],"data_offsets":)" + first +
                           R"(},"y":{"dtype":"U8","shape":[4],"data_offsets":)" + second + "}}",
                       data_size);
  };
  return {
      {"Empty", "", "the file ends before its header"},
      {"SevenBytes", std::string(7, '\0'), "the file ends before its header"},
      {"HeaderOfNoLength", safetensors_bytes("", "", 0), "must begin with {"},
      {"HeaderBeyondTheFile", safetensors_bytes("{}", "", 3), "the file is incomplete"},
      {"HeaderBeyondTheLimit", safetensors_bytes("{}", "", 100'000'001), "at most 100000000"},
      {"HeaderOfAllOnes", safetensors_bytes("{}", "", ~0ull), "at most 100000000"},
      {"Text", "Call me Ishmael. Some years ago", "at most 100000000"},
      {"SpaceBeforeTheHeader", with_header(" {}", 0), "must begin with {"},
      {"ByteOrderMark", with_header("\xef\xbb\xbf{}", 0), "must begin with {"},
      {"ZeroAfterTheHeader", with_header(std::string("{}\0{{", 5), 0), "zero byte"},
      {"TextAfterTheHeader", with_header("{}x", 0), "not valid JSON"},
      {"TwoHeaders", with_header("{}{}", 0), "not valid JSON"},
      {"Array", with_header("[]", 0), "must begin with {"},
      {"Unfinished", with_header(R"({"x":)", 0), "not valid JSON"},
      {"TrailingComma", with_header("{" + std::string(R"("x":{)") + good + "},}"), "valid JSON"},
      {"Comment", with_header("{/**/}", 0), "not valid JSON"},
      {"NotUtf8", with_header("{\"\xff\":{" + good + "}}"), "not valid JSON"},
      {"LoneSurrogate", with_header(R"({"\ud800":{)" + good + "}}"), "not valid JSON"},
      {"NumberTooLarge", shaped("[1e999]"), "not valid JSON"},
      {"Deep", with_header(std::string(1000000, '[').replace(0, 5, R"({"x":)"), 0), "an array"},
      {"DeepObjects", with_header(R"({"x":{"dtype":{"a":{}}}})", 0), "an object"},
      {"TensorIsNull", with_header(R"({"x":null})", 0), "is null; it must be an object"},
      {"TensorIsNumber", with_header(R"({"x":3})", 0), "is a number; it must be an object"},
      {"TensorIsTrue", with_header(R"({"x":true})", 0), "it must be an object"},
      {"TensorIsText", with_header(R"({"x":"F32"})", 0), "is a string; it must be an object"},
      {"EmptyName", with_header(R"({"":{)" + good + "}}"), "name is empty"},
      {"NoDType", with_header(tensor(shape + "," + offsets)), "tensor \"x\" has no dtype"},
      {"NoShape", with_header(tensor(dtype + "," + offsets)), "tensor \"x\" has no shape"},
      {"NoOffsets", with_header(tensor(dtype + "," + shape)), "tensor \"x\" has no data_offsets"},
      {"UnknownField", with_header(tensor(good + R"(,"extra":1)")), "has a field \"extra\""},
      {"FieldTwice", with_header(tensor(good + "," + shape)), "shape occurs twice"},
      {"TensorTwice",
       with_header(R"({"x":{)" + good + R"(},"y":{"dtype":"F32","shape":[0],)" +
                   R"("data_offsets":[4,4]},"x":{"dtype":"F32","shape":[0],)" +
                   R"("data_offsets":[4,4]}})"),
       "tensor \"x\" occurs twice"},
      {"UnknownDType", with_header(tensor(R"("dtype":"F31",)" + shape + "," + offsets)),
       "the dtype \"F31\" is not known"},
      {"DTypeIsNumber", with_header(tensor(R"("dtype":32,)" + shape + "," + offsets)),
       "a number in dtype"},
      {"DTypeIsArray", with_header(tensor(R"("dtype":["F32"],)" + shape + "," + offsets)),
       "an array in dtype"},
      {"ShapeIsNumber", shaped("1"), "a number in shape"},
      {"ShapeIsNested", shaped("[[1]]"), "an array in shape"},
      {"ExtentIsText", shaped(R"(["1"])"), "a string in shape"},
      {"ExtentIsNegative", shaped("[-1]"), "the number -1 in shape"},
      {"ExtentIsFraction", shaped("[1.0]"), "no integer in shape"},
      {"ExtentBeyond63Bits", shaped("[9223372036854775808]"), "is too large"},
      {"ExtentBeyond64Bits", shaped("[18446744073709551616]"), "no integer in shape"},
      {"ProductOverflows", shaped("[4294967296,4294967296,4]"), "beyond all bounds"},
      {"ProductOverflowsToZero", shaped("[4611686018427387904]"), "beyond all bounds"},
      {"ManyDimensions",
       shaped("[1" +
              [] {
                std::string ones;
                for (int i = 0; i < 64; ++i) ones += ",1";
                return ones;
              }() +
              "]"),
       "more than 64 dimensions"},
      {"ShapeTooLarge", shaped("[2]"), "F32 of shape [2] takes 8 bytes"},
      {"OffsetsAreNumber", placed("4"), "a number in data_offsets"},
      {"OneOffset", placed("[4]"), "must be two numbers"},
      {"ThreeOffsets", placed("[0,4,8]"), "must be two numbers"},
      {"NegativeOffset", placed("[-4,0]"), "the number -4 in data_offsets"},
      {"OffsetsBackwards", placed("[4,0]"), "data_offsets are [4, 0]"},
      {"OffsetsBeyondTheFile", placed("[18446744073709551611,18446744073709551615]"),
       "begins at 18446744073709551611"},
      {"HoleAtTheBegin", placed("[4,8]", 8), "begins at 4, where the tensors before it end at 0"},
      {"TruncatedData", placed("[0,4]", 3), "take 4 bytes, but 3 follow the header; the file is"},
      {"TrailingBytes", placed("[0,4]", 5), "take 4 bytes, but 5 follow the header"},
      {"Hole", two("[0,4]", "[5,9]", 9), "begins at 5, where the tensors before it end at 4"},
      {"Overlap", two("[0,4]", "[3,7]", 7), "begins at 3, where the tensors before it end at 4"},
      {"SameBytesTwice", two("[0,4]", "[0,4]", 4), "begins at 0"},
      {"DataWithoutTensors", with_header("{}", 1), "take 0 bytes, but 1 follow"},
      {"MetadataIsText", with_header(R"({"__metadata__":"x"})", 0), "must be an object"},
      {"MetadataOfNumbers", with_header(R"({"__metadata__":{"a":1}})", 0), "must be a string"},
      {"MetadataIsNested", with_header(R"({"__metadata__":{"a":{}}})", 0), "must be a string"},
      {"MetadataTwice", with_header(R"({"__metadata__":{},"__metadata__":{}})", 0),
       "__metadata__ occurs twice"},
      {"MetadataKeyTwice", with_header(R"({"__metadata__":{"a":"","a":""}})", 0),
       "\"a\" occurs twice in __metadata__"},
      {"LongName", with_header("{\"" + std::string(100000, 'n') + "\":1}", 0), "nnn\"..."},
      {"TerminalEscapeInName", with_header(R"({"\u001b[2J":1})", 0), "\"\\u001b[2J\" is a number"},
  };
}

class LyingFile : public ::testing::TestWithParam<Lie> {};

TEST_P(LyingFile, IsRefusedAndTheErrorSaysWhy) {
  try {
    SafetensorsFile file(as_bytes(GetParam().bytes), "lie.safetensors");
    ADD_FAILURE() << "was read";
  } catch (const FormatError& error) {
    EXPECT_THAT(error.what(), StartsWith("lie.safetensors, byte "));
    EXPECT_THAT(error.what(), HasSubstr(GetParam().message));
    EXPECT_LE(error.offset(), GetParam().bytes.size());
    EXPECT_LT(std::strlen(error.what()), 400u);
  }
}

INSTANTIATE_TEST_SUITE_P(Every, LyingFile, ::testing::ValuesIn(lies()),
                         [](const auto& instance) { return std::string(instance.param.name); });

// A small file with several types, a tensor without elements, and metadata.
std::string small_file() {
  std::string header =
      R"({"__metadata__":{"a":"b"},"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
      R"("n":{"dtype":"I64","shape":[0,3],"data_offsets":[8,8]},)"
      R"("h":{"dtype":"F16","shape":[1,1],"data_offsets":[8,10]}})";
  return safetensors_bytes(header, std::string("\0\0\x80\x3f\0\0\0\x40\0\x3c", 10));
}

// Opens the file and reads all that is in it; true if nothing was thrown. Anything else than a
// riverrun::Error ends the test.
bool reads(const std::string& bytes) {
  try {
    SafetensorsFile file(as_bytes(bytes), "file");
    for (const TensorInfo& tensor : file.tensors()) {
      if (tensor.dtype == DType::kF32 || tensor.dtype == DType::kF16) {
        (void)file.tensor(tensor.name);
        (void)file.doubles(tensor.name);
      } else if (tensor.dtype == DType::kI64) {
        (void)file.integers(tensor.name);
      }
    }
    return true;
  } catch (const Error&) {
    return false;
  }
}

TEST(DamagedFile, IsWholeAtFirst) { EXPECT_TRUE(reads(small_file())); }

TEST(DamagedFile, TruncatedAnywhereIsRefused) {
  std::string whole = small_file();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // A copy of just this size, so that a sanitizer sees a read beyond it.
    EXPECT_FALSE(reads(std::string(whole, 0, size))) << size;
  }
}

TEST(DamagedFile, AnyBitMayBeFlipped) {
  const std::string whole = small_file();
  std::size_t data_begin = whole.size() - 10;
  int refused = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      bool read = reads(damaged);
      refused += !read;
      if (i < 8) {
        EXPECT_FALSE(read) << "byte " << i << ", bit " << bit << " of the header's length";
      }
      if (i >= data_begin) {
        EXPECT_TRUE(read) << "data may be anything";
      }
    }
  }
  EXPECT_GT(refused, 64);
}

TEST(DamagedFile, AnyByteMayBeAnything) {
  const std::string whole = small_file();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (int value = 0; value < 256; ++value) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(value);
      bool read = reads(damaged);
      if (damaged == whole) {
        EXPECT_TRUE(read);
      }
    }
  }
}

}  // namespace
}  // namespace riverrun::io
