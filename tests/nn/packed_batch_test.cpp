#include "riverrun/nn/packed_batch.h"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace riverrun {
namespace {

bool is_identity(bool batch_first, const std::vector<std::int64_t>& lengths) {
  return PackedBatch(/*steps=*/4, /*batch=*/3, batch_first, lengths).is_identity();
}

// What need not be packed is not.
TEST(PackedBatch, IsTheCallersIfAllSequencesAreWhole) {
  EXPECT_TRUE(is_identity(false, {}));
  EXPECT_TRUE(is_identity(false, {4, 4, 4}));
  EXPECT_FALSE(is_identity(false, {4, 4, 3}));
  EXPECT_FALSE(is_identity(false, {3, 3, 3}));  // the last step is padding
  EXPECT_FALSE(is_identity(true, {}));
  EXPECT_FALSE(is_identity(true, {4, 4, 4}));
  EXPECT_TRUE(PackedBatch(4, 1, true, std::vector<std::int64_t>{4}).is_identity());
  EXPECT_FALSE(PackedBatch(4, 1, true, std::vector<std::int64_t>{2}).is_identity());
}

}  // namespace
}  // namespace riverrun
