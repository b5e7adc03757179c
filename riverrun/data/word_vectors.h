#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace riverrun::data {

/// Words and what stands for each.
struct WordVectors {
  std::int64_t dim = 0;
  std::vector<std::string> words;  ///< all different, in the order of the file
  std::vector<float> values;       ///< [words, dim]
};

/// Reads word vectors in the text form of GloVe (Pennington et al. 2014), a word and its numbers a
/// line, between single blanks; or of word2vec and fastText, whose first line is the number of
/// words and that of numbers. Only the words for which `wanted(word)` is true are kept: what is in
/// memory is they and one line. A word may hold blanks, as some in GloVe's 840B file do: the last
/// `dim` fields are the numbers. `dim` is that of the first line, whose word holds none. Of a word
/// that is there twice, the first vector counts. A word that is empty or not UTF-8 is passed over,
/// as large files have such; so are empty lines.
///
/// The file may be gzip or a pipe; "-" is standard input. Throws IoError; FormatError, which names
/// the file and the line, if a line has fewer numbers than the first, one of the first vector or of
/// a word that is kept is not a finite float, the first line has no numbers or more than 65,536, a
/// byte is NUL, the header's number of words is not that of the lines, or there is no vector; and
/// whatever `wanted` throws.
[[nodiscard]] WordVectors read_word_vectors(const std::filesystem::path& path,
                                            const std::function<bool(std::string_view)>& wanted);

}  // namespace riverrun::data
