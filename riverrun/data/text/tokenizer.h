#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "riverrun/data/text/utf8.h"

namespace riverrun::text {

enum class TokenKind {
  kByte,  ///< 256 ids: the values of the bytes
  kChar,  ///< Unicode code points of the training text, and `<unk>`
  kWord,  ///< words between white space, `<unk>`, and `<eos>` for each line end
};

/// "byte", "char" or "word".
[[nodiscard]] std::string_view to_string(TokenKind kind) noexcept;
/// The reverse; throws ConfigError for any other name.
[[nodiscard]] TokenKind parse_token_kind(std::string_view name);

/// The file's name within a model's folder.
inline constexpr std::string_view kTokenizerFile = "tokenizer.json";

/// Longer words (in bytes, after ill-formed UTF-8 was replaced) are never in a vocabulary, so that
/// a text without white space needs no memory.
inline constexpr std::size_t kMaxWordBytes = 1024;

/// What separates words.
enum class Separators {
  kUnicode,  ///< white space as Unicode has it, such as U+00A0, U+2028, U+3000
  kAscii,    ///< that of ASCII only, as a tokenizer.json of early versions has it
};

/// What an Encoder has read.
struct TextCounts {
  std::int64_t tokens = 0;
  std::int64_t unknown = 0;  ///< tokens that became `<unk>` without being written so in the text
  std::int64_t bytes = 0;    ///< of the text as it came, white space included
  /// Code points; each ill-formed sequence counts as the one U+FFFD that stands for it.
  std::int64_t characters = 0;
  /// What the tokens spell, as decode() does, unknown ones as they stand in the text: of words,
  /// one space between two and the line ends, but no other white space, which no token stands for.
  /// Else the same as `bytes` and `characters`. Of texts that were finished one after another, the
  /// sum.
  std::int64_t spelled_bytes = 0;
  std::int64_t spelled_characters = 0;
  /// The part of these that is the first token. A character is counted with its first byte. A model
  /// predicts all tokens but the first, so bits per character divide by
  /// spelled_characters - first_token_characters.
  std::int64_t first_token_bytes = 0;
  std::int64_t first_token_characters = 0;
  std::int64_t invalid_sequences = 0;    ///< ill-formed UTF-8
  std::int64_t first_invalid_byte = -1;  ///< offset of the first of them; -1 if there is none
};

/// A map between text and token ids in [0, size()). An immutable value: copies share the
/// vocabulary, and any number of threads may use it.
///
/// Ids: a byte's id is its value. Characters: `<unk>` is 0, then ascending code points. Words:
/// `<unk>` is 0, `<eos>` is 1, then descending frequency, words of the same frequency in the order
/// of their bytes.
///
/// Words are separated by white space (see Separators); each \n is an `<eos>`; nothing else is
/// changed, as the prepared Penn Treebank (Mikolov et al. 2010) and WikiText expect. `<unk>` or
/// `<eos>` written as a word in the text is that token.
class Tokenizer {
 public:
  [[nodiscard]] static Tokenizer bytes();
  /// `code_points` need no order; throws ConfigError for one that is given twice or is not a
  /// Unicode scalar value.
  [[nodiscard]] static Tokenizer characters(std::vector<char32_t> code_points);
  /// `words` in the order of their ids, from 2 on, without `<unk>` and `<eos>`. Throws ConfigError
  /// for a word that is empty, given twice, too long, not UTF-8 or contains white space.
  [[nodiscard]] static Tokenizer words(std::span<const std::string> words,
                                       Separators separators = Separators::kUnicode);

  [[nodiscard]] TokenKind kind() const noexcept;
  /// The number of ids.
  [[nodiscard]] std::int64_t size() const noexcept;
  /// The id of `<unk>`; -1 for bytes.
  [[nodiscard]] std::int32_t unknown_id() const noexcept;
  /// The id of a line end (`<eos>`, or that of \n): what to start from when there is no prompt.
  /// -1 if tokens are characters and \n is not one of them.
  [[nodiscard]] std::int32_t line_end_id() const noexcept;

  /// The token as it is in the vocabulary: a byte (which alone need not be UTF-8), a character, a
  /// word, "<unk>" or "<eos>". Throws ConfigError unless 0 <= id < size().
  [[nodiscard]] std::string_view token(std::int32_t id) const;
  /// The id of a token as token() gives it, or -1.
  [[nodiscard]] std::int32_t find(std::string_view token) const noexcept;
  /// The token for a person to read, as escaped(); bytes beyond ASCII are escaped too.
  [[nodiscard]] std::string display(std::int32_t id) const;

  /// All of `text`. `counts`, if given, is overwritten.
  [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text,
                                                 TextCounts* counts = nullptr) const;
  /// Bytes and characters: the tokens one after another, so that decode(encode(x)) is x for bytes,
  /// and for valid UTF-8 of known characters. Words: with one space between two words and a \n for
  /// `<eos>`. `<unk>` is U+FFFD among characters and written out among words. Throws ConfigError
  /// for an id out of range.
  [[nodiscard]] std::string decode(std::span<const std::int32_t> ids) const;

