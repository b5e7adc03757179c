#include "riverrun/nn/init.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/number.h"
#include "riverrun/core/random.h"
#include "riverrun/core/threads.h"

namespace riverrun {
namespace {

/// The row block of a gate in weights and biases; nothing if the cell has no such gate.
std::optional<std::int64_t> find_gate(const CellDescriptor& cell, std::string_view name) {
  const auto found = std::ranges::find(cell.gates, name);
  if (found == cell.gates.end()) return std::nullopt;
  return found - cell.gates.begin();
}

std::optional<std::int64_t> keeping_gate(const CellDescriptor& cell) {
  const auto forget = find_gate(cell, "f");
  return forget ? forget : find_gate(cell, "z");
}

void check(const Recurrent& network, const Initialization& how) {
  const CellDescriptor& cell = network.cell();
  const RecurrentOptions& options = network.options();
  const auto require = [&](bool holds, const std::string& rule) {
    if (!holds) throw ConfigError(fmt::format("initialize {}: {}", cell.name, rule));
  };
  require(!(how.orthogonal && how.identity), "weight_hh cannot be orthogonal and identity at once");
  require(!(how.forget_bias && how.chrono_steps), "forget_bias and chrono decide the same bias");
  require(options.bias || !(how.forget_bias || how.chrono_steps), "there are no biases");
  if (how.forget_bias) {
    require(find_gate(cell, "f").has_value(), "forget_bias needs a gate \"f\"");
    require(std::isfinite(*how.forget_bias),
            fmt::format("forget_bias is {}; it must be finite", *how.forget_bias));
  }
  if (how.chrono_steps) {
    require(keeping_gate(cell).has_value(), "chrono needs a gate \"f\" or \"z\"");
    require(*how.chrono_steps > 2,
            fmt::format("chrono is over {} steps; it must be over more than 2", *how.chrono_steps));
  }
  if (how.orthogonal || how.identity) {
    require(cell.recurrent, "orthogonal and identity need a cell that is recurrent");
  }
  if (how.identity) {
    require(cell.gates.size() == 1 && options.proj_size == 0,
            "identity needs a cell of one gate, and no projection");
    require(std::isfinite(*how.identity),
            fmt::format("identity is {}; it must be finite", *how.identity));
  }
}

/// `rows` >= `columns`: a matrix of orthonormal columns, uniformly distributed, by the modified
/// Gram-Schmidt process on normal numbers, twice, after which no rounding is left to speak of
/// (Giraud, Langou & Rozložník 2005, "On the round-off error analysis of the Gram-Schmidt
/// algorithm with reorthogonalization").
void fill_orthogonal(Random& random, std::int64_t rows, std::int64_t columns, float* matrix) {
  std::vector<double> vectors(static_cast<std::size_t>(rows * columns));  // [columns, rows]
  for (double& value : vectors) value = random.normal();
  for (std::int64_t c = 0; c < columns; ++c) {
    double* const vector = vectors.data() + c * rows;
    for (int pass = 0; pass < 2; ++pass) {
      for (std::int64_t before = 0; before < c; ++before) {
        const double* const other = vectors.data() + before * rows;
        double product = 0.0;
        for (std::int64_t r = 0; r < rows; ++r) product += vector[r] * other[r];
        for (std::int64_t r = 0; r < rows; ++r) vector[r] -= product * other[r];
      }
    }
    double squares = 0.0;
    for (std::int64_t r = 0; r < rows; ++r) squares += vector[r] * vector[r];
    const double norm = std::sqrt(squares);
    for (std::int64_t r = 0; r < rows; ++r) vector[r] /= norm;
    for (std::int64_t r = 0; r < rows; ++r) {
      matrix[r * columns + c] = static_cast<float>(vector[r]);
    }
  }
}

struct Biases {
  std::shared_ptr<Parameter> ih;
  std::shared_ptr<Parameter> hh;  // none, unless the cell is recurrent

