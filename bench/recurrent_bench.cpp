// Times riverrun's recurrent networks. Reads one JSON object a line from standard input and answers
// each with one on standard output, so that a driver can alternate between this and another
// program:
//
//   echo '{"cell": "lstm", "input_size": 300, "hidden_size": 128, "num_layers": 2, "seq_len": 50,
//          "batch": 32, "mode": "train", "threads": 2, "seconds": 1}' | tr -d '\n' |
//          recurrent_bench
//
// mode: "forward" (a whole sequence, without gradients), "train" (forward and backward, with the
// gradients of the input and of all parameters) or "step" (one step of a stream). The answer,
// {"seconds": […]}, holds the time of each repetition; the first one of a new workload, which
// allocates and packs weights, is not among them.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/core/random.h"
#include "riverrun/core/tensor.h"
#include "riverrun/core/threads.h"
#include "riverrun/nn/cells.h"
#include "riverrun/nn/recurrent.h"
#include "riverrun/nn/tape.h"

namespace riverrun {
namespace {

using nlohmann::json;

Tensor normal(const Shape& shape, std::uint64_t stream) {
  Tensor tensor = Tensor::uninitialized(shape);
  Random(/*seed=*/1, stream).fill_normal(tensor.values(), 0.0f, 1.0f);
  return tensor;
}

/// A network, its data, and what is timed.
class Workload {
 public:
  explicit Workload(const json& request)
      : mode_(request.at("mode")),
        batch_(request.at("batch")),
        network_(find_cell(std::string(request.at("cell"))),
                 {.input_size = request.at("input_size"),
                  .hidden_size = request.at("hidden_size"),
                  .num_layers = request.at("num_layers")}) {
    const std::int64_t seq_len = mode_ == "step" ? 1 : std::int64_t{request.at("seq_len")};
    const RecurrentOptions& options = network_.options();
    input_ = normal({seq_len, batch_, options.input_size}, 1);
    output_ = Tensor({seq_len, batch_, options.hidden_size});
    grad_output_ = normal(output_.shape(), 2);
    if (mode_ == "step") {
      stream_.emplace(network_.stream(batch_));
    } else if (mode_ != "forward" && mode_ != "train") {
      throw ConfigError(fmt::format("mode is \"{}\"; it must be forward, train or step", mode_));
    }
    parameters_ = network_.parameters();
  }

  void run() {
    if (mode_ == "forward") {
      output_ = network_.forward(input_).output;
    } else if (mode_ == "step") {
      stream_->step(input_.values(), output_.values());
    } else {
      train();
    }
  }

 private:
  void train() {
    zero_grad(parameters_);
    // As an optimiser would: copies of the weights in another order are stale from here on.
    for (const NamedParameter& p : parameters_) static_cast<void>(p.parameter->mutable_value());
    const Var input = tape_.input(copy(input_), /*requires_grad=*/true);
    const Var output = network_.forward(tape_, input).output;
    std::vector<Tape::Upstream> upstream;
    upstream.push_back({output, copy(grad_output_)});
    tape_.backward(std::move(upstream));
    tape_.clear();
  }

  Tensor copy(const Tensor& tensor) {
    Tensor result = tape_.allocate(tensor.shape());
    std::copy_n(tensor.data(), tensor.elements(), result.data());
    return result;
  }

  std::string mode_;
  std::int64_t batch_;
  Recurrent network_;
  std::optional<Stream> stream_;
  ParameterList parameters_;
  Tensor input_;
  Tensor output_;
  Tensor grad_output_;
  Tape tape_;
};

std::vector<double> time(Workload& workload, double seconds) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> times;
  const Clock::time_point begin = Clock::now();
  Clock::time_point last = begin;
  while (times.empty() || std::chrono::duration<double>(last - begin).count() < seconds) {
    workload.run();
    const Clock::time_point now = Clock::now();
    times.push_back(std::chrono::duration<double>(now - last).count());
    last = now;
  }
  return times;
}

json without(json request, const char* key) {
  request.erase(key);
  return request;
}

void serve() {
  json current;
  std::unique_ptr<Workload> workload;
  std::string line;
  while (std::getline(std::cin, line)) {
    const json request = json::parse(line);
    set_num_threads(request.at("threads"));
    if (!workload || without(request, "seconds") != current) {
      workload = std::make_unique<Workload>(request);
      current = without(request, "seconds");
      workload->run();
    }
    std::cout << json{{"seconds", time(*workload, request.at("seconds"))}} << std::endl;
  }
}

}  // namespace
}  // namespace riverrun

int main() {
  try {
    riverrun::serve();
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "recurrent_bench: {}\n", error.what());
    return 1;
  }
}
