// riverrun/fixed as audio and control compile it: with neither exceptions nor run-time types.
#include "riverrun/fixed/linear.h"
#include "riverrun/fixed/recurrent.h"
#include "riverrun/fixed/stack.h"

extern "C" float process(float x);
extern "C" float process(float x) {
  using namespace riverrun::fixed;
  static Stack<LSTM<1, 8>, GRU<8, 8>, Linear<8, 1>> net;
  return net.step(x);
}
