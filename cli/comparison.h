#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "riverrun/insight/unit_statistics.h"
#include "riverrun/lm/inspector.h"
#include "riverrun/lm/model_folder.h"
#include "riverrun/report/figure.h"
#include "riverrun/report/page.h"

namespace riverrun::cli {

/// A word that stands in two texts.
struct SharedWord {
  std::string word;
  /// Of its last token in each of the texts; where the word stands more than once, the last time.
  std::array<std::size_t, 2> place{};
};

/// Of two texts, `wanted`, or if that is empty the longest word that stands in both (of equally
/// long ones, the last one of the second text). Words are tokens, or if tokens are characters or
/// bytes, letters and digits without anything between them. Throws ConfigError if there is none.
[[nodiscard]] SharedWord shared_word(const text::Tokenizer& tokenizer,
                                     std::span<const std::int32_t> first,
                                     std::span<const std::int32_t> second,
                                     const std::string& wanted);

/// How far apart a model is in two contexts of the same word.
struct Comparison {
  const text::Tokenizer& tokenizer;
  std::string cell;
  std::string word;
  std::array<std::string, 2> texts;  // up to the word and with it
  /// Of one state of one layer, between the two texts.
  struct Distance {
    std::size_t layer = 0;
    std::string state;
    double distance = 0;  // Euclidean
    double relative = 0;  // in parts of the mean of both norms; 0 if both are 0
    double cosine = 0;    // of the angle between them; 1 if both are 0
  };
  std::vector<Distance> distances;
  /// Whose memory differs most, in parts of the root mean square of its layer.
  std::vector<insight::UnitStatistics::Ranked> units;
  std::array<std::vector<double>, 2> log_probabilities;  // [vocab_size] of the next token
  std::array<std::vector<lm::Likely>, 2> next;
  double total_variation = 0;  // of the predictions: half the sum of |p − q|, in [0, 1]
  double divergence = 0;       // Jensen & Shannon's, in bits, in [0, 1]
  bool same_texts = false;     // nothing differs up to the word
  bool same_states = false;    // to the last bit
  bool same_predictions = false;
};
[[nodiscard]] Comparison compare(lm::SavedModel& saved, const SharedWord& word,
                                 std::span<const std::int32_t> first,
                                 std::span<const std::int32_t> second, std::size_t top);

[[nodiscard]] std::string to_text(const Comparison& comparison);
[[nodiscard]] nlohmann::ordered_json to_json(const Comparison& comparison);
/// The likeliest tokens after the word, in both texts.
[[nodiscard]] report::Figure predictions_figure(const Comparison& comparison);
/// Throws ConfigError if this build has no charts.
[[nodiscard]] report::Page to_page(const Comparison& comparison);

}  // namespace riverrun::cli
