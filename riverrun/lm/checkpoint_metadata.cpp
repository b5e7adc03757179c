#include "riverrun/lm/checkpoint_metadata.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"

namespace riverrun::lm {

using nlohmann::json;

constexpr int kFormatVersion = 3;
/// In which the validations were in the metadata, all of them.
constexpr int kOldestFormatVersion = 2;
constexpr const char* kValidationsName = "validations";

template <class T>
static json optional_json(const std::optional<T>& value) {
  return value ? json(*value) : json(nullptr);
}

/// Throws ConfigError unless the value is one of the type's own; json would cast whatever number it
/// has, 1e300 to an integer too.
template <class T>
static void read(const json& object, const char* name, T& value) {
  const json& found = object.at(name);
  const auto require = [&](bool condition, std::string_view rule) {
    if (!condition) {
      throw ConfigError(fmt::format("{} is {}; it must be {}", name, found.dump(), rule));
    }
  };
  if constexpr (std::is_same_v<T, bool>) {
    require(found.is_boolean(), "true or false");
  } else if constexpr (std::is_integral_v<T>) {
    const bool fits = found.is_number_unsigned() ? std::in_range<T>(found.get<std::uint64_t>())
                                                 : found.is_number_integer() &&
                                                       std::in_range<T>(found.get<std::int64_t>());
    require(fits, fmt::format("a whole number from {} to {}", std::numeric_limits<T>::min(),
                              std::numeric_limits<T>::max()));
  } else if constexpr (std::is_floating_point_v<T>) {
    require(found.is_number() && std::abs(found.get<double>()) <= std::numeric_limits<T>::max(),
            "a number within the range of its type");
  }
  found.get_to(value);
}

template <class T>
static void read(const json& object, const char* name, std::optional<T>& value) {
  value = std::nullopt;
  if (!object.at(name).is_null()) read(object, name, value.emplace());
}

// nlohmann::json finds these by argument-dependent lookup; each pair names every field once.

static void to_json(json& j, const LanguageModelOptions& o) {
  j = {{"cell", o.cell},
       {"vocab_size", o.vocab_size},
       {"embedding_size", o.embedding_size},
       {"hidden_size", o.hidden_size},
       {"num_layers", o.num_layers},
       {"dropout", o.dropout},
       {"forget_bias", optional_json(o.forget_bias)},
       {"init_uniform", optional_json(o.init_uniform)},
       {"seed", o.seed}};
}

static void from_json(const json& j, LanguageModelOptions& o) {
  read(j, "cell", o.cell);
  read(j, "vocab_size", o.vocab_size);
  read(j, "embedding_size", o.embedding_size);
  read(j, "hidden_size", o.hidden_size);
  read(j, "num_layers", o.num_layers);
  read(j, "dropout", o.dropout);
  read(j, "forget_bias", o.forget_bias);
  read(j, "init_uniform", o.init_uniform);
  read(j, "seed", o.seed);
}

static void to_json(json& j, const TrainerOptions& o) {
  j = {{"seq_len", o.seq_len},
       {"batch_size", o.batch_size},
       {"epochs", o.epochs},
       {"optimizer", o.optimizer},
       {"lr", o.lr},
       {"momentum", o.momentum},
       {"weight_decay", o.weight_decay},
       {"schedule", o.schedule},
       {"warmup", o.warmup},
       {"decay", o.decay},
       {"decay_after", o.decay_after},
       {"clip", o.clip},
       {"valid_every", o.valid_every},
       {"seed", o.seed}};
}

static void from_json(const json& j, TrainerOptions& o) {
  read(j, "seq_len", o.seq_len);
  read(j, "batch_size", o.batch_size);
  read(j, "epochs", o.epochs);
  read(j, "optimizer", o.optimizer);
  read(j, "lr", o.lr);
  read(j, "momentum", o.momentum);
  read(j, "weight_decay", o.weight_decay);
  read(j, "schedule", o.schedule);
  read(j, "warmup", o.warmup);
  read(j, "decay", o.decay);
  read(j, "decay_after", o.decay_after);
  read(j, "clip", o.clip);
  read(j, "valid_every", o.valid_every);
  read(j, "seed", o.seed);
}

static void to_json(json& j, const TextOptions& o) {
  j = {{"valid_fraction", o.valid_fraction}, {"vocab_size", o.vocab_size}};
}

static void from_json(const json& j, TextOptions& o) {
  read(j, "valid_fraction", o.valid_fraction);
  read(j, "vocab_size", o.vocab_size);
}

static void to_json(json& j, const Validation& v) {
  j = {{"step", v.step},
       {"epoch", v.epoch},
       {"lr", v.lr},
       {"train_nats", v.train_nats},
       {"valid_nats", v.valid_nats},
       {"best", v.best}};
}

static void from_json(const json& j, Validation& v) {
  read(j, "step", v.step);
  read(j, "epoch", v.epoch);
  read(j, "lr", v.lr);
  read(j, "train_nats", v.train_nats);
  read(j, "valid_nats", v.valid_nats);
  read(j, "best", v.best);
}

static void to_json(json& j, const Fingerprint& f) { j = {{"tokens", f.tokens}, {"hash", f.hash}}; }

static void from_json(const json& j, Fingerprint& f) {
  read(j, "tokens", f.tokens);
  read(j, "hash", f.hash);
}

static json state_json(const TrainingState& s) {
  // JSON has no infinity, which `best` of a fresh plateau is.
  const bool plateau_began = s.plateau.best < std::numeric_limits<double>::infinity();
  return {
      {"step", s.step},
      {"position", {{"epoch", s.position.epoch}, {"chunk", s.position.chunk}}},
      {"random", {{"seed", s.random.seed}, {"stream", s.random.stream}, {"drawn", s.random.drawn}}},
      {"nats", s.nats},
      {"nats_tokens", s.nats_tokens},
      {"plateau",
       {{"lr", s.plateau.lr},
        {"best", plateau_began ? json(s.plateau.best) : json(nullptr)},
        {"bad_measurements", s.plateau.bad_measurements},
        {"cooldown_left", s.plateau.cooldown_left}}},
      {"validation_count", s.validation_count},
      {"best", optional_json(s.best)}};
}

static void read_state(const json& j, TrainingState& s) {
  read(j, "step", s.step);
  read(j.at("position"), "epoch", s.position.epoch);
  read(j.at("position"), "chunk", s.position.chunk);
  const json& random = j.at("random");
  read(random, "seed", s.random.seed);
  read(random, "stream", s.random.stream);
  read(random, "drawn", s.random.drawn);
  read(j, "nats", s.nats);
  read(j, "nats_tokens", s.nats_tokens);
  const json& plateau = j.at("plateau");
  read(plateau, "lr", s.plateau.lr);
  if (!plateau.at("best").is_null()) read(plateau, "best", s.plateau.best);
  read(plateau, "bad_measurements", s.plateau.bad_measurements);
  read(plateau, "cooldown_left", s.plateau.cooldown_left);
  if (j.contains(kValidationsName)) {  // of version 2
    for (const json& validation : j.at(kValidationsName)) s.add(validation.get<Validation>());
  } else {
    read(j, "validation_count", s.validation_count);
  }
  read(j, "best", s.best);
}

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
  const auto not_negative = [](const char* name, auto value) {
    if (!(value >= 0) || !std::isfinite(static_cast<double>(value))) {
      throw ConfigError(fmt::format("{} is {}; it must be finite and at least 0", name, value));
    }
  };
  check(header.options.model);
  check(header.options.trainer);
  not_negative("vocab_size", header.options.text.vocab_size);
  if (const double part = header.options.text.valid_fraction; !(part >= 0 && part < 1)) {
    throw ConfigError(fmt::format("valid_fraction is {}; it must be in [0, 1)", part));
  }
  const TrainingState& s = header.state;
  not_negative("step", s.step);
  not_negative("validation_count", s.validation_count);
  not_negative("epoch", s.position.epoch);
  not_negative("chunk", s.position.chunk);
  not_negative("nats", s.nats);
  not_negative("nats_tokens", s.nats_tokens);
  const std::int64_t chunks = steps_per_epoch(header.options.trainer, header.texts.train.tokens);
  const std::int64_t before = s.step - s.position.chunk;  // neither is negative
  if (chunks == 0 || s.position.chunk > chunks || before % chunks != 0 ||
      before / chunks != s.position.epoch) {
    throw ConfigError(fmt::format("step {} is not at epoch {}, chunk {} of {}", s.step,
                                  s.position.epoch, s.position.chunk, chunks));
  }
  not_negative("lr of plateau", s.plateau.lr);
  not_negative("bad_measurements", s.plateau.bad_measurements);
  not_negative("cooldown_left", s.plateau.cooldown_left);
  if (s.plateau.best < std::numeric_limits<double>::infinity()) {
    not_negative("best of plateau", s.plateau.best);
  }
  std::int64_t step_before = 0;
  const auto check_validation = [&](const Validation& v) {
    not_negative("epoch of a validation", v.epoch);
    not_negative("lr of a validation", v.lr);
    not_negative("train_nats", v.train_nats);
    not_negative("valid_nats", v.valid_nats);
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
  const json header = {{"version", kFormatVersion},  {"model", options.model},
                       {"trainer", options.trainer}, {"text", options.text},
                       {"from", options.from},       {"train_text", texts.train},
                       {"valid_text", texts.valid},  {"state", state_json(state)}};
  // A folder's name need not be UTF-8, which JSON is.
  return header.dump(-1, ' ', false, json::error_handler_t::replace);
}

CheckpointHeader from_metadata(const std::string& text) {
  try {
    const json j = json::parse(text);
    int version = 0;
    read(j, "version", version);
    if (version < kOldestFormatVersion || version > kFormatVersion) {
      throw ConfigError(fmt::format("it is of version {}; this program reads versions {} to {}",
                                    version, kOldestFormatVersion, kFormatVersion));
    }
    CheckpointHeader header;
    read(j, "model", header.options.model);
    read(j, "trainer", header.options.trainer);
    read(j, "text", header.options.text);
    if (j.contains("from")) read(j, "from", header.options.from);  // not in older ones
    read(j, "train_text", header.texts.train);
    read(j, "valid_text", header.texts.valid);
    read_state(j.at("state"), header.state);
    return header;
  } catch (const json::exception& error) {
    throw ConfigError(fmt::format("its metadata cannot be read ({})", error.what()));
  }
}

}  // namespace riverrun::lm
