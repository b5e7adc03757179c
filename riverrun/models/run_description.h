#pragma once

// What a checkpoint says of the run of a model of this room; not for users.

#include <cstdint>
#include <string>
#include <tuple>

#include "riverrun/core/error.h"
#include "riverrun/core/fields.h"

namespace riverrun::models {

/// What Objective::description() says. A Run has the options of its `model`, and how that is
/// `learning`.
template <class Run>
struct RunDescription {
  decltype(Run::model) model;
  decltype(Run::learning) learning;
  std::int64_t train_examples = 0;
  std::uint64_t train_hash = 0;
  std::int64_t valid_examples = 0;
  std::uint64_t valid_hash = 0;
};

}  // namespace riverrun::models

template <class Run>
inline constexpr auto riverrun::kFields<riverrun::models::RunDescription<Run>> = [] {
  using D = models::RunDescription<Run>;
  return std::tuple{Field{"model", &D::model},
                    Field{"learning", &D::learning},
                    Field{"train_examples", &D::train_examples, at_least(1)},
                    Field{"train_hash", &D::train_hash},
                    Field{"valid_examples", &D::valid_examples, at_least(0)},
                    Field{"valid_hash", &D::valid_hash}};
}();

namespace riverrun::models {

// Defined in run_description_json.h, for the Runs of this room.

template <class Run>
[[nodiscard]] std::string to_json(const RunDescription<Run>& description);
/// Throws FormatError, about the checkpoint at `path`, if something is missing or out of range.
template <class Run>
[[nodiscard]] RunDescription<Run> parse_description(const std::string& json,
                                                    const std::string& path);

/// Throws ConfigError, which begins with `who`, unless a run that `was` described may go on as what
/// it is now. `examples`: "the sequences".
template <class Run>
void require_same(const char* who, const char* examples, const RunDescription<Run>& was,
                  const RunDescription<Run>& now) {
  const bool same_data = was.train_hash == now.train_hash &&
                         was.train_examples == now.train_examples &&
                         was.valid_hash == now.valid_hash;
  if (!same_data) {
    throw ConfigError(std::string(who) + ": " + examples +
                      " are not those that the run began with; a run can only be resumed with its "
                      "own files");
  }
  if (was.model != now.model || was.learning != now.learning) {
    throw ConfigError(std::string(who) +
                      ": the options of the model or of its training are not those that the run "
                      "began with");
  }
}

}  // namespace riverrun::models
