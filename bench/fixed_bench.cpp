// Times riverrun's networks of sizes known to the compiler, in the protocol of serve.h: mode
// "step", one layer, batch 1, of the cells and sizes below. Compiled for the machine it is built
// on.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "riverrun/cell/gru.h"
#include "riverrun/cell/lstm.h"
#include "riverrun/cell/rnn.h"
#include "riverrun/core/error.h"
#include "riverrun/fixed/recurrent.h"
#include "riverrun/version.h"

#include "serve.h"

namespace {

using bench::json;
using namespace riverrun;

/// One layer, step by step, from zeros.
template <class Layer>
class Steps final : public bench::Workload {
 public:
  explicit Steps(const json& request)
      : input_(request.value("check", false) ? std::size_t{request.at("seq_len")} : 1) {
    std::int64_t k = 0;
    const auto fill = [&](auto& values) {
      for (float& value : values) value = bench::parameter_value(k++, Layer::kOutputSize);
    };
    constexpr std::size_t kRows = Layer::Weights::kRows;
    std::array<float, kRows * Layer::kInputSize> weight_ih;
    std::array<float, kRows * Layer::kOutputSize> weight_hh;
    std::array<float, kRows> bias_ih, bias_hh;
    fill(weight_ih);
    fill(weight_hh);
    fill(bias_ih);
    fill(bias_hh);
    const auto [decays, silence] = bench::decay(request);
    if (decays) bench::let_decay(Layer::kOutputSize, weight_hh, bias_ih, bias_hh);
    layer_.set_weights({.weight_ih = weight_ih,
                        .weight_hh = weight_hh,
                        .bias_ih = bias_ih,
                        .bias_hh = bias_hh,
                        .params = {}});
    k = 0;
    for (auto& step : input_) {
      for (float& value : step) value = bench::data_value(k++);
    }
    if (decays) input_.front().fill(1.0f);
    if (!silence) return;
    run();
    input_.front().fill(0.0f);
    for (int i = 0; i < bench::kSilentSteps; ++i) run();
  }

  void run() override { layer_.step(input_.front(), output_); }

  std::vector<float> values() override {
    std::vector<float> all;
    for (const auto& step : input_) {
      layer_.step(step, output_);
      all.insert(all.end(), output_.begin(), output_.end());
    }
    return all;
  }

 private:
  std::vector<std::array<float, Layer::kInputSize>> input_;
  std::array<float, Layer::kOutputSize> output_{};
  Layer layer_;
};

template <int kInput, int kHidden>
std::unique_ptr<bench::Workload> of_cell(const json& request) {
  const std::string cell = request.at("cell");
  if (cell == "lstm") return std::make_unique<Steps<fixed::LSTM<kInput, kHidden>>>(request);
  if (cell == "gru") return std::make_unique<Steps<fixed::GRU<kInput, kHidden>>>(request);
  if (cell == "rnn_tanh") return std::make_unique<Steps<fixed::RNN<kInput, kHidden>>>(request);
  throw ConfigError("cell is \"" + cell + "\"; it must be lstm, gru or rnn_tanh");
}

std::unique_ptr<bench::Workload> make(const json& request) {
  const int input = request.at("input_size"), hidden = request.at("hidden_size");
  const bool one = request.at("num_layers") == 1 && request.at("batch") == 1;
  if (request.at("mode") == "step" && one) {
    if (input == 1 && hidden == 32) return of_cell<1, 32>(request);
    if (input == 1 && hidden == 40) return of_cell<1, 40>(request);
    if (input == 40 && hidden == 40) return of_cell<40, 40>(request);
  }
  throw ConfigError(
      "it was compiled for steps of one layer 1 -> 32, 1 -> 40 and 40 -> 40, batch 1");
}

}  // namespace

int main() {
  bench::serve(riverrun::kVersion, make, [](int) {});
}
