// Any bytes as a file of the format ts, with and without a header before them: it is refused with a
// FormatError, or what is read is as the interface has it; the same however it comes in pieces.
// Then missing values are filled in, and the sequences are split.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "riverrun/core/error.h"
#include "riverrun/data/ts_file.h"

namespace {

using namespace riverrun::data;
using namespace std::string_view_literals;

constexpr std::array kHeaders = {
    ""sv,
    "@classLabel false\n@data\n"sv,
    "@classLabel true a b\n@data\n"sv,
    "@missing false\n@dimensions 2\n@equalLength true\n@classLabel true 1 2\n@data\n"sv,
};

void require(bool condition) {
  if (!condition) std::abort();
}

/// What was read, or why it was refused.
struct Result {
  LabelledSequences data;
  std::string refused;
};

Result read(std::string_view text, std::size_t piece) {
  try {
    TsReader reader("fuzzed");
    for (std::size_t i = 0; i < text.size(); i += piece) reader.feed(text.substr(i, piece));
    return {reader.finish(), ""};
  } catch (const riverrun::FormatError& error) {
    return {{}, error.what()};
  }
}

bool same_value(float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }

bool same_sequence(const LabelledSequence& a, const LabelledSequence& b) {
  return a.seq_len == b.seq_len && a.label == b.label && a.line == b.line &&
         std::ranges::equal(a.values, b.values, same_value);
}

void require_sound(const LabelledSequences& data, std::size_t bytes) {
  require(!data.sequences.empty() && data.channels > 0);
  std::size_t values = 0;
  for (const LabelledSequence& sequence : data.sequences) {
    require(sequence.seq_len > 0 && sequence.line > 0);
    require(sequence.values.size() == static_cast<std::size_t>(sequence.seq_len * data.channels));
    require(std::ranges::none_of(sequence.values, [](float x) { return std::isinf(x); }));
    if (data.classes.empty()) {
      require(sequence.label == LabelledSequence::kNoLabel);
    } else {
      require(sequence.label >= 0 &&
              static_cast<std::size_t>(sequence.label) < data.classes.size());
    }
    values += sequence.values.size();
  }
  require(values <= bytes);
}

void use(LabelledSequences data) {
  std::vector<std::int32_t> labels;
  for (const LabelledSequence& sequence : data.sequences) labels.push_back(sequence.label);
  const Split split = stratified_split(labels, 0.3, 1);
  require(!split.train.empty() && split.train.size() + split.valid.size() == labels.size());
  try {
    fill_missing(data, Missing::kInterpolate);
    fill_missing(data, Missing::kError);  // there are none any more
  } catch (const riverrun::FormatError& error) {
    require(std::string_view(error.what()).find("to interpolate") != std::string_view::npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t piece = std::size_t{1} + data[1] % 16;
  std::string text(kHeaders[data[0] % kHeaders.size()]);
  text.append(reinterpret_cast<const char*>(data) + 2, size - 2);

  const Result whole = read(text, text.size() + 1);
  const Result pieces = read(text, piece);
  require(whole.refused == pieces.refused);
  if (!whole.refused.empty()) return 0;
  require(whole.data.channels == pieces.data.channels &&
          whole.data.classes == pieces.data.classes &&
          std::ranges::equal(whole.data.sequences, pieces.data.sequences, same_sequence));
  require_sound(whole.data, text.size());
  use(whole.data);
  return 0;
}
