// What TrainFlags has for classifiers, taggers, forecasters and signal models.

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/core/fields.h"
#include "riverrun/core/number.h"
#include "riverrun/io/fields_json.h"

#include "cli/field_option.h"
#include "cli/train_flags.h"

namespace riverrun::cli {
namespace {

/// What follows from the data, and what --seed says.
bool is_no_flag(std::string_view field) {
  constexpr std::string_view kNone[] = {"channels",
                                        "classes",
                                        "examples",
                                        "mean",
                                        "scale",
                                        "tags",
                                        "usual_share",
                                        "words",
                                        "characters",
                                        "sample_rate",
                                        "gain",
                                        "recompute_steps",
                                        "seed",
                                        "covariates",
                                        "covariate_scales",
                                        "calendar_cycles",
                                        "calendar_skipped",
                                        "num_embeddings",
                                        "label_form",
                                        "frequency",
                                        "lines",
                                        "learnt_until"};
  return std::ranges::find(kNone, field) != std::end(kNone);
}

/// "a,b" -> "a", "b".
std::vector<std::string> separated(const std::string& joined) {
  std::vector<std::string> names;
  if (joined.empty()) return names;
  for (std::size_t begin = 0; begin <= joined.size();) {
    const std::size_t end = std::min(joined.find(',', begin), joined.size());
    names.push_back(joined.substr(begin, end - begin));
    begin = end + 1;
  }
  return names;
}

std::vector<double> numbers(const std::string& joined, const char* flag) {
  std::vector<double> values;
  for (const std::string& text : separated(joined)) {
    const std::optional<double> value = parse_double(text);
    if (!value) {
      throw ConfigError(fmt::format(
          "train: {} is \"{}\"; it must be numbers joined by commas, such as 0.1,0.5,0.9", flag,
          joined));
    }
    values.push_back(*value);
  }
  return values;
}

constexpr std::array<std::string_view, 2> kTruth = {"false", "true"};

/// For --help, the default of models of a kind beside that of a language model, if they differ.
void add_default(CLI::Option& option, Kind kind, const nlohmann::ordered_json& value) {
  std::string text = value.is_string()         ? value.get<std::string>()
                     : value.is_number_float() ? fmt::format("{}", value.get<double>())
                                               : value.dump();
  if (kind == Kind::kForecast && text == "0") text = "by the data";
  const std::string shown = option.get_default_str();
  if (text == shown.substr(0, shown.find(';'))) return;
  option.default_str(fmt::format("{}; {}: {}", shown, name(kind), text));
}

/// Which of the names an option is given; throws ConfigError.
std::size_t place_of(const CLI::Option& option, std::span<const std::string_view> names) {
  const auto given = option.as<std::string>();
  const auto found = std::ranges::find(names, given);
  if (found == names.end()) {
    throw ConfigError(fmt::format("train: {} is \"{}\"; it must be one of {}", option.get_name(),
                                  given, fmt::join(names, ", ")));
  }
  return static_cast<std::size_t>(found - names.begin());
}

/// Of an option that was given.
template <class T>
T value_of(const CLI::Option& option) {
  if constexpr (std::is_enum_v<T>) {
    return static_cast<T>(place_of(option, kNames<T>));
  } else if constexpr (std::is_same_v<T, bool>) {
    return place_of(option, kTruth) == 1;
  } else if constexpr (std::is_same_v<T, CellChoice>) {
    return option.as<std::string>();
  } else {
    return option.as<T>();
  }
}

}  // namespace

void TrainFlags::belongs(CLI::Option& option, Kind kind) {
  std::set<Kind>& kinds = kinds_[&option];
  kinds.insert(kind);
  if (kinds.contains(Kind::kLanguage)) return;
  std::vector<const char*> nouns;
  nouns.reserve(kinds.size());
  for (const Kind of : kinds) nouns.push_back(noun(of));
  option.group(fmt::format("Options of {}", fmt::join(nouns, " or ")));
}

template <class Struct>
void TrainFlags::add_options_of(Kind kind, CLI::App& app, Struct& defaults) {
  for_each_field<Struct>([&](const auto& field) {
    using T = std::remove_cvref_t<decltype(defaults.*field.member)>;
    if (is_no_flag(field.name)) return;
    if (option_of(field.name) != nullptr) {
      CLI::Option& there = *app.get_option(flag_of(field.name));
      if constexpr (!kHasFields<T>) {
        add_default(there, kind, io::value_to_json(defaults.*field.member));
      }
      if (kinds_.contains(&there)) belongs(there, kind);
      return;
    }
    CLI::Option* option = nullptr;
    if constexpr (std::is_enum_v<T> || std::is_same_v<T, bool>) {
      std::span<const std::string_view> names = kTruth;
      if constexpr (std::is_enum_v<T>) names = kNames<T>;
      words_.emplace_back(names[static_cast<std::size_t>(defaults.*field.member)]);
      option =
          app.add_option(flag_of(field.name), words_.back(), field.help)->capture_default_str();
    } else if constexpr (std::is_arithmetic_v<T>) {
      option = add_field_option(app, field, defaults.*field.member);
    } else if constexpr (std::is_same_v<T, std::string>) {
      option = app.add_option(flag_of(field.name), defaults.*field.member, field.help);
      if (!(defaults.*field.member).empty()) option->capture_default_str();
    }
    if (option != nullptr) belongs(*option, kind);
  });
}

void TrainFlags::add_trainer_defaults(Kind kind, CLI::App& app, const TrainerOptions& defaults) {
  for_each_field<TrainerOptions>([&](const auto& field) {
    if (is_no_flag(field.name)) return;
    const std::string_view name = field.name;
    nlohmann::ordered_json value = io::value_to_json(defaults.*field.member);
    if (name == "epochs" || name == "batch_size") value = "by the data";
    if (name != "seq_len" || kind == Kind::kTransform)
      add_default(*app.get_option(flag_of(field.name)), kind, value);
  });
}

void TrainFlags::add_sequence_options(CLI::App& app) {
  add_options_of(Kind::kClassify, app, classifier_defaults_.model.columns);
  belongs(*app.add_option("--channels", channels_,
                          "Columns of a CSV file to read, joined by commas; not given: all others"),
          Kind::kClassify);
  add_options_of(Kind::kClassify, app, classifier_defaults_.model);
  add_options_of(Kind::kClassify, app, classifier_defaults_.model.text);
  add_options_of(Kind::kClassify, app, classifier_defaults_.learning);
  app.get_option("--conv-stride")->default_str("by the length");
  add_trainer_defaults(Kind::kClassify, app, classifier_defaults_.trainer);

  add_options_of(Kind::kTag, app, tagger_defaults_.model.columns);
  add_options_of(Kind::kTag, app, tagger_defaults_.model);
  add_options_of(Kind::kTag, app, tagger_defaults_.learning);
  add_trainer_defaults(Kind::kTag, app, tagger_defaults_.trainer);

  add_options_of(Kind::kForecast, app, forecast_defaults_.model.columns);
  const auto add_list = [&](const char* flag, std::string& joined, const char* help) {
    CLI::Option* option = app.add_option(flag, joined, help);
    belongs(*option, Kind::kForecast);
    return option;
  };
  add_list("--target", target_,
           "Columns to forecast, joined by commas; not given: all that are numbers");
  add_list("--past", past_,
           "Columns that are read beside the targets, known of the past alone; joined by commas");
  add_list("--known", known_,
           "Columns that are known of the future too, such as a holiday; joined by commas");
  add_options_of(Kind::kForecast, app, forecast_defaults_.model);
  add_list("--quantiles", quantiles_, "Quantiles to forecast, joined by commas")
      ->default_str(fmt::format("{}", fmt::join(forecast_defaults_.model.quantiles, ",")));
  app.get_option("--horizon")->default_str("");
  for (const char* flag : {"--look-back", "--season", "--segment"}) {
    app.get_option(flag)->default_str("by the data");
  }
  add_options_of(Kind::kForecast, app, forecast_defaults_.learning);
  add_trainer_defaults(Kind::kForecast, app, forecast_defaults_.trainer);

  belongs(*app.add_option("--valid-wet", valid_wet,
                          "What comes out of the device for the signal of --valid"),
          Kind::kTransform);
  add_options_of(Kind::kTransform, app, signal_defaults_.model);
  add_options_of(Kind::kTransform, app, signal_defaults_.learning);
  add_trainer_defaults(Kind::kTransform, app, signal_defaults_.trainer);
}

const CLI::Option* TrainFlags::option_of(const char* field) const {
  return app_.get_option_no_throw(flag_of(field));
}

template <class Struct, class Visit>
void TrainFlags::for_each_given(Visit visit) const {
  for_each_field<Struct>([&](const auto& field) {
    using T = std::remove_cvref_t<decltype(std::declval<Struct>().*field.member)>;
    if constexpr (std::is_enum_v<T> || std::is_arithmetic_v<T> || std::is_same_v<T, std::string> ||
                  std::is_same_v<T, CellChoice>) {
      if (is_no_flag(field.name)) return;
      const CLI::Option* option = option_of(field.name);
      if (option->count() > 0) visit(field, value_of<T>(*option));
    }
  });
}

template <class Struct>
void TrainFlags::apply_to(Struct& values) const {
  for_each_given<Struct>(
      [&](const auto& field, const auto& value) { values.*field.member = value; });
}

void TrainFlags::apply(models::ClassifierRun& run) const {
  apply_to(run.learning);
  apply_to(run.model.columns);
  run.model.columns.channels = separated(channels_);
  apply_to(run.model);
  apply_to(run.model.text);
  apply_to(run.trainer);
  run.model.seed = seed;
  run.trainer.seed = seed;
}

void TrainFlags::apply(models::TaggerRun& run) const {
  apply_to(run.learning);
  apply_to(run.model.columns);
  apply_to(run.model);
  apply_to(run.trainer);
  run.model.seed = seed;
  run.trainer.seed = seed;
}

void TrainFlags::apply(models::ForecastRun& run) const {
  apply_to(run.learning);
  apply_to(run.model.columns);
  run.model.columns.target = separated(target_);
  run.model.columns.past = separated(past_);
  run.model.columns.known = separated(known_);
  apply_to(run.model);
  if (!quantiles_.empty()) run.model.quantiles = numbers(quantiles_, "--quantiles");
  apply_to(run.trainer);
  run.model.seed = seed;
  run.trainer.seed = seed;
}

void TrainFlags::apply(models::SignalRun& run) const {
  apply_to(run.learning);
  apply_to(run.model);
  apply_to(run.trainer);
  run.model.seed = seed;
  run.trainer.seed = seed;
}

template <class Struct>
void TrainFlags::settle_all(Struct& stored) const {
  for_each_given<Struct>([&](const auto& field, const auto& value) {
    const std::string_view name = field.name;
    if (name == "epochs" || name == "patience") {
      stored.*field.member = value;
    } else if (stored.*field.member != value) {
      throw differs_from_run(flag_of(field.name));
    }
  });
}

void TrainFlags::settle_seed(std::uint64_t stored) const {
  if (seed_option_->count() > 0 && seed != stored) throw differs_from_run("--seed");
}

void TrainFlags::settle(models::ClassifierRun& stored) const {
  settle_all(stored.model.columns);
  if (!channels_.empty() && separated(channels_) != stored.model.columns.channels) {
    throw differs_from_run("--channels");
  }
  settle_all(stored.model);
  settle_all(stored.model.text);
  settle_all(stored.trainer);
  settle_all(stored.learning);
  settle_seed(stored.model.seed);
}

void TrainFlags::settle(models::TaggerRun& stored) const {
  settle_all(stored.model.columns);
  settle_all(stored.model);
  settle_all(stored.trainer);
  settle_all(stored.learning);
  settle_seed(stored.model.seed);
}

void TrainFlags::settle(models::ForecastRun& stored) const {
  data::TimeSeriesColumns& columns = stored.model.columns;
  settle_all(columns);
  const auto settle_list = [](const std::string& given, const std::vector<std::string>& list,
                              const char* flag) {
    if (!given.empty() && separated(given) != list) throw differs_from_run(flag);
  };
  settle_list(target_, columns.target, "--target");
  settle_list(past_, columns.past, "--past");
  settle_list(known_, columns.known, "--known");
  settle_all(stored.model);
  if (!quantiles_.empty() && numbers(quantiles_, "--quantiles") != stored.model.quantiles) {
    throw differs_from_run("--quantiles");
  }
  settle_all(stored.trainer);
  settle_all(stored.learning);
  settle_seed(stored.model.seed);
}

void TrainFlags::settle(models::SignalRun& stored) const {
  settle_all(stored.model);
  settle_all(stored.trainer);
  settle_all(stored.learning);
  settle_seed(stored.model.seed);
}

bool TrainFlags::gives_embedding_size() const { return option_of("embedding_size")->count() > 0; }

void TrainFlags::settle_valid(bool had_own_file) const {
  if (had_own_file && valid.empty()) {
    throw ConfigError(
        "train: the run that is resumed validates on a file of its own; give it with --valid");
  }
  if (!had_own_file && !valid.empty()) {
    throw ConfigError("train: the run that is resumed has no file to validate on; omit --valid");
  }
}

}  // namespace riverrun::cli
