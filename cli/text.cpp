#include "cli/text.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "riverrun/data/text/utf8.h"

#include "cli/command.h"

namespace riverrun::cli {
namespace {

text::TextFormat format_for(text::TokenKind kind, const std::string& encoding) {
  return {.encoding = encoding, .as_bytes = kind == text::TokenKind::kByte};
}

}  // namespace

void add_encoding_option(CLI::App& app, std::string& encoding) {
  app.add_option(
         "--encoding", encoding,
         "Of the texts, if it is not UTF-8: a name that iconv knows, such as latin1, cp1252 "
         "or utf-16")
      ->check(CLI::Validator(
          [](const std::string& name) {
            // Also where nothing is converted, as a model or a prompt needs no text.
            if (!name.empty()) text::require_encoding(name);
            return std::string();
          },
          ""));
}

std::vector<text::TextPart> open_texts(std::span<const std::filesystem::path> paths,
                                       text::TokenKind kind, const std::string& encoding) {
  return text::open_texts(paths, format_for(kind, encoding));
}

std::string read_text(const std::filesystem::path& path, text::TokenKind kind,
                      const std::string& encoding) {
  constexpr std::int64_t kMostBytes = std::int64_t{16} << 20;
  return text::read_text(path, format_for(kind, encoding), kMostBytes);
}

void warn_of_unknown(const text::Corpus& corpus, std::string_view which) {
  warn_of_unknown(corpus.counts().unknown, corpus.unknown(), which);
}

void warn_of_unknown(std::int64_t count, std::span<const std::string> named,
                     std::string_view which) {
  if (count == 0) return;
  note(fmt::format("warning: {}: {}", which, text::describe_unknown(count, named)));
}

std::string given_text(std::string_view text, text::TokenKind kind) {
  return std::string(kind == text::TokenKind::kByte ? text : text::without_byte_order_mark(text));
}

}  // namespace riverrun::cli
