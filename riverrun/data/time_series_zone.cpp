// Times of a file in a time zone: on clocks where rows are days or more apart, as moments where
// they are hours and less.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/data/civil_time.h"
#include "riverrun/data/time_series_rows.h"
#include "riverrun/data/ts_line.h"

namespace riverrun::data {
namespace {

using Members = std::vector<std::size_t>;
using Times = std::vector<TimeStamp>;

/// Whether rows are days apart, or longer, on clocks.
bool are_days(const TimeSeriesRows& rows, const RowsOfSeries& series, const Times& local) {
  if (!rows.format.has_hours()) return true;
  std::vector<Times> sorted;
  for (const Members& members : series) {
    Times& times = sorted.emplace_back();
    for (const std::size_t row : members) times.push_back(local[row]);
    std::sort(times.begin(), times.end());
    const auto is_near = [](const TimeStamp& a, const TimeStamp& b) {
      return b.whole - a.whole < kSecondsOfDay;
    };
    if (std::adjacent_find(times.begin(), times.end(), is_near) != times.end()) return false;
  }
  const std::optional<Frequency> found = find_frequency(sorted);
  return found && goes_by_clocks(*found);
}

/// Tells which moments the local times of a series are.
class MomentsOfSeries {
 public:
  MomentsOfSeries(TimeSeriesRows& rows, Members members)
      : rows_(rows), members_(std::move(members)) {
    // The newest may be at the top.
    if (time(0) > time(members_.size() - 1)) std::ranges::reverse(members_);
    for (const std::size_t row : members_) {
      moments_.push_back(rows.zone->moments_of(rows.times[row].whole));
      if (moments_.back().skipped)
        fail(moments_.size() - 1,
             "which clocks of {} skip, as they are put forward over it; no row can be of it");
    }
  }

  /// Puts the moments in the place of the times.
  void settle() {
    for (std::size_t begin = 0; begin < members_.size();) {
      std::size_t end = begin + 1;
      if (is_double(begin)) {
        while (end < members_.size() && is_double(end) && is_of_same_night(begin, end)) ++end;
        settle_double(begin, end);
      }
      begin = end;
    }
    for (std::size_t i = 0; i < members_.size(); ++i) {
      rows_.times[members_[i]] = {.kind = TimeStamp::Kind::kZoned,
                                  .whole = moments_[i].first,
                                  .fraction = time(i).fraction};
    }
  }

 private:
  [[nodiscard]] const TimeStamp& time(std::size_t i) const { return rows_.times[members_[i]]; }
  [[nodiscard]] bool is_double(std::size_t i) const {
    return moments_[i].first != moments_[i].last;
  }
  [[nodiscard]] bool is_of_same_night(std::size_t a, std::size_t b) const {
    return std::abs(time(a).whole - time(b).whole) < kSecondsOfDay;
  }

  /// Of [begin, end), all of which clocks show twice: what precedes the first time that does not
  /// rise is before the change, and the rest is after it. Where all rise, what is nearer to the
  /// rows beside them.
  void settle_double(std::size_t begin, std::size_t end) {
    std::size_t change = end;
    for (std::size_t i = begin + 1; i < end; ++i) {
      if (time(i) > time(i - 1)) continue;
      if (change != end) fail_unclear(i);
      change = i;
    }
    if (change == end && end < members_.size()) change = are_before(begin, end) ? end : begin;
    for (std::size_t i = change; i < end; ++i) moments_[i].first = moments_[i].last;
    if ((begin > 0 && moments_[begin - 1].first >= moments_[begin].first) ||
        (end < members_.size() && moments_[end - 1].first >= moments_[end].first)) {
      fail_unclear(begin);  // rows are in no order
    }
  }

  /// Whether the rows are as far from their neighbours before as from those after, if they are
  /// taken for times before the change; or that if they are taken for times after it.
  [[nodiscard]] bool are_before(std::size_t begin, std::size_t end) const {
    if (begin == 0) return false;
    const std::int64_t previous = moments_[begin - 1].first;
    const std::int64_t next = moments_[end].first;
    if (moments_[begin].first - previous == next - moments_[end - 1].first) return true;
    if (moments_[begin].last - previous != next - moments_[end - 1].last) fail_unclear(begin);
    return false;
  }

  [[noreturn]] void fail_unclear(std::size_t i) const {
    fail(i,
         "which clocks of {} show twice, as they are put back, and neither the order of the "
         "rows nor what is between them tells which of the two it is; the row of the other must be "
         "there, "
         "or times must have their offset, as +02:00");
  }
  [[noreturn]] void fail(std::size_t i, const char* what) const {
    fail_at(rows_, members_[i],
            fmt::format("the time is {}, {}", in_quotes(rows_.format.write(time(i))),
                        fmt::format(fmt::runtime(what), rows_.zone->name())));
  }

  TimeSeriesRows& rows_;
  Members members_;                         // in the order of time, but for faults
  std::vector<TimeZone::Moments> moments_;  // of members_; `first` is what is decided on
};

}  // namespace

void settle_zone(TimeSeriesRows& rows, const RowsOfSeries& series, const Frequency* frequency) {
  if (!rows.zone) return;
  if (rows.times.empty() || rows.times.front().kind == TimeStamp::Kind::kNumber) {
    throw FormatError(
        rows.path, fmt::format("{}; the time zone {} (--time-zone) is of dates",
                               rows.times.empty() ? "no column of dates was found"
                                                  : fmt::format("column {} has numbers for times",
                                                                in_quotes(rows.time_name)),
                               rows.zone->name()));
  }
  Times local;
  for (const TimeStamp& time : rows.times) local.push_back(rows.zone->local(time));
  if (frequency != nullptr ? goes_by_clocks(*frequency) : are_days(rows, series, local)) {
    rows.times = std::move(local);
  } else if (rows.times.front().kind == TimeStamp::Kind::kLocal) {
    for (const Members& members : series) MomentsOfSeries(rows, members).settle();
  }
}

}  // namespace riverrun::data
