#include "riverrun/train/model_files.h"

#include <cerrno>
#include <charconv>
#include <cmath>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/folder.h"
#include "riverrun/core/number.h"
#include "riverrun/io/parameters.h"
#include "riverrun/train/model_config.h"

namespace riverrun {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStepKey = "riverrun_step";
/// Called so when only language models were trained.
constexpr const char* kValidLossKey = "riverrun_valid_nats";
constexpr const char* kValidScoreKey = "riverrun_valid_score";

/// Nothing unless all of it is a number; a whole one, if T is std::int64_t.
template <class T>
std::optional<T> parsed(const io::Metadata& metadata, const char* key) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) return std::nullopt;
  const std::string& text = found->second;
  if constexpr (std::is_same_v<T, double>) {
    return parse_double(text);
  } else {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
  }
}

}  // namespace

std::optional<Measured> measure_of(const io::SafetensorsFile& weights) {
  const auto step = parsed<std::int64_t>(weights.metadata(), kStepKey);
  const auto loss = parsed<double>(weights.metadata(), kValidLossKey);
  const auto score = parsed<double>(weights.metadata(), kValidScoreKey);
  if (!step || !loss || *step < 0 || !std::isfinite(*loss)) return std::nullopt;
  return Measured{*step, {*loss, score}};
}

std::optional<std::string> config_digest(const Folder& folder) {
  if (!folder.contains(kConfigFile)) return std::nullopt;
  return ModelConfig(folder).digest();
}

void save_weights(const fs::path& folder, const ConstParameterList& parameters,
                  const std::optional<Measured>& measured) {
  io::Metadata metadata{{"format", "pt"}};
  if (auto found = config_digest(Folder(folder))) metadata[kDigestKey] = std::move(*found);
  if (measured) {
    metadata[kStepKey] = fmt::format("{}", measured->step);
    metadata[kValidLossKey] = fmt::format("{}", measured->valid.loss);
    if (measured->valid.score) {
      metadata[kValidScoreKey] = fmt::format("{}", *measured->valid.score);
    }
  }
  io::save_parameters(folder / kWeightsFile, parameters, metadata);
}

std::optional<Measured> saved_measure(const fs::path& folder) {
  const io::SafetensorsFile weights(folder / kWeightsFile);
  const std::optional<std::string> digest = config_digest(Folder(folder));
  const auto found = weights.metadata().find(kDigestKey);
  if (digest && found != weights.metadata().end() && found->second != *digest) {
    throw FormatError(
        weights.path(), 0,
        fmt::format("it is of another model than the {} beside it; the files of a run "
                    "belong together",
                    kConfigFile));
  }
  return measure_of(weights);
}

bool has_own_config(const fs::path& folder) {
  try {
    return ModelConfig(File(folder / kConfigFile))
        .string(kModelTypeKey)
        .starts_with(kModelTypePrefix);
  } catch (const FormatError&) {
    return false;
  } catch (const IoError& error) {
    if (error.code() == ENOENT) return false;
    throw;  // who cannot look must not judge
  }
}

}  // namespace riverrun
