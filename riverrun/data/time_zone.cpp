#include "riverrun/data/time_zone.h"

#include <algorithm>

#include <cctz/civil_time.h>
#include <cctz/time_zone.h>
#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/data/ts_line.h"

namespace riverrun::data {
namespace {

const cctz::civil_second kEpoch(1970, 1, 1, 0, 0, 0);

/// What is no name but a path, or has another meaning on each machine, is none.
bool is_name(std::string_view name) {
  const auto suits = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view("/_+-").find(c) != std::string_view::npos;
  };
  return !name.empty() && name.front() != '/' && name != "localtime" &&
         std::ranges::all_of(name, suits);
}

std::int64_t seconds_of(const cctz::time_point<cctz::seconds>& time) {
  return time.time_since_epoch().count();
}

}  // namespace

struct TimeZone::Rules {
  cctz::time_zone zone;
};

bool has_time_zones() noexcept { return true; }

TimeZone::TimeZone(std::string_view name) : name_(name) {
  Rules rules;
  if (!is_name(name) || !cctz::load_time_zone(name_, &rules.zone)) {
    throw ConfigError(
        fmt::format("time zone: {} is not known here; it must be a name of the IANA time zone "
                    "database, such as Europe/Berlin or America/New_York, which the system has in "
                    "/usr/share/zoneinfo (Debian's package tzdata)",
                    in_quotes(name)));
  }
  rules_ = std::make_shared<const Rules>(rules);
}

TimeZone::Moments TimeZone::moments_of(std::int64_t local) const {
  using Lookup = cctz::time_zone::civil_lookup;
  const Lookup found = rules_->zone.lookup(kEpoch + local);
  const std::int64_t first = seconds_of(found.pre);
  return {.first = first,
          .last = found.kind == Lookup::REPEATED ? seconds_of(found.post) : first,
          .skipped = found.kind == Lookup::SKIPPED};
}

std::int64_t TimeZone::offset_at(std::int64_t moment) const {
  return rules_->zone.lookup(cctz::time_point<cctz::seconds>(cctz::seconds(moment))).offset;
}

}  // namespace riverrun::data