  /// `value(unit)` for each unit of a gate.
  template <class Value>
  void set(std::int64_t gate, std::int64_t hidden, Value value) const {
    float* const sum = ih->mutable_value().data() + gate * hidden;
    for (std::int64_t unit = 0; unit < hidden; ++unit) sum[unit] = value(unit);
    if (hh != nullptr) std::fill_n(hh->mutable_value().data() + gate * hidden, hidden, 0.0f);
  }
};

void initialize_biases(const CellDescriptor& cell, std::int64_t hidden, const Initialization& how,
                       Random& random, const Biases& biases) {
  if (how.forget_bias) {
    biases.set(*find_gate(cell, "f"), hidden, [&](std::int64_t) { return *how.forget_bias; });
  }
  if (how.chrono_steps) {
    std::vector<float> keep;
    for (std::int64_t unit = 0; unit < hidden; ++unit) {
      const float steps = random.uniform(1.0f, static_cast<float>(*how.chrono_steps - 1));
      keep.push_back(static_cast<float>(std::log(static_cast<double>(steps))));
    }
    const auto of = [&](std::int64_t unit) { return keep[static_cast<std::size_t>(unit)]; };
    biases.set(*keeping_gate(cell), hidden, of);
    const auto input = find_gate(cell, "i");
    if (input && find_gate(cell, "f")) {
      biases.set(*input, hidden, [&](std::int64_t unit) { return -of(unit); });
    }
  }
  if (how.identity) biases.set(0, hidden, [](std::int64_t) { return 0.0f; });
}

void initialize_weight_hh(const Initialization& how, std::int64_t hidden, std::uint64_t seed,
                          std::uint64_t layer, Parameter& weight) {
  const std::int64_t columns = weight.value().size(1);
  float* const values = weight.mutable_value().data();
  if (how.identity) {
    std::fill_n(values, hidden * columns, 0.0f);
    for (std::int64_t unit = 0; unit < hidden; ++unit) values[unit * (columns + 1)] = *how.identity;
  }
  if (!how.orthogonal) return;
  const std::int64_t gates = weight.value().size(0) / hidden;
  parallel_for(gates, [&](std::int64_t gate) {
    Random random(seed, layer << 8 | static_cast<std::uint64_t>(gate + 1));
    fill_orthogonal(random, hidden, columns, values + gate * hidden * columns);
  });
}

float number(std::string_view word, std::string_view text) {
  const std::optional<double> value = parse_double(text);
  if (!value || std::fabs(*value) > std::numeric_limits<float>::max()) {
    throw ConfigError(fmt::format("initialization: {}={}; it must be a finite number", word, text));
  }
  return static_cast<float>(*value);
}

}  // namespace

void initialize(Recurrent& network, const Initialization& how, std::uint64_t seed) {
  check(network, how);
  const std::int64_t hidden = network.options().hidden_size;
  // A layer's parameters follow each other: weight_ih, weight_hh, bias_ih, bias_hh.
  std::uint64_t layer = 0;
  Biases biases;
  for (const auto& [name, parameter] : network.parameters()) {
    if (name.starts_with("weight_ih")) {
      ++layer;
      biases = {};
    } else if (name.starts_with("weight_hh")) {
      if (how.orthogonal || how.identity) {
        initialize_weight_hh(how, hidden, seed, layer, *parameter);
      }
    } else if (name.starts_with("bias_ih")) {
      biases.ih = parameter;
    }
    const bool last_bias = name.starts_with(network.cell().recurrent ? "bias_hh" : "bias_ih");
    if (!last_bias) continue;
    if (network.cell().recurrent) biases.hh = parameter;
    Random random(seed, layer << 8);
    initialize_biases(network.cell(), hidden, how, random, biases);
  }
}

Initialization parse_initialization(std::string_view text, std::int64_t length) {
  Initialization how;
  const auto once = [&](bool already, std::string_view word) {
    if (already) throw ConfigError(fmt::format("initialization: {} is given twice", word));
  };
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('+', begin), text.size());
    const std::string_view part = text.substr(begin, end - begin);
    begin = end + 1;
    if (part == "pytorch") continue;
    const std::string_view word = part.substr(0, part.find('='));
    const bool has_value = word.size() < part.size();
    const std::string_view value = has_value ? part.substr(word.size() + 1) : "";
    if (word == "forget" && has_value) {
      once(how.forget_bias.has_value(), word);
      how.forget_bias = number(word, value);
    } else if (word == "chrono") {
      once(how.chrono_steps.has_value(), word);
      std::int64_t steps = length;
      if (has_value) {
        const char* const last = value.data() + value.size();
        const auto [stop, error] = std::from_chars(value.data(), last, steps);
        if (error != std::errc() || stop != last || steps <= 2) {
          throw ConfigError(
              fmt::format("initialization: chrono={}; it must be a whole number above 2", value));
        }
      }
      how.chrono_steps = steps;
    } else if (word == "orthogonal" && !has_value) {
      once(how.orthogonal, word);
      how.orthogonal = true;
    } else if (word == "identity") {
      once(how.identity.has_value(), word);
      how.identity = has_value ? number(word, value) : 1.0f;
    } else {
      throw ConfigError(fmt::format(
          "initialization: \"{}\" is none; there are pytorch, forget=X, chrono, chrono=T, "
          "orthogonal, identity and identity=X, joined by +",
          part));
    }
  }
  return how;
}

}  // namespace riverrun
