#include "riverrun/data/text/split.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/data/text/utf8.h"

namespace riverrun::text {
namespace {

constexpr std::int64_t kLongestCharacter = 4;
constexpr std::int64_t kMostToLineEnd = std::int64_t{64} << 10;
constexpr std::int64_t kFirstSearch = std::int64_t{4} << 10;

/// Bytes [begin, end) of the text that `part` is of.
TextPart piece_of(const TextPart& part, std::int64_t begin, std::int64_t end) {
  return {.path = part.path, .begin = begin, .end = end, .bytes = part.bytes};
}

std::string bytes_of(const TextPart& part) {
  std::string bytes;
  for_each_piece(part, [&bytes](std::string_view piece) { bytes += piece; });
  return bytes;
}

/// The nearest place at or before `cut` where a character begins; `cut` itself if the bytes around
/// it are not UTF-8.
std::int64_t character_start(const TextPart& part, std::int64_t cut) {
  const std::int64_t begin = std::max(part.begin, cut - kLongestCharacter + 1);
  const std::string bytes = bytes_of(piece_of(part, begin, cut + 1));
  for (std::size_t i = bytes.size(); i-- > 0;) {
    const bool continuation = (static_cast<unsigned char>(bytes[i]) & 0xC0) == 0x80;
    if (!continuation) return begin + static_cast<std::int64_t>(i);
  }
  return cut;
}

/// After the last line end in the `reach` bytes before `cut`.
std::optional<std::int64_t> line_start(const TextPart& part, std::int64_t cut, std::int64_t reach) {
  const std::int64_t begin = std::max(part.begin, cut - reach);
  const std::size_t found = bytes_of(piece_of(part, begin, cut)).rfind('\n');
  if (found == std::string::npos) return std::nullopt;
  return begin + static_cast<std::int64_t>(found) + 1;
}

/// Keeps the place nearest to a cut.
class Nearest {
 public:
  explicit Nearest(std::int64_t cut) : cut_(cut) {}
  void offer(std::int64_t place) {
    if (!place_ || std::abs(place - cut_) < std::abs(*place_ - cut_)) place_ = place;
  }
  [[nodiscard]] const std::optional<std::int64_t>& place() const { return place_; }

 private:
  std::int64_t cut_;
  std::optional<std::int64_t> place_;
};

/// After the white space nearest to `cut`, or the part's begin or end if it may be cut there.
std::optional<std::int64_t> nearest_white_space(const TextPart& part, std::int64_t cut,
                                                bool at_begin, bool at_end) {
  for (std::int64_t reach = kFirstSearch;; reach *= 16) {
    const std::int64_t begin = std::max(part.begin, cut - reach - kLongestCharacter);
    const std::int64_t end = std::min(part.end, cut + reach);
    Nearest nearest(cut);
    if (at_begin && begin == part.begin) nearest.offer(begin);
    std::int64_t place = begin;
    const auto look = [&](char32_t c, int bytes, bool) {
      place += bytes;
      if (is_white_space(c) && (place < part.end || at_end)) nearest.offer(place);
    };
    Utf8Scanner scanner;
    for_each_piece(piece_of(part, begin, end),
                   [&](std::string_view piece) { scanner.feed(piece, look); });
    if (at_end && end == part.end) nearest.offer(end);
    if (nearest.place() || (begin == part.begin && end == part.end)) return nearest.place();
  }
}

}  // namespace

TextSplit split_texts(std::span<const TextPart> parts, double valid_fraction, CutAt cut_at) {
  if (!(valid_fraction > 0.0 && valid_fraction < 1.0)) {
    throw ConfigError(fmt::format("split_texts: valid_fraction is {}; it must be between 0 and 1",
                                  valid_fraction));
  }
  std::int64_t total = 0;
  for (const TextPart& part : parts) total += size_of(part);
  if (total == 0) throw ConfigError("split_texts: there is no text; there must be some");

  // The part that holds the cut, and the cut within it.
  auto before = static_cast<std::int64_t>((1.0 - valid_fraction) * static_cast<double>(total));
  before = std::min(before, total - 1);
  const std::int64_t kept = total - before;
  std::size_t cut_part = 0;
  while (before >= size_of(parts[cut_part])) before -= size_of(parts[cut_part++]);
  const TextPart& part = parts[cut_part];
  std::int64_t cut = part.begin + before;

  const auto has_text = [](std::span<const TextPart> some) {
    return std::ranges::any_of(some, [](const TextPart& one) { return size_of(one) > 0; });
  };
  const bool text_before = has_text(parts.first(cut_part));
  const bool text_after = has_text(parts.subspan(cut_part + 1));
  if (cut_at == CutAt::kCharacter) {
    cut = character_start(part, cut);
  } else if (cut > part.begin || !text_before) {
    std::optional<std::int64_t> place = line_start(part, cut, std::min(kept / 100, kMostToLineEnd));
    if (!place) place = nearest_white_space(part, cut, text_before, text_after);
    if (!place) {
      throw FormatError(part.path.string(), 0,
                        "the text has no white space to cut it at, so nothing of it can be kept "
                        "for validation");
    }
    cut = *place;
  }

  TextSplit split;
  split.train.assign(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(cut_part));
  if (cut > part.begin) split.train.push_back(piece_of(part, part.begin, cut));
  if (cut < part.end) split.valid.push_back(piece_of(part, cut, part.end));
  split.valid.insert(split.valid.end(), parts.begin() + static_cast<std::ptrdiff_t>(cut_part) + 1,
                     parts.end());
  if (!has_text(split.train) || !has_text(split.valid)) {
    throw FormatError(part.path.string(), 0,
                      fmt::format("a text of {} bytes is too short to keep {} of it for validation",
                                  total, valid_fraction));
  }
  return split;
}

}  // namespace riverrun::text
