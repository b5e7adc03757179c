#pragma once

// Word vectors, read as they come in; not for users, who call read_word_vectors().

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>

#include "riverrun/data/lines.h"
#include "riverrun/data/ts_line.h"
#include "riverrun/data/word_vectors.h"

namespace riverrun::data {

/// Reads a text that comes in pieces; a line may be cut anywhere between two. Throws as
/// read_word_vectors() does.
class WordVectorReader {
 public:
  /// `path` and `first_byte` are as TsLine has them.
  WordVectorReader(std::string path, std::function<bool(std::string_view)> wanted,
                   std::int64_t first_byte = 0);

  void feed(std::string_view piece);
  [[nodiscard]] WordVectors finish();

 private:
  void take_line(std::string_view raw);
  /// False if the first line is no header but has a vector.
  [[nodiscard]] bool take_header(std::string_view line);
  void take_vector(std::string_view line);
  [[nodiscard]] float number(std::string_view text, std::string_view word, std::int64_t i) const;

  std::function<bool(std::string_view)> wanted_;
  LineSplitter splitter_;
  TsLine line_;
  WordVectors vectors_;
  std::int64_t dim_line_ = 0;    // which says how many numbers there are
  std::int64_t words_said_ = 0;  // by a header; 0: there is none
  std::int64_t words_ = 0;       // so far, with those that are not kept
  std::unordered_set<std::string> kept_;
};

}  // namespace riverrun::data
