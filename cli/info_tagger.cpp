#include "cli/info_tagger.h"

#include <optional>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "riverrun/models/tagger_folder.h"
#include "riverrun/models/tagger_objective.h"

#include "cli/info_run.h"
#include "cli/kind.h"

namespace riverrun::cli {
namespace {

using Found = FoundRun<models::LoadedTagger, models::TaggerRun>;

nlohmann::ordered_json to_json(const std::filesystem::path& folder, const Found& found) {
  return info_json(Kind::kTag, folder, found, "sentence", "nats_per_word");
}

std::string to_text(const std::filesystem::path& folder, const Found& found) {
  const models::TaggerOptions& o = found.loaded.model.options();
  std::string text = fmt::format(
      "{}: a tagger\n"
      "  tags            {}: {}\n"
      "  knows           {}, {} numbers each; {}\n",
      folder.string(), o.tags.size(), fmt::join(o.tags, ", "), counted(o.words - 1, "word"),
      o.embedding_size, counted(o.characters - 1, "character"));
  if (o.char_hidden_size > 0) {
    text += fmt::format("  spelling        {} units in each direction, over {} numbers each\n",
                        o.char_hidden_size, o.char_embedding_size);
  }
  text += fmt::format(
      "  cell            {}{}\n"
      "  layers          {} x {} units, dropout {}\n"
      "  tags chosen     {}\n",
      o.cell.name(), o.bidirectional ? ", in both directions" : "", o.num_layers, o.hidden_size,
      o.dropout, o.crf ? "together, by a conditional random field" : "each by itself");
  std::string words;
  if (found.checkpoint) {
    const models::TaggerTraining& learning = found.checkpoint->run.learning;
    words = fmt::format("  word vectors    {}; words that occur once are unknown with p = {}\n",
                        learning.vectors.empty() ? "random ones to begin with" : learning.vectors,
                        learning.unknown_fraction);
  }
  return text + run_text(found, "sentence", "nats per word", words);
}

}  // namespace

ExitCode info_of_tagger(const std::filesystem::path& folder, bool json) {
  return print_info<models::TaggerRun>(
      folder, json, [](const Folder& opened) { return models::load_tagger(opened); },
      models::saved_tagger_run, to_json, to_text);
}

}  // namespace riverrun::cli
