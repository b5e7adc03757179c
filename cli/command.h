#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "riverrun/data/text/corpus.h"

namespace CLI {
class App;
}

namespace riverrun::cli {

/// What the program's exit status says; documented in docs/cli.md and in --help.
enum ExitCode : int {
  kOk = 0,
  kUnexpected = 1,
  kConfigError = 2,  // also a command line that cannot be read
  kIoError = 3,
  kFormatError = 4,
  kShapeError = 5,
  kNumericError = 6,
  kInterrupted = 130,  // Ctrl-C, after a clean stop
};

/// What main() runs once the command line has been read: the chosen verb.
using Verb = std::function<ExitCode()>;

/// Each adds its verb and options to `program`; the verb's callback sets `chosen`.
void add_train(CLI::App& program, Verb& chosen);
void add_evaluate(CLI::App& program, Verb& chosen);
void add_predict(CLI::App& program, Verb& chosen);
void add_generate(CLI::App& program, Verb& chosen);
void add_gradients(CLI::App& program, Verb& chosen);
void add_explain(CLI::App& program, Verb& chosen);
void add_info(CLI::App& program, Verb& chosen);
void add_inspect(CLI::App& program, Verb& chosen);
void add_task(CLI::App& program, Verb& chosen);

/// Writes to standard output and flushes. A terminal gets control characters but line ends and tabs
/// as escapes, so that no text can act on it; what is not a terminal gets the bytes as they are.
/// Throws IoError, on a full disk for example.
void print(std::string_view text);
/// The same, as it is: for text that holds escape sequences of ours, and no control characters of
/// others.
void print_raw(std::string_view text);
/// The one JSON object of --json, in which control characters are escaped. Throws IoError.
void print_json(const nlohmann::ordered_json& object);
/// On standard error, as it is; failures are ignored, as there is nowhere to tell them.
void write_error(std::string_view text);
/// One line on standard error, with control characters as escapes.
void note(std::string_view line);

/// Throws ConfigError, which begins with what takes so many bytes, if they do not fit in the
/// memory.
void require_memory(std::string_view what, double bytes);

/// Throws FormatError, with the name of the first file of the text called `which`, unless there is
/// a token to predict.
void require_two_tokens(const text::Corpus& corpus, const std::filesystem::path& path,
                        std::string_view which = "the text", std::string_view hint = "");
/// A note if the text, called `which`, is not UTF-8 and is not read as bytes.
void warn_of_invalid_utf8(const text::InvalidUtf8& invalid, text::TokenKind kind,
                          std::string_view which, std::string_view hint = "");

/// What a person calls a folder: "model" for "model", "model/" and "." in it.
[[nodiscard]] std::string folder_name(const std::filesystem::path& folder);

/// "1 step", "1,200 steps".
[[nodiscard]] std::string counted(std::int64_t number, std::string_view noun);
/// 1115394 as "1,115,394".
[[nodiscard]] std::string grouped(std::int64_t number);
/// 12,582,912 bytes as "12.0 MiB".
[[nodiscard]] std::string byte_size(std::int64_t bytes);
/// 3725 seconds as "1:02:05", 125 as "2:05".
[[nodiscard]] std::string duration(double seconds);

}  // namespace riverrun::cli
