#include "riverrun/data/labelled.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/random.h"

namespace riverrun::data {
namespace {

/// The values of one channel, step by step.
class Channel {
 public:
  Channel(LabelledSequence& sequence, std::int64_t channels, std::int64_t channel)
      : first_(sequence.values.data() + channel), stride_(channels), steps_(sequence.seq_len) {}

  [[nodiscard]] std::int64_t steps() const noexcept { return steps_; }
  [[nodiscard]] float& operator[](std::int64_t step) const { return first_[step * stride_]; }
  [[nodiscard]] bool is_missing(std::int64_t step) const { return std::isnan((*this)[step]); }
  /// The first step from `from` on that has a value; steps() if none has.
  [[nodiscard]] std::int64_t next_value(std::int64_t from) const {
    while (from < steps_ && is_missing(from)) ++from;
    return from;
  }

 private:
  float* first_;
  std::int64_t stride_;
  std::int64_t steps_;
};

/// Calls `visit(sequence, channel, values)`; channels are counted from 0.
template <class Visit>
void for_each_channel(LabelledSequences& data, const Visit& visit) {
  for (LabelledSequence& sequence : data.sequences) {
    for (std::int64_t channel = 0; channel < data.channels; ++channel) {
      visit(sequence, channel, Channel(sequence, data.channels, channel));
    }
  }
}

void require_no_missing(LabelledSequences& data) {
  std::int64_t count = 0;
  std::string first;
  for_each_channel(
      data, [&](const LabelledSequence& sequence, std::int64_t channel, const Channel& values) {
        for (std::int64_t step = 0; step < values.steps(); ++step) {
          if (!values.is_missing(step)) continue;
          if (++count == 1) first = place_of(data, sequence, channel, step);
        }
      });
  if (count == 0) return;
  throw FormatError(data.path,
                    fmt::format("{}: a value is missing ({} in all); missing values must be "
                                "interpolated or masked (--missing)",
                                first, count));
}

void require_a_value(LabelledSequences& data) {
  for_each_channel(
      data, [&](const LabelledSequence& sequence, std::int64_t channel, const Channel& values) {
        if (values.next_value(0) < values.steps()) return;
        throw FormatError(
            data.path, fmt::format("line {}, channel {}: all {} values are missing; to interpolate "
                                   "there must be at least one",
                                   sequence.line, channel + 1, values.steps()));
      });
}

/// Fills [begin, end), where one of the two is next to a value.
void fill_gap(const Channel& values, std::int64_t begin, std::int64_t end) {
  const double before = values[begin > 0 ? begin - 1 : end];
  const double after = values[end < values.steps() ? end : begin - 1];
  const double parts = static_cast<double>(end - begin + 1);
  for (std::int64_t step = begin; step < end; ++step) {
    const double part = static_cast<double>(step - begin + 1) / parts;
    values[step] = static_cast<float>(before + (after - before) * part);
  }
}

void interpolate(const Channel& values) {
  for (std::int64_t step = 0; step < values.steps(); ++step) {
    const std::int64_t end = values.next_value(step);
    if (end > step) fill_gap(values, step, end);
    step = end;
  }
}

/// How many of a class's n are for validation.
std::size_t valid_count(std::size_t n, double fraction) {
  const double nearest = std::floor(fraction * static_cast<double>(n) + 0.5);
  return std::min(static_cast<std::size_t>(nearest), n - 1);
}

/// Moves `count` of `all`, drawn at random, to its beginning.
void draw(std::vector<std::int64_t>& all, std::size_t count, Random& random) {
  for (std::size_t i = 0; i < count; ++i) {
    std::swap(all[i], all[i + random.below(static_cast<std::uint32_t>(all.size() - i))]);
  }
}

}  // namespace

std::string place_of(const LabelledSequences& data, const LabelledSequence& sequence,
                     std::int64_t channel, std::int64_t step) {
  const std::string of_sequence =
      sequence.name.empty()
          ? fmt::format("line {}", sequence.line)
          : fmt::format("sequence \"{}\" from line {} on", sequence.name, sequence.line);
  const std::string of_channel =
      data.channel_names.empty()
          ? fmt::format("channel {}", channel + 1)
          : fmt::format("column \"{}\"", data.channel_names[static_cast<std::size_t>(channel)]);
  return fmt::format("{}, {}, step {}", of_sequence, of_channel, step + 1);
}

void fill_missing(LabelledSequences& data, Missing missing) {
  if (missing == Missing::kError) require_no_missing(data);
  if (missing != Missing::kInterpolate) return;
  require_a_value(data);  // of all, before anything is changed
  for_each_channel(data, [](const LabelledSequence&, std::int64_t, const Channel& values) {
    interpolate(values);
  });
}

Split stratified_split(std::span<const std::int32_t> labels, double fraction, std::uint64_t seed) {
  if (!(fraction >= 0 && fraction < 1)) {
    throw ConfigError(
        fmt::format("stratified_split: fraction is {}; it must be in [0, 1)", fraction));
  }
  // In the order of the labels, so that what is drawn does not depend on how they lie in memory.
  std::map<std::int32_t, std::vector<std::int64_t>> by_label;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    by_label[labels[i]].push_back(static_cast<std::int64_t>(i));
  }
  Random random(seed);
  Split split;
  for (auto& [label, members] : by_label) {
    const std::size_t count = valid_count(members.size(), fraction);
    draw(members, count, random);
    const auto cut = members.begin() + static_cast<std::ptrdiff_t>(count);
    split.valid.insert(split.valid.end(), members.begin(), cut);
    split.train.insert(split.train.end(), cut, members.end());
  }
  std::ranges::sort(split.train);
  std::ranges::sort(split.valid);
  return split;
}

}  // namespace riverrun::data
