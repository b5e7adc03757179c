#pragma once

#include <cstdint>
#include <span>

#include "riverrun/core/tensor.h"
#include "riverrun/core/weight_type.h"

// Matrix products. Right operands that are used many times, as weights are, are packed once.

namespace riverrun::kernels {

/// A matrix of which each row belongs to a sequence of the batch, or to a packed row.
template <class T>
struct Rows {
  T* data = nullptr;
  std::int64_t stride = 0;

  [[nodiscard]] T* operator()(std::int64_t row) const { return data + row * stride; }
  [[nodiscard]] Rows from(std::int64_t row) const { return {data + row * stride, stride}; }
};

/// A left operand of fewer rows has few: see GateColumns.
inline constexpr std::int64_t kManyRows = 11;

/// The columns of a matrix that is packed: `hidden` for each of `gates` gates. With one gate and no
/// slots, any matrix.
struct GateColumns {
  std::int64_t hidden = 0;
  int gates = 1;
  const int* slots = nullptr;  // [gates]: the results of gate g go to column slots[g] * hidden
  // Packed in wider panels, faster with left operands of few rows. The bits of a product are the
  // same.
  bool few_rows = false;

  /// All gates of each unit, for few rows and for threads that share the units.
  [[nodiscard]] static GateColumns units(std::int64_t hidden, int gates, const int* slots) {
    return {hidden, gates, slots, /*few_rows=*/true};
  }
};

/// The right operand of a product, from pack() or right_operand().
struct Weights {
  const float* data = nullptr;  // whatever the type, and what else is packed with the weights
  WeightType type = WeightType::kFloat32;
  // 0: packed. Otherwise a matrix of float32 and one gate as it is, [depth, columns], its rows so
  // far apart, and not for few_rows; of the memory behind it up to kReadableBehind floats are read.
  std::int64_t row_stride = 0;

  Weights() = default;
  Weights(const float* d, WeightType t = WeightType::kFloat32) : data(d), type(t) {}  // NOLINT
};

/// Packs the right operand of a product, [depth, columns], element (k, n) of which is
/// matrix[k * row_stride + n * column_stride]; column n is unit n % hidden of gate n / hidden. The
/// size is in floats, `packed` is aligned as the memory of a tensor is. What is packed fits these
/// columns, slots too, and the SIMD target that was in
/// use then. In a smaller type a weight that is NaN makes results NaN, and so do infinities in
/// kInt8, which cannot hold them.
[[nodiscard]] std::int64_t packed_size(const GateColumns& columns, std::int64_t depth,
                                       WeightType type = WeightType::kFloat32);
void pack(const GateColumns& columns, const float* matrix, std::int64_t row_stride,
          std::int64_t column_stride, std::int64_t depth, float* packed,
          WeightType type = WeightType::kFloat32);

/// The same for a matrix of float32 [depth, columns] of which row k lies at rows[k].
void pack_rows(std::int64_t columns, const float* const* rows, std::int64_t depth, float* packed);

/// Whether a little behind a matrix may be read (kReadableBehind): memory of a tensor's own.
enum class Behind { kReadable, kForbidden };
[[nodiscard]] inline Behind behind(const Tensor& tensor) {
  return tensor.is_borrowed() ? Behind::kForbidden : Behind::kReadable;
}

/// The right operand of a product that is the matrix [depth, columns.hidden], of one gate: the
/// matrix as it is, or, if it is for few rows, must not be read behind its end, or is so large that
/// reading it panel by panel would take longer than packing it, packed into `room`, of
/// right_operand_size() floats. Either way the bits of the product are the same.
[[nodiscard]] std::int64_t right_operand_size(const GateColumns& columns, std::int64_t depth,
                                              Behind behind = Behind::kReadable);
[[nodiscard]] Weights right_operand(const GateColumns& columns, const float* matrix,
                                    std::int64_t depth, float* room,
                                    Behind behind = Behind::kReadable);

/// Whether each of the weights is finite, and stays so when it is rounded to bf16.
[[nodiscard]] bool all_finite(std::span<const float> weights);

/// out[rows, …] = bias + x[rows, depth]·w, or with `add` out + x·w, on all threads; `bias` has the
/// width of `out`, or is nullptr for zeros. The bits depend neither on the threads nor on how many
/// rows are computed at once.
void product(const GateColumns& columns, std::int64_t rows, std::int64_t depth, Rows<const float> x,
             Weights operand, const float* bias, bool add, Rows<float> out);

/// The same for real time: see parallel_for_if_ready. Neither allocates nor locks.
void product_if_ready(const GateColumns& columns, std::int64_t rows, std::int64_t depth,
                      Rows<const float> x, Weights operand, const float* bias, bool add,
                      Rows<float> out);

/// A right operand of transposed_product, in float32 and of GateColumns{columns}, and what becomes
/// of its product.
struct Term {
  std::int64_t columns = 0;
  Weights operand;
  Rows<float> out;
  bool add = false;
};

/// out[rows, …] = xᵀ·w or out + xᵀ·w for each of the terms, x being [depth, rows]: the gradient of
/// a weight, from those of its outputs and its inputs. row_sums[rows] += the sums of x over the
/// depth, unless it is nullptr. On all threads; the bits do not depend on them.
void transposed_product(std::int64_t rows, std::int64_t depth, Rows<const float> x,
                        std::span<const Term> terms, float* row_sums);

}  // namespace riverrun::kernels
