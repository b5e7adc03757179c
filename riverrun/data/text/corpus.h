#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "riverrun/data/text/byte_store.h"
#include "riverrun/data/text/text_input.h"
#include "riverrun/data/text/tokenizer.h"

namespace riverrun::text {

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

/// The token ids of one or more texts, joined. Neither text nor ids need fit in memory. A word or a
/// character never spans two texts. An id takes 1, 2 or 4 bytes, as the size of the vocabulary
/// needs; those beyond StoreOptions::memory_limit are in a temporary file.
class Corpus {
 public:
  /// Tokenises in one pass. Throws IoError (no such file, a folder, no space for the temporary
  /// file), FormatError if there is no token at all or a file became shorter meanwhile.
  Corpus(const Tokenizer& tokenizer, std::span<const TextPart> parts,
         const StoreOptions& options = {});
  /// Tokenises a text in memory. Throws FormatError if there is no token, naming `name`.
  static Corpus from_text(const Tokenizer& tokenizer, std::string_view text,
                          const std::string& name = "text");

  /// The number of tokens.
  [[nodiscard]] std::int64_t size() const noexcept { return size_; }
  /// Copies tokens [offset, offset + ids.size()); does not allocate. Any number of threads may
  /// read. Throws ConfigError out of range, IoError.
  void read(std::int64_t offset, std::span<std::int32_t> ids) const;

  /// Of all texts together, as if they were one; invalid() says which file and where.
  [[nodiscard]] const TextCounts& counts() const noexcept { return counts_; }
  /// Bytes and characters that all tokens but the first spell, which nothing predicts: what bits
  /// per byte and per character are divided by after an evaluation of the whole corpus.
  [[nodiscard]] std::int64_t predicted_bytes() const noexcept {
    return counts_.spelled_bytes - counts_.first_token_bytes;
  }
  [[nodiscard]] std::int64_t predicted_characters() const noexcept {
    return counts_.spelled_characters - counts_.first_token_characters;
  }
  [[nodiscard]] const InvalidUtf8& invalid() const noexcept { return invalid_; }
  /// Of the tokens that counts().unknown counts, those that Encoder::unknown() names.
  [[nodiscard]] const std::vector<std::string>& unknown() const noexcept { return unknown_; }
  /// Whether the ids are in a temporary file.
  [[nodiscard]] bool on_disk() const noexcept { return ids_.on_disk(); }

 private:
  Corpus(const Tokenizer& tokenizer, const StoreOptions& options);
  void append(std::span<const std::int32_t> ids);
  void finish(const Encoder& encoder, const std::string& name);

  int id_bytes_ = 1;
  std::int64_t size_ = 0;
  ByteStore ids_;
  std::vector<std::byte> narrowed_;
  TextCounts counts_;
  InvalidUtf8 invalid_;
  std::vector<std::string> unknown_;
};

}  // namespace riverrun::text
