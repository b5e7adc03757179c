#include "riverrun/lm/checkpoint.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <filesystem>
#include <limits>
#include <span>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/lm/parameter_shapes.h"

namespace riverrun::lm {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kMetadataKey = "riverrun_training";
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

/// A row of the tensor of validations; a step beyond 2^53 is beyond any run.
constexpr std::size_t kValidationColumns = 6;

static std::vector<double> validation_rows(const std::vector<Validation>& validations) {
  std::vector<double> rows;
  rows.reserve(validations.size() * kValidationColumns);
  for (const Validation& v : validations) {
    rows.insert(rows.end(), {static_cast<double>(v.step), v.epoch, v.lr, v.train_nats, v.valid_nats,
                             v.best ? 1.0 : 0.0});
  }
  return rows;
}

static std::vector<Validation> read_validations(const io::SafetensorsFile& file) {
  const io::TensorInfo* const tensor = file.find(kValidationsName);
  if (tensor == nullptr) return {};
  if (tensor->shape.size() != 2 || tensor->shape[1] != kValidationColumns ||
      tensor->dtype != io::DType::kF64) {
    throw file.error(*tensor, fmt::format("{} is {} {}; it must be F64 [validations, {}]",
                                          kValidationsName, io::dtype_name(tensor->dtype),
                                          tensor->shape_string(), kValidationColumns));
  }
  const std::vector<double> rows = file.doubles(kValidationsName);
  std::vector<Validation> validations;
  for (std::size_t at = 0; at < rows.size(); at += kValidationColumns) {
    const double step = rows[at];
    if (!(step >= 0 && step <= 0x1p53 && step == std::floor(step))) {
      throw file.error(*tensor, fmt::format("a validation is of step {}", step));
    }
    Validation v;
    v.step = static_cast<std::int64_t>(step);
    v.epoch = rows[at + 1];
    v.lr = rows[at + 2];
    v.train_nats = rows[at + 3];
    v.valid_nats = rows[at + 4];
    v.best = rows[at + 5] != 0;
    validations.push_back(v);
  }
  return validations;
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

/// Throws ConfigError if something is wrong by itself; whether the step is where the position says
/// can only be told with the text.
static void check(const CheckpointHeader& header) {
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

static std::string state_name(std::size_t i) { return fmt::format("state.{}", i); }

Fingerprint fingerprint(const text::Corpus& corpus) {
  // FNV-1a over token ids: it is there to notice a mistake, not an attack.
  Fingerprint result{corpus.size(), 0xcbf29ce484222325};
  std::array<std::int32_t, 4096> ids;
  for (std::int64_t offset = 0; offset < corpus.size();) {
    const auto count = static_cast<std::size_t>(
        std::min<std::int64_t>(corpus.size() - offset, static_cast<std::int64_t>(ids.size())));
    const std::span<std::int32_t> chunk = std::span(ids).first(count);
    corpus.read(offset, chunk);
    for (const std::int32_t id : chunk) {
      result.hash = (result.hash ^ static_cast<std::uint32_t>(id)) * 0x100000001b3;
    }
    offset += static_cast<std::int64_t>(count);
  }
  return result;
}

void save_checkpoint(const std::filesystem::path& path, const RunOptions& options,
                     const Fingerprints& texts, const ConstParameterList& parameters,
                     Optimizer& optimizer, const TrainingState& state) {
  std::vector<io::TensorView> tensors;
  for (const NamedConstParameter& named : parameters) {
    tensors.push_back(io::view(named.name, named.parameter->value()));
  }
  for (const auto& [name, tensor] : optimizer.state()) {
    tensors.push_back(io::view("optimizer." + name, *tensor));
  }
  for (std::size_t i = 0; i < state.carried.tensors.size(); ++i) {
    tensors.push_back(io::view(state_name(i), state.carried.tensors[i]));
  }
  const std::vector<double> validations = validation_rows(state.validations);
  if (!validations.empty()) {
    tensors.push_back(io::view(kValidationsName, validations));
    tensors.back().shape = {static_cast<std::int64_t>(state.validations.size()),
                            kValidationColumns};
  }
  const json header = {{"version", kFormatVersion},  {"model", options.model},
                       {"trainer", options.trainer}, {"text", options.text},
                       {"from", options.from},       {"train_text", texts.train},
                       {"valid_text", texts.valid},  {"state", state_json(state)}};
  io::write_safetensors(path, tensors, {{kMetadataKey, header.dump()}});
}

CheckpointHeader checkpoint_header(const io::SafetensorsFile& file) {
  const auto found = file.metadata().find(kMetadataKey);
  if (found == file.metadata().end()) {
    throw FormatError(file.path(), 0,
                      fmt::format("not a checkpoint: its metadata lacks {}", kMetadataKey));
  }
  try {
    const json j = json::parse(found->second);
    int version = 0;
    read(j, "version", version);
    if (version < kOldestFormatVersion || version > kFormatVersion) {
      throw FormatError(file.path(), 0,
                        fmt::format("a checkpoint of version {}; this program reads versions {} "
                                    "to {}",
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
    if (version > 2) header.state.validations = read_validations(file);
    check(header);
    check_parameter_shapes(file, header.options.model, "its metadata");
    return header;
  } catch (const json::exception& error) {
    throw FormatError(
        file.path(), 0,
        fmt::format("not a checkpoint: its metadata cannot be read ({})", error.what()));
  } catch (const ConfigError& error) {
    throw FormatError(file.path(), 0, fmt::format("no checkpoint: {}", error.what()));
  }
}

void load_checkpoint_tensors(const io::SafetensorsFile& file, const ParameterList& parameters,
                             Optimizer& optimizer, State& carried) {
  std::vector<std::pair<Tensor, Tensor*>> loaded;
  const auto load = [&](const std::string& name, Tensor& to) {
    Tensor tensor = file.tensor(name);
    if (tensor.shape() != to.shape()) {
      throw file.error(file.at(name),
                       fmt::format("{} is {}; it must be {}", name, tensor.shape().to_string(),
                                   to.shape().to_string()));
    }
    loaded.emplace_back(std::move(tensor), &to);
  };
  for (const NamedParameter& named : parameters) {
    load(named.name, named.parameter->mutable_value());
  }
  for (const auto& [name, tensor] : optimizer.state()) load("optimizer." + name, *tensor);
  // An empty state in the file stands for zeros, as the beginning of an epoch has it.
  const bool carries = file.find(state_name(0)) != nullptr;
  if (carries) {
    for (std::size_t i = 0; i < carried.tensors.size(); ++i) {
      load(state_name(i), carried.tensors[i]);
    }
  }
  const std::size_t expected = loaded.size() + (file.find(kValidationsName) != nullptr ? 1 : 0);
  if (expected != file.tensors().size()) {
    throw FormatError(file.path(), 0,
                      fmt::format("no checkpoint of this model: {} tensors; it must have {}",
                                  file.tensors().size(), expected));
  }

  // Everything is there and right; from here on nothing can fail.
  for (auto& [tensor, to] : loaded) *to = std::move(tensor);
  if (!carries) carried.tensors.clear();
}

void require_space(const fs::path& folder, const ConstParameterList& parameters,
                   Optimizer& optimizer) {
  std::uintmax_t weights = 0;
  std::uintmax_t moments = 0;
  for (const NamedConstParameter& named : parameters) {
    weights += static_cast<std::uintmax_t>(named.parameter->value().elements()) * sizeof(float);
  }
  for (const auto& [name, tensor] : optimizer.state()) {
    moments += static_cast<std::uintmax_t>(tensor->elements()) * sizeof(float);
  }
  std::error_code code;
  // One file at a time exists twice while it is replaced, the larger one too.
  std::uintmax_t needed = weights + moments + (std::uintmax_t{1} << 16);
  if (!fs::exists(folder / kCheckpointFile, code)) needed += weights + moments;
  if (!fs::exists(folder / kWeightsFile, code)) needed += weights;
  fs::path there = fs::absolute(folder, code);
  while (!fs::exists(there, code) && there.has_relative_path()) there = there.parent_path();
  const fs::space_info space = fs::space(there, code);
  if (!code && space.available < needed) {
    throw IoError(folder.string(), ENOSPC,
                  fmt::format("cannot hold the model and its checkpoints: {} bytes are needed, {} "
                              "are free",
                              needed, space.available));
  }
}

}  // namespace riverrun::lm
