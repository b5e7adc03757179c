// Runs cases made by PyTorch (scripts/make_fixtures.py describes their form) through riverrun's
// recurrent networks and compares every output and every gradient with the reference.
//
// Exit status: 0 all cases are within the tolerances; 1 one is not or cannot be run; 2 there is
// nothing to compare: a bad command line, or a folder that cannot be read or holds no case; 77 with
// --skip-missing, a folder is not there.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/core/tensor.h"
#include "riverrun/core/threads.h"
#include "riverrun/io/safetensors.h"
#include "riverrun/kernels/targets.h"
#include "riverrun/nn/cells.h"
#include "riverrun/nn/recurrent.h"
#include "riverrun/nn/recurrent_cell.h"

namespace riverrun {
namespace {

namespace fs = std::filesystem;

// Largest errors that pass, relative to the largest value of the reference tensor.
constexpr double kOutputTolerance = 1e-5;
constexpr double kGradientTolerance = 1e-4;
constexpr int kExitNothing = 2;
constexpr int kExitSkipped = 77;  // what CTest and automake take for "skipped"

/// The tensor that differs most, and in which way of running it did.
struct Worst {
  double error = 0.0;
  std::string where = "-";

  void update(double candidate, std::string_view tensor, std::string_view run) {
    if (where == "-" || candidate > error) {
      error = candidate;
      where = run.empty() ? std::string(tensor) : fmt::format("{} {}", tensor, run);
    }
  }
  void update(const Worst& other, std::string_view run) { update(other.error, other.where, run); }
};

struct Errors {
  Worst output;
  Worst gradient;

  [[nodiscard]] bool pass() const {
    return output.error <= kOutputTolerance && gradient.error <= kGradientTolerance;
  }
};

/// One file: a module's arguments and tensors. The cells (LSTMCell, …) have no output beside their
/// states.
class Case {
 public:
  explicit Case(const fs::path& path) : file_(path) {
    std::string module = metadata("module", "");
    is_cell_ = module.ends_with("Cell");
    if (is_cell_) module.resize(module.size() - std::string_view("Cell").size());
    if (module != "RNN" && module != "GRU" && module != "LSTM") {
      throw Error(
          fmt::format("metadata names the module \"{}\"; RNN, GRU, LSTM and their cells "
                      "are known",
                      metadata("module", "")));
    }
    cell_ = module == "RNN" ? "rnn_" + metadata("nonlinearity", "tanh")
                            : (module == "GRU" ? "gru" : "lstm");
    options_ = {.input_size = metadata("input_size", std::int64_t{0}),
                .hidden_size = metadata("hidden_size", std::int64_t{0}),
                .num_layers = metadata("num_layers", std::int64_t{1}),
                .bias = metadata("bias", true),
                .batch_first = metadata("batch_first", false),
                .bidirectional = metadata("bidirectional", false),
                .proj_size = metadata("proj_size", std::int64_t{0})};
    states_ = cell_ == "lstm" ? std::vector<std::string>{"h", "c"} : std::vector<std::string>{"h"};
    has_initial_ = file_.find("h_0") != nullptr;
    if (file_.find("lengths") != nullptr) lengths_ = file_.integers("lengths");
  }

  /// All ways of running the case.
  [[nodiscard]] Errors run() const { return is_cell_ ? run_cell() : run_sequence(); }

 private:
  template <class T>
  [[nodiscard]] T metadata(const std::string& key, T otherwise) const {
    const auto found = file_.metadata().find(key);
    if (found == file_.metadata().end()) return otherwise;
    // Strings come with and without quotes.
    auto value = nlohmann::json::parse(found->second, nullptr, false);
    if constexpr (std::is_same_v<T, std::string>) {
      return value.is_string() ? value.get<std::string>() : found->second;
    } else {
      return value.get<T>();
    }
  }
  [[nodiscard]] std::string metadata(const std::string& key, const char* otherwise) const {
    return metadata(key, std::string(otherwise));
  }

  [[nodiscard]] Tensor read(const std::string& name) const { return file_.tensor(name); }

  [[nodiscard]] State initial() const {
    State state;
    if (has_initial_) {
      for (const std::string& name : states_) state.tensors.push_back(read(name + "_0"));
    }
    return state;
  }

  void load(const ParameterList& parameters) const {
    for (const NamedParameter& p : parameters) {
      Tensor value = read(p.name);
      if (value.shape() != p.parameter->value().shape()) {
        throw Error(fmt::format("{} is {}; the module needs {}", p.name, value.shape().to_string(),
                                p.parameter->value().shape().to_string()));
      }
      p.parameter->mutable_value() = std::move(value);
    }
    check_names(parameters);
  }

