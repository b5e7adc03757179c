#include "riverrun/data/ts_file.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/number.h"
#include "riverrun/data/lines.h"
#include "riverrun/data/text/text_input.h"

namespace riverrun::data {
namespace {

namespace fs = std::filesystem;

/// "a", "b" and "c"; of many the first ones.
std::string listed(std::span<const std::string> names) {
  constexpr std::size_t kMost = 10;
  const std::size_t shown = std::min(names.size(), kMost);
  std::string list;
  for (std::size_t i = 0; i < shown; ++i) {
    if (i > 0) list += i + 1 == names.size() ? " and " : ", ";
    list += in_quotes(names[i]);
  }
  if (shown < names.size()) list += fmt::format(" and {} more", names.size() - shown);
  return list;
}

}  // namespace

LabelledSequences read_ts(const fs::path& path) {
  const text::TextPart part = text::open_texts(std::span(&path, 1)).front();
  TsReader reader(part.path.string(), part.begin);
  text::for_each_piece(part, [&reader](std::string_view piece) { reader.feed(piece); });
  return reader.finish();
}

bool is_ts(const fs::path& path) { return begins_as_ts(head_of_file(path)); }

bool begins_as_ts(std::string_view head) {
  for (std::string_view rest = head; !rest.empty();) {
    const std::string_view line = trimmed(take_until('\n', rest));
    if (!line.empty() && line.front() != '#') return is_ts_header_line(line);
  }
  return false;
}

TsReader::TsReader(std::string path, std::int64_t first_byte)
    : line_(std::move(path), first_byte) {}

void TsReader::feed(std::string_view piece) {
  splitter_.feed(piece, [this](std::string_view line) { take_line(line); });
}

LabelledSequences TsReader::finish() {
  splitter_.finish([this](std::string_view line) { take_line(line); });
  if (!in_data_)
    line_.fail_at_end("the file ends before a line @data, which sequences must follow");
  if (data_.sequences.empty()) {
    line_.fail_at_end("the file ends before a sequence; after @data there must be at least one");
  }
  data_.path = line_.path();
  data_.classes = header().classes;
  return std::move(data_);
}

void TsReader::take_line(std::string_view line) {
  line_.begin(line);
  if (const auto zero = line.find('\0'); zero != std::string_view::npos) {
    line_.fail(line.substr(zero), "there is a byte 0; a file of the format ts must be a text");
  }
  const std::string_view text = trimmed(line);
  if (text.empty() || text.front() == '#') return;
  if (in_data_) return take_sequence(text);
  in_data_ = header_reader_.take(text, line_);
  if (in_data_) begin_data();
}

void TsReader::begin_data() {
  if (header().univariate.value_or(false)) channels_ = {1, "@univariate true"};
  if (const auto number = header().dimensions) {
    channels_ = {*number, fmt::format("@dimensions {}", *number)};
  }
  // Where lengths differ it is not that of each sequence.
  if (const auto number = header().series_length; number && header().equal_length.value_or(true)) {
    length_ = {*number, fmt::format("@seriesLength {}", *number)};
  }
}

void TsReader::take_sequence(std::string_view line) {
  const std::string_view channels = without_label(line);
  require_channels(channels);
  LabelledSequence sequence;
  sequence.line = line_.number();
  sequence.seq_len = count_steps(channels);
  require_length(channels, sequence.seq_len);
  read_values(channels, sequence);
  if (*header().class_label) sequence.label = label(trimmed(line.substr(channels.size() + 1)));
  data_.sequences.push_back(std::move(sequence));
}

std::string_view TsReader::without_label(std::string_view line) const {
  if (!*header().class_label) return line;
  const std::size_t colon = line.rfind(':');
  if (colon == std::string_view::npos) {
    line_.fail(line,
               "the sequence has no label; with @classLabel true its line must end with \":\" and "
               "the name of a class");
  }
  return line.substr(0, colon);
}

void TsReader::require_channels(std::string_view line) {
  data_.channels = count_parts(line, ':');
  if (channels_.count == 0) channels_ = {data_.channels, fmt::format("line {}", line_.number())};
  if (data_.channels != channels_.count) {
    line_.fail(line, fmt::format("the number of channels{} is {}; by {} it must be {}",
                                 *header().class_label ? " before the label" : "", data_.channels,
                                 channels_.source, channels_.count));
  }
}

std::int64_t TsReader::count_steps(std::string_view line) const {
  std::int64_t seq_len = 0;
  // Those of all channels, before there is memory for the values: else many empty channels after a
  // long one would claim far more than the line has.
  for (std::int64_t channel = 0; channel < data_.channels; ++channel) {
    const std::string_view values = take_until(':', line);
    if (trimmed(values).empty()) {
      line_.fail(values,
                 fmt::format("channel {} is empty; it must have at least one value", channel + 1));
    }
    const std::int64_t steps = count_parts(values, ',');
    if (channel == 0) seq_len = steps;
    if (steps != seq_len) {
      line_.fail(values, fmt::format("the number of steps of channel {} is {}; it must be that of "
                                     "channel 1, which is {}",
                                     channel + 1, steps, seq_len));
    }
  }
  return seq_len;
}

void TsReader::require_length(std::string_view line, std::int64_t seq_len) {
  if (length_.count == 0 && header().equal_length.value_or(false)) {
    length_ = {seq_len, fmt::format("@equalLength true and line {}", line_.number())};
  }
  if (length_.count != 0 && seq_len != length_.count) {
    line_.fail(line, fmt::format("the number of steps is {}; by {} it must be {}", seq_len,
                                 length_.source, length_.count));
  }
}

void TsReader::read_values(std::string_view line, LabelledSequence& sequence) const {
  sequence.values.resize(static_cast<std::size_t>(sequence.seq_len * data_.channels));
  for (std::int64_t channel = 0; channel < data_.channels; ++channel) {
    std::string_view rest = take_until(':', line);
    for (std::int64_t step = 0; step < sequence.seq_len; ++step) {
      sequence.values[static_cast<std::size_t>(step * data_.channels + channel)] =
          value(trimmed(take_until(',', rest)), channel, step);
    }
  }
}

float TsReader::value(std::string_view text, std::int64_t channel, std::int64_t step) const {
  if (text == "?" || same_word(text, "nan")) {
    if (!header().missing.value_or(true)) {
      line_.fail(text, channel, step,
                 "the value is missing; the header says that none is, and must have \"@missing "
                 "true\"");
    }
    return std::numeric_limits<float>::quiet_NaN();
  }
  if (text.empty()) {
    line_.fail(text, channel, step,
               "there is no value; one that is missing must be written as \"?\"");
  }
  const std::optional<double> number = parse_double(text);
  if (!number || std::abs(*number) > std::numeric_limits<float>::max()) {
    line_.fail(text, channel, step,
               fmt::format("the value is {}; it must be a finite number of at most 3.4e38, such as "
                           "-0.5 or 1e-3, or \"?\" if it is missing",
                           in_quotes(text)));
  }
  return static_cast<float>(*number);
}

std::int32_t TsReader::label(std::string_view text) const {
  if (text.empty()) {
    line_.fail(text, "the label is empty; after the last \":\" there must be the name of a class");
  }
  const auto found = header().labels.find(text);
  if (found == header().labels.end()) {
    line_.fail(text, fmt::format("the label is {}; it must be one of those after @classLabel: {}",
                                 in_quotes(text), listed(header().classes)));
  }
  return found->second;
}

}  // namespace riverrun::data
