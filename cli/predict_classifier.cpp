#include <algorithm>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/file.h"
#include "riverrun/report/figure.h"

#include "cli/classification_report.h"
#include "cli/kind.h"
#include "cli/model.h"
#include "cli/predict.h"
#include "cli/progress.h"
#include "cli/sequences.h"

namespace riverrun::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// What is predicted of one sequence or text.
struct Prediction {
  std::string example;  // its name or number, or the text
  std::string named;
  std::string label;  // empty: there is none
  std::span<const float> probabilities;
};

std::vector<Prediction> predictions(const models::Classifier& model,
                                    const data::LabelledSequences& read,
                                    const Tensor& probabilities) {
  const std::vector<std::string>& classes = model.options().classes;
  std::vector<Prediction> list;
  for (std::size_t i = 0; i < read.sequences.size(); ++i) {
    const std::int32_t label = read.sequences[i].label;
    Prediction prediction;
    const data::LabelledSequence& sequence = read.sequences[i];
    prediction.example = read.are_texts()        ? sequence.text
                         : sequence.name.empty() ? fmt::format("{}", i + 1)
                                                 : sequence.name;
    prediction.probabilities = probabilities.values().subspan(i * classes.size(), classes.size());
    prediction.named = classes[static_cast<std::size_t>(
        std::ranges::max_element(prediction.probabilities) - prediction.probabilities.begin())];
    if (label >= 0) prediction.label = read.classes[static_cast<std::size_t>(label)];
    list.push_back(std::move(prediction));
  }
  return list;
}

std::string to_csv(const std::vector<Prediction>& list, const std::vector<std::string>& classes,
                   const char* example, bool has_labels) {
  std::string csv = fmt::format("{},predicted", example);
  if (has_labels) csv += ",label";
  for (const std::string& name : classes) csv += "," + report::csv_field("p(" + name + ")");
  csv += "\n";
  for (const Prediction& prediction : list) {
    csv += report::csv_field(prediction.example) + "," + report::csv_field(prediction.named);
    if (has_labels) csv += "," + report::csv_field(prediction.label);
    for (const float p : prediction.probabilities) csv += fmt::format(",{:.6g}", p);
    csv += "\n";
  }
  return csv;
}

nlohmann::ordered_json to_json(const std::vector<Prediction>& list,
                               const std::vector<std::string>& classes, const char* example) {
  auto array = nlohmann::ordered_json::array();
  for (const Prediction& prediction : list) {
    nlohmann::ordered_json probabilities;
    for (std::size_t c = 0; c < classes.size(); ++c) {
      probabilities[classes[c]] = prediction.probabilities[c];
    }
    array.push_back({{example, prediction.example}, {"predicted", prediction.named}});
    if (!prediction.label.empty()) array.back()["label"] = prediction.label;
    array.back()["probabilities"] = std::move(probabilities);
  }
  return array;
}

/// Of a text of unknown words alone the model says what it says of nothing.
void note_unknown(const data::LabelledSequences& read, const models::Classifier& model) {
  if (!model.tokenizer()) return;
  const auto count = std::ranges::count_if(read.sequences, [&](const auto& text) {
    return models::count_unknown(text, *model.tokenizer()) == text.seq_len;
  });
  if (count == 0) return;
  note(fmt::format("note: of {} the model knows no {}", counted(count, "text"),
                   model.options().text.tokens));
}

}  // namespace

ExitCode predict_classes(const PredictFlags& flags) {
  const models::Classifier model = load_finite_classifier(flags.model, "predict");
  const data::LabelledSequences read = read_sequences(flags.data, model);
  const char* const example = nouns_of(model).example;
  note_unknown(read, model);
  const auto start = Clock::now();
  const std::string examples = fmt::format("{}s", example);
  ReadCounter counter(std::ssize(read.sequences), examples.c_str());
  const Tensor probabilities = model.probabilities(
      read, models::all_of(read), [&counter](std::int64_t done) { counter.show(done); });
  counter.finish();
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const std::vector<std::string>& classes = model.options().classes;
  const std::vector<Prediction> list = predictions(model, read, probabilities);
  if (!flags.out.empty())
    replace_file(flags.out, to_csv(list, classes, example, !read.classes.empty()));
  if (flags.json) {
    print_json({{"kind", name(Kind::kClassify)},
                {"model", flags.model.string()},
                {"data", flags.data.string()},
                {"seconds", seconds},
                {"predictions", to_json(list, classes, example)}});
  } else if (flags.out.empty()) {
    print(to_csv(list, classes, example, !read.classes.empty()));
  } else {
    note(fmt::format("{}: {} in {:.2f} s", flags.out.string(),
                     counted(std::ssize(list), "prediction"), seconds));
  }
  return kOk;
}

}  // namespace riverrun::cli
