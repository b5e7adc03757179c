#include "riverrun/lm/checkpoint_metadata.h"

#include <cstdint>
#include <optional>
#include <tuple>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/core/fields.h"
#include "riverrun/io/fields_json.h"

namespace riverrun {

template <>
inline constexpr auto kFields<lm::Validation> = [] {
  using V = lm::Validation;
  return std::tuple{Field{"step", &V::step, at_least(1)},
                    Field{"epoch", &V::epoch, at_least(0)},
                    Field{"lr", &V::lr, at_least(0)},
                    Field{"train_nats", &V::train_nats, at_least(0)},
                    Field{"valid_nats", &V::valid_nats, at_least(0)},
                    Field{"best", &V::best}};
}();

template <>
inline constexpr auto kFields<lm::Fingerprint> = std::tuple{
    Field{"tokens", &lm::Fingerprint::tokens, at_least(0)}, Field{"hash", &lm::Fingerprint::hash}};

template <>
inline constexpr auto kFields<text::Batches::Position> =
    std::tuple{Field{"epoch", &text::Batches::Position::epoch, at_least(0)},
               Field{"chunk", &text::Batches::Position::chunk, at_least(0)}};

template <>
inline constexpr auto kFields<Random::State> =
    std::tuple{Field{"seed", &Random::State::seed}, Field{"stream", &Random::State::stream},
               Field{"drawn", &Random::State::drawn}};

template <>
inline constexpr auto kFields<ReduceOnPlateau::State> = [] {
  using S = ReduceOnPlateau::State;
  return std::tuple{Field{"lr", &S::lr, at_least(0)}, Field{"best", &S::best, at_least(0)},
                    Field{"bad_measurements", &S::bad_measurements, at_least(0)},
                    Field{"cooldown_left", &S::cooldown_left, at_least(0)}};
}();

/// Without what is kept as tensors: the carried state and the validations.
template <>
inline constexpr auto kFields<lm::TrainingState> = [] {
  using S = lm::TrainingState;
  return std::tuple{Field{"step", &S::step, at_least(0)},
                    Field{"position", &S::position},
                    Field{"random", &S::random},
                    Field{"nats", &S::nats, at_least(0)},
                    Field{"nats_tokens", &S::nats_tokens, at_least(0)},
                    Field{"plateau", &S::plateau},
                    Field{"validation_count", &S::validation_count, at_least(0)},
                    Field{"best", &S::best}};
}();

}  // namespace riverrun

namespace riverrun::lm {

using Json = nlohmann::ordered_json;

constexpr int kFormatVersion = 3;
/// In which the validations were in the metadata, all of them.
constexpr int kOldestFormatVersion = 2;
constexpr const char* kValidationsName = "validations";

/// One in how many of `count` validations is kept.
static std::int64_t validation_stride(std::int64_t count) {
  std::int64_t stride = 1;
  while (count / stride > kMostValidations) stride *= 2;
  return stride;
}

static std::int64_t validations_kept(std::int64_t count) {
  const std::int64_t stride = validation_stride(count);
  return count / stride + (count % stride != 0 ? 1 : 0);
}

void TrainingState::add(const Validation& validation) {
  const std::int64_t stride = validation_stride(validation_count);
  // The last one is always there, also if it is not one to keep.
  if (validation_count % stride != 0) validations.pop_back();
  if (validation_stride(++validation_count) != stride) {
    for (std::size_t i = 1; i < validations.size(); i += 2) validations[i / 2] = validations[i];
    validations.resize(validations.size() / 2);
  }
  validations.push_back(validation);
}

void check(const CheckpointHeader& header) {
  check(header.options.model);
  check(header.options.trainer);
  check_fields("text", header.options.text);
  const TrainingState& s = header.state;
  check_fields("state", s);
  const std::int64_t chunks = steps_per_epoch(header.options.trainer, header.texts.train.tokens);
  const std::int64_t before = s.step - s.position.chunk;  // neither is negative
  if (chunks == 0 || s.position.chunk > chunks || before % chunks != 0 ||
      before / chunks != s.position.epoch) {
    throw ConfigError(fmt::format("step {} is not at epoch {}, chunk {} of {}", s.step,
                                  s.position.epoch, s.position.chunk, chunks));
  }
  std::int64_t step_before = 0;
  const auto check_validation = [&](const Validation& v) {
    check_fields("validation", v);
    if (v.step <= step_before || v.step > s.step) {
      throw ConfigError(
          fmt::format("a validation is of step {}; it must be above {} and at most {}", v.step,
                      step_before, s.step));
    }
  };
  for (const Validation& v : s.validations) {
    check_validation(v);
    step_before = v.step;
  }
  step_before = 0;
  if (s.best) check_validation(*s.best);
  if (validations_kept(s.validation_count) != static_cast<std::int64_t>(s.validations.size())) {
    throw ConfigError(fmt::format("there are {} validations of {}; {} are kept",
                                  s.validations.size(), s.validation_count,
                                  validations_kept(s.validation_count)));
  }
  if (s.best.has_value() == s.validations.empty()) {
    throw ConfigError("there must be a best validation if there are validations, and only then");
  }
}

std::string to_metadata(const RunOptions& options, const Fingerprints& texts,
                        const TrainingState& state) {
  const Json header = {{"version", kFormatVersion},
                       {"model", io::fields_to_json(options.model)},
                       {"trainer", io::fields_to_json(options.trainer)},
                       {"text", io::fields_to_json(options.text)},
                       {"from", options.from},
                       {"train_text", io::fields_to_json(texts.train)},
                       {"valid_text", io::fields_to_json(texts.valid)},
                       {"state", io::fields_to_json(state)}};
  // A folder's name need not be UTF-8, which JSON is.
  return header.dump(-1, ' ', false, Json::error_handler_t::replace);
}

CheckpointHeader from_metadata(const std::string& text) {
  try {
    Json j = Json::parse(text);
    const auto read = [&j](const char* name, auto& value) {
      io::read_value(io::member(j, name), name, value);
    };
    int version = 0;
    read("version", version);
    if (version < kOldestFormatVersion || version > kFormatVersion) {
      throw ConfigError(fmt::format("it is of version {}; this program reads versions {} to {}",
                                    version, kOldestFormatVersion, kFormatVersion));
    }
    CheckpointHeader header;
    read("model", header.options.model);
    read("trainer", header.options.trainer);
    read("text", header.options.text);
    if (j.contains("from")) read("from", header.options.from);  // not in older ones
    read("train_text", header.texts.train);
    read("valid_text", header.texts.valid);
    if (version == kOldestFormatVersion) {
      Json& state = j.at("state");
      for (const Json& object : state.at(kValidationsName)) {
        Validation validation;
        io::read_value(object, kValidationsName, validation);
        header.state.add(validation);
      }
      state["validation_count"] = header.state.validation_count;
    }
    read("state", header.state);
    return header;
  } catch (const Json::exception& error) {
    throw ConfigError(fmt::format("its metadata cannot be read ({})", error.what()));
  }
}

}  // namespace riverrun::lm
