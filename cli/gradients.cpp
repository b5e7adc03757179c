#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/core/random.h"
#include "riverrun/data/text/corpus.h"
#include "riverrun/insight/exact_recurrent.h"
#include "riverrun/insight/gradient_flow.h"
#include "riverrun/insight/jacobian.h"
#include "riverrun/nn/cells.h"
#include "riverrun/nn/init.h"

#include "cli/command.h"
#include "cli/gradients_reach.h"
#include "cli/gradients_report.h"
#include "cli/kind.h"
#include "cli/model.h"
#include "cli/options.h"
#include "cli/report.h"
#include "cli/text.h"

namespace riverrun::cli {
namespace {

namespace fs = std::filesystem;
using insight::ExactRecurrent;

constexpr const char* kExample = R"(
Examples: cells as they begin, and a trained model on a text
  riverrun gradients --cell rnn_tanh --cell lstm --cell lstm:forget=1 --steps 1000
  riverrun gradients model book.txt --steps 1000 --untrained --html report.html
How far back a classifier, a tagger, a forecaster or a signal model looks:
  riverrun gradients vowels vowels_TEST.ts --untrained)";

struct GradientsFlags {
  fs::path model;
  std::vector<fs::path> texts;
  std::string encoding;
  bool untrained = false;
  std::vector<std::string> cells;
  std::int64_t hidden_size = 128;
  std::int64_t input_size = 128;
  std::int64_t num_layers = 1;
  std::string input = "noise";
  std::int64_t steps = 1000;
  std::int64_t batch_size = 8;
  std::uint64_t seed = 1;
  bool jacobian = false;
  int threads = 0;
  bool json = false;
  ReportFiles files;
  std::vector<const CLI::Option*> of_cells;  // options that say nothing of a model
};

/// A network that is looked into, and what it is given.
struct Subject {
  std::string name;
  ExactRecurrent net;
  Tensor x;  // [T, B, I]
  insight::LossGradient loss;
};

/// Throws ConfigError, before any of it is allocated, if a network with what is kept of its
/// sequences does not fit in the memory, or if its Jacobian is too large for --jacobian.
void require_fit(const GradientsFlags& flags, const std::string& name, const CellDescriptor& cell,
                 const RecurrentOptions& options) {
  const auto steps = static_cast<double>(flags.steps);
  const auto batch = static_cast<double>(flags.batch_size);
  const double together = std::min(batch, static_cast<double>(insight::kSequencesTogether));
  const ExactRecurrent::Memory exact = ExactRecurrent::memory(cell, options);
  const double curves = static_cast<double>(options.num_layers * std::ssize(cell.states));
  constexpr double kPoint = 8 * sizeof(double);  // of a curve, in all that is made of it
  const double needed = exact.weights + steps * together * exact.step +
                        steps * batch * static_cast<double>(options.input_size) * sizeof(float) +
                        steps * curves * (batch * sizeof(double) + kPoint);
  require_memory(fmt::format("gradients: {}, of {}, for --steps {} and --batch-size {}", name,
                             counted(options.hidden_size, "unit"), flags.steps, flags.batch_size),
                 needed);
  constexpr std::int64_t kLargestJacobian = 512;
  const std::int64_t size = options.num_layers * std::ssize(cell.states) * options.hidden_size;
  if (flags.jacobian && size > kLargestJacobian) {
    throw ConfigError(fmt::format("gradients: --jacobian of {} is {} x {}; at most {} is possible",
                                  name, size, size, kLargestJacobian));
  }
}

/// "lstm" or "lstm:chrono+orthogonal": a cell and how it begins.
Subject from_cell(const GradientsFlags& flags, const std::string& spec) {
  const std::size_t colon = spec.find(':');
  const CellDescriptor& cell = find_cell(spec.substr(0, colon));
  const RecurrentOptions options{.input_size = flags.input_size,
                                 .hidden_size = flags.hidden_size,
                                 .num_layers = flags.num_layers,
                                 .seed = flags.seed};
  require_fit(flags, spec, cell, options);
  Recurrent net(cell, options);
  if (colon != std::string::npos) {
    const std::string init = spec.substr(colon + 1);
    check_initialization(init);
    initialize(net, parse_initialization(init, flags.steps), flags.seed);
  }
  Tensor x({flags.steps, flags.batch_size, flags.input_size});
  if (flags.input == "noise") Random(flags.seed, 1).fill_normal(x.values(), 0.0f, 1.0f);
  return {.name = spec,
          .net = ExactRecurrent(net),
          .x = std::move(x),
          .loss = insight::random_direction(flags.seed)};
}

/// Stretches of a text, spread over the whole: their tokens but the last are read, the last is what
/// L is about.
struct Stretches {
  std::vector<std::int32_t> inputs;  // [T, B]
  std::vector<std::int32_t> targets;
};

Stretches read_stretches(const GradientsFlags& flags, const text::Corpus& corpus) {
  const std::int64_t length = flags.steps + 1;
  if (corpus.size() < length) {
    throw ConfigError(fmt::format("gradients: {} has {}; --steps {} needs at least {}",
                                  flags.texts.front().string(), counted(corpus.size(), "token"),
                                  flags.steps, length));
  }
  const auto batch = static_cast<std::size_t>(flags.batch_size);
  Stretches stretches{
      .inputs = std::vector<std::int32_t>(static_cast<std::size_t>(flags.steps) * batch),
      .targets = std::vector<std::int32_t>(batch)};
  std::vector<std::int32_t> ids(static_cast<std::size_t>(length));
  for (std::size_t b = 0; b < batch; ++b) {
    const double part = batch > 1 ? static_cast<double>(b) / static_cast<double>(batch - 1) : 0;
    corpus.read(std::llround(part * static_cast<double>(corpus.size() - length)), ids);
    for (std::size_t t = 0; t + 1 < ids.size(); ++t) stretches.inputs[t * batch + b] = ids[t];
    stretches.targets[b] = ids.back();
  }
  return stretches;
}

Subject from_model(const GradientsFlags& flags, std::string name, lm::LanguageModel& model,
                   const Stretches& stretches) {
  return {.name = std::move(name),
          .net = ExactRecurrent(model.rnn()),
          .x = model.embedding().forward(stretches.inputs, {flags.steps, flags.batch_size}),
          .loss = insight::last_token_loss(model.decoder(), stretches.targets)};
}

/// The curves of one network, and with --jacobian the largest singular value.
void measure(const GradientsFlags& flags, const Subject& subject, FlowReport& report) {
  const auto layers = static_cast<std::int64_t>(subject.net.layers().size());
  for (const insight::GradientCurve& curve :
       insight::gradient_flow(subject.net, subject.x, subject.loss)) {
    FlowCurve flow{.network = subject.name,
                   .state = subject.net.cell().states[curve.state],
                   .layer = static_cast<std::int64_t>(curve.layer),
                   .name = {},
                   .lags = {},
                   .log_norms = {},
                   .horizon = curve.horizon()};
    flow.name = subject.name + " " + flow.state;
    if (layers > 1) flow.name += fmt::format(" of layer {}", flow.layer);
    for (std::int64_t lag = 1; lag <= flags.steps; ++lag) flow.lags.push_back(lag);
    flow.log_norms.assign(curve.log_norms.begin() + 1, curve.log_norms.end());
    report.curves.push_back(std::move(flow));
  }
  if (!flags.jacobian) return;
  const ExactRecurrent::Run run = subject.net.forward(insight::sequences(subject.x, 0, 1));
  FlowCurve flow{.network = subject.name,
                 .state = {},
                 .name = subject.name + " Jacobian",
                 .lags = report.shown,
                 .log_norms = {},
                 .horizon = {}};
  for (insight::ScaledMatrix& product :
       insight::jacobian_products(subject.net, run, 0, report.shown)) {
    const double largest = insight::largest_singular_value(std::move(product.values));
    flow.log_norms.push_back(std::log(largest) + product.exponent * std::log(2.0));
  }
  const std::vector<double> lags(flow.lags.begin(), flow.lags.end());
  flow.horizon = insight::memory_horizon(lags, flow.log_norms);
  report.curves.push_back(std::move(flow));
}

/// Measures what is asked for, network by network.
FlowReport measure(const GradientsFlags& flags) {
  FlowReport report{.loss = {},
                    .input = {},
                    .steps = flags.steps,
                    .batch_size = flags.batch_size,
                    .shown = insight::round_lags(flags.steps),
                    .curves = {}};
  if (flags.model.empty()) {
    report.loss = "the last h of the last layer in a random direction";
    report.input = flags.input == "noise" ? "standard normal noise" : "zeros";
    for (const std::string& spec : flags.cells) measure(flags, from_cell(flags, spec), report);
    return report;
  }
  lm::SavedModel saved = load_finite_model(flags.model, "gradients");
  const std::string name = folder_name(flags.model);
  require_fit(flags, name, saved.model.rnn().cell(), saved.model.rnn().options());
  const text::Corpus corpus(saved.tokenizer,
                            open_texts(flags.texts, saved.tokenizer.kind(), flags.encoding));
  warn_of_invalid_utf8(corpus.invalid(), saved.tokenizer.kind(), "text");
  warn_of_unknown(corpus, "text");
  const Stretches stretches = read_stretches(flags, corpus);
  report.loss = "the cross-entropy of the token after the last";
  report.input = "stretches of " + flags.texts.front().string();
  if (flags.texts.size() > 1) {
    report.input += fmt::format(" and {} after it", counted(std::ssize(flags.texts) - 1, "text"));
  }
  measure(flags, from_model(flags, name, saved.model, stretches), report);
  if (flags.untrained) {
    lm::LanguageModelOptions options = saved.model.options();
    options.seed = flags.seed;
    lm::LanguageModel fresh(options);
    measure(flags, from_model(flags, "untrained", fresh, stretches), report);
  }
  return report;
}

void check(const GradientsFlags& flags) {
  if (flags.input != "noise" && flags.input != "zeros") {
    throw ConfigError(
        fmt::format("gradients: --input is \"{}\"; it must be noise or zeros", flags.input));
  }
  if (flags.model.empty() == flags.cells.empty()) {
    throw ConfigError(
        "gradients: give either a MODEL and a TEXT, or cells with --cell; see --help");
  }
  for (auto cell = flags.cells.begin(); cell != flags.cells.end(); ++cell) {
    if (std::find(flags.cells.begin(), cell, *cell) == cell) continue;
    throw ConfigError(fmt::format("gradients: --cell {} is given twice", *cell));
  }
  for (const CLI::Option* option : flags.of_cells) {
    if (flags.model.empty() || option->count() == 0) continue;
    throw ConfigError(
        fmt::format("gradients: {} is for a --cell; a MODEL has its own", option->get_name()));
  }
  if (flags.untrained && flags.model.empty()) {
    throw ConfigError("gradients: --untrained is for a MODEL; a --cell is not trained");
  }
}

/// Of a model of any kind.
FlowReport measure_model(const GradientsFlags& flags) {
  const Kind kind = kind_of(flags.model);
  const bool is_language = kind == Kind::kLanguage;
  if (is_language ? flags.texts.empty() : flags.texts.empty() && kind != Kind::kTask) {
    throw ConfigError(
        fmt::format("gradients: a MODEL needs {} to read", is_language ? "a TEXT" : "DATA"));
  }
  if (is_language) return measure(flags);
  if (flags.texts.size() > 1) {
    throw ConfigError(
        fmt::format("gradients: {} files are given; {} reads one", flags.texts.size(), noun(kind)));
  }
  if (flags.jacobian || !flags.encoding.empty()) {
    throw ConfigError(fmt::format("gradients: {} is {}, for which there is no {}",
                                  flags.model.string(), noun(kind),
                                  flags.jacobian ? "--jacobian" : "--encoding"));
  }
  return measure_reach(kind, {.model = flags.model,
                              .data = flags.texts.empty() ? fs::path() : flags.texts.front(),
                              .steps = flags.steps,
                              .batch_size = flags.batch_size,
                              .untrained = flags.untrained,
                              .seed = flags.seed});
}

ExitCode run(const GradientsFlags& flags) {
  check(flags);
  std::vector<fs::path> read = flags.texts;
  if (!flags.model.empty()) read.push_back(flags.model);
  require(flags.files, read);
  use_threads(flags.threads);
  const FlowReport report = flags.model.empty() ? measure(flags) : measure_model(flags);
  if (flags.json) {
    print_json(to_json(report));
  } else {
    print(to_text(report));
  }
  write(flags.files, to_figure(report), [&] { return to_page(report); });
  return kOk;
}

}  // namespace

