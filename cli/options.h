#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class Validator;
}  // namespace CLI

namespace riverrun::cli {

/// --threads, and what comes of it: 0 leaves the number as it is. Throws ConfigError.
void add_threads_option(CLI::App& app, int& threads);
void use_threads(int threads);

/// `text` as the program reads whole numbers everywhere: nothing but digits, without leading zeros.
[[nodiscard]] std::optional<std::uint64_t> parse_whole_number(std::string_view text);

/// For an option's check(): digits only, and the range.
[[nodiscard]] CLI::Validator whole_number(std::uint64_t least, std::uint64_t most);
/// For an option's check(): a decimal number of at least 0.
[[nodiscard]] CLI::Validator not_negative();

/// Throws ConfigError if a number in `text`, of --init or CELL:INIT, is not written as an option's.
void check_initialization(std::string_view text);

/// Adds to every option of every verb of `program` the one rule for values, to be called once all
/// verbs are there: no value is empty, but a prompt; and a number is written in decimal, without a
/// plus sign, blanks or leading zeros, and is finite. CLI11 alone takes "" for 0, "010" for 8, and
/// "nan" for a number of at least 0.
void check_values(CLI::App& program);

/// The arguments of main() but the program's name, in the reverse order that CLI::App::parse takes,
/// so that it reads them as they are meant: "--lr=" as an empty value and not as that of the
/// argument after it, and "[x]", which is a file's name, not as a list. Throws ConfigError for what
/// CLI11 would accept or explain badly: a flag with a value, an option in place of a value, and an
/// option of two values that is given twice.
[[nodiscard]] std::vector<std::string> arguments(const CLI::App& program, int argc,
                                                 const char* const* argv);

/// The names of all cells, for a help text: "lstm, gru or rnn_tanh".
[[nodiscard]] std::string known_cells();

}  // namespace riverrun::cli
