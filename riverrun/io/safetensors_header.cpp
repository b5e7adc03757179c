#include "riverrun/io/safetensors_header.h"

#include <array>
#include <cstddef>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"

namespace riverrun::io::detail {
namespace {

constexpr std::size_t kMaxRank = 64;  // as PyTorch's; keeps a hostile header from taking memory

std::optional<DType> dtype_of(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(DType::kU64); ++i) {
    auto dtype = static_cast<DType>(i);
    if (dtype_name(dtype) == name) return dtype;
  }
  return std::nullopt;
}

// A text iterator that tells how far the parser has read: nlohmann's events carry no position.
class Reader {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Reader(const char* at, const char** farthest) : at_(at), farthest_(farthest) {}
  reference operator*() const { return *at_; }
  Reader& operator++() {
    *farthest_ = ++at_;
    return *this;
  }
  friend bool operator==(const Reader& a, const Reader& b) { return a.at_ == b.at_; }

 private:
  const char* at_;
  const char** farthest_;
};

// Takes the parser's events and accepts only those of a safetensors header, so that neither
// nesting nor size can make it build anything else. Throws FormatError.
class Handler {
 public:
  using Json = nlohmann::json;

  Handler(std::string_view text, const std::string& path)
      : begin_(text.data()), at_(text.data()), path_(path) {}

  Header take() { return std::move(header_); }
  [[nodiscard]] const char** position() noexcept { return &at_; }

  bool start_object(std::size_t) {
    if (place_ == Place::kStart) {
      place_ = Place::kFile;
    } else if (place_ == Place::kFile) {
      place_ = key_ == kMetadataKey ? Place::kMetadata : Place::kTensor;
      fields_ = {};
    } else {
      unexpected("an object");
    }
    return true;
  }

  bool key(std::string& key) {
    key_ = std::move(key);
    if (place_ == Place::kFile) {
      if (key_ == kMetadataKey) {
        if (has_metadata_) fail("__metadata__ occurs twice");
        has_metadata_ = true;
      } else {
        if (key_.empty()) fail("a tensor's name is empty");
        entry_ = {};
        entry_.name = key_;
      }
    } else if (place_ == Place::kMetadata) {
      if (header_.metadata.contains(key_)) {
        fail(fmt::format("{} occurs twice in __metadata__", printable(key_)));
      }
    } else {
      field_ = 0;
      while (field_ < kFields.size() && kFields[field_] != key_) ++field_;
      if (field_ == kFields.size()) {
        fail(fmt::format("tensor {} has a field {}; it must have dtype, shape and data_offsets",
                         printable(entry_.name), printable(key_)));
      }
      if (fields_[field_]) {
        fail(fmt::format("tensor {}: {} occurs twice", printable(entry_.name), key_));
      }
      fields_[field_] = true;
    }
    return true;
  }

  bool string(std::string& text) {
    if (place_ == Place::kMetadata) {
      header_.metadata.emplace(std::move(key_), std::move(text));
    } else if (place_ == Place::kTensor && field_ == kDType) {
      std::optional<DType> dtype = dtype_of(text);
      if (!dtype) {
        fail(fmt::format("tensor {}: the dtype {} is not known", printable(entry_.name),
                         printable(text)));
      }
      entry_.dtype = *dtype;
    } else {
      unexpected("a string");
    }
    return true;
  }

  bool start_array(std::size_t) {
    if (place_ != Place::kTensor || field_ == kDType) unexpected("an array");
    place_ = field_ == kShape ? Place::kShape : Place::kOffsets;
    offsets_ = 0;
    return true;
  }

  bool number_unsigned(std::uint64_t number) {
    if (place_ == Place::kShape) {
      if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        fail(fmt::format("tensor {}: the extent {} is too large", printable(entry_.name), number));
      }
      if (entry_.shape.size() == kMaxRank) {
        fail(
            fmt::format("tensor {} has more than {} dimensions", printable(entry_.name), kMaxRank));
      }
      entry_.shape.push_back(static_cast<std::int64_t>(number));
    } else if (place_ == Place::kOffsets) {
      if (offsets_ == 2) fail_offsets();
      (offsets_ == 0 ? entry_.begin : entry_.end) = number;
      ++offsets_;
    } else {
      unexpected("a number");
    }
    return true;
  }