  /// A missing tensor shows when it is read; one that nobody reads would not.
  void check_names(const ParameterList& parameters) const {
    std::set<std::string> known{"input", "grad_input"};
    if (!is_cell_) known.insert({"output", "grad_output", "lengths"});
    for (const std::string& state : states_) {
      known.insert({state + "_n", "grad_" + state + "_n"});
      if (has_initial_) known.insert({state + "_0", "grad_" + state + "_0"});
    }
    for (const NamedParameter& p : parameters) known.insert({p.name, "grad." + p.name});
    for (const io::TensorInfo& tensor : file_.tensors()) {
      if (!known.contains(tensor.name)) throw Error(fmt::format("unknown tensor {}", tensor.name));
    }
  }

  /// max|got - reference| / max|reference|, or the numerator where the reference is all zeros.
  [[nodiscard]] double difference(const Tensor& got, const std::string& name) const {
    const std::vector<double> reference = file_.doubles(name);
    if (static_cast<std::int64_t>(reference.size()) != got.elements()) {
      throw Error(fmt::format("{} is {}; riverrun gives {}", name, file_.at(name).shape_string(),
                              got.shape().to_string()));
    }
    double largest = 0.0;
    double error = 0.0;
    for (std::size_t i = 0; i < reference.size(); ++i) {
      const double distance = std::abs(static_cast<double>(got.values()[i]) - reference[i]);
      if (!std::isfinite(distance)) return std::numeric_limits<double>::infinity();
      largest = std::max(largest, std::abs(reference[i]));
      error = std::max(error, distance);
    }
    return largest > 0.0 ? error / largest : error;
  }

  [[nodiscard]] Errors run_sequence() const {
    Recurrent network(find_cell(cell_), options_);
    load(network.parameters());
    Errors errors;
    const auto [output, state] = network.forward(read("input"), initial(), lengths_);
    errors.output.update(difference(output, "output"), "output", "forward");
    compare_states(state, errors, "forward");
    run_with_gradients(
        [&](Tape& tape, Var input, std::span<const Var> first) {
          return network.forward(tape, input, first, lengths_);
        },
        network.parameters(), errors);
    if (!options_.bidirectional && lengths_.empty()) run_stream(network, errors);
    return errors;
  }

  [[nodiscard]] Errors run_cell() const {
    RecurrentCell cell(find_cell(cell_), {.input_size = options_.input_size,
                                          .hidden_size = options_.hidden_size,
                                          .bias = options_.bias});
    load(cell.parameters());
    Errors errors;
    compare_states(cell.forward(read("input"), initial()), errors, "forward");
    run_with_gradients(
        [&](Tape& tape, Var input, std::span<const Var> first) {
          return Recurrent::VarOutput{.output = {}, .state = cell.forward(tape, input, first)};
        },
        cell.parameters(), errors);
    return errors;
  }

  void compare_states(const State& state, Errors& errors, std::string_view run) const {
    for (std::size_t i = 0; i < states_.size(); ++i) {
      const std::string name = states_[i] + "_n";
      errors.output.update(difference(state.tensors.at(i), name), name, run);
    }
  }

  template <class Forward>
  void run_with_gradients(const Forward& forward, const ParameterList& parameters,
                          Errors& errors) const {
    Tape tape;
    const Var input = tape.input(read("input"), /*requires_grad=*/true);
    std::vector<Var> first;
    for (Tensor& tensor : initial().tensors) first.push_back(tape.input(std::move(tensor), true));
    const auto [output, last] = forward(tape, input, first);

    std::vector<Tape::Upstream> upstream;
    if (!is_cell_) {
      errors.output.update(difference(output.value(), "output"), "output", "tape");
      upstream.push_back({output, read("grad_output")});
    }
    for (std::size_t i = 0; i < states_.size(); ++i) {
      const std::string name = states_[i] + "_n";
      errors.output.update(difference(last.at(i).value(), name), name, "tape");
      upstream.push_back({last[i], read("grad_" + name)});
    }

    tape.backward(std::move(upstream));
    const auto compare = [&](const Tensor& gradient, const std::string& name) {
      errors.gradient.update(difference(gradient, name), name, "");
    };
    compare(input.grad(), "grad_input");
    for (std::size_t i = 0; i < first.size(); ++i) {
      compare(first[i].grad(), "grad_" + states_[i] + "_0");
    }
    for (const NamedParameter& p : parameters) compare(p.parameter->grad(), "grad." + p.name);
  }

