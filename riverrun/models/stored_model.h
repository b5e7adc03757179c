#pragma once

// What the folders of all models of this room have in common; not for users.

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/io/parameters.h"
#include "riverrun/train/model_config.h"

namespace riverrun::models {

/// Adds to a digest (kDigestKey) all options without which weights are meaningless: not the initial
/// ones, and not those whose names are in `without`.
template <class Options>
void add_options(Fnv1a& hash, const Options& options,
                 std::initializer_list<std::string_view> without) {
  for_each_field<Options>([&](const auto& field) {
    if (field.initial || std::ranges::find(without, field.name) != without.end()) return;
    hash.add(fmt::format("{}: {}\n", field.name, io::value_to_json(options.*field.member).dump()));
  });
}

template <class Options>
void write_config(const std::filesystem::path& folder, const char* type, const char* architecture,
                  const Options& options, const std::string& digest) {
  nlohmann::ordered_json config = config_json(type, architecture, options);
  config["torch_dtype"] = "float32";
  config[kDigestKey] = digest;
  replace_file(folder / kConfigFile, config.dump(2) + "\n");
}

/// Throws FormatError unless they are of a model of that type and valid.
template <class Options>
[[nodiscard]] Options stored_options(const ModelConfig& config, const char* type) {
  config.require_type(type);
  auto options = config.read_options<Options>();
  try {
    check(options);
  } catch (const ConfigError& error) {
    throw config.fail(error.what());
  }
  return options;
}

/// Throws FormatError unless config.json, if there is one, has the digest of its options, which
/// `digest` computes.
template <class Options, class Digest>
void check_config(const Folder& folder, const char* type, Digest digest) {
  if (!folder.contains(kConfigFile)) return;
  const ModelConfig config(folder);
  const std::optional<std::string> said = config.digest();
  if (said && *said != digest(stored_options<Options>(config, type))) {
    throw config.fail("its digest is not that of its options, which were changed");
  }
}

/// The weights, which must have the shapes and the digest that `files` say: "config.json".
template <class Options>
[[nodiscard]] io::SafetensorsFile stored_weights(const Folder& folder, const ModelConfig& config,
                                                 const Options& options, const std::string& digest,
                                                 std::string_view files) {
  io::SafetensorsFile weights = open_weights(folder);
  io::check_shapes(weights, parameter_shapes(options), kConfigFile);
  check_digests(config, weights, digest, files);
  return weights;
}

/// The model with these weights, and what the files say of it.
template <class Loaded, class Model>
[[nodiscard]] Loaded with_weights(Model model, const io::SafetensorsFile& weights,
                                  const ModelConfig& config) {
  io::load_parameters(weights, model.parameters());
  return {.model = std::move(model), .measured = measure_of(weights), .digest = config.digest()};
}

/// That of the Loaded that `load` makes of an open folder.
template <class Model, class Load>
[[nodiscard]] Model load_from(const std::filesystem::path& folder, Load load) {
  std::optional<Model> model;
  read_model_folder(folder, [&](const Folder& opened) { model = load(opened).model; });
  return std::move(*model);
}

}  // namespace riverrun::models
