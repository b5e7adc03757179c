#include "cli/predict.h"

#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "riverrun/core/error.h"

#include "cli/kind.h"
#include "cli/options.h"
#include "cli/report.h"

namespace riverrun::cli {
namespace {

constexpr const char* kExample = R"(
A classifier gives a line for each sequence: its number or name, the class that is most probable, its label if the
file has one, and the probability of each class. A tagger gives the file with the tags in their column. A signal
model writes what its device makes of an audio file, as a WAV file of 32-bit float (--out). A forecaster gives a
line for each time after the last one of each series: the median, and the other quantiles.

Examples:
  riverrun predict vowels new.ts --out predicted.csv
  riverrun predict pos new.conllu --out tagged.conllu
  riverrun predict load load.csv --out next.csv --html next.html
  riverrun predict amp guitar.wav --out amplified.wav
One word a line is enough, with an empty line after each sentence:
  printf '%s\n' We sat on the bank . | riverrun predict pos -)";

ExitCode run(const PredictFlags& flags) {
  require({.html = flags.html, .svg = flags.svg, .csv = flags.out}, {flags.model, flags.data});
  if (flags.out == "-") {
    throw ConfigError("predict: --out is -; it must be a file, and is omitted for standard output");
  }
  use_threads(flags.threads);
  const Kind kind = kind_of(flags.model);
  if (kind == Kind::kLanguage) {
    throw ConfigError(fmt::format(
        "predict: {} is a language model; `riverrun generate` goes on with a text, `riverrun "
        "evaluate --lines` tells which of many is the likeliest",
        flags.model.string()));
  }
  if (kind == Kind::kForecast) return predict_series(flags);
  if (!flags.html.empty() || !flags.svg.empty()) {
    throw ConfigError(fmt::format("predict: {} is {}; --html and --svg are of forecasters",
                                  flags.model.string(), noun(kind)));
  }
  if (kind == Kind::kTransform) return predict_signal(flags);
  return kind == Kind::kTag ? predict_tags(flags) : predict_classes(flags);
}

}  // namespace

void add_predict(CLI::App& program, Verb& chosen) {
  CLI::App* app = program.add_subcommand("predict",
                                         "Predict the classes of sequences, the tags of words, how "
                                         "time series go on, or what a device "
                                         "makes of a signal");
  auto flags = std::make_shared<PredictFlags>();
  app->footer(kExample);
  app->add_option("MODEL", flags->model,
                  "Folder of a trained classifier, tagger, forecaster or signal model")
      ->required();
  app->add_option(
         "DATA", flags->data,
         "File of sequences (.ts or CSV) or of sentences (CoNLL, or one word a line), with "
         "labels or without, or of time series (CSV); - for standard input. Or an audio file")
      ->required();
  app->add_option("--out", flags->out, "File to write; not given: to standard output");
  app->add_option("--html", flags->html, "Report of a forecast, with charts, to write");
  app->add_option("--svg", flags->svg, "Chart of the first series that is forecast, to write");
  add_threads_option(*app, flags->threads);
  app->add_flag("--json", flags->json, "Print the predictions as one JSON object");
  app->callback([&chosen, flags] { chosen = [flags] { return run(*flags); }; });
}

}  // namespace riverrun::cli