  /// Step by step; the frames of one time step are gathered, as batch_first scatters them.
  void run_stream(const Recurrent& network, Errors& errors) const {
    const Tensor input = read("input");
    const bool unbatched = input.rank() == 2;
    const int time_dimension = options_.batch_first && !unbatched ? 1 : 0;
    const std::int64_t seq_len = input.size(time_dimension);
    const std::int64_t batch = unbatched ? 1 : input.size(1 - time_dimension);
    const std::int64_t features =
        options_.proj_size > 0 ? options_.proj_size : options_.hidden_size;

    Stream stream = network.stream(batch);
    if (has_initial_) {
      State state = initial();
      for (Tensor& tensor : state.tensors) {
        tensor.reshape({tensor.size(0), batch, tensor.size(-1)});
      }
      stream.set_state(state);
    }
    Tensor x({batch, options_.input_size});
    Tensor y({batch, features});
    Tensor output(time_dimension == 0 ? Shape{seq_len, batch, features}
                                      : Shape{batch, seq_len, features});
    for (std::int64_t t = 0; t < seq_len; ++t) {
      const auto row = [&](std::int64_t b) {
        return time_dimension == 0 ? t * batch + b : b * seq_len + t;
      };
      for (std::int64_t b = 0; b < batch; ++b) {
        std::copy_n(input.data() + row(b) * options_.input_size, options_.input_size,
                    x.data() + b * options_.input_size);
      }
      stream.step(x.values(), y.values());
      for (std::int64_t b = 0; b < batch; ++b) {
        std::copy_n(y.data() + b * features, features, output.data() + row(b) * features);
      }
    }
    errors.output.update(difference(output, "output"), "output", "stream");
    compare_states(stream.state(), errors, "stream");
  }

  io::SafetensorsFile file_;
  std::string cell_;
  bool is_cell_ = false;
  bool has_initial_ = false;
  RecurrentOptions options_;
  std::vector<std::string> states_;  // "h", and "c" for an LSTM
  std::vector<std::int64_t> lengths_;
};

/// The .safetensors files of a folder in order of their names.
std::vector<fs::path> case_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code code;
  const fs::directory_iterator entries(folder, code);
  if (code) throw IoError(folder.string(), code.value(), "no folder that can be read");
  for (const fs::directory_entry& entry : entries) {
    if (entry.path().extension() == ".safetensors") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// Runs a case on each SIMD target of this machine.
Errors run_on_all_targets(const Case& test_case) {
  Errors errors;
  for (const std::string& target : kernels::simd_targets()) {
    kernels::force_simd_target(target);
    const Errors here = test_case.run();
    errors.output.update(here.output, target);
    errors.gradient.update(here.gradient, target);
  }
  kernels::force_simd_target("");
  return errors;
}

/// Prints one line for each case; returns how many are beyond the tolerances or cannot be run.
int run_files(const std::vector<fs::path>& files) {
  std::size_t width = std::string_view("case").size();
  for (const fs::path& file : files) width = std::max(width, file.stem().string().size());
  fmt::print("{:<{}}  {:>8}  {:<26}  {:>8}  {}\n", "case", width, "output", "at", "gradient", "at");
  int failures = 0;
  for (const fs::path& file : files) {
    const std::string name = file.stem().string();
    try {
      const Errors errors = run_on_all_targets(Case(file));
      failures += errors.pass() ? 0 : 1;
      fmt::print("{:<{}}  {:>8.1e}  {:<26}  {:>8.1e}  {}{}\n", name, width, errors.output.error,
                 errors.output.where, errors.gradient.error, errors.gradient.where,
                 errors.pass() ? "" : "  BEYOND");
    } catch (const std::exception& error) {
      ++failures;
      fmt::print("{:<{}}  ERROR: {}\n", name, width, error.what());
    }
  }
  return failures;
}

}  // namespace
}  // namespace riverrun

int main(int argc, char** argv) {
  CLI::App app{"Compares riverrun with the PyTorch cases (*.safetensors) in each folder."};
  std::vector<std::string> folders;
  int threads = riverrun::num_threads();
  bool skip_missing = false;
  app.add_option("DIR", folders, "folders of cases")->required();
  app.add_option("--threads", threads, "threads to compute with")->capture_default_str();
  app.add_flag("--skip-missing", skip_missing,
               fmt::format("exit with {} if a folder is not there", riverrun::kExitSkipped));
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "parity: {} (see --help)\n", error.what());
    return riverrun::kExitNothing;
  }

  try {
    riverrun::set_num_threads(threads);
    std::vector<std::filesystem::path> files;
    for (const std::string& folder : folders) {
      if (skip_missing && !std::filesystem::exists(folder)) {
        fmt::print("skipped: there is no {}\n", folder);
        return riverrun::kExitSkipped;
      }
      const auto here = riverrun::case_files(folder);
      files.insert(files.end(), here.begin(), here.end());
    }
    if (files.empty()) throw riverrun::Error("there is no .safetensors file to compare with");
    const int failures = riverrun::run_files(files);
    fmt::print("{} case{}, {} within {:.0e} (outputs) and {:.0e} (gradients)\n", files.size(),
               files.size() == 1 ? "" : "s", files.size() - static_cast<std::size_t>(failures),
               riverrun::kOutputTolerance, riverrun::kGradientTolerance);
    return failures > 0 ? 1 : 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "parity: {}\n", error.what());
    return riverrun::kExitNothing;
  }
}
