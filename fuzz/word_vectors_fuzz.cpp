// Any bytes as word vectors: they are refused with a FormatError, or what is read is as the
// interface has it; the same however they come in pieces. What is read when some words are wanted
// is a part of what is read when all are.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "riverrun/core/error.h"
#include "riverrun/data/word_vectors_reader.h"

namespace {

using namespace riverrun::data;
using namespace std::string_view_literals;

constexpr std::array kHeaders = {""sv, "a 1 -2.5e-3\n"sv, "2 2\n"sv, "2 1\nb 1 \n"sv};

void require(bool condition) {
  if (!condition) std::abort();
}

/// What was read, or why it was refused.
struct Result {
  WordVectors vectors;
  std::string refused;
};

Result read(std::string_view text, const std::function<bool(std::string_view)>& wanted,
            std::size_t piece) {
  try {
    WordVectorReader reader("fuzzed", wanted);
    for (std::size_t i = 0; i < text.size(); i += piece) reader.feed(text.substr(i, piece));
    return {reader.finish(), ""};
  } catch (const riverrun::FormatError& error) {
    return {{}, error.what()};
  }
}

void require_sound(const WordVectors& vectors, std::size_t bytes) {
  require(vectors.dim >= 1 && vectors.dim <= 65'536);
  require(vectors.values.size() == vectors.words.size() * static_cast<std::size_t>(vectors.dim));
  require(2 * vectors.values.size() <= bytes);
  require(std::ranges::all_of(vectors.values, [](float x) { return std::isfinite(x); }));
  require(std::ranges::none_of(vectors.words, &std::string::empty));
  require(std::ranges::all_of(vectors.words, is_utf8));
  require(std::unordered_set<std::string>(vectors.words.begin(), vectors.words.end()).size() ==
          vectors.words.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t piece = std::size_t{1} + data[1] % 16;
  std::string text(kHeaders[data[0] % kHeaders.size()]);
  text.append(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto all = [](std::string_view) { return true; };

  const Result whole = read(text, all, text.size() + 1);
  const Result pieces = read(text, all, piece);
  require(whole.refused == pieces.refused);
  if (!whole.refused.empty()) return 0;
  const WordVectors& vectors = whole.vectors;
  require(vectors.dim == pieces.vectors.dim && vectors.words == pieces.vectors.words &&
          vectors.values == pieces.vectors.values);
  require_sound(vectors, text.size() + 1);

  const auto some = [](std::string_view word) { return word.size() % 2 == 0; };
  const Result part = read(text, some, piece);
  require(part.refused.empty() && part.vectors.dim == vectors.dim);
  require_sound(part.vectors, text.size() + 1);
  const auto dim = static_cast<std::size_t>(vectors.dim);
  std::size_t next = 0;
  for (std::size_t i = 0; i < vectors.words.size(); ++i) {
    if (!some(vectors.words[i])) continue;
    require(next < part.vectors.words.size() && part.vectors.words[next] == vectors.words[i]);
    require(std::equal(vectors.values.begin() + static_cast<std::ptrdiff_t>(i * dim),
                       vectors.values.begin() + static_cast<std::ptrdiff_t>((i + 1) * dim),
                       part.vectors.values.begin() + static_cast<std::ptrdiff_t>(next * dim)));
    ++next;
  }
  require(next == part.vectors.words.size());
  return 0;
}
