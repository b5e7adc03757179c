// In place of time_zone.cpp where cctz is not there.

#include "riverrun/core/error.h"
#include "riverrun/data/time_zone.h"

namespace riverrun::data {

struct TimeZone::Rules {};

bool has_time_zones() noexcept { return false; }

TimeZone::TimeZone(std::string_view name) : name_(name) {
  throw ConfigError("time zone: \"" + name_ +
                    "\" cannot be had, as this build has no time zones: install cctz (Debian's "
                    "package libcctz-dev) and build again");
}

TimeZone::Moments TimeZone::moments_of(std::int64_t local) const {
  return {.first = local, .last = local};
}

std::int64_t TimeZone::offset_at(std::int64_t) const { return 0; }

}  // namespace riverrun::data
