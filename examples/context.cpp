// How much context a language model uses: how much worse it predicts a token if, k tokens before
// it, its state is exchanged for that of another place in the text.    example_context MODEL TEXT
#include <cmath>
#include <cstdio>
#include <exception>
#include <utility>
#include <vector>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/lm/model_folder.h"
#include "riverrun/nn/loss.h"

using namespace riverrun;

int main(int argc, char** argv) try {
  if (argc != 3) throw Error("usage: example_context MODEL TEXT");
  auto [model, tokenizer] = lm::load_model(argv[1]);
  const std::vector<std::int32_t> tokens = tokenizer.encode(read_file(argv[2]));
  constexpr std::size_t kPlaces = 4000, kRead = 130, kMost = 30;  // the first 100 are a warm-up
  if (tokens.size() <= kPlaces + kRead) throw Error("the text has too few tokens");
  const std::size_t apart = (tokens.size() - kRead) / kPlaces;
  const auto tokens_at = [&](std::size_t step, std::size_t shift) {  // row p: of place p + shift
    std::vector<std::int32_t> row(kPlaces);
    for (std::size_t p = 0; p < kPlaces; ++p) {
      row[p] = tokens[(p + shift) % kPlaces * apart + step];
    }
    return row;
  };
  // Reads all places side by side from a step on. Returns their surprise at the token at kRead.
  std::vector<State> states;  // of the first reading, before each of the last kMost steps
  const auto read = [&, &net = model](std::size_t begin, State state, std::size_t shift) {
    Tensor y;
    for (std::size_t step = begin; step < kRead; ++step) {
      if (step + kMost >= kRead && states.size() < kMost) states.push_back(state);
      const Tensor x = net.embedding().forward(tokens_at(step, shift), Shape{1, kPlaces});
      auto result = net.rnn().forward(x, state);
      y = std::move(result.output), state = std::move(result.state);
    }
    std::vector<double> nats(kPlaces);
    static_cast<void>(linear_cross_entropy(net.decoder(), y, tokens_at(kRead, shift), nats));
    return nats;
  };
  const std::vector<double> nats = read(0, model.zero_state(kPlaces), 0);
  for (const std::size_t k : {1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30}) {
    // The state of place p goes on with the tokens of a place half the text away.
    const std::vector<double> changed = read(kRead - k, states[kMost - k], kPlaces / 2);
    double mean = 0.0, square = 0.0;
    for (std::size_t p = 0; p < kPlaces; ++p) {
      const double more = changed[p] - nats[(p + kPlaces / 2) % kPlaces];
      mean += more / kPlaces;
      square += more * more / kPlaces;
    }
    std::printf("%2zu: %+.4f +- %.4f nats\n", k, mean, std::sqrt((square - mean * mean) / kPlaces));
  }
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
