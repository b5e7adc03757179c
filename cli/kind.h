#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace riverrun::cli {

/// What a model is for.
enum class Kind {
  kLanguage,   ///< what comes next in a text
  kClassify,   ///< one label for a sequence
  kTag,        ///< one for each word of a sentence
  kForecast,   ///< how time series go on
  kTransform,  ///< a signal for a signal
  kTask,       ///< a task that needs memory
};

/// "language", as --kind has it.
[[nodiscard]] const char* name(Kind kind);
/// "a language model"
[[nodiscard]] const char* noun(Kind kind);
/// Throws ConfigError unless `text` is the name of one.
[[nodiscard]] Kind parse_kind(const std::string& text);

/// Of the model in a folder. Throws IoError, and FormatError, also if the program knows no such
/// models.
[[nodiscard]] Kind kind_of(const std::filesystem::path& folder);
/// Throws as kind_of(), and ConfigError, which begins with the verb, if the model is of another
/// kind.
void require_kind(Kind kind, const std::filesystem::path& folder, const char* verb);

}  // namespace riverrun::cli
