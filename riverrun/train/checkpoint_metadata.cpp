#include "riverrun/train/checkpoint_metadata.h"

#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/core/fields.h"
#include "riverrun/io/fields_json.h"

namespace riverrun {

template <>
inline constexpr auto kFields<Judgement> =
    std::tuple{Field{"loss", &Judgement::loss}, Field{"score", &Judgement::score}};

template <>
inline constexpr auto kFields<Validation> = [] {
  using V = Validation;
  return std::tuple{Field{"step", &V::step, at_least(1)},
                    Field{"epoch", &V::epoch, at_least(0)},
                    Field{"lr", &V::lr, at_least(0)},
                    Field{"train_loss", &V::train_loss},
                    Field{"valid", &V::valid},
                    Field{"best", &V::best}};
}();

template <>
inline constexpr auto kFields<Random::State> =
    std::tuple{Field{"seed", &Random::State::seed}, Field{"stream", &Random::State::stream},
               Field{"drawn", &Random::State::drawn}};

template <>
inline constexpr auto kFields<ReduceOnPlateau::State> = [] {
  using S = ReduceOnPlateau::State;
  return std::tuple{Field{"lr", &S::lr, at_least(0)}, Field{"best", &S::best},
                    Field{"bad_measurements", &S::bad_measurements, at_least(0)},
                    Field{"cooldown_left", &S::cooldown_left, at_least(0)}};
}();

/// Without the validations, which are kept as a tensor.
template <>
inline constexpr auto kFields<TrainingState> = [] {
  using S = TrainingState;
  return std::tuple{Field{"step", &S::step, at_least(0)},
                    Field{"random", &S::random},
                    Field{"loss", &S::loss},
                    Field{"targets", &S::targets, at_least(0)},
                    Field{"plateau", &S::plateau},
                    Field{"validation_count", &S::validation_count, at_least(0)},
                    Field{"since_best", &S::since_best, at_least(0)},
                    Field{"best", &S::best}};
}();

}  // namespace riverrun

namespace riverrun {

using Json = nlohmann::ordered_json;

constexpr int kFormatVersion = 4;
/// Up to which the metadata were those of language models only; see modernized().
constexpr int kLastOfLanguageModels = 3;
/// In which the validations were in the metadata, all of them.
constexpr int kOldestFormatVersion = 2;

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
  check(header.options);
  const TrainingState& s = header.state;
  check_fields("state", s);
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

std::string to_metadata(const CheckpointHeader& header) {
  const Json metadata = {{"version", kFormatVersion},
                         {"objective", Json::parse(header.objective)},
                         {"objective_state", Json::parse(header.objective_state)},
                         {"trainer", io::fields_to_json(header.options)},
                         {"state", io::fields_to_json(header.state)}};
  return metadata.dump();
}

/// Moves what is called `from` in the object to `to`.
static void rename(Json& object, const char* from, const char* to) {
  Json value = io::member(object, from);
  object.erase(from);
  object[to] = std::move(value);
}

static void rename_losses(Json& validation) {
  rename(validation, "train_nats", "train_loss");
  validation["valid"] = {{"loss", io::member(validation, "valid_nats")}, {"score", nullptr}};
}

/// The metadata of an older version in today's form: there all but the trainer's options and the
/// state described the objective, and the names were those of texts.
static Json modernized(Json old) {
  Json state = io::member(old, "state");
  rename(state, "nats", "loss");
  rename(state, "nats_tokens", "targets");
  if (!io::member(state, "best").is_null()) rename_losses(state["best"]);
  if (state.contains(kValidationsName)) {
    for (Json& validation : state[kValidationsName]) rename_losses(validation);
  }
  state["since_best"] = 0;  // what only patience asks for
  Json trainer = io::member(old, "trainer");
  trainer["patience"] = 0;
  for (const char* const name : {"version", "state", "trainer"}) old.erase(name);
  return {{"objective", std::move(old)},
          {"objective_state", nullptr},
          {"trainer", std::move(trainer)},
          {"state", std::move(state)}};
}

CheckpointHeader from_metadata(const std::string& text) {
  try {
    Json j = Json::parse(text);
    int version = 0;
    io::read_value(io::member(j, "version"), "version", version);
    if (version < kOldestFormatVersion || version > kFormatVersion) {
      throw ConfigError(fmt::format("it is of version {}; this program reads versions {} to {}",
                                    version, kOldestFormatVersion, kFormatVersion));
    }
    if (version <= kLastOfLanguageModels) j = modernized(std::move(j));
    CheckpointHeader header;
    header.before_digests = version <= kLastOfLanguageModels;
    header.objective = io::member(j, "objective").dump();
    header.objective_state = io::member(j, "objective_state").dump();
    io::read_value(io::member(j, "trainer"), "trainer", header.options);
    Json& state = j.at("state");
    if (version == kOldestFormatVersion) {
      for (const Json& object : io::member(state, kValidationsName)) {
        Validation validation;
        io::read_value(object, kValidationsName, validation);
        header.state.add(validation);
      }
      state["validation_count"] = header.state.validation_count;
    }
    io::read_value(state, "state", header.state);
    return header;
  } catch (const Json::exception& error) {
    throw ConfigError(fmt::format("its metadata cannot be read ({})", error.what()));
  }
}

}  // namespace riverrun
