#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <utility>

#include <fmt/format.h>

#include "riverrun/data/civil_time.h"
#include "riverrun/data/time_format.h"
#include "riverrun/data/time_pattern.h"
#include "riverrun/data/ts_line.h"

namespace riverrun::data {
namespace {

// What stands in a column of an unknown format: a date, a character between, a time of day, an
// offset. Only the order of day and month makes two of them suit the same text.
constexpr std::array<std::string_view, 14> kDays = {
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d",   "%m/%d/%Y",  "%d/%m/%Y", "%m-%d-%Y",
    "%d-%m-%Y", "%d.%m.%Y", "%d %b %Y", "%d-%b-%Y", "%b %d, %Y", "%b %d %Y", "%Y-%b-%d"};
constexpr std::array<std::string_view, 10> kMonths = {
    "%Y-%m", "%Y/%m", "%m/%Y", "%m-%Y", "%b %Y", "%b-%Y", "%Y-Q%q", "%YQ%q", "%Y Q%q", "Q%q %Y"};
constexpr std::array<std::string_view, 2> kBetween = {" ", "T"};
constexpr std::array<std::string_view, 4> kTimesOfDay = {"%H:%M", "%H:%M:%S.%f", "%H%M", "%H%M%S"};
constexpr std::array<std::string_view, 4> kHalfDays = {"%I:%M %p", "%I:%M:%S %p", "%I:%M%p",
                                                       "%I:%M:%S%p"};
constexpr std::array<std::string_view, 4> kOffsets = {"", "%z", " %z", " UTC"};
constexpr std::string_view kDigitsOnly = "%Y%m%d";

std::vector<std::string> known_patterns() {
  std::vector<std::string> patterns(kMonths.begin(), kMonths.end());
  for (const std::string_view day : kDays) {
    patterns.emplace_back(day);
    for (const std::string_view between : kBetween) {
      for (const std::string_view time : kTimesOfDay) {
        for (const std::string_view offset : kOffsets) {
          patterns.push_back(fmt::format("{}{}{}{}", day, between, time, offset));
        }
      }
      for (const std::string_view time : kHalfDays) {
        patterns.push_back(fmt::format("{}{}{}", day, between, time));
      }
    }
  }
  patterns.emplace_back();  // numbers, which come last
  return patterns;
}

/// Digits alone are seldom dates.
bool is_likely_date(const TimeStamp& time) {
  using namespace std::chrono_literals;
  const std::chrono::year year = civil_time(time.whole).date.year();
  return year >= 1900y && year <= 2100y;
}

void replace(std::string& text, std::string_view what, std::string_view by) {
  const std::size_t place = text.find(what);
  if (place != std::string::npos) text.replace(place, what.size(), by);
}

}  // namespace

TimeColumn::TimeColumn(std::string_view pattern) : given_(std::string(pattern)) {}

std::optional<std::string> TimeColumn::add(std::string_view field) {
  const std::string_view text = trimmed(field);
  if (decisive_.empty()) begin(text);
  std::vector<std::optional<WrittenTime>> times;
  for (const Reading& reading : readings_) times.push_back(read(reading, text));
  const auto suits = [](const std::optional<WrittenTime>& time) { return time.has_value(); };
  const auto suiting = std::ranges::find_if(times, suits);
  if (suiting == times.end()) return refusal(text);

  const WrittenTime first = **suiting;
  offsets_differ_ = offsets_differ_ || (!decisive_.empty() && first.offset != offset_);
  offset_ = first.offset;
  if (decisive_.empty() || !std::ranges::all_of(times, suits)) decisive_ = text;
  for (std::size_t i = readings_.size(); i-- > 0;) {
    if (!times[i]) {
      readings_.erase(readings_.begin() + static_cast<std::ptrdiff_t>(i));
      continue;
    }
    Reading& reading = readings_[i];
    reading.times.push_back(times[i]->time);
    for (std::size_t k = 0; k < reading.traits.size(); ++k) {
      reading.traits.at(k) += times[i]->traits.at(k) ? 1 : 0;
    }
    if (example_.empty() && times[i]->time != first.time) example_ = text;
  }
  return std::nullopt;
}

void TimeColumn::begin(std::string_view field) {
  readings_.clear();
  if (!given_.is_number()) {
    readings_.push_back({given_, {}});
    return;
  }
  for (const std::string& pattern : known_patterns()) {
    if (read_time(pattern, field)) readings_.push_back({TimeFormat(pattern), {}});
  }
}

std::optional<WrittenTime> TimeColumn::read(const Reading& reading, std::string_view text) const {
  std::optional<WrittenTime> time = read_time(reading.format.pattern(), text);
  const bool is_guess = given_.is_number() && reading.format.pattern() == kDigitsOnly;
  if (time && is_guess && !is_likely_date(time->time)) return std::nullopt;
  return time;
}

TimeFormat TimeColumn::format_of(const Reading& reading) const {
  if (!given_.is_number() || reading.format.is_number()) return reading.format;
  const auto count = [&reading](TimeTrait trait) {
    return reading.traits.at(static_cast<std::size_t>(trait));
  };
  std::string pattern = reading.format.pattern();
  if (count(TimeTrait::kShortDate) > count(TimeTrait::kPaddedDate)) {
    replace(pattern, "%m", "%-m");
    replace(pattern, "%d", "%-d");
  }
  if (count(TimeTrait::kShortHour) > count(TimeTrait::kPaddedHour)) {
    replace(pattern, "%H", "%-H");
    replace(pattern, "%I", "%-I");
  }
  if (count(TimeTrait::kLongName) > count(TimeTrait::kShortName)) replace(pattern, "%b", "%B");
  if (count(TimeTrait::kFraction) == 0) replace(pattern, ".%f", "");
  const std::int64_t plain = count(TimeTrait::kOffset);
  const std::int64_t colons = count(TimeTrait::kColons);
  const std::int64_t whole_hours = count(TimeTrait::kWholeHours);
  if (plain + colons + whole_hours == 0) {
    replace(pattern, "%z", "Z");
  } else if (whole_hours > std::max(plain, colons)) {
    replace(pattern, "%z", "%:::z");
  } else if (colons > plain) {
    replace(pattern, "%z", "%:z");
  }
  return TimeFormat(pattern);
}

/// Of the readings, for messages: "of the format %m/%d/%Y or of the format …".
std::string TimeColumn::formats() const {
  std::string list;
  for (const Reading& reading : readings_) {
    const TimeFormat format = format_of(reading);
    list += list.empty() ? "" : " or ";
    list += format.is_number() ? "a number" : fmt::format("of the format {}", format.pattern());
  }
  return list;
}

std::string TimeColumn::refusal(std::string_view field) const {
  if (!given_.is_number()) {
    constexpr TimeStamp kSomeTime{.kind = TimeStamp::Kind::kLocal, .whole = 1709307000};
    return fmt::format("the time is {}; it must be of the format {}, such as {}", in_quotes(field),
                       given_.pattern(), given_.write(kSomeTime));
  }
  TimeColumn other;
  if (!decisive_.empty() && !other.add(field)) {
    return fmt::format("the time is {}, which is {}; it must be {}, as {} before it is",
                       in_quotes(field), other.formats(), formats(), in_quotes(decisive_));
  }
  return fmt::format("the time is {}; it must be a number or a date, such as {}", in_quotes(field),
                     decisive_.empty()
                         ? "2024-03-01, 2024-03-01 12:30:00, 3/1/2024, 01.03.2024 or Mar 1, 2024"
                         : in_quotes(decisive_) + " before it");
}

std::optional<std::string> TimeColumn::unclear() const {
  if (readings_.size() < 2 || readings_[1].format.is_number()) return std::nullopt;
  const std::string& example = example_.empty() ? decisive_ : example_;
  return fmt::format("{} is {}, and all times suit both", in_quotes(example), formats());
}

TimeFormat TimeColumn::format() const {
  return readings_.empty() ? TimeFormat() : format_of(readings_.front());
}

std::vector<TimeStamp> TimeColumn::times() const {
  return readings_.empty() ? std::vector<TimeStamp>() : readings_.front().times;
}

std::optional<std::int32_t> TimeColumn::offset() const {
  return offsets_differ_ ? std::nullopt : offset_;
}

}  // namespace riverrun::data
