#pragma once

// Reading a model's folder; not for users.

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/core/folder.h"
#include "riverrun/core/hash.h"
#include "riverrun/io/fields_json.h"
#include "riverrun/io/safetensors.h"
#include "riverrun/train/model_files.h"

namespace riverrun {

/// config.json; a value that is not there or of another type is a FormatError.
class ModelConfig {
 public:
  /// Throws IoError, FormatError.
  explicit ModelConfig(const File& file);
  /// That of a folder. Throws also IoError, which says that it is no model's folder, if there is
  /// none.
  explicit ModelConfig(const Folder& folder);

  template <class T>
  void read(const char* name, T& value) const {
    try {
      io::read_value(io::member(values_, name), name, value);
    } catch (const ConfigError& error) {
      throw fail(error.what());
    }
  }
  /// All fields of the struct that trained weights need; the others have their defaults.
  template <class Struct>
  [[nodiscard]] Struct read_options() const {
    Struct options;
    for_each_field<Struct>([&](const auto& field) {
      if (!field.initial) read(field.name, options.*field.member);
    });
    return options;
  }
  [[nodiscard]] std::string string(const char* name) const {
    std::string value;
    read(name, value);
    return value;
  }
  /// Throws FormatError unless the model is of that kind.
  void require_type(std::string_view type) const;
  [[nodiscard]] bool has(const char* name) const { return values_.contains(name); }
  [[nodiscard]] std::optional<std::string> digest() const {
    return has(kDigestKey) ? std::optional(string(kDigestKey)) : std::nullopt;
  }
  [[nodiscard]] FormatError fail(const std::string& what) const { return {path_, 0, what}; }

 private:
  std::string path_;
  nlohmann::json values_;
};

/// What a config.json begins with: the kind of model, and its options without those that trained
/// weights do not need.
template <class Struct>
[[nodiscard]] nlohmann::ordered_json config_json(const char* type, const char* architecture,
                                                 const Struct& options) {
  nlohmann::ordered_json config = {{kModelTypeKey, type}, {"architectures", {architecture}}};
  for_each_field<Struct>([&](const auto& field) {
    if (!field.initial) config[field.name] = io::value_to_json(options.*field.member);
  });
  return config;
}

/// As kDigestKey has it.
[[nodiscard]] inline std::string to_digest(const Fnv1a& hash) {
  return fmt::format("{:016x}", hash.value());
}

/// A model's folder, open. Throws IoError, which says that it is none, if there is no such folder.
[[nodiscard]] Folder open_model_folder(const std::filesystem::path& path);
/// The weights in it. Throws IoError, which says so if the run in it is unfinished, and
/// FormatError.
[[nodiscard]] io::SafetensorsFile open_weights(const Folder& folder);

/// Throws FormatError unless the digests in both files, as far as there are any, are `actual`, that
/// of the options and whatever else is in `files`: "config.json or tokenizer.json".
void check_digests(const ModelConfig& config, const io::SafetensorsFile& weights,
                   const std::string& actual, std::string_view files);

/// What a weights file says was measured. Nothing unless step and loss are there and possible.
[[nodiscard]] std::optional<Measured> measure_of(const io::SafetensorsFile& weights);

}  // namespace riverrun
