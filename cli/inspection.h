#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "riverrun/insight/unit_statistics.h"
#include "riverrun/lm/inspector.h"
#include "riverrun/lm/model_folder.h"
#include "riverrun/report/page.h"

namespace riverrun::cli {

/// What one unit did in one step.
struct UnitValues {
  std::vector<double> openings;  // of each gate that opens
  std::vector<double> states;
};

/// One token of the text, and what the network did when it had been read.
struct InspectedToken {
  std::int32_t id = 0;
  std::string text;                           // what it adds to the text
  std::optional<double> nats;                 // its surprise; nothing for the first one
  std::vector<std::vector<double>> openings;  // [layers][gates]: means over the units
  std::vector<double> memory;                 // [layers]: root mean square of the cell state
  std::vector<lm::Likely> next;
  std::vector<UnitValues> units;  // of Inspection::units
};

/// All that `riverrun inspect` found out, for whatever shows it.
struct Inspection {
  std::filesystem::path model;
  const text::Tokenizer& tokenizer;
  std::string cell;
  std::size_t layers = 0;
  std::size_t hidden_size = 0;
  std::vector<std::string> gates;   // those that open
  std::vector<std::string> states;  // of the cell
  std::vector<InspectedToken> tokens;
  /// What the units were ranked by: this text, or the one of --over.
  std::string over;
  insight::UnitStatistics statistics;
  std::size_t rank = 0;  // lines of a ranking
  /// Those of --unit, or the one that follows something most closely; the first colours the text.
  std::vector<insight::Unit> units;
  /// Of `units`, the value of each token that the text is coloured by, in [-1, 1]: the cell state
  /// in parts of its largest absolute value.
  [[nodiscard]] std::vector<double> colours(std::size_t unit) const;
  /// The mean surprise of a token, in nats; nothing for a single one.
  [[nodiscard]] std::optional<double> mean_nats() const;
  /// The name of the state that is a unit's memory.
  [[nodiscard]] const std::string& memory_name() const;
};

/// "1:37", layer and index.
[[nodiscard]] std::string to_string(insight::Unit unit);

/// The unit that follows each feature most closely, the closest pair first.
struct Follower {
  std::string_view feature;
  insight::Unit unit;
  double correlation = 0;
};
[[nodiscard]] std::vector<Follower> followers(const insight::UnitStatistics& statistics);

/// Tables, and the text coloured by each unit if `colour`. No control characters are in it but
/// those of the colours, line ends and tabs.
[[nodiscard]] std::string to_text(const Inspection& inspection, bool colour);
[[nodiscard]] nlohmann::ordered_json to_json(const Inspection& inspection);
/// Throws ConfigError if this build has no charts.
[[nodiscard]] report::Page to_page(const Inspection& inspection);

}  // namespace riverrun::cli
