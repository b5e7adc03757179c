#include "cli/options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>
#include <system_error>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "riverrun/core/number.h"
#include "riverrun/core/threads.h"
#include "riverrun/nn/cells.h"

namespace riverrun::cli {
namespace {

constexpr const char* kPrompt = "--prompt";

/// A zero before another digit, which CLI11 takes for the mark of an octal number and others for
/// nothing.
bool has_leading_zero(std::string_view text) {
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  return digits.size() > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9';
}

/// Whether all of `text` is a whole number in T's range.
template <class T>
bool parse(std::string_view text, T& value) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end && !has_leading_zero(text);
}

/// Floats, though some options are doubles: what a float cannot hold would be 0 or infinite there.
std::optional<float> parse_decimal(std::string_view text) {
  const std::optional<double> value = parse_double(text);
  if (!value || has_leading_zero(text)) return std::nullopt;
  const double size = std::fabs(*value);
  const bool is_zero =
      text.substr(0, text.find_first_of("eE")).find_first_of("123456789") == std::string_view::npos;
  if (size > std::numeric_limits<float>::max()) return std::nullopt;
  if (size < std::numeric_limits<float>::min() && !is_zero) return std::nullopt;
  return static_cast<float>(*value);
}

/// A value in a message: in quotes if it would not be seen.
std::string shown(const std::string& text) {
  const bool is_plain = !text.empty() && text.find_first_of(" \t\n\r\v\f") == std::string::npos;
  return is_plain ? text : "\"" + text + "\"";
}

/// "" or what is wrong, as CLI11 has it of a check.
std::string problem(const std::string& text, bool is_number, std::string_view rule) {
  if (is_number) return {};
  return fmt::format("{}; it must be {}", shown(text), rule);
}

template <class T>
CLI::Validator whole_number_of() {
  return {[](const std::string& text) {
            T value{};
            return problem(text, parse(text, value), "a whole number, without leading zeros");
          },
          ""};
}

CLI::Validator decimal_number() {
  return {[](const std::string& text) {
            return problem(text, parse_decimal(text).has_value(),
                           "a finite number in decimal, without leading zeros");
          },
          ""};
}

CLI::Validator not_empty() {
  return {[](const std::string& text) {
            return text.empty() ? std::string("the value is empty") : std::string();
          },
          ""};
}

/// CLI11's name of an option's type, which is not shown in another way yet.
void check_value(CLI::Option& option) {
  if (option.get_items_expected_max() == 0) return;  // a flag
  const std::string type = option.get_type_name();
  if (type.starts_with("INT")) {
    option.check(whole_number_of<std::int64_t>());
  } else if (type.starts_with("UINT")) {
    option.check(whole_number_of<std::uint64_t>());
  } else if (type.starts_with("FLOAT")) {
    option.check(decimal_number());
  } else if (option.get_name() != kPrompt) {
    option.check(not_empty());
  }
}

}  // namespace

void add_threads_option(CLI::App& app, int& threads) {
  app.add_option("--threads", threads, "Threads to compute with; 0: one for each core")
      ->capture_default_str()
      ->check(whole_number(0, 1024));
}

void use_threads(int threads) {
  if (threads != 0) set_num_threads(threads);
}

std::optional<std::uint64_t> parse_whole_number(std::string_view text) {
  std::uint64_t value = 0;
  return parse(text, value) ? std::optional(value) : std::nullopt;
}

CLI::Validator whole_number(std::uint64_t least, std::uint64_t most) {
  const auto check = [least, most](const std::string& text) {
    const std::optional<std::uint64_t> value = parse_whole_number(text);
    const bool is_number = value && *value >= least && *value <= most;
    const std::string range = most >= static_cast<std::uint64_t>(INT64_MAX)
                                  ? fmt::format("of at least {}", least)
                                  : fmt::format("from {} to {}", least, most);
    return problem(text, is_number,
                   fmt::format("a whole number {}{}", range,
                               has_leading_zero(text) ? ", without leading zeros" : ""));
  };
  return {check, ""};
}

CLI::Validator not_negative() {
  const auto check = [](const std::string& text) {
    const std::optional<float> value = parse_decimal(text);
    return problem(text, value && *value >= 0, "a finite number of at least 0, in decimal");
  };
  return {check, ""};
}

void check_values(CLI::App& program) {
  for (CLI::App* verb : program.get_subcommands({})) {
    for (CLI::Option* option : verb->get_options()) check_value(*option);
  }
}

std::vector<std::string> arguments(const CLI::App& program, int argc, const char* const* argv) {
  const auto is_option = [&](const std::string& name) {
    const std::vector<const CLI::App*> verbs =
        program.get_subcommands([](const CLI::App*) { return true; });
    return std::ranges::any_of(
        verbs, [&](const CLI::App* verb) { return verb->get_option_no_throw(name) != nullptr; });
  };
  std::vector<std::string> all;
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    const bool has_no_value = argument.starts_with("--") && argument.ends_with('=');
    if (has_no_value && is_option(argument.substr(0, argument.size() - 1))) {
      argument.pop_back();
      all.push_back(argument);
      argument.clear();
    }
    all.push_back(argument);
  }
  std::ranges::reverse(all);
  return all;
}

std::string known_cells() {
  const std::vector<std::string> names = cell_names();
  std::string list;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const bool is_last = i + 1 == names.size();
    list += (i == 0 ? "" : is_last ? " or " : ", ") + names[i];
  }
  return list;
}

}  // namespace riverrun::cli