  /// The contents of tokenizer.json; see tokenizer_file.cpp for the format.
  [[nodiscard]] std::string to_json() const;
  /// `path` is named in errors. Throws FormatError for anything that to_json does not write.
  [[nodiscard]] static Tokenizer from_json(std::string_view text, const std::string& path);
  /// Replaces `path` atomically. Throws IoError.
  void save(const std::filesystem::path& path) const;
  /// Throws IoError, FormatError.
  [[nodiscard]] static Tokenizer load(const std::filesystem::path& path);

  friend bool operator==(const Tokenizer& a, const Tokenizer& b);

 private:
  friend class Encoder;
  friend class Decoder;
  struct Vocabulary;
  explicit Tokenizer(std::shared_ptr<const Vocabulary> vocabulary);

  std::shared_ptr<const Vocabulary> vocabulary_;
};

/// Text that comes in pieces, to ids. Where the pieces are cut makes no difference. Each ill-formed
/// UTF-8 sequence is counted, and becomes U+FFFD unless tokens are bytes, which are kept as they
/// are.
class Encoder {
 public:
  explicit Encoder(Tokenizer tokenizer);
  /// Appends to `ids` the tokens that are complete.
  void feed(std::string_view piece, std::vector<std::int32_t>& ids);
  /// The text has ended: appends what was pending. No `<eos>` is added if it ends without a \n.
  /// What is fed afterwards begins a new text, and is counted on.
  void finish(std::vector<std::int32_t>& ids);
  /// Exact after finish().
  [[nodiscard]] const TextCounts& counts() const noexcept { return counts_; }
  /// The first kUnknownNamed different tokens that counts().unknown counts, in order of appearance;
  /// of one that is too long for any vocabulary, the beginning.
  [[nodiscard]] const std::vector<std::string>& unknown() const noexcept { return unknown_; }

 private:
  void take(char32_t code_point, int bytes, bool valid, std::vector<std::int32_t>& ids);
  void spell(std::int64_t bytes, std::int64_t characters) noexcept;
  void end_word(std::vector<std::int32_t>& ids);
  void emit(std::int32_t id, std::vector<std::int32_t>& ids);
  void count_unknown(const std::string& token);

  Tokenizer tokenizer_;
  Utf8Scanner scanner_;
  std::string word_;
  std::int64_t word_bytes_ = 0;  // of the text, also of what is beyond the longest word
  std::int64_t word_characters_ = 0;
  bool after_word_ = false;
  TextCounts counts_;
  std::vector<std::string> unknown_;
};

/// So many unknown tokens are named.
inline constexpr std::size_t kUnknownNamed = 10;
/// A line for the user, such as "3 tokens are not in the vocabulary and become <unk>: 'é' '€'".
[[nodiscard]] std::string describe_unknown(std::int64_t count, std::span<const std::string> named);

/// Ids that come one by one, to text that can be shown at once: always whole characters of valid
/// UTF-8, whatever bytes a model makes up.
class Decoder {
 public:
  explicit Decoder(Tokenizer tokenizer);
  /// What `id` adds to the text; empty while a character is incomplete. Throws ConfigError for an
  /// id out of range.
  [[nodiscard]] std::string push(std::int32_t id);
  /// What was pending: U+FFFD if the last character is incomplete.
  [[nodiscard]] std::string finish();

 private:
  Tokenizer tokenizer_;
  Utf8Scanner scanner_;
  bool after_word_ = false;
};

/// Makes a vocabulary from a text that comes in pieces, cut anywhere. Needs memory for each
/// different word or character, not for the text.
class TokenizerBuilder {
 public:
  /// `max_size` limits Tokenizer::size(), `<unk>` and `<eos>` included, by leaving out the least
  /// frequent tokens; 0 is no limit. Words and characters that occur less than `min_count` times
  /// are left out too. Throws ConfigError if `max_size` leaves no room for a token, or for bytes if
  /// it is neither 0 nor 256.
  explicit TokenizerBuilder(TokenKind kind, std::int64_t max_size = 0, std::int64_t min_count = 1);
  void feed(std::string_view piece);
  /// The text has ended; what is fed afterwards is another text.
  void finish();
  /// The tokenizer of all texts that were finished.
  [[nodiscard]] Tokenizer build() const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const noexcept {
      return std::hash<std::string_view>{}(s);
    }
  };
  void take(char32_t code_point);
  void end_word();

  TokenKind kind_;
  std::int64_t max_size_;
  std::int64_t min_count_;
  Utf8Scanner scanner_;
  std::vector<std::int64_t> character_counts_;  // by code point
  std::unordered_map<std::string, std::int64_t, Hash, std::equal_to<>> word_counts_;
  std::string word_;
};

/// A prompt as ids, and what is wrong with it.
struct Prompt {
  std::vector<std::int32_t> ids;
  TextCounts counts;
  std::vector<std::string> unknown;  ///< as Encoder::unknown()
  bool bytes = false;                ///< whether tokens are bytes, which need not be UTF-8
  /// Empty if all is well; otherwise a line for the user about unknown tokens and, unless tokens
  /// are bytes, ill-formed UTF-8.
  [[nodiscard]] std::string problem() const;
};
[[nodiscard]] Prompt encode_prompt(const Tokenizer& tokenizer, std::string_view text);

}  // namespace riverrun::text
