// tokenizer.json is what the Hugging Face "tokenizers" library reads, and gives the same ids there:
//
//   bytes       a BPE model without merges whose 256 tokens are the ByteLevel alphabet, in which
//               byte b is a printable character: itself, or U+0100 + n for the n-th byte that is
//               not printable (Radford et al. 2019).
//   characters  a WordLevel model over single characters.
//   words       a WordLevel model over words; a normalizer makes each line end an <eos>.
//
// Everything around the vocabulary is constant for each kind and tells the kinds apart, so the
// reader compares it with what the writer writes, and checks the vocabulary token by token.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/data/text/tokenizer.h"
#include "riverrun/data/text/vocabulary.h"

namespace riverrun::text {
namespace {

using nlohmann::json;

constexpr std::string_view kBeforeBytes = R"({
  "version": "1.0",
  "truncation": null,
  "padding": null,
  "added_tokens": [],
  "normalizer": null,
  "pre_tokenizer": {
    "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false
  },
  "post_processor": null,
  "decoder": {
    "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false
  },
  "model": {
    "type": "BPE",
    "dropout": null,
    "unk_token": null,
    "continuing_subword_prefix": null,
    "end_of_word_suffix": null,
    "fuse_unk": false,
    "merges": [],
    "vocab": )";

constexpr std::string_view kBeforeCharacters = R"({
  "version": "1.0",
  "truncation": null,
  "padding": null,
  "added_tokens": [],
  "normalizer": null,
  "pre_tokenizer": {
    "type": "Split", "pattern": {"Regex": "[\\s\\S]"}, "behavior": "Isolated", "invert": false
  },
  "post_processor": null,
  "decoder": {"type": "Fuse"},
  "model": {
    "type": "WordLevel",
    "unk_token": "<unk>",
    "vocab": )";

// Between the two: the characters that separate words, of a regular expression.
constexpr std::string_view kBeforeSeparators = R"({
  "version": "1.0",
  "truncation": null,
  "padding": null,
  "added_tokens": [],
  "normalizer": {"type": "Replace", "pattern": {"String": "\n"}, "content": " <eos> "},
  "pre_tokenizer": {
    "type": "Split", "pattern": {"Regex": "[)";

constexpr std::string_view kAfterSeparators = R"(]+"}, "behavior": "Removed",
    "invert": false
  },
  "post_processor": null,
  "decoder": null,
  "model": {
    "type": "WordLevel",
    "unk_token": "<unk>",
    "vocab": )";

std::string_view regular_expression(Separators separators) {
  return separators == Separators::kAscii
             ? R"( \\t\\x0B\\f\\r)"
             : R"( \\t\\x0B\\f\\r\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000)";
}

constexpr std::string_view kAfter = "\n  }\n}\n";

constexpr std::int64_t kFirstWord = 2;  // after <unk> and <eos>

std::string before(TokenKind kind, Separators separators) {
  switch (kind) {
    case TokenKind::kByte:
      return std::string(kBeforeBytes);
    case TokenKind::kChar:
      return std::string(kBeforeCharacters);
    case TokenKind::kWord:
      return fmt::format("{}{}{}", kBeforeSeparators, regular_expression(separators),
                         kAfterSeparators);
  }
  return "";
}

std::vector<std::string> byte_level_alphabet() {
  std::vector<std::string> alphabet(256);
  char32_t next = 0x100;
  for (char32_t byte = 0; byte < 256; ++byte) {
    const bool printable =
        (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    append_utf8(printable ? byte : next++, alphabet[byte]);
  }
  return alphabet;
}

/// The document around an empty vocabulary, parsed.
json frame(TokenKind kind, Separators separators) {
  return json::parse(fmt::format("{}{{}}{}", before(kind, separators), kAfter));
}

std::int64_t count_keys(const json& value) {
  std::int64_t keys = value.is_object() ? static_cast<std::int64_t>(value.size()) : 0;
  for (const json& part : value) {
    if (part.is_structured()) keys += count_keys(part);
  }
  return keys;
}

/// Reads one file; holds what an error message needs.
class Reader {
 public:
  Reader(std::string_view text, const std::string& path) : text_(text), path_(path) {}

  Tokenizer read() const {
    std::int64_t keys = 0;
    json document = parse(keys);
    json vocabulary = take_vocabulary(document);
    for (const auto& [kind, separators] : {std::pair(TokenKind::kByte, Separators::kUnicode),
                                           {TokenKind::kChar, Separators::kUnicode},
                                           {TokenKind::kWord, Separators::kUnicode},
                                           {TokenKind::kWord, Separators::kAscii}}) {
      const json expected = frame(kind, separators);
      if (document != expected) continue;
      // The parser keeps one of two equal keys; only their number shows that there were two.
      if (keys != count_keys(expected) + static_cast<std::int64_t>(vocabulary.size())) {
        fail("", "a key is given twice in one object; each must be unique");
      }
      return make(kind, separators, tokens_by_id(vocabulary));
    }
    fail("",
         "not a tokenizer of riverrun: the entries around the vocabulary differ from those of "
         "byte, char and word tokenizers");
  }

 private:
  /// `near`, if it is in the file, is where the error is.
  [[noreturn]] void fail(const std::string& near, const std::string& what) const {
    const std::size_t found = near.empty() ? std::string::npos : text_.find(near);
    throw FormatError(path_, found == std::string::npos ? 0 : found, what);
  }
  [[noreturn]] void fail_at_token(const std::string& token, const std::string& what) const {
    fail(json(token).dump() + ":", what);
  }

  json parse(std::int64_t& keys) const {
    try {
      return json::parse(text_, [&keys](int, json::parse_event_t event, const json&) {
        if (event == json::parse_event_t::key) ++keys;
        return true;
      });
    } catch (const json::parse_error& error) {
      throw FormatError(path_, error.byte, "not JSON; a tokenizer.json of riverrun is needed");
    } catch (const json::exception&) {  // a number beyond the range of double
      throw FormatError(path_, 0, "a number is out of range; ids are whole and small");
    }
  }

  /// Leaves an empty vocabulary in the document.
  json take_vocabulary(json& document) const {
    if (document.is_object()) {
      const auto model = document.find("model");
      if (model != document.end() && model->is_object()) {
        const auto vocabulary = model->find("vocab");
        if (vocabulary != model->end() && vocabulary->is_object()) {
          return std::exchange(*vocabulary, json::object());
        }
      }
    }
    fail("", "there is no object \"model\" that holds an object \"vocab\"; both are needed");
  }

  std::vector<std::string> tokens_by_id(const json& vocabulary) const {
    std::vector<const std::string*> by_id(vocabulary.size());
    for (const auto& [token, id] : vocabulary.items()) {
      const std::uint64_t value =
          id.is_number_unsigned() ? id.get<std::uint64_t>() : std::uint64_t{vocabulary.size()};
      if (value >= vocabulary.size()) {
        fail_at_token(token,
                      fmt::format("the id of a token is not a whole number in [0, {}), which "
                                  "is the size of the vocabulary",
                                  vocabulary.size()));
      }
      if (by_id[value] != nullptr) {
        fail_at_token(token, fmt::format("id {} is given twice; each id has one token", value));
      }
      by_id[value] = &token;
    }
    std::vector<std::string> tokens;
    tokens.reserve(by_id.size());
    for (const std::string* token : by_id) tokens.push_back(*token);
    return tokens;
  }

  Tokenizer make(TokenKind kind, Separators separators, std::vector<std::string> tokens) const {
    try {
      switch (kind) {
        case TokenKind::kByte:
          if (tokens != byte_level_alphabet()) {
            fail("\"vocab\"", "the vocabulary is not the 256 bytes in order");
          }
          return Tokenizer::bytes();
        case TokenKind::kChar:
          return make_characters(tokens);
        case TokenKind::kWord:
          expect(tokens, 0, "<unk>");
          expect(tokens, 1, "<eos>");
          tokens.erase(tokens.begin(), tokens.begin() + kFirstWord);
          return Tokenizer::words(tokens, separators);
      }
    } catch (const ConfigError& error) {
      fail("\"vocab\"", error.what());
    }
    fail("", "not a kind of tokenizer");
  }

  void expect(const std::vector<std::string>& tokens, std::size_t id,
              std::string_view token) const {
    if (id >= tokens.size() || tokens[id] != token) {
      fail("\"vocab\"", fmt::format("the token with id {} is not {}, which it must be", id, token));
    }
  }

  Tokenizer make_characters(const std::vector<std::string>& tokens) const {
    expect(tokens, 0, "<unk>");
    std::vector<char32_t> code_points;
    code_points.reserve(tokens.size());
    for (std::size_t id = 1; id < tokens.size(); ++id) {
      std::size_t characters = 0;
      char32_t only = 0;
      Utf8Scanner().feed(tokens[id], [&](char32_t code_point, int, bool) {
        only = code_point;
        ++characters;
      });
      if (characters != 1) fail_at_token(tokens[id], "a token is not one character; it must be");
      if (!code_points.empty() && code_points.back() >= only) {
        fail_at_token(tokens[id], "characters are not in ascending order of code points");
      }
      code_points.push_back(only);
    }
    return Tokenizer::characters(std::move(code_points));
  }

  std::string_view text_;
  const std::string& path_;
};

}  // namespace

std::string Tokenizer::to_json() const {
  const std::vector<std::string> alphabet =
      kind() == TokenKind::kByte ? byte_level_alphabet() : std::vector<std::string>();
  std::string out = before(kind(), vocabulary_->separators);
  out += "{";
  for (std::int32_t id = 0; id < size(); ++id) {
    const std::string key(
        alphabet.empty() ? token(id) : std::string_view(alphabet[static_cast<std::size_t>(id)]));
    out += fmt::format("{}\n      {}: {}", id == 0 ? "" : ",", json(key).dump(), id);
  }
  out += "\n    }";
  out += kAfter;
  return out;
}

Tokenizer Tokenizer::from_json(std::string_view text, const std::string& path) {
  return Reader(text, path).read();
}

void Tokenizer::save(const std::filesystem::path& path) const { replace_file(path, to_json()); }

Tokenizer Tokenizer::load(const std::filesystem::path& path) {
  return from_json(read_file(path), path.string());
}

}  // namespace riverrun::text
