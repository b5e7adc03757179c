#include "riverrun/data/time_pattern.h"

#include <chrono>
#include <string>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/data/civil_time.h"
#include "riverrun/data/time_scanner.h"
#include "riverrun/data/ts_line.h"

namespace riverrun::data {
namespace {

constexpr std::string_view kDirectives = "YymbBqdHIpMSfz";

/// Of the directives that say the same, one.
char meaning_of(char directive) {
  switch (directive) {
    case 'y':
      return 'Y';
    case 'b':
    case 'B':
      return 'm';
    case 'I':
      return 'H';
    default:
      return directive;
  }
}

bool is_number(char directive) {
  return std::string_view("YymqdHIMSf").find(directive) != std::string_view::npos;
}

/// Takes what the parts of a pattern say off a text.
class PatternReader {
 public:
  PatternReader(std::string_view pattern, std::string_view text)
      : pattern_(pattern), scanner_(text) {
    if (ends_in_utc(pattern)) written_.offset = 0;
  }

  std::optional<WrittenTime> read() {
    while (!pattern_.empty() && scanner_.good()) {
      const PatternPart part = take_part(pattern_);
      if (part.directive != '\0') {
        take(part);
      } else if (pattern_.starts_with("%f") && !scanner_.rest().starts_with(part.character)) {
        (void)take_part(pattern_);  // a whole second
      } else {
        scanner_.require(part.character);
      }
      previous_ = part.directive;
    }
    if (!scanner_.good() || !scanner_.at_end()) return std::nullopt;
    return whole();
  }

 private:
  void take(const PatternPart& part) {
    switch (part.directive) {
      case 'Y':
        year_ = scanner_.digits(4, 9999);
        break;
      case 'y':
        year_ = scanner_.digits(2, 99);
        year_ += year_ < 69 ? 2000 : 1900;
        break;
      case 'm':
        month_ = number(part, 1, 12, TimeTrait::kPaddedDate, TimeTrait::kShortDate);
        break;
      case 'b':
      case 'B':
        take_name();
        break;
      case 'q':
        month_ = 3 * scanner_.digits(1, 4) - 2;
        if (month_ < 1) scanner_.fail();
        break;
      case 'd':
        day_ = number(part, 1, 31, TimeTrait::kPaddedDate, TimeTrait::kShortDate);
        break;
      case 'H':
        hour_ = number(part, 0, 23, TimeTrait::kPaddedHour, TimeTrait::kShortHour);
        break;
      case 'I':
        hour_ = number(part, 1, 12, TimeTrait::kPaddedHour, TimeTrait::kShortHour) % 12;
        break;
      case 'p':
        is_afternoon_ = scanner_.skip_word("PM");
        if (!is_afternoon_ && !scanner_.skip_word("AM")) scanner_.fail();
        break;
      case 'M':
        minute_ = scanner_.digits(2, 59);
        break;
      case 'S':
        second_ = scanner_.digits(2, 59);
        break;
      case 'f':
        written_.time.fraction = scanner_.fraction();
        add(TimeTrait::kFraction);
        break;
      default:
        take_offset();
    }
  }

  /// One or two digits; two where nothing else says where the number ends.
  int number(const PatternPart& part, int least, int most, TimeTrait padded, TimeTrait unpadded) {
    const std::string_view text = scanner_.rest();
    const bool has_neighbour =
        is_number(previous_) || (pattern_.size() > 1 && pattern_[0] == '%' &&
                                 is_number(pattern_[pattern_[1] == '-' ? 2 : 1]));
    const bool has_two = text.size() > 1 && is_digit(text[1]);
    const bool takes_two = has_two || (has_neighbour && !part.short_number);
    const int value = scanner_.digits(takes_two ? 2 : 1, most);
    if (value < least) scanner_.fail();
    if (takes_two && text.starts_with('0')) add(padded);
    if (!takes_two) add(unpadded);
    return value;
  }

  void take_name() {
    for (std::size_t i = 0; i < kMonthNames.size(); ++i) {
      const std::string_view name = kMonthNames.at(i);
      const bool is_long = scanner_.skip_word(name);
      if (!is_long && !scanner_.skip_word(name.substr(0, kShortNameSize))) continue;
      month_ = static_cast<int>(i) + 1;
      if (name.size() > kShortNameSize) add(is_long ? TimeTrait::kLongName : TimeTrait::kShortName);
      return;
    }
    scanner_.fail();
  }

  void take_offset() {
    written_.offset = 0;
    if (scanner_.skip('Z')) return;
    const bool is_east = scanner_.skip('+');
    if (!is_east) scanner_.require('-');
    std::int64_t offset = kSecondsOfHour * scanner_.digits(2, 23);
    const bool has_colon = scanner_.skip(':');
    if (has_colon || (!scanner_.rest().empty() && is_digit(scanner_.rest().front()))) {
      offset += kSecondsOfMinute * scanner_.digits(2, 59);
      add(has_colon ? TimeTrait::kColons : TimeTrait::kOffset);
    } else {
      add(TimeTrait::kWholeHours);
    }
    written_.offset = static_cast<std::int32_t>(is_east ? offset : -offset);
  }

