// What single units of a language model are for: how much worse it predicts a text if the memory of
// one unit (c of an LSTM's last layer) is held at its mean, and so carries nothing from one token
// to the next.    example_ablation MODEL TEXT
#include <cmath>
#include <cstdio>
#include <exception>
#include <vector>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/lm/model_folder.h"
#include "riverrun/nn/loss.h"

using namespace riverrun;

int main(int argc, char** argv) try {
  if (argc != 3) throw Error("usage: example_ablation MODEL TEXT");
  auto [model, tokenizer] = lm::load_model(argv[1]);
  const std::vector<std::int32_t> tokens = tokenizer.encode(read_file(argv[2]));
  constexpr std::size_t kWarmUp = 100;  // tokens that are not counted: the state begins at zero
  if (tokens.size() < kWarmUp + 2) throw Error("the text must have at least 102 tokens");
  const double n = static_cast<double>(tokens.size() - 1 - kWarmUp);

  // Reads the text in so many rows side by side; visit(c [rows, units], nats of each row, weight)
  // may change c.
  const auto units = static_cast<std::size_t>(model.options().hidden_size);
  const auto read = [&, &net = model](std::size_t rows, const auto& visit) {
    const Shape shape{1, static_cast<std::int64_t>(rows)};
    State state = net.zero_state(shape[1]);
    std::vector<double> nats(rows);
    for (std::size_t t = 0; t + 1 < tokens.size(); ++t) {
      const std::vector<std::int32_t> token(rows, tokens[t]), next(rows, tokens[t + 1]);
      auto [output, after] = net.rnn().forward(net.embedding().forward(token, shape), state);
      state = std::move(after);
      static_cast<void>(linear_cross_entropy(net.decoder(), output, next, nats));
      float* c = state.tensors.back().values().last(rows * units).data();
      visit(c, nats, t < kWarmUp ? 0.0 : 1.0 / n);
    }
  };
  std::vector<double> mean(units), change(units), squares(units);
  read(1, [&](const float* c, const std::vector<double>&, double weight) {
    for (std::size_t u = 0; u < units; ++u) mean[u] += c[u] * weight;
  });
  // In row u unit u is held, in the last row none.
  read(units + 1, [&](float* c, const std::vector<double>& nats, double weight) {
    for (std::size_t u = 0; u < units; ++u) {
      c[u * units + u] = static_cast<float>(mean[u]);
      const double more = nats[u] - nats[units];
      change[u] += more * weight;
      squares[u] += more * more * weight;
    }
  });
  for (std::size_t u = 0; u < units; ++u) {
    const double error = std::sqrt((squares[u] - change[u] * change[u]) / n);
    std::printf("%+.1e +- %.0e nats: unit %zu held at %.2f\n", change[u], error, u, mean[u]);
  }
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
