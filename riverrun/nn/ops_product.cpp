#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "riverrun/core/error.h"
#include "riverrun/core/threads.h"
#include "riverrun/kernels/product.h"
#include "riverrun/nn/ops.h"
#include "riverrun/nn/ops_impl.h"

namespace riverrun {
namespace {

/// `count` products of a [m, k] and b [k, n].
struct Products {
  std::int64_t count = 1;
  std::int64_t m = 0;
  std::int64_t k = 0;
  std::int64_t n = 0;

  [[nodiscard]] bool is_empty() const { return count == 0 || m == 0 || k == 0 || n == 0; }
};

// Calls `body(i, room)` for each product, with `floats` of room of its own. A single one divides
// itself among the threads, several are dealt out.
template <class Body>
void for_products(Tape& tape, const Products& p, std::int64_t floats, Body body) {
  Tensor room = tape.allocate({p.count, floats});
  parallel_for(p.count, [&](std::int64_t i) { body(i, room.data() + i * floats); });
  tape.recycle(std::move(room));
}

// Packed memory begins on a line of the cache, as the memory of a tensor does.
std::int64_t aligned(std::int64_t floats) { return (floats + 15) / 16 * 16; }

// out = a·b
void multiply(Tape& tape, const Products& p, const float* a, const float* b, float* out) {
  if (p.is_empty()) {
    std::fill_n(out, p.count * p.m * p.n, 0.0f);
    return;
  }
  const kernels::GateColumns columns{.hidden = p.n};
  // Rows behind b's may be those of another product, which are only read.
  for_products(tape, p, aligned(kernels::right_operand_size(columns, p.k)),
               [&](std::int64_t i, float* room) {
                 kernels::product(columns, p.m, p.k, {a + i * p.m * p.k, p.k},
                                  kernels::right_operand(columns, b + i * p.k * p.n, p.k, room),
                                  nullptr, false, {out + i * p.m * p.n, p.n});
               });
}

// grad_a = g·bᵀ
void multiply_by_transposed(Tape& tape, const Products& p, const float* g, const float* b,
                            float* grad_a) {
  if (p.is_empty()) {
    std::fill_n(grad_a, p.count * p.m * p.k, 0.0f);
    return;
  }
  const kernels::GateColumns columns{.hidden = p.k};
  for_products(tape, p, aligned(kernels::packed_size(columns, p.n)),
               [&](std::int64_t i, float* room) {
                 kernels::pack(columns, b + i * p.k * p.n, 1, p.n, p.n, room);
                 kernels::product(columns, p.m, p.n, {g + i * p.m * p.n, p.n}, room, nullptr, false,
                                  {grad_a + i * p.m * p.k, p.k});
               });
}

// grad_b += aᵀ·g
void add_transposed_product(Tape& tape, const Products& p, const float* a, const float* g,
                            float* grad_b) {
  if (p.is_empty()) return;
  const kernels::GateColumns columns{.hidden = p.n};
  for_products(tape, p, aligned(kernels::right_operand_size(columns, p.m)),
               [&](std::int64_t i, float* room) {
                 const std::array<kernels::Term, 1> terms{
                     {{p.n,
                       kernels::right_operand(columns, g + i * p.m * p.n, p.m, room),
                       {grad_b + i * p.k * p.n, p.n},
                       /*add=*/true}}};
                 kernels::transposed_product(p.k, p.m, {a + i * p.m * p.k, p.k}, terms, nullptr);
               });
}

/// Where a convolution along time finds the input of one element of its kernel: input steps first,
/// first + stride, ... for output steps [begin, end). The others read zeros.
struct Tap {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t first = 0;
};

struct Convolution {
  std::int64_t steps = 0;
  std::int64_t batch = 0;
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t kernel = 0;
  std::int64_t out_steps = 0;
  Conv1dOptions options;

  [[nodiscard]] std::int64_t row() const { return batch * in; }