  void add(TimeTrait trait) { written_.traits.at(static_cast<std::size_t>(trait)) = true; }

  std::optional<WrittenTime> whole() {
    namespace chrono = std::chrono;
    const chrono::year_month_day date(chrono::year(year_),
                                      chrono::month(static_cast<unsigned>(month_)),
                                      chrono::day(static_cast<unsigned>(day_)));
    if (!date.ok()) return std::nullopt;
    const int hour = hour_ + (is_afternoon_ ? 12 : 0);
    TimeStamp& time = written_.time;
    time.kind = written_.offset ? TimeStamp::Kind::kZoned : TimeStamp::Kind::kLocal;
    time.whole = seconds_at(date) + kSecondsOfHour * hour + kSecondsOfMinute * minute_ + second_ -
                 written_.offset.value_or(0);
    return written_;
  }

  std::string_view pattern_;
  TimeScanner scanner_;
  char previous_ = '\0';  // directive
  WrittenTime written_;
  int year_ = 0, month_ = 1, day_ = 1, hour_ = 0, minute_ = 0, second_ = 0;
  bool is_afternoon_ = false;
};

}  // namespace

PatternPart take_part(std::string_view& pattern) {
  PatternPart part{.character = pattern.front()};
  pattern.remove_prefix(1);
  if (part.character != '%') return part;
  const auto skip = [&pattern](char c) {
    const bool is_there = pattern.starts_with(c);
    if (is_there) pattern.remove_prefix(1);
    return is_there;
  };
  if (skip('%')) return part;
  part.short_number = skip('-');
  while (part.colons < 3 && skip(':')) ++part.colons;
  const char directive = pattern.empty() ? '?' : pattern.front();
  const bool exists =
      kDirectives.find(directive) != std::string_view::npos &&
      (!part.short_number || std::string_view("mdHI").find(directive) != std::string_view::npos) &&
      (part.colons == 0 || (part.colons != 2 && directive == 'z'));
  part.directive = exists ? directive : '?';
  if (!pattern.empty()) pattern.remove_prefix(1);
  return part;
}

bool ends_in_utc(std::string_view pattern) {
  return pattern.ends_with("Z") || pattern.ends_with("UTC");
}

void require_pattern(const std::string& pattern) {
  const auto fail = [&pattern](std::string_view what) {
    throw ConfigError(fmt::format("date format: {} {}", in_quotes(pattern), what));
  };
  std::string meanings;  // of the directives so far
  const auto has = [&meanings](char meaning) {
    return meanings.find(meaning) != std::string::npos;
  };
  bool has_half_days = false;
  std::string_view rest = pattern;
  while (!rest.empty()) {
    const std::string_view before = rest;
    const PatternPart part = take_part(rest);
    if (part.directive == '\0') continue;
    const std::string_view written = before.substr(0, before.size() - rest.size());
    if (part.directive == '?') {
      fail(
          fmt::format("has {}; the directives are %Y %y %m %b %B %q %d %H %I %p %M %S %f %z %:z "
                      "%:::z, %-m %-d %-H %-I, and %% for a percent sign",
                      in_quotes(written)));
    }
    const char meaning = meaning_of(part.directive);
    if (has(meaning)) {
      fail(fmt::format("has {} behind another directive for the same; each can be there once",
                       written));
    }
    if (part.directive == 'f') {
      const std::size_t place = pattern.size() - before.size();
      const std::string_view ahead = std::string_view(pattern).substr(0, place);
      if (!has('S') || (!ahead.ends_with("%S.") && !ahead.ends_with("%S,"))) {
        fail("has %f; it must stand behind \"%S.\" or \"%S,\"");
      }
    }
    meanings += meaning;
    has_half_days = has_half_days || part.directive == 'I';
  }
  if (!has('Y')) fail("has no year; %Y or %y must be there");
  if (has('q') && (has('m') || has('d'))) fail("has %q; neither a month nor a day can be with it");
  if (has('d') && !has('m')) fail("has a day; a month must be there too: %m, %b or %B");
  if (has('H') && !has('d')) fail("has an hour; a day must be there too: %d");
  if (has('M') && !has('H')) fail("has %M; an hour must be there too: %H or %I");
  if (has('S') && !has('M')) fail("has %S; %M must be there too");
  if (has('z') && !has('H')) fail("has %z; an hour must be there too: %H or %I");
  if (has('p') != has_half_days) fail("has one of %I and %p; both or none must be there");
}

std::optional<WrittenTime> read_time(std::string_view pattern, std::string_view text) {
  if (!pattern.empty()) return PatternReader(pattern, text).read();
  const std::optional<TimeStamp> number = parse_time(text);
  if (!number || number->kind != TimeStamp::Kind::kNumber) return std::nullopt;
  return WrittenTime{.time = *number};
}

}  // namespace riverrun::data
