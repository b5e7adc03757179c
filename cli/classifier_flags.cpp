// What TrainFlags has for classifiers.

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
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
#include "riverrun/io/fields_json.h"

#include "cli/field_option.h"
#include "cli/train_flags.h"

namespace riverrun::cli {
namespace {

/// What follows from the data, and what --seed says.
bool is_no_flag(std::string_view field) {
  constexpr std::string_view kNone[] = {"channels", "classes",         "examples", "mean",
                                        "scale",    "recompute_steps", "seed"};
  return std::ranges::find(kNone, field) != std::end(kNone);
}

constexpr std::array<std::string_view, 2> kTruth = {"false", "true"};

/// For --help, the default of a classifier beside that of a language model, if they differ.
void add_default(CLI::Option& option, const nlohmann::ordered_json& value) {
  const std::string text = value.is_string()         ? value.get<std::string>()
                           : value.is_number_float() ? fmt::format("{}", value.get<double>())
                                                     : value.dump();
  if (text == option.get_default_str()) return;
  option.default_str(fmt::format("{}; classifier: {}", option.get_default_str(), text));
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
  } else {
    return option.as<T>();
  }
}

}  // namespace

void TrainFlags::add_classifier_options(CLI::App& app) {
  const auto add_all = [&]<class Struct>(Struct& defaults) {
    for_each_field<Struct>([&](const auto& field) {
      using T = std::remove_cvref_t<decltype(defaults.*field.member)>;
      if (is_no_flag(field.name)) return;
      if (option_of(field.name) != nullptr) {
        add_default(*app.get_option(flag_of(field.name)),
                    io::value_to_json(defaults.*field.member));
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
      if (option == nullptr) return;
      of_classifier_.push_back(option->group("Options of a classifier"));
    });
  };
  add_all(classifier_defaults_.model.columns);
  of_classifier_.push_back(
      app.add_option("--channels", channels_,
                     "Columns of a CSV file to read, joined by commas; not given: all others")
          ->group("Options of a classifier"));
  add_all(classifier_defaults_.model);
  add_all(classifier_defaults_.learning);
  app.get_option("--conv-stride")->default_str("by the length");
  for_each_field<TrainerOptions>([&](const auto& field) {
    if (is_no_flag(field.name)) return;
    const std::string_view name = field.name;
    nlohmann::ordered_json value = io::value_to_json(classifier_defaults_.trainer.*field.member);
    if (name == "epochs" || name == "batch_size") value = "by the data";
    if (name != "seq_len") add_default(*app.get_option(flag_of(field.name)), value);
  });
}

const CLI::Option* TrainFlags::option_of(const char* field) const {
  return app_.get_option_no_throw(flag_of(field));
}

template <class Struct, class Visit>
void TrainFlags::for_each_given(Visit visit) const {
  for_each_field<Struct>([&](const auto& field) {
    using T = std::remove_cvref_t<decltype(std::declval<Struct>().*field.member)>;
    if constexpr (std::is_enum_v<T> || std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
      if (is_no_flag(field.name)) return;
      const CLI::Option* option = option_of(field.name);
      if (option->count() > 0) visit(field, value_of<T>(*option));
    }
  });
}

void TrainFlags::apply(models::ClassifierTraining& learning) const {
  for_each_given<models::ClassifierTraining>(
      [&](const auto& field, const auto& value) { learning.*field.member = value; });
}

/// "a,b" -> "a", "b".
std::vector<std::string> TrainFlags::channels() const {
  std::vector<std::string> names;
  if (channels_.empty()) return names;
  for (std::size_t begin = 0; begin <= channels_.size();) {
    const std::size_t end = std::min(channels_.find(',', begin), channels_.size());
    names.push_back(channels_.substr(begin, end - begin));
    begin = end + 1;
  }
  return names;
}

void TrainFlags::apply(models::ClassifierRun& run) const {
  apply(run.learning);
  for_each_given<data::SequenceColumns>(
      [&](const auto& field, const auto& value) { run.model.columns.*field.member = value; });
  run.model.columns.channels = channels();
  for_each_given<models::ClassifierOptions>(
      [&](const auto& field, const auto& value) { run.model.*field.member = value; });
  for_each_given<TrainerOptions>(
      [&](const auto& field, const auto& value) { run.trainer.*field.member = value; });
  run.model.seed = seed;
  run.trainer.seed = seed;
}

void TrainFlags::settle(models::ClassifierRun& stored) const {
  const auto settle_all = [&]<class Struct>(Struct& values) {
    for_each_given<Struct>([&](const auto& field, const auto& value) {
      const std::string_view name = field.name;
      if (name == "epochs" || name == "patience") {
        values.*field.member = value;
      } else if (values.*field.member != value) {
        throw differs_from_run(flag_of(field.name));
      }
    });
  };
  settle_all(stored.model.columns);
  if (!channels_.empty() && channels() != stored.model.columns.channels) {
    throw differs_from_run("--channels");
  }
  settle_all(stored.model);
  settle_all(stored.trainer);
  settle_all(stored.learning);
  if (seed_option_->count() > 0 && seed != stored.model.seed) {
    throw differs_from_run("--seed");
  }
}

}  // namespace riverrun::cli
