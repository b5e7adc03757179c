#pragma once

// Reading config.json; not for users.

#include <optional>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/io/fields_json.h"
#include "riverrun/io/safetensors.h"
#include "riverrun/train/model_files.h"

namespace riverrun {

/// config.json; a value that is not there or of another type is a FormatError.
class ModelConfig {
 public:
  /// Throws IoError, FormatError.
  explicit ModelConfig(const File& file);

  template <class T>
  void read(const char* name, T& value) const {
    try {
      io::read_value(io::member(values_, name), name, value);
    } catch (const ConfigError& error) {
      throw fail(error.what());
    }
  }
  [[nodiscard]] std::string string(const char* name) const {
    std::string value;
    read(name, value);
    return value;
  }
  [[nodiscard]] bool has(const char* name) const { return values_.contains(name); }
  [[nodiscard]] std::optional<std::string> digest() const {
    return has(kDigestKey) ? std::optional(string(kDigestKey)) : std::nullopt;
  }
  [[nodiscard]] FormatError fail(const std::string& what) const { return {path_, 0, what}; }

 private:
  std::string path_;
  nlohmann::json values_;
};

/// What a weights file says was measured. Nothing unless step and loss are there and possible.
[[nodiscard]] std::optional<Measured> measure_of(const io::SafetensorsFile& weights);

}  // namespace riverrun
