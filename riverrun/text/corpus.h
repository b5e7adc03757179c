#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "riverrun/text/tokenizer.h"

namespace riverrun::text {

/// The bytes [begin, end) of a text file.
struct TextPart {
  std::filesystem::path path;
  std::int64_t begin = 0;
  std::int64_t end = -1;  ///< -1: to the end of the file
};

/// Whole files, in the order given. Throws IoError for what is not there, cannot be read, or is not
/// a regular file; FormatError if all are empty.
[[nodiscard]] std::vector<TextPart> whole_files(std::span<const std::filesystem::path> paths);

/// Where a text may be cut in two.
enum class CutAt {
  kCharacter,
  kLine,  ///< after a line end if there is one in the 64 KiB before the cut, else as kCharacter
};

struct TextSplit {
  std::vector<TextPart> train;
  std::vector<TextPart> valid;
};

/// The first part of the files' joined bytes for training and the last `valid_fraction` for
/// validation. The cut is at byte floor((1 - valid_fraction) * total), moved back to where a
/// character or a line begins. Throws ConfigError unless 0 < valid_fraction < 1, FormatError if
/// either part would be empty, IoError.
[[nodiscard]] TextSplit split_files(std::span<const std::filesystem::path> paths,
                                    double valid_fraction, CutAt cut_at);

/// A vocabulary from texts of any size, in one pass. See TokenizerBuilder for `max_size`. Throws
/// ConfigError, IoError.
[[nodiscard]] Tokenizer build_tokenizer(TokenKind kind, std::span<const TextPart> parts,
                                        std::int64_t max_size = 0);

/// Ill-formed UTF-8 in a corpus, for a warning.
struct InvalidUtf8 {
  std::int64_t sequences = 0;
  std::filesystem::path path;  ///< the file of the first of them
  std::int64_t offset = -1;    ///< its byte in that file; -1 if there is none
};

struct CorpusOptions {
  /// Ids beyond this many bytes go to a temporary file. An id takes 1, 2 or 4 bytes, as the size of
  /// the vocabulary needs.
  std::int64_t memory_limit = std::int64_t{256} << 20;
  /// Where that file is made; empty: $TMPDIR if it is set, else /var/tmp. It has no name once it is
  /// open, so it is gone when the corpus is, even if the process is killed.
  std::filesystem::path temporary_folder;
};

/// The token ids of one or more texts, joined. Neither text nor ids need fit in memory. A word or a
/// character never spans two texts.
class Corpus {
 public:
  /// Tokenises in one pass. Throws IoError (no such file, a folder, no space for the temporary
  /// file), FormatError if there is no token at all or a file became shorter meanwhile.
  Corpus(const Tokenizer& tokenizer, std::span<const TextPart> parts,
         const CorpusOptions& options = {});
  /// Tokenises a text in memory. Throws FormatError if there is no token, naming `name`.
  static Corpus from_text(const Tokenizer& tokenizer, std::string_view text,
                          const std::string& name = "text");

  Corpus(Corpus&& other) noexcept;
  Corpus& operator=(Corpus&& other) noexcept;
  Corpus(const Corpus&) = delete;
  Corpus& operator=(const Corpus&) = delete;
  ~Corpus();

  /// The number of tokens.
  [[nodiscard]] std::int64_t size() const noexcept { return size_; }
  /// Copies tokens [offset, offset + ids.size()); does not allocate. Any number of threads may
  /// read. Throws ConfigError out of range, IoError.
  void read(std::int64_t offset, std::span<std::int32_t> ids) const;

  /// Of all texts together, as if they were one; invalid() says which file and where.
  [[nodiscard]] const TextCounts& counts() const noexcept { return counts_; }
  /// Bytes and characters of all tokens but the first, which nothing predicts: what bits per byte
  /// and per character are divided by after an evaluation of the whole corpus.
  [[nodiscard]] std::int64_t predicted_bytes() const noexcept {
    return counts_.bytes - counts_.first_token_bytes;
  }
  [[nodiscard]] std::int64_t predicted_characters() const noexcept {
    return counts_.characters - counts_.first_token_characters;
  }
  [[nodiscard]] const InvalidUtf8& invalid() const noexcept { return invalid_; }
  /// Whether the ids are in a temporary file.
  [[nodiscard]] bool on_disk() const noexcept { return descriptor_ >= 0; }

 private:
  Corpus(const Tokenizer& tokenizer, const CorpusOptions& options);
  void append(std::span<const std::int32_t> ids);
  void write_out();
  void finish(const TextCounts& counts, const std::string& name);

  int id_bytes_ = 1;
  std::int64_t size_ = 0;
  std::int64_t memory_limit_ = 0;
  std::filesystem::path temporary_folder_;
  std::vector<std::byte> ids_;  // all of them, or those not yet written to the temporary file
  int descriptor_ = -1;
  TextCounts counts_;
  InvalidUtf8 invalid_;
};

}  // namespace riverrun::text
