#include "cli/options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <string_view>
#include <system_error>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "riverrun/core/error.h"
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

/// The rule for a decimal number that is `rule`.
std::string decimal_rule(const std::string& text, std::string_view rule) {
  if (parse_double(text) && !has_leading_zero(text) && !parse_decimal(text)) {
    return fmt::format("{}, and 0 or between 1.2e-38 and 3.4e38 in size", rule);
  }
  return fmt::format("{}, in decimal, without leading zeros", rule);
}

/// Whether `text` is a whole number, however large.
bool is_whole(std::string_view text) {
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  return !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos &&
         !has_leading_zero(text);
}

template <class T>
CLI::Validator whole_number_of() {
  return {[](const std::string& text) {
            T value{};
            using Limits = std::numeric_limits<T>;
            std::string rule = "a whole number, without leading zeros";
            if (is_whole(text)) {
              rule = text.starts_with('-')
                         ? fmt::format("a whole number of at least {}", Limits::min())
                         : fmt::format("a whole number of at most {}", Limits::max());
            }
            return problem(text, parse(text, value), rule);
          },
          ""};
}

CLI::Validator decimal_number() {
  return {[](const std::string& text) {
            return problem(text, parse_decimal(text).has_value(),
                           decimal_rule(text, "a finite number"));
          },
          ""};
}

CLI::Validator not_empty() {
  return {[](const std::string& text) {
            return text.empty() ? std::string("the value is empty") : std::string();
          },
          ""};
}

/// The verb that a word of the command line is, or the program.
const CLI::App* verb_called(const CLI::App& program, const std::string& word) {
  for (const CLI::App* verb : program.get_subcommands([](const CLI::App*) { return true; })) {
    if (verb->get_name() == word) return verb;
  }
  return &program;
}

/// Stands before an argument that CLI11 would take for a list or an option, or that begins with it.
constexpr char kLiteral = '\x01';

/// CLI11's name of an option's type, which is not shown in another way yet.
void check_value(CLI::Option& option) {
  if (option.get_items_expected_max() == 0) return;  // a flag
  if (option.get_positional() || option.get_items_expected_max() > 1) {
    option.transform(CLI::Validator(
        [](std::string& text) {
          if (text.starts_with(kLiteral)) text.erase(0, 1);
          return std::string();
        },
        ""));
  }
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
    // An end that nobody comes near is not named, but to who goes beyond it.
    const bool is_open = most >= static_cast<std::uint64_t>(INT64_MAX);
    const bool is_beyond = is_whole(text) && !text.starts_with('-') && (!value || *value > most);
    const std::string range = is_open && !is_beyond ? fmt::format("of at least {}", least)
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
    return problem(text, value && *value >= 0, decimal_rule(text, "a finite number of at least 0"));
  };
  return {check, ""};
}

void check_initialization(std::string_view text) {
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('+', begin), text.size());
    const std::string_view part = text.substr(begin, end - begin);
    begin = end + 1;
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos) continue;
    if (has_leading_zero(part.substr(equals + 1))) {
      throw ConfigError(
          fmt::format("initialization: {}; a number is written without leading zeros", part));
    }
  }
}

void check_values(CLI::App& program) {
  for (CLI::App* verb : program.get_subcommands({})) {
    for (CLI::Option* option : verb->get_options()) check_value(*option);
  }
}

std::vector<std::string> arguments(const CLI::App& program, int argc, const char* const* argv) {
  const CLI::App* verb = &program;
  std::vector<std::string> all;
  std::set<const CLI::Option*> pairs;  // options of two values that were there
  int values = 0;                      // that the last option still takes
  const CLI::Option* taking = nullptr;
  bool only_values = false;  // after "--"
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    const bool is_named = argument.starts_with("--") && argument.size() > 2 && !only_values;
    const std::size_t equals = is_named ? argument.find('=') : std::string::npos;
    const CLI::Option* option =
        is_named ? verb->get_option_no_throw(argument.substr(0, equals)) : nullptr;
    if (values > 0) {
      if (option != nullptr && equals == std::string::npos) {
        throw ConfigError(fmt::format(
            "{0}: its value is missing, as {1} is an option; {0}={1} would make it the value",
            taking->get_name(), argument));
      }
      --values;
      const bool is_pair = taking->get_items_expected_max() > 1;
      all.push_back((is_pair ? std::string(1, kLiteral) : std::string()) + argument);
      continue;
    }
    if (argument == "--") only_values = true;
    if (option == nullptr) {
      const bool is_list = argument.starts_with('[') && argument.ends_with(']');
      if (verb == &program && !only_values) verb = verb_called(program, argument);
      const bool is_marked = is_list || argument.starts_with(kLiteral);
      all.push_back((is_marked ? std::string(1, kLiteral) : std::string()) + argument);
      continue;
    }
    if (option->get_items_expected_max() == 0) {
      if (equals != std::string::npos) {
        throw ConfigError(
            fmt::format("{}: it is a flag, which takes no value", argument.substr(0, equals)));
      }
      all.push_back(std::move(argument));
      continue;
    }
    if (option->get_items_expected_min() > 1 && !pairs.insert(option).second) {
      throw ConfigError(fmt::format("{} is given twice; it takes {} values, once",
                                    option->get_name(), option->get_items_expected_min()));
    }
    taking = option;
    values = option->get_items_expected_min() - (equals == std::string::npos ? 0 : 1);
    if (equals != std::string::npos && equals + 1 == argument.size()) {
      argument.pop_back();
      all.push_back(std::move(argument));
      all.emplace_back();
    } else {
      all.push_back(std::move(argument));
    }
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
