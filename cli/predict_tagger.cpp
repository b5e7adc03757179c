#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/file.h"
#include "riverrun/data/tagged.h"

#include "cli/kind.h"
#include "cli/model.h"
#include "cli/predict.h"
#include "cli/progress.h"
#include "cli/tagging_report.h"

namespace riverrun::cli {
namespace {

/// What is predicted of each sentence, in the order of the file.
struct Predictions {
  std::vector<std::vector<std::string>> tags;
  std::vector<std::vector<float>> probabilities;  // of these tags
};

Predictions predict(const models::Tagger& model, const data::TaggedSentences& read) {
  Predictions predictions{.tags = std::vector<std::vector<std::string>>(read.sentences.size()),
                          .probabilities = std::vector<std::vector<float>>(read.sentences.size())};
  const std::size_t tags = model.options().tags.size();
  ReadCounter counter(std::ssize(read.sentences), "sentences");
  std::int64_t done = 0;
  model.tag(read, models::all_of(read), false, [&](const models::Tagger::Tagging& tagging) {
    const auto sentence = static_cast<std::size_t>(tagging.sentence);
    predictions.tags[sentence] = names_of(tagging.tags, model.options().tags);
    for (std::size_t i = 0; i < tagging.tags.size(); ++i) {
      predictions.probabilities[sentence].push_back(
          tagging.probabilities[i * tags + static_cast<std::size_t>(tagging.tags[i])]);
    }
    counter.show(++done);
  });
  counter.finish();
  return predictions;
}

nlohmann::ordered_json to_json(const data::TaggedSentences& read, const Predictions& predictions) {
  auto array = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < read.sentences.size(); ++i) {
    array.push_back({{"line", read.sentences[i].line},
                     {"words", read.sentences[i].words},
                     {"tags", predictions.tags[i]},
                     {"probabilities", predictions.probabilities[i]}});
  }
  return array;
}

}  // namespace

ExitCode predict_tags(const PredictFlags& flags) {
  using Clock = std::chrono::steady_clock;
  const models::Tagger model = load_finite_tagger(flags.model, "predict");
  const data::TaggedSentences read = data::read_conll(
      flags.data, model.options().columns, data::LabelColumn::kIfThere, data::KeepLines::kYes);
  if (read.columns.empty() && read.tags.empty() && read.tag_column > 1) {
    note(
        fmt::format("note: {}: the lines have {} columns, and the words are taken from column {}; "
                    "a sentence has one word per line",
                    read.path, read.tag_column, read.word_column + 1));
  }
  const Clock::time_point start = Clock::now();
  const Predictions predictions = predict(model, read);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const std::int64_t words = words_of(read, models::all_of(read));
  if (!flags.out.empty()) replace_file(flags.out, to_conll(read, predictions.tags));
  if (flags.json) {
    print_json({{"kind", name(Kind::kTag)},
                {"model", flags.model.string()},
                {"data", flags.data.string()},
                {"words", words},
                {"seconds", seconds},
                {"words_per_second", static_cast<double>(words) / seconds},
                {"sentences", to_json(read, predictions)}});
  } else if (flags.out.empty()) {
    print(to_conll(read, predictions.tags));
  } else {
    note(fmt::format("{}: {} of {} tagged in {:.2f} s", flags.out.string(), counted(words, "word"),
                     counted(std::ssize(read.sentences), "sentence"), seconds));
  }
  return kOk;
}

}  // namespace riverrun::cli
