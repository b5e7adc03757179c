#include "riverrun/lm/checkpoint.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <filesystem>
#include <span>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"

namespace riverrun::lm {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kMetadataKey = "riverrun_training";
constexpr int kFormatVersion = 2;

template <class T>
static json optional_json(const std::optional<T>& value) {
  return value ? json(*value) : json(nullptr);
}

template <class T>
static void read_optional(const json& j, std::optional<T>& value) {
  value = j.is_null() ? std::nullopt : std::optional<T>(j.get<T>());
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
  j.at("cell").get_to(o.cell);
  j.at("vocab_size").get_to(o.vocab_size);
  j.at("embedding_size").get_to(o.embedding_size);
  j.at("hidden_size").get_to(o.hidden_size);
  j.at("num_layers").get_to(o.num_layers);
  j.at("dropout").get_to(o.dropout);
  read_optional(j.at("forget_bias"), o.forget_bias);
  read_optional(j.at("init_uniform"), o.init_uniform);
  j.at("seed").get_to(o.seed);
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
  j.at("seq_len").get_to(o.seq_len);
  j.at("batch_size").get_to(o.batch_size);
  j.at("epochs").get_to(o.epochs);
  j.at("optimizer").get_to(o.optimizer);
  j.at("lr").get_to(o.lr);
  j.at("momentum").get_to(o.momentum);
  j.at("weight_decay").get_to(o.weight_decay);
  j.at("schedule").get_to(o.schedule);
  j.at("warmup").get_to(o.warmup);
  j.at("decay").get_to(o.decay);
  j.at("decay_after").get_to(o.decay_after);
  j.at("clip").get_to(o.clip);
  j.at("valid_every").get_to(o.valid_every);
  j.at("seed").get_to(o.seed);
}

static void to_json(json& j, const TextOptions& o) {
  j = {{"valid_fraction", o.valid_fraction}, {"vocab_size", o.vocab_size}};
}

static void from_json(const json& j, TextOptions& o) {
  j.at("valid_fraction").get_to(o.valid_fraction);
  j.at("vocab_size").get_to(o.vocab_size);
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
  j.at("step").get_to(v.step);
  j.at("epoch").get_to(v.epoch);
  j.at("lr").get_to(v.lr);
  j.at("train_nats").get_to(v.train_nats);
  j.at("valid_nats").get_to(v.valid_nats);
  j.at("best").get_to(v.best);
}

static void to_json(json& j, const Fingerprint& f) { j = {{"tokens", f.tokens}, {"hash", f.hash}}; }

static void from_json(const json& j, Fingerprint& f) {
  j.at("tokens").get_to(f.tokens);
  j.at("hash").get_to(f.hash);
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
      {"validations", s.validations},
      {"best", optional_json(s.best)}};
}

static void read_state(const json& j, TrainingState& s) {
  j.at("step").get_to(s.step);
  j.at("position").at("epoch").get_to(s.position.epoch);
  j.at("position").at("chunk").get_to(s.position.chunk);
  const json& random = j.at("random");
  random.at("seed").get_to(s.random.seed);
  random.at("stream").get_to(s.random.stream);
  random.at("drawn").get_to(s.random.drawn);
  j.at("nats").get_to(s.nats);
  j.at("nats_tokens").get_to(s.nats_tokens);
  const json& plateau = j.at("plateau");
  plateau.at("lr").get_to(s.plateau.lr);
  if (!plateau.at("best").is_null()) plateau.at("best").get_to(s.plateau.best);
  plateau.at("bad_measurements").get_to(s.plateau.bad_measurements);
  plateau.at("cooldown_left").get_to(s.plateau.cooldown_left);
  j.at("validations").get_to(s.validations);
  read_optional(j.at("best"), s.best);
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
  if (s.best.has_value() == s.validations.empty()) {
    throw ConfigError("there is a best validation without any, or none of several");
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
                     const Fingerprints& texts, const ParameterList& parameters,
                     Optimizer& optimizer, const TrainingState& state) {
  std::vector<io::TensorView> tensors;
  for (const NamedParameter& named : parameters) {
    tensors.push_back(io::view(named.name, named.parameter->value()));
  }
  for (const auto& [name, tensor] : optimizer.state()) {
    tensors.push_back(io::view("optimizer." + name, *tensor));
  }
  for (std::size_t i = 0; i < state.carried.tensors.size(); ++i) {
    tensors.push_back(io::view(state_name(i), state.carried.tensors[i]));
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
                      fmt::format("no checkpoint: its metadata lacks {}", kMetadataKey));
  }
  try {
    const json j = json::parse(found->second);
    if (const int version = j.at("version").get<int>(); version != kFormatVersion) {
      throw FormatError(file.path(), 0,
                        fmt::format("a checkpoint of version {}; this program reads version {}",
                                    version, kFormatVersion));
    }
    CheckpointHeader header;
    j.at("model").get_to(header.options.model);
    j.at("trainer").get_to(header.options.trainer);
    j.at("text").get_to(header.options.text);
    header.options.from = j.value("from", "");  // not in older ones
    j.at("train_text").get_to(header.texts.train);
    j.at("valid_text").get_to(header.texts.valid);
    read_state(j.at("state"), header.state);
    check(header);
    return header;
  } catch (const json::exception& error) {
    throw FormatError(file.path(), 0,
                      fmt::format("no checkpoint: its metadata cannot be read ({})", error.what()));
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
  if (loaded.size() != file.tensors().size()) {
    throw FormatError(file.path(), 0,
                      fmt::format("no checkpoint of this model: {} tensors; it must have {}",
                                  file.tensors().size(), loaded.size()));
  }

  // Everything is there and right; from here on nothing can fail.
  for (auto& [tensor, to] : loaded) *to = std::move(tensor);
  if (!carries) carried.tensors.clear();
}

void require_space(const fs::path& folder, const ParameterList& parameters, Optimizer& optimizer) {
  std::uintmax_t weights = 0;
  std::uintmax_t moments = 0;
  for (const NamedParameter& named : parameters) {
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
