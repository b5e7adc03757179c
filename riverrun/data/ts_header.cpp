#include "riverrun/data/ts_header.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "riverrun/data/text/utf8.h"

namespace riverrun::data {
namespace {

/// A name that a header has, and what its value sets if that is all it does.
struct Known {
  std::string_view name;
  std::optional<bool> TsHeader::*flag = nullptr;
  std::optional<std::int64_t> TsHeader::*number = nullptr;
};

constexpr std::string_view kClassLabel = "@classLabel";
constexpr std::string_view kData = "@data";
constexpr std::array kKnown = {
    Known{"@problemName"},  // may be anything
    Known{"@timeStamps", &TsHeader::time_stamps},
    Known{"@missing", &TsHeader::missing},
    Known{"@univariate", &TsHeader::univariate},
    Known{"@dimensions", nullptr, &TsHeader::dimensions},
    Known{"@equalLength", &TsHeader::equal_length},
    Known{"@seriesLength", nullptr, &TsHeader::series_length},
    Known{kClassLabel},
    Known{"@targetLabel", &TsHeader::target_label},
    Known{kData},
};

/// Its place in kKnown; kKnown.size() if it is not known.
std::size_t find_name(std::string_view name) {
  // The archive's files have the plural, the specification the singular.
  if (same_word(name, "@dimension")) name = "@dimensions";
  const auto found = std::ranges::find_if(
      kKnown, [name](const Known& known) { return same_word(known.name, name); });
  return static_cast<std::size_t>(found - kKnown.begin());
}

[[noreturn]] void fail_unknown(std::string_view name, const TsLine& place) {
  std::string names;
  for (const Known& known : kKnown) names.append(names.empty() ? "" : ", ").append(known.name);
  place.fail(name, fmt::format("{} is not known; a header has {}", in_quotes(name), names));
}

bool flag(std::string_view name, std::string_view value, const TsLine& place) {
  if (same_word(value, "true")) return true;
  if (same_word(value, "false")) return false;
  place.fail(value, fmt::format("{} is {}; it must be true or false", name, in_quotes(value)));
}

std::int64_t number(std::string_view name, std::string_view value, const TsLine& place) {
  std::int64_t number = 0;
  const char* const end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, number);
  if (error != std::errc{} || stop != end || number < 1) {
    place.fail(value, fmt::format("{} is {}; it must be a whole number from 1 to {}", name,
                                  in_quotes(value), INT64_MAX));
  }
  return number;
}

}  // namespace

bool is_ts_header_line(std::string_view line) noexcept {
  return find_name(take_word(line)) != kKnown.size();
}

bool TsHeaderReader::take(std::string_view line, const TsLine& place) {
  static_assert(kKnown.size() == kNames);
  if (line.front() != '@') {
    place.fail(line, fmt::format("{} is before @data, where a line must be a comment (# …) or a "
                                 "part of the header (@name value); is this a file of the format "
                                 "ts?",
                                 in_quotes(line)));
  }
  std::string_view value = line;
  const std::string_view written = take_word(value);
  const std::size_t which = find_name(written);
  if (which == kKnown.size()) fail_unknown(written, place);
  const auto& [name, flag_member, number_member] = kKnown[which];
  if (const std::int64_t before = std::exchange(lines_[which], place.number()); before != 0) {
    place.fail(written, fmt::format("{} is there a second time, after line {}; it must be there "
                                    "only once",
                                    name, before));
  }
  if (flag_member != nullptr) header_.*flag_member = flag(name, value, place);
  if (number_member != nullptr) header_.*number_member = number(name, value, place);
  if (name == kClassLabel) take_class_label(value, place);
  require_supported(value, place);
  if (name != kData) return false;
  require_complete(value, place);
  return true;
}

void TsHeaderReader::take_class_label(std::string_view value, const TsLine& place) {
  header_.class_label = flag(kClassLabel, take_word(value), place);
  while (!value.empty()) take_class(take_word(value), place);
  if (*header_.class_label && header_.classes.empty()) {
    place.fail(value,
               "@classLabel is true, and no class follows; the names of all must: \"@classLabel "
               "true one two\"");
  }
}

void TsHeaderReader::take_class(std::string_view name, const TsLine& place) {
  if (!*header_.class_label) {
    place.fail(name, fmt::format("@classLabel is false, and the class {} follows; it must be true "
                                 "if the sequences have labels, else no class may follow",
                                 in_quotes(name)));
  }
  // It is shown in reports and on terminals.
  if (name.find(':') != std::string_view::npos || text::escaped(name) != name) {
    place.fail(name, fmt::format("a class is called {}; its name must be UTF-8 without control "
                                 "characters and without \":\"",
                                 in_quotes(name)));
  }
  const auto next = static_cast<std::int32_t>(header_.classes.size());
  if (!header_.labels.emplace(name, next).second) {
    place.fail(name, fmt::format("@classLabel has the class {} twice; each must be there only once",
                                 in_quotes(name)));
  }
  header_.classes.emplace_back(name);
}

void TsHeaderReader::require_supported(std::string_view value, const TsLine& place) const {
  if (header_.time_stamps.value_or(false)) {
    place.fail(value,
               "@timeStamps is true; timestamps are not supported: leave them out, so that there "
               "are only values between the commas, and write \"@timeStamps false\"");
  }
  if (header_.target_label.value_or(false)) {
    place.fail(value,
               "@targetLabel is true; targets that are numbers are not supported, only classes: "
               "\"@classLabel true\" and their names");
  }
}

void TsHeaderReader::require_complete(std::string_view value, const TsLine& place) const {
  if (!value.empty()) {
    place.fail(value, fmt::format("{} follows @data; sequences must be in lines of their own",
                                  in_quotes(value)));
  }
  // What a header without it means, sktime and aeon do not agree about.
  if (!header_.class_label) {
    place.fail(value,
               "the header lacks @classLabel; it must have \"@classLabel true\" and the names of "
               "all classes, or \"@classLabel false\" if the sequences have no labels");
  }
  if (header_.univariate.value_or(false) && header_.dimensions.value_or(1) != 1) {
    place.fail(value,
               fmt::format("the header has @univariate true, which is one channel, and @dimensions "
                           "{}; both must say the same",
                           *header_.dimensions));
  }
}

}  // namespace riverrun::data
