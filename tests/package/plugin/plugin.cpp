#include <vector>

#include "riverrun/core/error.h"
#include "riverrun/fixed/load.h"
#include "riverrun/nn/recurrent.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT float process(float x) {
  static riverrun::LSTM lstm({.input_size = 1, .hidden_size = 8});
  static riverrun::Stream stream = lstm.stream();
  static std::vector<float> y(8);
  stream.step({&x, 1}, y);
  return y[0];
}

// The library's exceptions are caught in the plug-in: 0, or the error number.
EXPORT int process_fixed(const char* weights, float x, float* y) {
  using namespace riverrun;
  try {
    fixed::Stack<fixed::LSTM<1, 40>, fixed::Linear<40, 1>> net;
    *y = net.step(x);
    load(io::SafetensorsFile(weights), net, {"lstm.*_l0", "linear.*"});
    return 0;
  } catch (const IoError& error) {
    return error.code();
  }
}
