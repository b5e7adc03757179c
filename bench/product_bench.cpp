// Times the packed product alone, on one thread:
//
//   build/release/product_bench [ROWS,COLUMNS,DEPTH[,t|,r|,tr] …]
//
// t: the left operand is transposed; r: the right operand is a matrix as it is, not packed.
//
// GFLOP/s to compare with the first figure of build/release/limits. SIMD_TARGET=AVX2 forces an
// instruction set.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "riverrun/core/error.h"
#include "riverrun/core/tensor.h"
#include "riverrun/core/threads.h"
#include "riverrun/kernels/product.h"
#include "riverrun/kernels/targets.h"

namespace riverrun {
namespace {

double median_seconds(const auto& body) {
  using Clock = std::chrono::steady_clock;
  const auto seconds = [](auto time) { return std::chrono::duration<double>(time).count(); };
  body();
  std::vector<double> times;
  const Clock::time_point begin = Clock::now();
  for (Clock::time_point last = begin; seconds(last - begin) < 0.2;) {
    body();
    const Clock::time_point now = Clock::now();
    times.push_back(seconds(now - last));
    last = now;
  }
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2),
                   times.end());
  return times[times.size() / 2];
}

void run(const std::string& shape) {
  std::istringstream in(shape);
  std::int64_t rows = 0, width = 0, depth = 0;
  char comma = ',';
  std::string options;
  if (!(in >> rows >> comma >> width >> comma >> depth) || std::min({rows, width, depth}) < 1 ||
      (in >> options && options != ",t" && options != ",r" && options != ",tr")) {
    throw ConfigError("the shape is \"" + shape + "\"; it must be ROWS,COLUMNS,DEPTH[,t|,r|,tr]");
  }
  const bool transposed = options.find('t') != std::string::npos;
  const bool as_it_is = options.find('r') != std::string::npos;
  Tensor x({rows, depth}), weight({width, depth}), out({rows, width});
  const kernels::GateColumns columns{
      .hidden = width, .few_rows = rows < kernels::kManyRows && !transposed && !as_it_is};
  Tensor packed({kernels::packed_size(columns, depth)});
  kernels::pack(columns, weight.data(), 1, depth, depth, packed.data());
  kernels::Weights operand(packed.data());
  if (as_it_is) {
    operand = weight.data();
    operand.row_stride = width;
  }
  const std::array<kernels::Term, 1> terms{{{width, operand, {out.data(), width}, true}}};
  const double seconds = median_seconds([&] {
    if (transposed) {
      kernels::transposed_product(rows, depth, {x.data(), rows}, terms, nullptr);
    } else {
      kernels::product(columns, rows, depth, {x.data(), depth}, operand, nullptr, true,
                       {out.data(), width});
    }
  });
  fmt::print("{:>18} {:8.1f} GFLOP/s\n", shape,
             2e-9 * static_cast<double>(rows * width) * static_cast<double>(depth) / seconds);
}

}  // namespace
}  // namespace riverrun

int main(int argc, char** argv) {
  try {
    if (const char* target = std::getenv("SIMD_TARGET")) {
      riverrun::kernels::force_simd_target(target);
    }
    riverrun::set_num_threads(1);
    std::vector<std::string> shapes(argv + 1, argv + argc);
    if (shapes.empty()) {
      shapes = {"1,512,128",      "8,512,128",      "32,512,128",   "256,512,300",
                "20,2600,650",    "16,2048,512",    "256,2048,512", "2048,4096,1024",
                "512,300,1600,t", "2048,512,1600,t"};
    }
    for (const std::string& shape : shapes) riverrun::run(shape);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "product_bench: {}\n", error.what());
    return 1;
  }
}
