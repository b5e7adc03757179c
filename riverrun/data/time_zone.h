#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "riverrun/data/time_format.h"
#include "riverrun/data/time_stamp.h"

namespace riverrun::data {

/// Whether this build knows time zones: whether cctz was there when it was made.
[[nodiscard]] bool has_time_zones() noexcept;

/// What clocks show somewhere, by the rules of the IANA time zone database that the system has.
/// Dates are in the years 0 to 9999.
class TimeZone {
 public:
  /// Of a name such as "Europe/Berlin". Throws ConfigError if the system has no zone of that name,
  /// or this build knows none.
  explicit TimeZone(std::string_view name);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  /// When clocks show a date, in seconds since 1970 in UTC: mostly once; twice when they are put
  /// back; never when they are put forward over it.
  struct Moments {
    std::int64_t first = 0;  ///< if clocks skip the date, when they would show it, were they late
    std::int64_t last = 0;   ///< as `first` unless they show the date twice
    bool skipped = false;
  };
  /// `local`: seconds since 1970 as the clocks have them.
  [[nodiscard]] Moments moments_of(std::int64_t local) const;
  /// Seconds east of UTC, at so many seconds since 1970 in UTC.
  [[nodiscard]] std::int64_t offset_at(std::int64_t moment) const;

  /// A local date as a moment (TimeStamp::Kind::kZoned), the first of two; other times as they are.
  [[nodiscard]] TimeStamp moment(const TimeStamp& time) const;
  /// A moment as what clocks show then (TimeStamp::Kind::kLocal); other times as they are.
  [[nodiscard]] TimeStamp local(const TimeStamp& time) const;

 private:
  struct Rules;
  std::string name_;
  std::shared_ptr<const Rules> rules_;
};

/// As it would stand in a file of that format. In a zone, with the offset that it has then, or in
/// UTC if the format says UTC. A local date that clocks skip is as much later as they were put
/// forward. Without one, `offset` is as TimeFormat::write() has it. Throws as that.
[[nodiscard]] std::string write_time(const TimeFormat& format, const TimeStamp& time,
                                     std::int32_t offset, const std::optional<TimeZone>& zone);

}  // namespace riverrun::data
