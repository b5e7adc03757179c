#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace riverrun::data {

/// A signal of one channel.
struct Audio {
  std::vector<float> samples;    ///< full scale is ±1
  std::int64_t sample_rate = 0;  ///< of a second
  /// How the file stores a sample: "16-bit PCM", "32-bit float".
  std::string subtype;
  std::string path;
  /// Channels of the file, all of which were the same.
  std::int64_t channels = 1;
};

/// Whether this build reads audio files: whether libsndfile was there when it was made.
[[nodiscard]] bool has_audio() noexcept;

/// Whether a file begins as a WAV, AIFF, FLAC or Ogg file. False if it cannot be opened and looked
/// at without being used up (standard input, a pipe).
[[nodiscard]] bool is_audio(const std::filesystem::path& path);

/// Reads a WAV, AIFF, FLAC or Ogg file by libsndfile. Integers are scaled to [-1, 1). Throws
/// IoError; FormatError, which says where, if it is none of these, is cut short, has no samples, or
/// one that is NaN or infinite, or has channels that differ; and ConfigError if this build has no
/// audio. Memory grows with what was read, not with what the file says.
[[nodiscard]] Audio read_audio(const std::filesystem::path& path);

/// Replaces `path` atomically (see replace_file) by a WAV file of one channel in 32-bit float, so
/// that nothing is clipped or rounded. Every build can. Throws IoError, and ConfigError if the rate
/// is not in [1, 2^31) or there are more samples than a WAV file has room for: 4 GiB.
void write_audio(const std::filesystem::path& path, std::span<const float> samples,
                 std::int64_t sample_rate);

/// How many samples are at full scale or beyond it: many say that it was recorded too loud.
[[nodiscard]] std::int64_t clipped(std::span<const float> samples) noexcept;

/// What goes into a device, and what comes out of it, sample by sample.
struct SignalPair {
  std::vector<float> dry;
  std::vector<float> wet;  ///< as long
  std::int64_t sample_rate = 0;
  std::string dry_path;
  std::string wet_path;
  /// What a user may not know of the files, and should: whole lines.
  std::vector<std::string> notes;
};

/// Reads both. If their lengths differ by less than 1 %, the rest of the longer one is left out,
/// which a note says. Throws as read_audio(), and FormatError, which names the second file, if the
/// lengths differ by more, the rates differ, or the wet signal is silent or the dry one.
[[nodiscard]] SignalPair read_signals(const std::filesystem::path& dry,
                                      const std::filesystem::path& wet);

}  // namespace riverrun::data
