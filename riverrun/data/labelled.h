#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "riverrun/core/fields.h"

namespace riverrun::data {

/// A sequence of numbers or a text, and what it is called.
struct LabelledSequence {
  std::vector<float> values;      ///< [seq_len, channels]; NaN where one is missing; of a text none
  std::int64_t seq_len = 0;       ///< of a text as many as it has symbols
  std::int32_t label = kNoLabel;  ///< an index into LabelledSequences::classes
  std::int64_t line = 0;          ///< of the file, from 1
  std::string name = {};          ///< that a CSV file gives it; may be empty
  /// Valid UTF-8, not white space alone, and without white space around it; empty: it is no text.
  std::string text = {};
  /// [seq_len], of a text, once it has been encoded.
  std::vector<std::int32_t> symbols = {};

  static constexpr std::int32_t kNoLabel = -1;
};

/// What a file of labelled sequences holds, or one of labelled texts.
struct LabelledSequences {
  std::string path;           ///< for messages
  std::int64_t channels = 0;  ///< 0: they are texts
  /// [channels], or empty: they have none.
  std::vector<std::string> channel_names = {};
  /// All labels that a sequence may have, in the order of the file's header; empty: the file has no
  /// labels, and the sequences have kNoLabel.
  std::vector<std::string> classes;
  std::vector<LabelledSequence> sequences;  ///< at least one, each of at least one step or a text

  [[nodiscard]] bool are_texts() const noexcept { return channels == 0; }
};

/// Where a value is, for messages, by the numbers of the channel and the step from 0: "line 4,
/// channel 1, step 2"; of a sequence from a CSV file, whose rows may be anywhere, "sequence "r1"
/// from line 4 on, column "x", step 2".
[[nodiscard]] std::string place_of(const LabelledSequences& data, const LabelledSequence& sequence,
                                   std::int64_t channel, std::int64_t step);

/// What becomes of a missing value.
enum class Missing {
  kError,
  kInterpolate,  ///< on the line between the values around it; at an end, the value next to it
  kMask,         ///< it stays NaN, for a model that is told which values are missing
};

/// Reads a file of the UEA/UCR archive's format ts (Bagnall et al. 2018; the format is defined by
/// sktime and aeon), which may be gzip or a pipe; "-" is standard input. Throws IoError;
/// FormatError, which names the file, the line and, where there is one, the channel and the step,
/// for all that is not as the format or the file's own header has it, for values that are not
/// finite, for labels that the header lacks, and for what is not supported: timestamps, and targets
/// that are numbers. Where the two definitions differ or say nothing: @classLabel must be there;
/// values may be missing unless the header says @missing false; @seriesLength counts unless it says
/// @equalLength false; labels are the same only if they are letter by letter.
[[nodiscard]] LabelledSequences read_ts(const std::filesystem::path& path);

/// Whether the file at `path` begins as one of that format does, whatever its name: within 64 KiB
/// there is, after comments and empty lines, a line that begins with a name that its header has, as
/// "@problemName"; gzip is unpacked. False for what cannot be opened and looked at without being
/// used up: standard input, pipes.
[[nodiscard]] bool is_ts(const std::filesystem::path& path);

/// The same of the beginning of a text.
[[nodiscard]] bool begins_as_ts(std::string_view head);

/// Treats missing values as `missing` says. Throws FormatError, which says how many there are and
/// where the first one in the file is, if there are any and `missing` is kError; and with
/// kInterpolate, before anything is changed, if a channel of a sequence has no value at all.
void fill_missing(LabelledSequences& data, Missing missing);

/// Numbers of sequences for training and for validation, in rising order.
struct Split {
  std::vector<std::int64_t> train;
  std::vector<std::int64_t> valid;
};
/// A part of the sequences of each class is for validation: of n, the nearest whole number to
/// `fraction`·n (halves go up), but so that one is left to learn from; a class of one is learnt
/// from. Which ones is drawn by the seed, and depends on nothing but it, the labels and the
/// fraction. LabelledSequence::kNoLabel is a class too. Throws ConfigError unless `fraction` is in
/// [0, 1).
[[nodiscard]] Split stratified_split(std::span<const std::int32_t> labels, double fraction,
                                     std::uint64_t seed);

}  // namespace riverrun::data

namespace riverrun {

inline constexpr std::array<std::string_view, 3> kMissingNames = {"error", "interpolate", "mask"};
template <>
inline constexpr std::span<const std::string_view> kNames<data::Missing> = kMissingNames;

}  // namespace riverrun
