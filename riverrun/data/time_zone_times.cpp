// What follows from the rules of a time zone, whoever knows them.

#include "riverrun/data/civil_time.h"
#include "riverrun/data/time_zone.h"

namespace riverrun::data {

TimeStamp TimeZone::moment(const TimeStamp& time) const {
  if (time.kind != TimeStamp::Kind::kLocal) return time;
  TimeStamp moment = time;
  moment.kind = TimeStamp::Kind::kZoned;
  moment.whole = moments_of(time.whole).first;
  return moment;
}

TimeStamp TimeZone::local(const TimeStamp& time) const {
  if (time.kind != TimeStamp::Kind::kZoned) return time;
  TimeStamp local = time;
  local.kind = TimeStamp::Kind::kLocal;
  local.whole += offset_at(time.whole);
  return local;
}

std::string write_time(const TimeFormat& format, const TimeStamp& time, std::int32_t offset,
                       const std::optional<TimeZone>& zone) {
  if (!zone) return format.write(time, offset);
  const TimeStamp moment = zone->moment(time);
  if (!format.is_zoned()) return format.write(zone->local(moment));
  // Formats have minutes; before 1900 or so, offsets have seconds.
  const std::int64_t east = format.has_offset() ? zone->offset_at(moment.whole) : 0;
  return format.write(moment, static_cast<std::int32_t>(east - east % kSecondsOfMinute));
}

}  // namespace riverrun::data
