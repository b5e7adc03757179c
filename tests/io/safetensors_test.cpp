#include "riverrun/io/safetensors.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"

#include "tests/io/safetensors_bytes.h"
#include "tests/temporary_folder.h"

namespace riverrun::io {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A file with one tensor "x" of these elements.
template <class T>
std::string one_tensor(const std::string& dtype, const std::vector<T>& elements) {
  std::string data(elements.size() * sizeof(T), '\0');
  std::memcpy(data.data(), elements.data(), data.size());
  return safetensors_bytes(R"({"x":{"dtype":")" + dtype + R"(","shape":[)" +
                               std::to_string(elements.size()) + R"(],"data_offsets":[0,)" +
                               std::to_string(data.size()) + "]}}",
                           data);
}

template <class Body>
std::string format_error(Body body) {
  try {
    body();
  } catch (const FormatError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Safetensors, WhatIsWrittenIsRead) {
  TemporaryFolder folder;
  Tensor weight(Shape{2, 3}, {1, -2, 0.5f, 1e-40f, std::numeric_limits<float>::infinity(), 6});
  Tensor scalar(Shape{}, {7});
  Tensor none(Shape{0, 4});
  std::vector<std::int64_t> signed_numbers = {-1, std::numeric_limits<std::int64_t>::min()};
  std::vector<std::uint64_t> unsigned_numbers = {0, std::numeric_limits<std::uint64_t>::max(), 3};
  std::vector<double> doubles = {0.1, -1e300};
  std::vector<TensorView> tensors = {view("weight", weight),
                                     view("scalar", scalar),
                                     view("none", none),
                                     view("signed", signed_numbers),
                                     view("unsigned", unsigned_numbers),
                                     view("doubles", doubles)};
  Metadata metadata = {{"format", "pt"}, {"quotes \" and \\", "line\nbreak, ünï\0code"}};
  write_safetensors(folder / "file", tensors, metadata);

  SafetensorsFile file(folder / "file");
  EXPECT_EQ(file.path(), (folder / "file").string());
  EXPECT_EQ(file.metadata(), metadata);
  std::vector<std::string> names;
  for (const TensorInfo& tensor : file.tensors()) names.push_back(tensor.name);
  EXPECT_THAT(names, ElementsAre("doubles", "none", "scalar", "signed", "unsigned", "weight"));
  EXPECT_EQ(file.tensor("weight").shape(), weight.shape());
  EXPECT_THAT(file.tensor("weight").values(), ::testing::ElementsAreArray(weight.values()));
  EXPECT_EQ(file.tensor("scalar").shape(), Shape());
  EXPECT_THAT(file.tensor("scalar").values(), ElementsAre(7));
  EXPECT_EQ(file.tensor("none").shape(), none.shape());
  EXPECT_EQ(file.integers("signed"), signed_numbers);
  EXPECT_EQ(file.unsigned_integers("unsigned"), unsigned_numbers);
  EXPECT_EQ(file.doubles("doubles"), doubles);
}

TEST(Safetensors, ANaNKeepsItsBits) {
  TemporaryFolder folder;
  auto nan = std::bit_cast<float>(0xffc12345u);
  std::vector<TensorView> tensors;
  Tensor tensor(Shape{1}, {nan});
  tensors.push_back(view("x", tensor));
  write_safetensors(folder / "file", tensors);
  Tensor read = SafetensorsFile(folder / "file").tensor("x");
  EXPECT_EQ(std::bit_cast<std::uint32_t>(read.values()[0]), 0xffc12345u);
}

TEST(Safetensors, BytesDependOnTheContentsOnly) {
  TemporaryFolder folder;
  Tensor a(Shape{1}, {1});
  Tensor b(Shape{3}, {2, 3, 4});
  std::vector<std::int64_t> c = {5};
  std::vector<TensorView> tensors = {view("a", a), view("b", b), view("c", c)};
  write_safetensors(folder / "one", tensors, {{"k", "v"}, {"a", "b"}});
  std::reverse(tensors.begin(), tensors.end());
  write_safetensors(folder / "two", tensors, {{"a", "b"}, {"k", "v"}});
  EXPECT_EQ(read_file(folder / "one"), read_file(folder / "two"));
}

// The layout that the format's own library gives to the same contents.
TEST(Safetensors, WritesTheLayoutOfTheFormat) {
  TemporaryFolder folder;
  Tensor a(Shape{1}, {1});
  std::vector<std::int64_t> b = {2};
  std::vector<TensorView> tensors = {view("a", a), view("b", b)};
  write_safetensors(folder / "file", tensors, {{"k", "v"}});
  std::string header =
      R"({"__metadata__":{"k":"v"},"b":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},)"
      R"("a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  std::string data("\x02\0\0\0\0\0\0\0\0\0\x80\x3f", 12);
  EXPECT_EQ(read_file(folder / "file"), safetensors_bytes(header, data));
}

TEST(Safetensors, MayHoldNothing) {
  TemporaryFolder folder;
  write_safetensors(folder / "file", {});
  SafetensorsFile file(folder / "file");
  EXPECT_TRUE(file.tensors().empty());
  EXPECT_TRUE(file.metadata().empty());
}

TEST(Safetensors, RefusesToWriteWhatCouldNotBeRead) {
  TemporaryFolder folder;
  Tensor tensor(Shape{2});
  auto write = [&](std::vector<TensorView> tensors, const Metadata& metadata = {}) {
    write_safetensors(folder / "file", tensors, metadata);
  };
  EXPECT_THROW(write({view("", tensor)}), ConfigError);
  EXPECT_THROW(write({view("__metadata__", tensor)}), ConfigError);
  EXPECT_THROW(write({view("not UTF-8: \xff", tensor)}), ConfigError);
  EXPECT_THROW(write({view("x", tensor)}, {{"not UTF-8", "\xff"}}), ConfigError);
  EXPECT_THROW(write({view("x", tensor), view("x", tensor)}), ConfigError);
  std::vector<std::int64_t> numbers = {1};
  EXPECT_THROW(write({view("x", tensor), view("y", tensor), view("x", numbers)}), ConfigError);
  TensorView lying = view("x", tensor);
  lying.shape = {3};
  EXPECT_THROW(write({lying}), ConfigError);
  lying.shape = {-2};
  EXPECT_THROW(write({lying}), ConfigError);
  EXPECT_FALSE(fs::exists(folder / "file"));
}

TEST(Safetensors, ReadsHalfPrecisionExactly) {
  struct Case {
    std::uint16_t bits;
    double value;
  };
  const std::vector<Case> cases = {{0x0000, 0.0},        {0x3c00, 1.0},        {0xc000, -2.0},
                                   {0x7bff, 65504},      {0x0400, 0x1p-14},    {0x0001, 0x1p-24},
                                   {0x83ff, -0x3ffp-24}, {0x3555, 0x1.554p-2}, {0x7c00, INFINITY},
                                   {0xfc00, -INFINITY}};
  std::vector<std::uint16_t> bits;
  for (const Case& c : cases) bits.push_back(c.bits);
  bits.push_back(0x8000);
  bits.push_back(0x7e00);
  std::string bytes = one_tensor("F16", bits);
  Tensor tensor = SafetensorsFile(as_bytes(bytes), "half").tensor("x");
  for (std::size_t i = 0; i < cases.size(); ++i) {
    EXPECT_EQ(tensor.values()[i], cases[i].value) << std::hex << cases[i].bits;
  }
  EXPECT_TRUE(std::signbit(tensor.values()[cases.size()])) << "minus zero";
  EXPECT_TRUE(std::isnan(tensor.values()[cases.size() + 1]));
}

TEST(Safetensors, ReadsBFloat16Exactly) {
  std::string bytes = one_tensor<std::uint16_t>("BF16", {0x3f80, 0xc040, 0x0001, 0x7f80});
  SafetensorsFile file(as_bytes(bytes), "bfloat");
  EXPECT_THAT(file.tensor("x").values(), ElementsAre(1.0f, -3.0f, 0x1p-133f, INFINITY));
  EXPECT_THAT(file.doubles("x"), ElementsAre(1.0, -3.0, 0x1p-133, INFINITY));
}

TEST(Safetensors, ReadsDoublesAsFloatsWhereTheyFit) {
  std::string bytes = one_tensor<double>("F64", {0.1, -1e-50, INFINITY});
  EXPECT_THAT(SafetensorsFile(as_bytes(bytes), "d").tensor("x").values(),
              ElementsAre(0.1f, -0.0f, INFINITY));
  bytes = one_tensor<double>("F64", {1, 1e39});
  SafetensorsFile file(as_bytes(bytes), "d");
  EXPECT_THAT(format_error([&] { (void)file.tensor("x"); }), HasSubstr("element 1 is 1e+39"));
  EXPECT_THAT(file.doubles("x"), ElementsAre(1, 1e39));
}

TEST(Safetensors, ReadsEveryIntegerType) {
  auto read = [](const std::string& bytes) {
    return SafetensorsFile(as_bytes(bytes), "integers").integers("x");
  };
  EXPECT_THAT(read(one_tensor<std::int8_t>("I8", {-128, 127})), ElementsAre(-128, 127));
  EXPECT_THAT(read(one_tensor<std::uint8_t>("U8", {0, 255})), ElementsAre(0, 255));
  EXPECT_THAT(read(one_tensor<std::int16_t>("I16", {-32768})), ElementsAre(-32768));
  EXPECT_THAT(read(one_tensor<std::uint16_t>("U16", {65535})), ElementsAre(65535));
  EXPECT_THAT(read(one_tensor<std::int32_t>("I32", {-5})), ElementsAre(-5));
  EXPECT_THAT(read(one_tensor<std::uint32_t>("U32", {4000000000u})), ElementsAre(4000000000));
  EXPECT_THAT(read(one_tensor<std::int64_t>("I64", {-7})), ElementsAre(-7));
  EXPECT_THAT(read(one_tensor<std::uint64_t>("U64", {8})), ElementsAre(8));
  EXPECT_THAT(format_error([&] { read(one_tensor<std::uint64_t>("U64", {~0ull})); }),
              HasSubstr("too large"));
}

TEST(Safetensors, HandsOutOtherTypesAsBytes) {
  std::string bytes = one_tensor<std::uint8_t>("F8_E4M3", {1, 2, 3});
  SafetensorsFile file(as_bytes(bytes), "f8");
  EXPECT_EQ(file.at("x").dtype, DType::kF8E4M3);
  EXPECT_THAT(file.bytes("x"), ElementsAre(std::byte{1}, std::byte{2}, std::byte{3}));
  EXPECT_THAT(format_error([&] { (void)file.tensor("x"); }),
              HasSubstr("tensor \"x\" is of type F8_E4M3; it must be of F16, BF16, F32 or F64"));
  EXPECT_THROW((void)file.doubles("x"), FormatError);
  EXPECT_THROW((void)file.integers("x"), FormatError);
  EXPECT_THROW((void)file.unsigned_integers("x"), FormatError);
}

TEST(Safetensors, ErrorsNameFileTensorAndOffset) {
  std::string header = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                       R"("deep":{"dtype":"F32","shape":[1,1,1,1,1],"data_offsets":[4,8]}})";
  std::string bytes = safetensors_bytes(header, std::string(8, '\0'));
  SafetensorsFile file(as_bytes(bytes), "deep.safetensors");
  EXPECT_EQ(file.doubles("deep").size(), 1u);
  EXPECT_EQ(format_error([&] { (void)file.tensor("deep"); }),
            "deep.safetensors, byte " + std::to_string(8 + header.size() + 4) +
                ": tensor \"deep\" has shape [1, 1, 1, 1, 1]; at most 4 dimensions are supported");
  EXPECT_EQ(file.find("b"), nullptr);
  EXPECT_THAT(format_error([&] { (void)file.at("b"); }), HasSubstr("there is no tensor \"b\""));
}

TEST(Safetensors, ReadsDataAtAnyAddress) {
  std::string header = R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                       R"("x":{"dtype":"F64","shape":[1],"data_offsets":[1,9]}} )";
  double value = 2.5;
  std::string data(9, '\0');
  std::memcpy(data.data() + 1, &value, 8);
  std::string bytes = safetensors_bytes(header, data);
  EXPECT_THAT(SafetensorsFile(as_bytes(bytes), "odd").doubles("x"), ElementsAre(2.5));
}

TEST(Safetensors, FilesThatCannotBeReadAreIoErrors) {
  TemporaryFolder folder;
  EXPECT_THROW(SafetensorsFile(folder / "absent"), IoError);
  EXPECT_THROW(SafetensorsFile{folder.path()}, IoError);
}

TEST(Safetensors, ReadsFilesThatPyTorchMade) {
  fs::path folder = fs::path(RIVERRUN_SHARED_DIR) / "fixtures/torch";
  if (!fs::is_directory(folder)) GTEST_SKIP() << folder << " is not there";
  int files = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".safetensors") continue;
    ++files;
    SafetensorsFile file(entry.path());
    EXPECT_TRUE(file.metadata().contains("module")) << entry.path();
    std::vector<double> output = file.doubles("output");
    Tensor tensor = file.tensor("output");
    ASSERT_EQ(static_cast<std::int64_t>(output.size()), tensor.elements());
    for (std::size_t i = 0; i < output.size(); ++i) {
      ASSERT_EQ(tensor.values()[i], static_cast<float>(output[i]));
    }
    if (file.find("lengths") != nullptr) {
      for (std::int64_t length : file.integers("lengths")) {
        EXPECT_GE(length, 1);
        EXPECT_LE(length, std::max(tensor.size(0), tensor.size(1)));
      }
    }
  }
  EXPECT_GT(files, 0);
}

// Mapped into memory, the file would end the process with SIGBUS.
TEST(Safetensors, SayThatTheFileWasShortenedMeanwhile) {
  TemporaryFolder folder;
  const Tensor weight = Tensor({100, 100});
  const std::vector<TensorView> tensors = {view("weight", weight)};
  write_safetensors(folder / "file", tensors);
  const SafetensorsFile file(folder / "file");
  std::filesystem::resize_file(folder / "file", 20000);
  EXPECT_THAT(format_error([&] { (void)file.tensor("weight"); }), HasSubstr("shortened"));
  EXPECT_THAT(format_error([&] { (void)file.doubles("weight"); }), HasSubstr("shortened"));
}

}  // namespace
}  // namespace riverrun::io
