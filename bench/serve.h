// What the programs that bench/compare.py asks have in common: a process that stays alive, reads
// one JSON object a line from standard input and answers each with one on standard output.
//
//   asked     {"mode": "train", …, "threads": 2, "seconds": 0.25}
//   answered  {"seconds": [0.0121, 0.0119, …], "version": "0.1.0"}
//
// The answer holds the time of each repetition until "seconds" have passed. Without "threads" the
// program uses as many as it likes. With "check": true, parameters and input are those of
// parameter_value() and data_value(), and {"values": […]} comes back: what the workload computed.
// What cannot be done is answered with {"error": "…"}.
//
// riverrun's own programs also take "input": "sound" or "silence" in mode "step": a layer whose
// states decay, while it hears something, and after 5,000 steps of zeros.

#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iostream>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace bench {

using nlohmann::json;

/// What is timed.
class Workload {
 public:
  Workload() = default;
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;
  virtual ~Workload() = default;
  virtual void run() = 0;
  /// Of a workload made with "check": forward, the output; step, the outputs of all steps; train,
  /// the gradient of the input.
  virtual std::vector<float> values() = 0;
};

/// The k-th of all parameters, taken in PyTorch's order (weight_ih, weight_hh, bias_ih, bias_hh,
/// and a cell's own, layer after layer).
inline float parameter_value(std::int64_t k, std::int64_t hidden_size) {
  return static_cast<float>(std::sin(static_cast<double>(k)) /
                            std::sqrt(static_cast<double>(hidden_size)));
}

/// The k-th number of the input; of the gradient of the output, which begins where the input ends.
inline float data_value(std::int64_t k) {
  return static_cast<float>(std::sin(0.7 * static_cast<double>(k)));
}

/// Steps of zeros before those of "silence" are timed.
inline constexpr int kSilentSteps = 5000;

/// Makes the states of a layer decay in silence: without biases, but for that of the second gate,
/// by which an LSTM and a GRU keep 0.88 of theirs. Where W_hh alone keeps them, it keeps 0.9.
inline void let_decay(std::size_t hidden, std::span<float> weight_hh, std::span<float> bias_ih,
                      std::span<float> bias_hh) {
  std::ranges::fill(bias_ih, 0.0f);
  std::ranges::fill(bias_hh, 0.0f);
  if (bias_ih.size() > hidden) {
    std::ranges::fill(bias_ih.subspan(hidden, hidden), 2.0f);
    for (float& w : weight_hh) w *= 0.3f;
  } else {
    std::ranges::fill(weight_hh, 0.0f);
    for (std::size_t u = 0; u < hidden; ++u) weight_hh[u * hidden + u] = 0.9f;
  }
}

/// Whether a request asks for a layer whose states decay ("input"), and for silence.
struct Decay {
  bool decays = false;
  bool silence = false;
};
inline Decay decay(const json& request) {
  if (!request.contains("input")) return {};
  const std::string input = request.at("input");
  if (request.at("mode") != "step" || (input != "sound" && input != "silence")) {
    throw std::invalid_argument("input is \"" + input +
                                "\"; it must be sound or silence, of mode step");
  }
  return {true, input == "silence"};
}

inline std::vector<double> time(Workload& workload, double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto between = [](Clock::time_point from, Clock::time_point to) {
    return std::chrono::duration<double>(to - from).count();
  };
  // Of the shortest steps there would be a million, and as many numbers in the answer.
  constexpr std::size_t kMost = 100'000;
  // A look at the clock takes 30 ns: what is shorter than this is repeated between two.
  constexpr double kShortest = 2e-6;
  std::vector<double> times;
  const Clock::time_point begin = Clock::now();
  Clock::time_point last = begin;
  int repetitions = 1;
  while (times.empty() || (times.size() < kMost && between(begin, last) < seconds)) {
    for (int i = 0; i < repetitions; ++i) workload.run();
    const Clock::time_point now = Clock::now();
    const double taken = between(last, now);
    last = now;
    if (taken < kShortest / 2 && seconds > 0) {
      repetitions *= 2;
      times.clear();
    } else {
      times.push_back(taken / repetitions);
    }
  }
  return times;
}

/// Answers until the input ends. `make(request)` makes a workload; `set_threads(n)` is called
/// before whatever is to use n threads.
template <class Make, class SetThreads>
void serve(const std::string& version, Make make, SetThreads set_threads) {
  json current;
  // A driver may alternate between numbers of threads; what is made for one number (packed weights,
  // compiled primitives) must not be made anew each time.
  std::map<int, std::unique_ptr<Workload>> by_threads;
  for (std::string line; std::getline(std::cin, line);) {
    json answer;
    try {
      const json request = json::parse(line);
      json key = request;
      key.erase("seconds");
      key.erase("threads");
      if (key != current) by_threads.clear();
      current = key;
      const int threads = request.value("threads", 0);
      if (threads > 0) set_threads(threads);
      std::unique_ptr<Workload>& workload = by_threads[threads];
      if (request.value("check", false)) {
        workload = make(request);
        answer["values"] = workload->values();
      } else {
        if (!workload) {
          workload = make(request);
          workload->run();  // allocates and packs weights; not timed
        }
        answer["seconds"] = time(*workload, request.at("seconds"));
      }
      answer["version"] = version;
    } catch (const std::exception& error) {
      by_threads.clear();
      answer = {{"error", error.what()}};
    }
    std::cout << answer << std::endl;
  }
}

}  // namespace bench
