#pragma once

// What functions take where a caller may also write a list in braces, which std::span accepts from
// C++26 on. They are parameters: a view does not outlive the call that a list was written for.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <ranges>
#include <span>
#include <vector>

namespace riverrun {

/// A std::span<const T> that may be written {a, b}.
template <class T>
class ListSpan : public std::span<const T> {
 public:
  using std::span<const T>::span;  // NOLINT(modernize-use-equals-default): these are many
  // NOLINTNEXTLINE(google-explicit-constructor): in place of one
  ListSpan(std::span<const T> values) : std::span<const T>(values) {}
  // NOLINTNEXTLINE(google-explicit-constructor): in place of a list
  ListSpan(std::initializer_list<T> list) : std::span<const T>(std::data(list), list.size()) {}
};

/// Whole numbers of 32 or of 64 bits, as tokens, targets and lengths come: from a std::vector,
/// array or span of std::int32_t or std::int64_t, or written {3, 2}.
class IntSpan {
 public:
  IntSpan() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): in place of a list
  IntSpan(std::initializer_list<std::int64_t> list) : wide_(std::data(list)), size_(list.size()) {}
  template <std::ranges::contiguous_range Range>
  requires std::ranges::sized_range<Range> &&
      (std::same_as<std::ranges::range_value_t<Range>, std::int32_t> ||
       std::same_as<std::ranges::range_value_t<Range>, std::int64_t>)
          IntSpan(const Range& numbers)  // NOLINT(google-explicit-constructor): in place of a span
      : size_(std::ranges::size(numbers)) {
    if constexpr (std::same_as<std::ranges::range_value_t<Range>, std::int32_t>) {
      narrow_ = std::ranges::data(numbers);
    } else {
      wide_ = std::ranges::data(numbers);
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::int64_t operator[](std::size_t i) const noexcept {
    return wide_ != nullptr ? wide_[i] : narrow_[i];
  }
  /// The numbers in 32 bits, which each must fit: where they are, or copied to `room`.
  [[nodiscard]] std::span<const std::int32_t> narrowed(std::vector<std::int32_t>& room) const {
    if (wide_ == nullptr) return {narrow_, size_};
    room.resize(size_);
    for (std::size_t i = 0; i < size_; ++i) room[i] = static_cast<std::int32_t>(wide_[i]);
    return room;
  }

 private:
  const std::int32_t* narrow_ = nullptr;  // one of the two, or neither
  const std::int64_t* wide_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace riverrun
