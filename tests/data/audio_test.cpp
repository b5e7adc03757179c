#include "riverrun/data/audio.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"

#include "tests/temporary_folder.h"

namespace riverrun::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;

/// A number in little-endian bytes.
std::string bytes(std::uint32_t number, int size) {
  std::string text;
  for (int i = 0; i < size; ++i) text += static_cast<char>(number >> (8 * i) & 0xff);
  return text;
}

/// A WAV file of 16-bit samples, channel by channel in each frame.
std::string wav(const std::vector<int>& samples, int channels = 1, std::uint32_t rate = 8000) {
  std::string data;
  for (const int sample : samples) data += bytes(static_cast<std::uint32_t>(sample), 2);
  const auto size = static_cast<std::uint32_t>(data.size());
  const auto wide = static_cast<std::uint32_t>(channels);
  return "RIFF" + bytes(36 + size, 4) + "WAVEfmt " + bytes(16, 4) + bytes(1, 2) + bytes(wide, 2) +
         bytes(rate, 4) + bytes(rate * 2 * wide, 4) + bytes(2 * wide, 2) + bytes(16, 2) + "data" +
         bytes(size, 4) + data;
}

std::vector<float> tone(std::size_t samples, float gain = 0.5f) {
  std::vector<float> values(samples);
  for (std::size_t i = 0; i < samples; ++i) {
    values[i] = gain * std::sin(0.1f * static_cast<float>(i));
  }
  return values;
}

class AudioFile : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_audio()) GTEST_SKIP() << "this build has no audio: libsndfile was not there";
  }
  std::filesystem::path write(const char* name, std::string_view contents) {
    replace_file(folder_ / name, contents);
    return folder_ / name;
  }
  TemporaryFolder folder_;
};

TEST_F(AudioFile, IntegersAreScaledToOne) {
  const Audio audio = read_audio(write("a.wav", wav({0, 16384, -32768, 32767})));
  EXPECT_THAT(audio.samples, ElementsAre(0.0f, 0.5f, -1.0f, 32767.0f / 32768.0f));
  EXPECT_EQ(audio.sample_rate, 8000);
  EXPECT_THAT(audio.subtype, HasSubstr("16 bit"));
}

TEST_F(AudioFile, WhatIsWrittenIsReadBackToTheBit) {
  std::vector<float> samples = tone(100'000);
  samples[7] = 3.25f;
  samples[8] = 1e-30f;
  write_audio(folder_ / "a.wav", samples, 44100);
  const Audio audio = read_audio(folder_ / "a.wav");
  EXPECT_EQ(audio.samples, samples);
  EXPECT_EQ(audio.sample_rate, 44100);
  EXPECT_THAT(audio.subtype, HasSubstr("32 bit float"));
}

TEST_F(AudioFile, ChannelsThatAreTheSameAreReadAsOne) {
  const Audio audio = read_audio(write("a.wav", wav({1, 1, 2, 2, 3, 3}, 2)));
  EXPECT_EQ(audio.samples.size(), 3u);
  EXPECT_EQ(audio.channels, 2);
}

TEST_F(AudioFile, ChannelsThatDifferAreRefused) {
  EXPECT_THAT(
      [&] {
        (void)read_audio(write("a.wav", wav({1, 1, 2, 3}, 2)));
      },
      ThrowsMessage<FormatError>(HasSubstr("2 channels, which differ in sample 1")));
}

TEST_F(AudioFile, AFileThatIsCutShortIsRefusedAtEveryByte) {
  const std::string whole = wav({1, 2, 3, 4, 5, 6, 7, 8});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::filesystem::path path = write("a.wav", std::string_view(whole).substr(0, size));
    EXPECT_THROW((void)read_audio(path), FormatError) << size << " bytes";
  }
  EXPECT_THAT([&] { (void)read_audio(write("a.wav", whole.substr(0, whole.size() - 3))); },
              ThrowsMessage<FormatError>(
                  HasSubstr("cut short: it should have 16 bytes of samples and has 13")));
}

// What writes to a pipe cannot know how much will come.
TEST_F(AudioFile, AStreamedFileWithoutASizeIsReadToItsEnd) {
  std::string streamed = wav({1, 2, 3});
  streamed.replace(40, 4, bytes(0xffffffff, 4));
  EXPECT_EQ(read_audio(write("a.wav", streamed)).samples.size(), 3u);
}

TEST_F(AudioFile, WithoutSamplesOrWithOneThatIsNoNumberAFileIsRefused) {
  EXPECT_THAT([&] { (void)read_audio(write("a.wav", wav({}))); },
              ThrowsMessage<FormatError>(HasSubstr("no samples")));
  std::vector<float> samples = tone(10);
  samples[4] = std::numeric_limits<float>::quiet_NaN();
  write_audio(folder_ / "b.wav", samples, 44100);
  EXPECT_THAT([&] { (void)read_audio(folder_ / "b.wav"); },
              ThrowsMessage<FormatError>(HasSubstr("sample 4 is nan")));
  // In a channel that would not be read, where all others are the same.
  const float nan = std::numeric_limits<float>::quiet_NaN();
  write_audio(folder_ / "b.wav", std::vector{0.1f, 0.1f, 0.2f, nan, 0.3f, 0.3f}, 44100);
  std::string second = File(folder_ / "b.wav").contents(1000);
  second.replace(22, 2, bytes(2, 2));
  second.replace(32, 2, bytes(8, 2));
  EXPECT_THAT([&] { (void)read_audio(write("c.wav", second)); },
              ThrowsMessage<FormatError>(HasSubstr("it must be a finite number")));
}

