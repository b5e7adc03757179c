#include "riverrun/train/checkpoint.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <filesystem>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/train/checkpoint_metadata.h"
#include "riverrun/train/model_files.h"

namespace riverrun {

namespace fs = std::filesystem;

constexpr const char* kMetadataKey = "riverrun_training";
constexpr std::string_view kOptimizerPrefix = "optimizer.";

/// A row of the tensor of validations; a step beyond 2^53 is beyond any run.
constexpr std::size_t kValidationColumns = 7;
/// In files of older versions, which lack the last: the score.
constexpr std::size_t kFewestValidationColumns = 6;

static std::vector<double> validation_rows(const std::vector<Validation>& validations) {
  std::vector<double> rows;
  rows.reserve(validations.size() * kValidationColumns);
  for (const Validation& v : validations) {
    rows.insert(rows.end(), {static_cast<double>(v.step), v.epoch, v.lr, v.train_loss, v.valid.loss,
                             v.best ? 1.0 : 0.0, v.valid.score.value_or(std::nan(""))});
  }
  return rows;
}

static std::vector<Validation> read_validations(const io::SafetensorsFile& file) {
  const io::TensorInfo* const tensor = file.find(kValidationsName);
  if (tensor == nullptr) return {};
  const auto columns = tensor->shape.size() == 2 ? static_cast<std::size_t>(tensor->shape[1]) : 0;
  if (columns < kFewestValidationColumns || columns > kValidationColumns ||
      tensor->dtype != io::DType::kF64) {
    throw file.error(*tensor, fmt::format("{} is {} {}; it must be F64 [validations, {}]",
                                          kValidationsName, io::dtype_name(tensor->dtype),
                                          tensor->shape_string(), kValidationColumns));
  }
  const std::vector<double> rows = file.doubles(kValidationsName);
  std::vector<Validation> validations;
  for (std::size_t at = 0; at < rows.size(); at += columns) {
    const double step = rows[at];
    if (!(step >= 0 && step <= 0x1p53 && step == std::floor(step))) {
      throw file.error(*tensor, fmt::format("a validation is of step {}", step));
    }
    Validation v;
    v.step = static_cast<std::int64_t>(step);
    v.epoch = rows[at + 1];
    v.lr = rows[at + 2];
    v.train_loss = rows[at + 3];
    v.valid.loss = rows[at + 4];
    v.best = rows[at + 5] != 0;
    if (columns == kValidationColumns && !std::isnan(rows[at + 6])) v.valid.score = rows[at + 6];
    validations.push_back(v);
  }
  return validations;
}

static std::string state_name(std::size_t i) { return fmt::format("state.{}", i); }

void save_checkpoint(const std::filesystem::path& path, const CheckpointHeader& header,
                     const ConstParameterList& parameters, Optimizer& optimizer,
                     const State& carried) {
  std::vector<io::TensorView> tensors;
  for (const NamedConstParameter& named : distinct(parameters)) {
    tensors.push_back(io::view(named.name, named.parameter->value()));
  }
  for (const auto& [name, tensor] : optimizer.state()) {
    tensors.push_back(io::view(std::string(kOptimizerPrefix) + name, *tensor));
  }
  for (std::size_t i = 0; i < carried.tensors.size(); ++i) {
    tensors.push_back(io::view(state_name(i), carried.tensors[i]));
  }
  const std::vector<double> validations = validation_rows(header.state.validations);
  if (!validations.empty()) {
    tensors.push_back(io::view(kValidationsName, validations));
    tensors.back().shape = {static_cast<std::int64_t>(header.state.validations.size()),
                            kValidationColumns};
  }
  io::Metadata metadata = {{kMetadataKey, to_metadata(header)}};
  if (header.digest) metadata[kDigestKey] = *header.digest;
  io::write_safetensors(path, tensors, metadata);
}

CheckpointHeader checkpoint_header(const io::SafetensorsFile& file) {
  const auto found = file.metadata().find(kMetadataKey);
  if (found == file.metadata().end()) {
    throw FormatError(file.path(), 0,
                      fmt::format("not a checkpoint: its metadata lacks {}", kMetadataKey));
  }
  try {
    CheckpointHeader header = from_metadata(found->second);
    if (header.state.validations.empty()) header.state.validations = read_validations(file);
    check(header);
    if (const auto digest = file.metadata().find(kDigestKey); digest != file.metadata().end()) {
      header.digest = digest->second;
    }
    return header;
  } catch (const ConfigError& error) {
    throw FormatError(file.path(), 0, fmt::format("not a valid checkpoint: {}", error.what()));
  }
}

/// Throws NumericError for what would make all that follows NaN: weights and carried states must be
/// finite; a moment of an optimiser may have overflown, but not be NaN.
static void check_numbers(const std::string& path, std::string_view name,
                          std::span<const float> values) {
  const bool is_moment = name.starts_with(kOptimizerPrefix);
  const auto found = std::ranges::find_if(
      values, [is_moment](float x) { return is_moment ? std::isnan(x) : !std::isfinite(x); });
  if (found == values.end()) return;
  throw NumericError(fmt::format("{}: element {} of {} is {}; the run cannot be resumed", path,
                                 found - values.begin(), name, *found));
}

void check_checkpoint_numbers(const io::SafetensorsFile& file) {
  for (const io::TensorInfo& tensor : file.tensors()) {
    if (tensor.name == kValidationsName) continue;
    check_numbers(file.path(), tensor.name, file.tensor(tensor.name).values());
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
    check_numbers(file.path(), name, tensor.values());
    loaded.emplace_back(std::move(tensor), &to);
  };
  for (const NamedParameter& named : distinct(parameters)) {
    load(named.name, named.parameter->mutable_value());
  }
  for (const auto& [name, tensor] : optimizer.state())
    load(std::string(kOptimizerPrefix) + name, *tensor);
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
                      fmt::format("not a checkpoint of this model: it has {} tensors instead of {}",
                                  file.tensors().size(), expected));
  }

  // Everything is there and right; from here on nothing can fail.
  for (auto& [tensor, to] : loaded) *to = std::move(tensor);
  if (!carries) carried.tensors.clear();
}

void check_digest(const CheckpointHeader& header, const std::optional<std::string>& expected,
                  const std::string& path) {
  if (header.digest == expected || (!header.digest && header.before_digests)) return;
  throw FormatError(path, 0,
                    fmt::format("it {} the {} beside it; the files of a run belong together",
                                header.digest ? "is of another run than"
                                              : "has no digest, so it may be of another run than",
                                kConfigFile));
}

void require_space(const fs::path& folder, const ConstParameterList& parameters,
                   Optimizer& optimizer) {
  std::uintmax_t weights = 0;
  std::uintmax_t moments = 0;
  for (const NamedConstParameter& named : distinct(parameters)) {
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

}  // namespace riverrun
