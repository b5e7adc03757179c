#include "riverrun/data/audio.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/data/sound_file.h"

namespace riverrun::data {
namespace {

constexpr std::uint64_t kMagic = 12;  // bytes that say what a file is

std::string begin_of(const File& file, std::uint64_t offset, std::uint64_t most) {
  std::string bytes(file.size() > offset ? std::min(file.size() - offset, most) : 0, '\0');
  file.read(offset, std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

/// "RIFF", "RF64", "FORM", "fLaC" or "OggS"; empty if it is none of these.
std::string_view container(std::string_view begin) {
  const std::string_view type = begin.substr(0, 4);
  const std::string_view of = begin.size() < kMagic ? "" : begin.substr(8, 4);
  if ((type == "RIFF" || type == "RF64") && of == "WAVE") return type;
  if (type == "FORM" && (of == "AIFF" || of == "AIFC")) return type;
  if (type == "fLaC" || type == "OggS") return type;
  return {};
}

std::uint64_t whole_number(std::string_view bytes, bool big_endian) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::size_t place = big_endian ? i : bytes.size() - 1 - i;
    number = number << 8 | static_cast<unsigned char>(bytes[place]);
  }
  return number;
}

/// libsndfile takes a file whose samples end early for a shorter one. Here such a one is refused.
void require_whole(const File& file, std::string_view type) {
  const bool big_endian = type == "FORM";
  if (type != "RIFF" && !big_endian) return;  // the others' decoders notice
  const std::string_view wanted = big_endian ? "SSND" : "data";
  constexpr std::uint64_t kHeader = 8;
  constexpr int kMostChunks = 100'000;
  std::uint64_t offset = kMagic;
  for (int i = 0; i < kMostChunks && offset + kHeader <= file.size(); ++i) {
    const std::string header = begin_of(file, offset, kHeader);
    const std::uint64_t size = whole_number(std::string_view(header).substr(4), big_endian);
    const std::uint64_t there = file.size() - offset - kHeader;
    if (header.starts_with(wanted)) {
      // What writes to a pipe cannot know the size, and says the largest one, or none.
      if (size == 0 || size >= 0x7ffff000 || size <= there) return;
      throw FormatError(file.path(), file.size(),
                        fmt::format("the file is cut short: it should have {} bytes of samples and "
                                    "has {}",
                                    size, there));
    }
    offset += kHeader + size + size % 2;
  }
}

void append(std::string& bytes, std::uint32_t number, int size) {
  for (int i = 0; i < size; ++i) bytes += static_cast<char>(number >> (8 * i) & 0xff);
}

double seconds_of(std::size_t samples, std::int64_t rate) {
  return static_cast<double>(samples) / static_cast<double>(rate);
}

void note_clipping(const Audio& audio, std::vector<std::string>& notes) {
  constexpr double kMuch = 1e-3;
  const double share =
      static_cast<double>(clipped(audio.samples)) / static_cast<double>(audio.samples.size());
  if (share <= kMuch) return;
  notes.push_back(
      fmt::format("warning: {}: {:.2f} % of the samples are at full scale; the recording is "
                  "probably clipped",
                  audio.path, 100 * share));
}

}  // namespace

bool is_audio(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return false;
  try {
    return !container(begin_of(File(path), 0, kMagic)).empty();
  } catch (const Error&) {
    return false;
  }
}

Audio read_audio(const std::filesystem::path& path) {
  if (path == "-") throw ConfigError("audio cannot be read from standard input; give a file");
  const File file(path);
  const std::string begin = begin_of(file, 0, kMagic);  // which the type is a part of
  const std::string_view type = container(begin);
  if (type.empty()) {
    throw FormatError(file.path(), 0, "not an audio file; WAV, AIFF, FLAC and Ogg can be read");
  }
  require_whole(file, type);
  Audio audio = read_sound_file(file);
  if (audio.samples.empty()) throw FormatError(file.path(), "the file has no samples");
  for (std::size_t i = 0; i < audio.samples.size(); ++i) {
    if (std::isfinite(audio.samples[i])) continue;
    throw FormatError(file.path(), fmt::format("sample {} is {}; it must be a finite number", i,
                                               audio.samples[i]));
  }
  return audio;
}

void write_audio(const std::filesystem::path& path, std::span<const float> samples,
                 std::int64_t sample_rate) {
  constexpr std::uint32_t kBytes = 4;  // of a sample
  constexpr std::uint32_t kHeader = 58;
  if (sample_rate < 1 || sample_rate > INT32_MAX) {
    throw ConfigError(
        fmt::format("write_audio: the sample rate is {}; it must be in [1, 2^31)", sample_rate));
  }
  if (samples.size() > (UINT32_MAX - kHeader) / kBytes) {
    throw ConfigError(fmt::format("write_audio: there are {} samples; a WAV file has room for {}",
                                  samples.size(), (UINT32_MAX - kHeader) / kBytes));
  }
  const auto bytes = static_cast<std::uint32_t>(samples.size() * kBytes);
  const auto rate = static_cast<std::uint32_t>(sample_rate);
  // Microsoft & IBM 1991, with the chunk "fact" that formats other than PCM need.
  std::string header = "RIFF";
  append(header, kHeader - 8 + bytes, 4);
  header += "WAVEfmt ";
  append(header, 18, 4);
  append(header, 3, 2);  // floating point
  append(header, 1, 2);  // channels
  append(header, rate, 4);
  append(header, static_cast<std::uint32_t>(rate * std::uint64_t{kBytes}), 4);
  append(header, kBytes, 2);
  append(header, 8 * kBytes, 2);
  append(header, 0, 2);
  header += "fact";
  append(header, 4, 4);
  append(header, static_cast<std::uint32_t>(samples.size()), 4);
  header += "data";
  append(header, bytes, 4);
  replace_file(path, [&](FileWriter& writer) {
    writer.write(header);
    constexpr std::size_t kPiece = 1 << 16;
    std::string piece;
    for (std::size_t i = 0; i < samples.size(); i += kPiece) {
      piece.clear();
      for (const float sample : samples.subspan(i, std::min(kPiece, samples.size() - i))) {
        append(piece, std::bit_cast<std::uint32_t>(sample), 4);
      }
      writer.write(piece);
    }
  });
}

std::int64_t clipped(std::span<const float> samples) noexcept {
  // The largest positive sample of 16 bits is a little below 1.
  constexpr float kFullScale = 32767.0f / 32768.0f;
  return std::ranges::count_if(samples, [](float x) { return std::abs(x) >= kFullScale; });
}

SignalPair read_signals(const std::filesystem::path& dry, const std::filesystem::path& wet) {
  Audio in = read_audio(dry);
  Audio out = read_audio(wet);
  if (in.sample_rate != out.sample_rate) {
    throw FormatError(out.path, fmt::format("it has {} samples a second, {} has {}; the rates must "
                                            "be the same",
                                            out.sample_rate, in.path, in.sample_rate));
  }
  SignalPair pair{.dry = {},
                  .wet = {},
                  .sample_rate = in.sample_rate,
                  .dry_path = in.path,
                  .wet_path = out.path,
                  .notes = {}};
  for (const Audio* audio : {&in, &out}) {
    note_clipping(*audio, pair.notes);
    if (audio->channels == 1) continue;
    pair.notes.push_back(fmt::format("note: {}: its {} channels are the same; one of them is read",
                                     audio->path, audio->channels));
  }
  const std::size_t longer = std::max(in.samples.size(), out.samples.size());
  const std::size_t shorter = std::min(in.samples.size(), out.samples.size());
  if (longer != shorter) {
    if ((longer - shorter) * 100 >= longer) {
      throw FormatError(
          out.path,
          fmt::format("it lasts {:.3f} s, {} {:.3f} s; they must be the same signal, sample by "
                      "sample, and may differ in length by less than 1 %",
                      seconds_of(out.samples.size(), out.sample_rate), in.path,
                      seconds_of(in.samples.size(), in.sample_rate)));
    }
    pair.notes.push_back(
        fmt::format("warning: {} is {} samples longer than {}; its end is left out",
                    in.samples.size() == longer ? in.path : out.path, longer - shorter,
                    in.samples.size() == longer ? out.path : in.path));
    in.samples.resize(shorter);
    out.samples.resize(shorter);
  }
  if (std::ranges::all_of(out.samples, [](float x) { return x == 0; })) {
    throw FormatError(out.path, "it is silent; there is nothing to learn or to compare with");
  }
  if (in.samples == out.samples) {
    throw FormatError(out.path,
                      fmt::format("it is the same signal as {}; nothing is done to it", in.path));
  }
  pair.dry = std::move(in.samples);
  pair.wet = std::move(out.samples);
  return pair;
}

}  // namespace riverrun::data
