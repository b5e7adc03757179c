#include "riverrun/data/ts_line.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/data/text/utf8.h"

namespace riverrun::data {
namespace {

bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\r'; }

}  // namespace

TsLine::TsLine(std::string path, std::int64_t first_byte)
    : path_(std::move(path)), byte_(first_byte), next_byte_(first_byte) {}

void TsLine::begin(std::string_view line) noexcept {
  ++number_;
  text_ = line.data();
  byte_ = next_byte_;
  next_byte_ += static_cast<std::int64_t>(line.size()) + 1;
}

std::uint64_t TsLine::byte_of(std::string_view at) const noexcept {
  return static_cast<std::uint64_t>(byte_ + (at.data() - text_));
}

void TsLine::fail(std::string_view at, const std::string& what) const {
  throw FormatError(path_, byte_of(at), fmt::format("line {}: {}", number_, what));
}

void TsLine::fail(std::string_view at, std::int64_t channel, std::int64_t step,
                  const std::string& what) const {
  throw FormatError(
      path_, byte_of(at),
      fmt::format("line {}, channel {}, step {}: {}", number_, channel + 1, step + 1, what));
}

void TsLine::fail_at_end(const std::string& what) const {
  throw FormatError(path_, static_cast<std::uint64_t>(next_byte_),
                    fmt::format("after line {}: {}", number_, what));
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view take_until(char separator, std::string_view& rest) noexcept {
  const std::string_view taken = rest.substr(0, rest.find(separator));
  rest.remove_prefix(std::min(taken.size() + 1, rest.size()));
  return taken;
}

std::string_view take_word(std::string_view& rest) noexcept {
  const auto end = std::ranges::find_if(rest, is_blank);
  const std::string_view taken = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
  rest = trimmed(rest.substr(taken.size()));
  return taken;
}

std::int64_t count_parts(std::string_view text, char separator) noexcept {
  return 1 + std::ranges::count(text, separator);
}

bool same_word(std::string_view a, std::string_view b) noexcept {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kMost = 40;
  if (text.size() <= kMost) return fmt::format("\"{}\"", text::escaped(text));
  const auto continues = [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
  };
  std::size_t end = kMost;
  while (end > 0 && continues(text[end])) --end;
  return fmt::format("\"{}…\"", text::escaped(text.substr(0, end)));
}

}  // namespace riverrun::data
