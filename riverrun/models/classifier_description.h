#pragma once

// What a checkpoint says of a classifier's run; not for users.

#include <cstdint>
#include <string>
#include <tuple>

#include "riverrun/core/fields.h"
#include "riverrun/models/classifier_run.h"

namespace riverrun::models {

/// What ClassifierObjective::description() says.
struct ClassifierDescription {
  ClassifierOptions model;
  ClassifierTraining learning;
  std::int64_t train_sequences = 0;
  std::uint64_t train_hash = 0;
  std::int64_t valid_sequences = 0;
  std::uint64_t valid_hash = 0;
};

}  // namespace riverrun::models

template <>
inline constexpr auto riverrun::kFields<riverrun::models::ClassifierDescription> = [] {
  using D = models::ClassifierDescription;
  return std::tuple{Field{"model", &D::model},
                    Field{"learning", &D::learning},
                    Field{"train_sequences", &D::train_sequences, at_least(1)},
                    Field{"train_hash", &D::train_hash},
                    Field{"valid_sequences", &D::valid_sequences, at_least(0)},
                    Field{"valid_hash", &D::valid_hash}};
}();

namespace riverrun::models {

[[nodiscard]] std::string to_json(const ClassifierDescription& description);
/// Throws FormatError, about the checkpoint at `path`, if something is missing or out of range.
[[nodiscard]] ClassifierDescription parse_description(const std::string& json,
                                                      const std::string& path);

}  // namespace riverrun::models
