#include "riverrun/data/sound_file.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <span>

#include <fmt/format.h>
#include <sndfile.h>

#include "riverrun/core/error.h"

namespace riverrun::data {
namespace {

/// What libsndfile reads through: the file, and where it is in it.
struct Reading {
  const File* file;
  sf_count_t place = 0;
};

Reading& reading(void* user) { return *static_cast<Reading*>(user); }

// A C library calls these, through which no exception may pass.

sf_count_t length(void* user) { return static_cast<sf_count_t>(reading(user).file->size()); }

sf_count_t seek(sf_count_t offset, int whence, void* user) {
  Reading& at = reading(user);
  const sf_count_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? at.place : length(user);
  if (offset < -from || offset > length(user) - from) return -1;
  at.place = from + offset;
  return at.place;
}

sf_count_t read(void* to, sf_count_t count, void* user) {
  Reading& at = reading(user);
  const sf_count_t there = std::clamp<sf_count_t>(length(user) - at.place, 0, count);
  try {
    at.file->read(static_cast<std::uint64_t>(at.place),
                  {static_cast<std::byte*>(to), static_cast<std::size_t>(there)});
  } catch (...) {
    return 0;
  }
  at.place += there;
  return there;
}

sf_count_t write(const void* /*from*/, sf_count_t /*count*/, void* /*user*/) { return 0; }

sf_count_t tell(void* user) { return reading(user).place; }

struct Close {
  void operator()(SNDFILE* sound) const { sf_close(sound); }
};

std::string subtype_of(SNDFILE* sound, int format) {
  SF_FORMAT_INFO info{};
  info.format = format & SF_FORMAT_SUBMASK;
  if (sf_command(sound, SFC_GET_FORMAT_INFO, &info, sizeof info) != 0 || info.name == nullptr) {
    return "unknown";
  }
  return info.name;
}

}  // namespace

bool has_audio() noexcept { return true; }

Audio read_sound_file(const File& file) {
  Reading at{&file};
  SF_VIRTUAL_IO io{.get_filelen = length, .seek = seek, .read = read, .write = write, .tell = tell};
  SF_INFO info{};
  const std::unique_ptr<SNDFILE, Close> sound(sf_open_virtual(&io, SFM_READ, &info, &at));
  if (sound == nullptr) {
    throw FormatError(file.path(), static_cast<std::uint64_t>(at.place),
                      fmt::format("the audio file cannot be read: {}", sf_strerror(nullptr)));
  }
  if (info.channels < 1 || info.samplerate < 1) {
    throw FormatError(file.path(), fmt::format("{} channels, {} samples a second; both must be at "
                                               "least 1",
                                               info.channels, info.samplerate));
  }
  const auto channels = static_cast<std::size_t>(info.channels);
  Audio audio{.samples = {},
              .sample_rate = info.samplerate,
              .subtype = subtype_of(sound.get(), info.format),
              .path = file.path(),
              .channels = info.channels};
  // A claim, which is believed as far as the file has bytes.
  const std::uint64_t frames_there =
      std::min(static_cast<std::uint64_t>(std::max<sf_count_t>(info.frames, 0)), file.size());
  audio.samples.reserve(static_cast<std::size_t>(frames_there));
  constexpr std::size_t kFrames = 4096;
  std::vector<float> frames(kFrames * channels);
  for (;;) {
    const sf_count_t count = sf_readf_float(sound.get(), frames.data(), kFrames);
    if (count <= 0) break;
    for (std::size_t i = 0; i < static_cast<std::size_t>(count) * channels; i += channels) {
      const auto frame = std::span(frames).subspan(i, channels);
      const auto wrong = std::ranges::find_if(frame, [](float x) { return !std::isfinite(x); });
      if (wrong != frame.end()) {
        audio.samples.push_back(*wrong);  // which the caller refuses
        continue;
      }
      if (std::ranges::any_of(frame, [&](float x) { return x != frame[0]; })) {
        throw FormatError(
            file.path(),
            fmt::format("it has {} channels, which differ in sample {}; only one can be read",
                        channels, audio.samples.size()));
      }
      audio.samples.push_back(frame[0]);
    }
  }
  // The frames of a compressed file are a claim: of one that is cut short, fewer can be decoded.
  const auto decoded = static_cast<sf_count_t>(audio.samples.size());
  if (sf_error(sound.get()) != SF_ERR_NO_ERROR) {
    throw FormatError(file.path(),
                      fmt::format("after sample {}: {}", decoded, sf_strerror(sound.get())));
  }
  if (decoded < info.frames && info.frames != SF_COUNT_MAX) {
    throw FormatError(file.path(), fmt::format("the file is cut short: it should have {} samples, "
                                               "and ends after {}",
                                               info.frames, decoded));
  }
  return audio;
}

}  // namespace riverrun::data
