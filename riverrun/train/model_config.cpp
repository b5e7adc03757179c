#include "riverrun/train/model_config.h"

#include <cerrno>

namespace riverrun {
namespace {

namespace fs = std::filesystem;

/// Far beyond what is written; a sparse file takes no disk, but all of it would be read.
constexpr std::uint64_t kMostConfigBytes = std::uint64_t{1} << 24;

IoError no_model_folder(const fs::path& path, int code) {
  return {path.string(), code, fmt::format("not a model folder: there is no {}", kConfigFile)};
}

File open_config(const Folder& folder) {
  if (!folder.contains(kConfigFile)) throw no_model_folder(folder.path(), ENOENT);
  return folder.open(kConfigFile);
}

}  // namespace

ModelConfig::ModelConfig(const Folder& folder) : ModelConfig(open_config(folder)) {}

ModelConfig::ModelConfig(const File& file) : path_(file.path()) {
  const std::string contents = file.contents(kMostConfigBytes);
  try {
    values_ = nlohmann::json::parse(contents);
  } catch (const nlohmann::json::parse_error& error) {
    throw FormatError(path_, error.byte, "not JSON");
  } catch (const nlohmann::json::exception& error) {  // a number beyond the range of double
    throw fail(fmt::format("invalid JSON: {}", error.what()));
  }
  if (!values_.is_object()) throw fail("must be a JSON object");
}

void ModelConfig::require_type(std::string_view type) const {
  if (const std::string found = string(kModelTypeKey); found != type) {
    throw fail(fmt::format("{} is \"{}\"; it must be \"{}\"", kModelTypeKey, found, type));
  }
}

Folder open_model_folder(const fs::path& path) {
  try {
    return Folder(path);
  } catch (const IoError& error) {
    throw no_model_folder(path, error.code());
  }
}

io::SafetensorsFile open_weights(const Folder& folder) {
  if (!folder.contains(kWeightsFile) && folder.contains(kCheckpointFile)) {
    throw IoError((folder.path() / kWeightsFile).string(), ENOENT,
                  "the run in this folder is unfinished, or its model was removed; resuming it "
                  "makes one");
  }
  return io::SafetensorsFile(folder.open(kWeightsFile));
}

void check_digests(const ModelConfig& config, const io::SafetensorsFile& weights,
                   const std::string& actual, std::string_view files) {
  const std::optional<std::string> said = config.digest();
  const auto found = weights.metadata().find(kDigestKey);
  if (found == weights.metadata().end()) {
    if (!said) return;  // both are of an early version
    throw FormatError(weights.path(), 0,
                      fmt::format("its metadata lack the {} that {} has; the files of a model "
                                  "belong together",
                                  kDigestKey, kConfigFile));
  }
  if (found->second != actual) {
    throw FormatError(weights.path(), 0,
                      fmt::format("these weights were made with another {} than those beside "
                                  "them; the files of a model belong together",
                                  files));
  }
  if (said && *said != actual) {
    throw config.fail(
        fmt::format("{} is \"{}\"; of this model it is \"{}\"", kDigestKey, *said, actual));
  }
}

void read_model_folder(const fs::path& folder, const std::function<void(const Folder&)>& read) {
  // A run that overwrites a model removes the old folder's files, once the new one has its name.
  constexpr int kAttempts = 10;
  for (int attempt = 1;; ++attempt) {
    const Folder opened = open_model_folder(folder);
    try {
      return read(opened);
    } catch (const IoError&) {
      if (attempt == kAttempts || opened.has_its_name()) throw;
    }
  }
}

std::string model_type(const fs::path& folder) {
  return ModelConfig(open_model_folder(folder)).string(kModelTypeKey);
}

}  // namespace riverrun