  [[nodiscard]] Tap tap(std::int64_t element) const {
    // Output step t reads input step t·stride + offset.
    const std::int64_t offset = element * options.dilation - options.padding;
    const std::int64_t stride = options.stride;
    Tap tap;
    tap.begin = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
    tap.end = std::min(out_steps, offset < steps ? (steps - offset + stride - 1) / stride : 0);
    tap.begin = std::min(tap.begin, std::max<std::int64_t>(tap.end, 0));
    tap.end = std::max(tap.end, tap.begin);
    tap.first = tap.begin * stride + offset;
    return tap;
  }
};

Convolution convolution_of(const Shape& input, const Shape& weight, const Conv1dOptions& options) {
  const auto [stride, padding, dilation] = options;
  constexpr std::int64_t kMost = std::int64_t{1} << 31;
  if (stride < 1 || dilation < 1 || padding < 0 || std::max({stride, dilation, padding}) > kMost) {
    throw ConfigError("conv1d: stride is " + std::to_string(stride) + ", padding is " +
                      std::to_string(padding) + " and dilation is " + std::to_string(dilation) +
                      "; stride and dilation must be positive, padding must not be negative, and "
                      "none may be above 2^31");
  }
  if (input.rank() != 3 || weight.rank() != 3 || input[2] != weight[1] || weight.elements() == 0) {
    throw ShapeError("conv1d: input is " + input.to_string() + " and weight is " +
                     weight.to_string() +
                     "; they must be [seq_len, batch, in_channels] and [out_channels, "
                     "in_channels, kernel_size], and the weight must not be empty");
  }
  Convolution c{.steps = input[0],
                .batch = input[1],
                .in = input[2],
                .out = weight[0],
                .kernel = weight[2],
                .options = options};
  // In this order nothing overflows for sizes that fit in memory.
  const std::int64_t covers = c.steps + 2 * padding - 1;
  const bool fits = c.kernel == 1 || dilation <= covers / (c.kernel - 1);
  if (covers < 0 || !fits) {
    throw ShapeError("conv1d: input is " + input.to_string() + "; with padding " +
                     std::to_string(padding) + " it is shorter than the kernel of " +
                     weight.to_string() + " with dilation " + std::to_string(dilation));
  }
  c.out_steps = (covers - dilation * (c.kernel - 1)) / stride + 1;
  return c;
}

// The steps that an element of the kernel reads, [rows, in]: where they are, or copied to `room`.
const float* steps_of(const Convolution& c, const Tap& tap, const float* input, float* room) {
  if (c.options.stride == 1) return input + tap.first * c.row();
  for (std::int64_t t = tap.begin; t < tap.end; ++t) {
    const std::int64_t step = tap.first + (t - tap.begin) * c.options.stride;
    std::copy_n(input + step * c.row(), c.row(), room + (t - tap.begin) * c.row());
  }
  return room;
}

}  // namespace

Var matmul(Var a, Var b) {
  Tape& tape = a.tape();
  tape.require_own(a);
  tape.require_own(b);
  const Shape& left = a.shape();
  const Shape& right = b.shape();
  const auto refuse = [&](const char* rule) {
    throw ShapeError("matmul: a is " + left.to_string() + " and b is " + right.to_string() + "; " +
                     rule);
  };
  if (left.rank() < 2 || right.rank() < 2) refuse("both must have two dimensions or more");
  if (left[-1] != right[-2]) refuse("a's last extent must be b's last but one");
  Products products{.count = 1, .m = left[-2], .k = left[-1], .n = right[-1]};
  if (right.rank() == 2) {
    for (int d = 0; d < left.rank() - 2; ++d) products.m *= left[d];
  } else {
    if (left.rank() != right.rank()) refuse("b must be a matrix or have a's leading extents");
    for (int d = 0; d < left.rank() - 2; ++d) {
      if (left[d] != right[d]) refuse("b must be a matrix or have a's leading extents");
      products.count *= left[d];
    }
  }
  Tensor output = tape.allocate(ops::with_extent(left, left.rank() - 1, products.n));
  multiply(tape, products, a.value().data(), b.value().data(), output.data());
  if (!a.requires_grad() && !b.requires_grad()) return tape.record(std::move(output), nullptr);
  return tape.record(std::move(output), [&tape, a, b, products](const Tensor& grad) {
    if (a.requires_grad()) {
      Tensor grad_a = tape.allocate(a.shape());
      multiply_by_transposed(tape, products, grad.data(), b.value().data(), grad_a.data());
      tape.add_grad(a, std::move(grad_a));
    }
    if (b.requires_grad()) {
      add_transposed_product(tape, products, a.value().data(), grad.data(), tape.grad(b).data());
    }
  });
}

Var conv1d(Var input, Var weight, std::optional<Var> bias, const Conv1dOptions& options) {
  Tape& tape = input.tape();
  tape.require_own(input);
  tape.require_own(weight);
  const Convolution c = convolution_of(input.shape(), weight.shape(), options);
  if (bias) {
    tape.require_own(*bias);
    if (bias->shape() != Shape{c.out}) {
      throw ShapeError("conv1d: bias is " + bias->shape().to_string() +
                       "; it must be [out_channels], [" + std::to_string(c.out) + "]");
    }
  }
  // A product for each element of the kernel, whose results are summed.
  const kernels::GateColumns columns{.hidden = c.out};
  const std::int64_t stepped = options.stride == 1 ? 0 : c.out_steps * c.row();
  Tensor output = tape.allocate({c.out_steps, c.batch, c.out});
  Tensor packed = tape.allocate({kernels::packed_size(columns, c.in)});
  Tensor room = tape.allocate({stepped});
  for (std::int64_t row = 0; row < c.out_steps * c.batch; ++row) {
    float* to = output.data() + row * c.out;
    if (bias) {
      std::copy_n(bias->value().data(), c.out, to);
    } else {
      std::fill_n(to, c.out, 0.0f);
    }
  }
  for (std::int64_t element = 0; element < c.kernel; ++element) {
    const Tap tap = c.tap(element);
    if (tap.begin == tap.end || c.batch == 0) continue;
    kernels::pack(columns, weight.value().data() + element, c.kernel, c.in * c.kernel, c.in,
                  packed.data());
    kernels::product(columns, (tap.end - tap.begin) * c.batch, c.in,
                     {steps_of(c, tap, input.value().data(), room.data()), c.in}, packed.data(),
                     nullptr, /*add=*/true, {output.data() + tap.begin * c.batch * c.out, c.out});
  }
  tape.recycle(std::move(packed));
  tape.recycle(std::move(room));
  const bool requires_grad =
      input.requires_grad() || weight.requires_grad() || (bias && bias->requires_grad());
  if (!requires_grad) return tape.record(std::move(output), nullptr);
  return tape.record(
      std::move(output), [&tape, input, weight, bias, c, stepped](const Tensor& grad) {
        Tensor steps = tape.allocate({stepped});
        Tensor operand =
            tape.allocate({std::max(kernels::right_operand_size({c.in}, c.out),
                                    kernels::right_operand_size({c.in}, c.out_steps * c.batch))});
        Tensor of_element = tape.allocate({c.out, c.in});
        const float* w = weight.value().data();
        float* grad_input = input.requires_grad() ? tape.grad(input).data() : nullptr;
        float* grad_weight = weight.requires_grad() ? tape.grad(weight).data() : nullptr;
        for (std::int64_t element = 0; element < c.kernel; ++element) {
          const Tap tap = c.tap(element);
          const std::int64_t rows = (tap.end - tap.begin) * c.batch;
          if (rows == 0) continue;
          const float* g = grad.data() + tap.begin * c.batch * c.out;
          if (grad_weight != nullptr) {
            const float* x = steps_of(c, tap, input.value().data(), steps.data());
            const std::array<kernels::Term, 1> terms{
                {{c.in,
                  kernels::right_operand({c.in}, x, rows, operand.data()),
                  {of_element.data(), c.in},
                  /*add=*/false}}};
            kernels::transposed_product(c.out, rows, {g, c.out}, terms, nullptr);
            for (std::int64_t i = 0; i < c.out * c.in; ++i) {
              grad_weight[i * c.kernel + element] += of_element.data()[i];
            }
          }
          if (grad_input != nullptr) {
            for (std::int64_t i = 0; i < c.out * c.in; ++i) {
              of_element.data()[i] = w[i * c.kernel + element];
            }
            const kernels::Weights right =
                kernels::right_operand({c.in}, of_element.data(), c.out, operand.data());
            const bool in_place = c.options.stride == 1;
            float* to = in_place ? grad_input + tap.first * c.row() : steps.data();
            kernels::product({c.in}, rows, c.out, {g, c.out}, right, nullptr, in_place, {to, c.in});
            if (!in_place) {
              for (std::int64_t t = 0; t < tap.end - tap.begin; ++t) {
                float* sums = grad_input + (tap.first + t * c.options.stride) * c.row();
                for (std::int64_t i = 0; i < c.row(); ++i) sums[i] += steps.data()[t * c.row() + i];
              }
            }
          }
        }
        tape.recycle(std::move(steps));
        tape.recycle(std::move(operand));
        tape.recycle(std::move(of_element));
        if (bias && bias->requires_grad()) {
          float* sums = tape.grad(*bias).data();
          for (std::int64_t row = 0; row < c.out_steps * c.batch; ++row) {
            for (std::int64_t o = 0; o < c.out; ++o) sums[o] += grad.data()[row * c.out + o];
          }
        }
      });
}

}  // namespace riverrun
