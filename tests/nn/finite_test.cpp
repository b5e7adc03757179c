#include "riverrun/nn/finite.h"

#include <limits>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"

namespace riverrun {
namespace {

using testing::StrEq;
using testing::ThrowsMessage;

TEST(RequireFinite, NamesTheFirstElementThatIsNot) {
  const auto weight = std::make_shared<Parameter>(Shape{3, 50});
  const auto bias = std::make_shared<Parameter>(Shape{2});
  const ParameterList list = {{"rnn.weight", weight}, {"rnn.bias", bias}};
  weight->mutable_value().fill(std::numeric_limits<float>::max());
  EXPECT_NO_THROW(require_finite(list, "model"));

  bias->mutable_value().data()[1] = -std::numeric_limits<float>::infinity();
  EXPECT_THAT([&] { require_finite(list, "model"); },
              ThrowsMessage<NumericError>(
                  StrEq("model: rnn.bias[1] is -inf; a weight must be a finite number")));
  weight->mutable_value().data()[149] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT([&] { require_finite(list, "model"); },
              ThrowsMessage<NumericError>(
                  StrEq("model: rnn.weight[2, 49] is nan; a weight must be a finite number")));
}

}  // namespace
}  // namespace riverrun