TEST_F(AudioFile, NoByteThatIsChangedDoesHarm) {
  const std::string whole = wav({1, -2, 300, -400, 5, 6, 7, 8}, 2);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const int change : {0x01, 0x80, 0xff}) {
      std::string changed = whole;
      changed[i] = static_cast<char>(changed[i] ^ change);
      const std::filesystem::path path = write("a.wav", changed);
      try {
        EXPECT_LE(read_audio(path).samples.size(), whole.size()) << i;
      } catch (const FormatError&) {  // which it may be
      }
    }
  }
}

TEST_F(AudioFile, APairIsCutToTheShorterOneIfTheyHardlyDiffer) {
  write_audio(folder_ / "dry.wav", tone(1000), 8000);
  write_audio(folder_ / "wet.wav", tone(995, 0.9f), 8000);
  const SignalPair pair = read_signals(folder_ / "dry.wav", folder_ / "wet.wav");
  EXPECT_EQ(pair.dry.size(), 995u);
  EXPECT_EQ(pair.wet.size(), 995u);
  EXPECT_THAT(pair.notes, ElementsAre(HasSubstr("dry.wav is 5 samples longer than")));
  write_audio(folder_ / "wet.wav", tone(990, 0.9f), 8000);
  EXPECT_THAT([&] { (void)read_signals(folder_ / "dry.wav", folder_ / "wet.wav"); },
              ThrowsMessage<FormatError>(HasSubstr("differ in length by less than 1 %")));
}

TEST_F(AudioFile, APairThatCannotBeOneIsRefused) {
  const auto expect = [&](const std::vector<float>& wet, std::int64_t rate, const char* message) {
    write_audio(folder_ / "dry.wav", tone(1000), 8000);
    write_audio(folder_ / "wet.wav", wet, rate);
    EXPECT_THAT([&] { (void)read_signals(folder_ / "dry.wav", folder_ / "wet.wav"); },
                ThrowsMessage<FormatError>(HasSubstr(message)));
  };
  expect(tone(1000, 0.9f), 16000, "it has 16000 samples a second");
  expect(std::vector<float>(1000), 8000, "it is silent");
  expect(tone(1000), 8000, "the same signal as");
}

TEST_F(AudioFile, ClippingIsNoted) {
  write_audio(folder_ / "dry.wav", tone(1000), 8000);
  std::vector<float> wet = tone(1000, 0.9f);
  wet[3] = 1;
  write_audio(folder_ / "wet.wav", wet, 8000);
  EXPECT_THAT(read_signals(folder_ / "dry.wav", folder_ / "wet.wav").notes, IsEmpty());
  wet[4] = -1;
  write_audio(folder_ / "wet.wav", wet, 8000);
  EXPECT_THAT(read_signals(folder_ / "dry.wav", folder_ / "wet.wav").notes,
              ElementsAre(HasSubstr("wet.wav: 0.20 % of the samples are at full scale")));
}

TEST(Audio, IsKnownByWhatTheFileHolds) {
  const TemporaryFolder folder;
  const auto begins = [&](std::string_view contents) {
    replace_file(folder / "file", contents);
    return is_audio(folder / "file");
  };
  EXPECT_TRUE(begins(wav({1})));
  EXPECT_TRUE(begins("fLaC and so on"));
  EXPECT_TRUE(begins("OggS and so on"));
  EXPECT_TRUE(begins(std::string("FORM\0\0\0\0AIFFCOMM", 16)));
  EXPECT_FALSE(begins(std::string("RIFF\0\0\0\0AVI LIST", 16)));
  EXPECT_FALSE(begins("RIFF"));
  EXPECT_FALSE(begins(""));
  EXPECT_FALSE(begins("Once upon a time"));
  EXPECT_FALSE(is_audio(folder.path()));
  EXPECT_FALSE(is_audio(folder / "nowhere"));
}

TEST(Audio, WithoutTheLibraryReadingSaysSo) {
  if (has_audio()) GTEST_SKIP() << "this build has audio";
  const TemporaryFolder folder;
  write_audio(folder / "a.wav", tone(10), 8000);
  EXPECT_THAT([&] { (void)read_audio(folder / "a.wav"); },
              ThrowsMessage<ConfigError>(HasSubstr("this build has no audio")));
}

TEST(Audio, WhatIsNoAudioIsRefused) {
  const TemporaryFolder folder;
  replace_file(folder / "a.txt", "Once upon a time");
  EXPECT_THAT([&] { (void)read_audio(folder / "a.txt"); },
              ThrowsMessage<FormatError>(HasSubstr("not an audio file")));
  EXPECT_THROW((void)read_audio(folder / "nowhere.wav"), IoError);
  EXPECT_THROW((void)read_audio("-"), ConfigError);
  EXPECT_THROW(write_audio(folder / "b.wav", {}, 0), ConfigError);
}

}  // namespace
}  // namespace riverrun::data
