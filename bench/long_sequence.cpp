// Training on one long batch with and without recomputation: time and memory.
//
//   long_sequence [--steps 20000] [--hidden 128] [--batch 32] [--layers 1] [--recompute -1]
//                 [--threads 2] [--updates 3] [--rounds 3]
//
// An update is an LSTM with 8 inputs and a Linear that predicts one of 8 classes at each step,
// forward and backward, and Adam. Each configuration runs in processes of its own, taking turns,
// because a process has only one peak of memory; the times are the fastest and the median of all
// updates but the first of each process, which gets its memory from the system. What else the
// machine does only adds to a time, so the ratio is that of the fastest.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "riverrun/core/random.h"
#include "riverrun/core/threads.h"
#include "riverrun/nn/linear.h"
#include "riverrun/nn/loss.h"
#include "riverrun/nn/optimizer.h"
#include "riverrun/nn/recurrent.h"

namespace {

using namespace riverrun;

constexpr std::int64_t kFeatures = 8;

using Settings = std::map<std::string, std::int64_t>;

/// The seconds of each update.
std::vector<double> train(const Settings& settings, std::int64_t recompute_steps) {
  set_num_threads(static_cast<int>(settings.at("threads")));
  const std::int64_t steps = settings.at("steps");
  const std::int64_t batch = settings.at("batch");
  LSTM lstm({.input_size = kFeatures,
             .hidden_size = settings.at("hidden"),
             .num_layers = settings.at("layers"),
             .recompute_steps = recompute_steps});
  Linear decoder({.in_features = settings.at("hidden"), .out_features = kFeatures});
  const ParameterList parameters = lstm.parameters() + decoder.parameters();
  Adam adam(parameters, {});
  Random random(1);
  std::vector<std::int32_t> targets(static_cast<std::size_t>(steps * batch));
  for (std::int32_t& target : targets) {
    target = static_cast<std::int32_t>(random.uniform() * static_cast<float>(kFeatures));
  }
  Tape tape;
  std::vector<double> seconds;
  for (std::int64_t i = 0; i < settings.at("updates") + 1; ++i) {
    Tensor x = tape.allocate({steps, batch, kFeatures});
    random.fill_normal(x.values(), 0.0f, 1.0f);
    const auto begin = std::chrono::steady_clock::now();
    const Var h = lstm.forward(tape, tape.input(std::move(x))).output;
    tape.backward(linear_cross_entropy(decoder, tape, h, targets));
    adam.step();
    zero_grad(parameters);
    tape.clear();
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
    seconds.push_back(passed.count());
  }
  return seconds;
}

struct Result {
  std::vector<double> seconds;
  double peak_gigabytes = 0.0;
};

void measure(const Settings& settings, std::int64_t recompute_steps, Result& result) {
  int ends[2];
  if (pipe(ends) != 0) std::exit(1);
  const pid_t child = fork();
  if (child < 0) std::exit(1);
  if (child == 0) {
    const std::vector<double> seconds = train(settings, recompute_steps);
    const std::size_t bytes = seconds.size() * sizeof(double);
    const bool sent = write(ends[1], seconds.data(), bytes) == static_cast<ssize_t>(bytes);
    _exit(sent ? 0 : 1);
  }
  std::vector<double> seconds(static_cast<std::size_t>(settings.at("updates")) + 1);
  const std::size_t bytes = seconds.size() * sizeof(double);
  close(ends[1]);
  const bool received = read(ends[0], seconds.data(), bytes) == static_cast<ssize_t>(bytes);
  close(ends[0]);
  int status = 0;
  rusage usage{};
  if (wait4(child, &status, 0, &usage) != child || status != 0 || !received) {
    std::fprintf(stderr, "long_sequence: the process with recompute_steps %lld failed\n",
                 static_cast<long long>(recompute_steps));
    std::exit(1);
  }
  result.seconds.insert(result.seconds.end(), std::next(seconds.begin()), seconds.end());
  const double peak = static_cast<double>(usage.ru_maxrss) * 1024.0 / 1e9;
  result.peak_gigabytes = std::max(result.peak_gigabytes, peak);
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings = {{"steps", 20000},
                       {"hidden", 128},
                       {"batch", 32},
                       {"layers", 1},
                       {"recompute", kRecomputeAuto},
                       {"threads", 2},
                       {"updates", 3},
                       {"rounds", 3}};
  for (int i = 1; i < argc; i += 2) {
    const std::string name = std::string(argv[i]).substr(0, 2) == "--" ? argv[i] + 2 : "";
    if (i + 1 == argc || !settings.contains(name)) {
      std::fprintf(stderr, "long_sequence: %s: no such option, or no value\n", argv[i]);
      return 2;
    }
    settings[name] = std::atoll(argv[i + 1]);
  }
  Result with, without;
  if (settings["updates"] < 1 || settings["rounds"] < 1) {
    std::fprintf(stderr, "long_sequence: updates and rounds must be positive\n");
    return 2;
  }
  for (std::int64_t round = 0; round < settings["rounds"]; ++round) {
    measure(settings, settings["recompute"], with);
    measure(settings, 0, without);
  }
  const auto print = [](std::int64_t recompute_steps, Result& result) {
    std::sort(result.seconds.begin(), result.seconds.end());
    std::printf("| %lld | %.2f | %.2f | %.2f |\n", static_cast<long long>(recompute_steps),
                result.seconds.front(), result.seconds[result.seconds.size() / 2],
                result.peak_gigabytes);
  };
  std::printf("| recompute_steps | fastest, s | median, s | peak, GB |\n");
  std::printf("| ---: | ---: | ---: | ---: |\n");
  print(0, without);
  print(settings["recompute"], with);
  std::printf("%.2f times the time\n", with.seconds.front() / without.seconds.front());
  return 0;
}
