#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "riverrun/data/text/corpus.h"
#include "riverrun/data/text/text_input.h"

namespace CLI {
class App;
}

namespace riverrun::cli {

/// What a verb says of its TEXT argument.
inline constexpr const char* kTextHelp =
    "Texts, read one after another: files, pipes, - for standard input; gzip is unpacked";

/// --encoding, of all texts that the verb reads.
void add_encoding_option(CLI::App& app, std::string& encoding);

/// The texts as tokens of this kind need them. Throws as text::open_texts.
[[nodiscard]] std::vector<text::TextPart> open_texts(std::span<const std::filesystem::path> paths,
                                                     text::TokenKind kind,
                                                     const std::string& encoding);
/// A whole text of at most 16 MiB. Throws as text::read_text.
[[nodiscard]] std::string read_text(const std::filesystem::path& path, text::TokenKind kind,
                                    const std::string& encoding);

/// A note if the text, called `which`, has tokens that the vocabulary lacks: how many, and some.
void warn_of_unknown(const text::Corpus& corpus, std::string_view which);
/// The same of `count` tokens, some of which are `named`.
void warn_of_unknown(std::int64_t count, std::span<const std::string> named,
                     std::string_view which);

/// A text of the command line as one in a file is read: without a byte order mark, unless tokens
/// are bytes.
[[nodiscard]] std::string given_text(std::string_view text, text::TokenKind kind);

}  // namespace riverrun::cli
