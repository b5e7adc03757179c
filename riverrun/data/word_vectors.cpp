#include "riverrun/data/word_vectors.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <system_error>
#include <utility>
#include <version>

#include <fmt/format.h>

#include "riverrun/core/number.h"
#include "riverrun/data/text/text_input.h"
#include "riverrun/data/word_vectors_reader.h"

namespace riverrun::data {
namespace {

constexpr std::int64_t kMostNumbers = 65'536;

/// A number of only digits; the highest if it is higher.
std::optional<std::int64_t> count_in(std::string_view text) noexcept {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) {
    return std::nullopt;
  }
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  return error == std::errc() ? count : std::numeric_limits<std::int64_t>::max();
}

/// As parse_double() reads it, but faster where the standard library can.
std::optional<double> parse(std::string_view text) {
#ifdef __cpp_lib_to_chars
  double value = 0;
  const char* const text_end = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), text_end, value);
  if (error == std::errc() && end == text_end && std::isfinite(value)) return value;
#endif
  return parse_double(text);
}

}  // namespace

WordVectors read_word_vectors(const std::filesystem::path& path,
                              const std::function<bool(std::string_view)>& wanted) {
  const text::TextPart part = text::open_texts(std::span(&path, 1)).front();
  WordVectorReader reader(part.path.string(), wanted, part.begin);
  text::for_each_piece(part, [&reader](std::string_view piece) { reader.feed(piece); });
  return reader.finish();
}

WordVectorReader::WordVectorReader(std::string path, std::function<bool(std::string_view)> wanted,
                                   std::int64_t first_byte)
    : wanted_(std::move(wanted)), line_(std::move(path), first_byte) {}

void WordVectorReader::feed(std::string_view piece) {
  splitter_.feed(piece, [this](std::string_view line) { take_line(line); });
}

WordVectors WordVectorReader::finish() {
  splitter_.finish([this](std::string_view line) { take_line(line); });
  if (words_said_ > 0 && words_ != words_said_) {
    line_.fail_at_end(fmt::format("the number of words is {}; by line {} it must be {}", words_,
                                  dim_line_, words_said_));
  }
  if (words_ == 0) line_.fail_at_end("the file ends before a vector; there must be one");
  return std::move(vectors_);
}

void WordVectorReader::take_line(std::string_view raw) {
  line_.begin(raw);
  if (const auto zero = raw.find('\0'); zero != std::string_view::npos) {
    line_.fail(raw.substr(zero),
               "there is a byte 0; word vectors must be a text (the binary form of word2vec is not "
               "read)");
  }
  std::string_view line = raw;
  // fastText and word2vec end their lines with a blank.
  while (line.ends_with(' ') || line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty()) return;
  if (dim_line_ == 0) {
    dim_line_ = line_.number();
    if (take_header(line)) return;
  }
  take_vector(line);
}

bool WordVectorReader::take_header(std::string_view line) {
  const std::int64_t blanks = std::ranges::count(line, ' ');
  std::string_view second = line;
  const std::string_view first = take_until(' ', second);
  const std::optional<std::int64_t> words = count_in(first);
  const std::optional<std::int64_t> dim = count_in(second);
  const bool is_header = words && dim;
  vectors_.dim = is_header ? *dim : blanks;
  if (vectors_.dim < 1 || vectors_.dim > kMostNumbers) {
    line_.fail(is_header ? second : line,
               fmt::format("the number of numbers of a vector is {}; it must be from 1 to {}, with "
                           "single blanks before them",
                           vectors_.dim, kMostNumbers));
  }
  if (!is_header) return false;
  if (*words < 1) line_.fail(first, "the number of words is 0; it must be at least 1");
  words_said_ = *words;
  return true;
}

void WordVectorReader::take_vector(std::string_view line) {
  const std::int64_t blanks = std::ranges::count(line, ' ');
  if (blanks < vectors_.dim) {
    line_.fail(line, fmt::format("the number of numbers after the word is {}; by line {} it must "
                                 "be {}, with single blanks before them",
                                 blanks, dim_line_, vectors_.dim));
  }
  std::string_view numbers = line;
  for (std::int64_t i = 0; i <= blanks - vectors_.dim; ++i) (void)take_until(' ', numbers);
  const std::string_view word = line.substr(0, line.size() - numbers.size() - 1);
  if (blanks > vectors_.dim) {
    const std::size_t doubled = line.find("  ", std::max<std::size_t>(word.size(), 1) - 1);
    if (doubled != std::string_view::npos) {
      line_.fail(line.substr(doubled), "there are two blanks; single ones must be before numbers");
    }
  }
  ++words_;
  if (words_said_ > 0 && words_ > words_said_) {
    line_.fail(line, fmt::format("there are more words than {}, as line {} has it; it must be as "
                                 "many",
                                 words_said_, dim_line_));
  }
  const bool keep = !word.empty() && is_utf8(word) && wanted_(word) && kept_.emplace(word).second;
  if (keep) vectors_.words.emplace_back(word);
  // How many numbers there are is known from the first vector, which therefore must have only such.
  if (!keep && words_ > 1) return;
  for (std::int64_t i = 0; i < vectors_.dim; ++i) {
    const float value = number(take_until(' ', numbers), word, i);
    if (keep) vectors_.values.push_back(value);
  }
}

float WordVectorReader::number(std::string_view text, std::string_view word, std::int64_t i) const {
  const std::optional<double> value = parse(text);
  if (value && std::abs(*value) <= std::numeric_limits<float>::max()) {
    return static_cast<float>(*value);
  }
  line_.fail(text, fmt::format("number {} of {} is {}; it must be a finite number of at most "
                               "3.4e38, such as -0.5 or 1e-3",
                               i + 1, in_quotes(word), in_quotes(text)));
}

}  // namespace riverrun::data