  bool end_array() {
    if (place_ == Place::kOffsets && offsets_ != 2) fail_offsets();
    place_ = Place::kTensor;
    return true;
  }

  bool end_object() {
    if (place_ == Place::kTensor) {
      for (std::size_t i = 0; i < kFields.size(); ++i) {
        if (!fields_[i]) {
          fail(fmt::format("tensor {} has no {}", printable(entry_.name), kFields[i]));
        }
      }
      entry_.offset = offset();
      header_.entries.push_back(std::move(entry_));
    }
    place_ = Place::kFile;
    return true;
  }

  bool null() { unexpected("null"); }
  bool boolean(bool) { unexpected("a truth value"); }
  bool number_integer(std::int64_t number) { unexpected(fmt::format("the number {}", number)); }
  bool number_float(double, const std::string&) { unexpected("a number that is no integer"); }
  bool binary(Json::binary_t&) { unexpected("binary data"); }
  template <class Exception>
  bool parse_error(std::size_t, const std::string&, const Exception&) {
    fail("the header is not valid JSON");
  }

 private:
  enum class Place { kStart, kFile, kMetadata, kTensor, kShape, kOffsets };
  static constexpr std::size_t kDType = 0;
  static constexpr std::size_t kShape = 1;
  static constexpr std::array<std::string_view, 3> kFields = {"dtype", "shape", "data_offsets"};

  [[nodiscard]] std::uint64_t offset() const {
    return kLengthSize + static_cast<std::uint64_t>(at_ - begin_);
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw FormatError(path_, offset(), what);
  }

  [[noreturn]] void fail_offsets() const {
    fail(fmt::format("tensor {}: data_offsets must be two numbers", printable(entry_.name)));
  }

  [[noreturn]] void unexpected(std::string_view what) const {
    switch (place_) {
      case Place::kStart:
        fail(fmt::format("the header is {}; it must be an object", what));
      case Place::kFile:
        fail(fmt::format("{} is {}; it must be an object", printable(key_), what));
      case Place::kMetadata:
        fail(fmt::format("{} in __metadata__ is {}; it must be a string", printable(key_), what));
      default:
        fail(
            fmt::format("tensor {}: {} in {}; dtype must be a string, shape and data_offsets "
                        "arrays of whole numbers from 0",
                        printable(entry_.name), what, key_));
    }
  }

  const char* begin_;
  const char* at_;
  const std::string& path_;
  Header header_;
  Place place_ = Place::kStart;
  std::string key_;
  bool has_metadata_ = false;
  HeaderEntry entry_;
  std::array<bool, 3> fields_{};
  std::size_t field_ = 0;
  int offsets_ = 0;
};

}  // namespace

Header parse_header(std::string_view text, const std::string& path) {
  // The parser would skip a byte order mark, and stop without complaint at a zero byte.
  if (!text.starts_with('{')) throw FormatError(path, kLengthSize, "the header must begin with {");
  if (std::size_t zero = text.find('\0'); zero != std::string_view::npos) {
    throw FormatError(path, kLengthSize + zero, "the header contains a zero byte");
  }
  Handler handler(text, path);
  Reader first(text.data(), handler.position());
  Reader last(text.data() + text.size(), handler.position());
  nlohmann::json::sax_parse(first, last, &handler);
  return handler.take();
}

std::string printable(std::string_view text) {
  constexpr std::size_t kMaxLength = 80;
  bool cut = text.size() > kMaxLength;
  std::string shown(text.substr(0, kMaxLength));
  return nlohmann::json(shown).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) +
         (cut ? "..." : "");
}

}  // namespace riverrun::io::detail