void add_gradients(CLI::App& program, Verb& chosen) {
  CLI::App* app =
      program.add_subcommand("gradients", "Measure how far back in time a gradient reaches");
  auto flags = std::make_shared<GradientsFlags>();
  app->footer(kExample);
  app->add_option("MODEL", flags->model, "Folder of a trained model");
  app->add_option("DATA", flags->texts,
                  std::string("Of a language model: ") + kTextHelp +
                      ". Of any other: what it reads, as for predict");
  add_encoding_option(*app, flags->encoding);
  app->add_flag("--untrained", flags->untrained,
                "Also the same network with PyTorch's initial weights");
  app->add_option("--cell", flags->cells,
                  "A cell as it begins, or CELL:INIT with INIT pytorch, forget=X, chrono (for "
                  "--steps), chrono=T, orthogonal or identity=X, joined by +; may be repeated")
      ->allow_extra_args(false);
  const CLI::Validator size = whole_number(1, 1 << 20);
  flags->of_cells = {
      app->add_option("--hidden-size", flags->hidden_size, "Units of a --cell")
          ->capture_default_str()
          ->check(size),
      app->add_option("--input-size", flags->input_size, "Numbers of a step's input to a --cell")
          ->capture_default_str()
          ->check(size),
      app->add_option("--num-layers", flags->num_layers, "Layers of a --cell")
          ->capture_default_str()
          ->check(size),
      app->add_option("--input", flags->input,
                      "What a --cell reads: noise (standard normal) or zeros")
          ->capture_default_str(),
  };
  app->add_option("--steps", flags->steps, "Length of a sequence, and the largest lag")
      ->capture_default_str()
      ->check(whole_number(1, 1'000'000'000));
  app->add_option("--batch-size", flags->batch_size, "Sequences that are averaged over")
      ->capture_default_str()
      ->check(size);
  app->add_option("--seed", flags->seed,
                  "Of the weights, the noise and the direction: same seed, same numbers")
      ->capture_default_str()
      ->check(whole_number(0, UINT64_MAX));
  app->add_flag(
      "--jacobian", flags->jacobian,
      "Also the largest singular value of the exact Jacobian of k steps, for small sizes");
  add_threads_option(*app, flags->threads);
  app->add_flag("--json", flags->json, "Print the result as one JSON object");
  add_report_options(*app, flags->files);
  app->callback([&chosen, flags] { chosen = [flags] { return run(*flags); }; });
}

}  // namespace riverrun::cli
