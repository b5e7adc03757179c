#include "riverrun/models/classifier_folder.h"

#include "riverrun/models/stored_model.h"

namespace riverrun::models {
namespace {

std::string digest(const ClassifierOptions& options) {
  Fnv1a hash;
  add_options(hash, options, {"examples", "dropout"});
  return to_digest(hash);
}

}  // namespace

void save_config(const std::filesystem::path& folder, const ClassifierOptions& options) {
  write_config(folder, kClassifierType, "RiverrunClassifier", options, digest(options));
}

LoadedClassifier load_classifier(const Folder& folder) {
  const ModelConfig config(folder);
  const auto options = stored_options<ClassifierOptions>(config, kClassifierType);
  const io::SafetensorsFile weights =
      stored_weights(folder, config, options, digest(options), kConfigFile);
  return with_weights<LoadedClassifier>(Classifier(options), weights, config);
}

Classifier load_classifier(const std::filesystem::path& folder) {
  return load_from<Classifier>(folder,
                               [](const Folder& opened) { return load_classifier(opened); });
}

void check_classifier_config(const Folder& folder) {
  check_config<ClassifierOptions>(folder, kClassifierType, digest);
}

}  // namespace riverrun::models
