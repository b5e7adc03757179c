#include "riverrun/nn/loss.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "riverrun/core/error.h"
#include "riverrun/kernels/product.h"
#include "riverrun/kernels/softmax.h"
#include "riverrun/nn/elementwise.h"

namespace riverrun {
namespace {

// How many targets are not ignored; throws if one is out of range or their number is not `rows`.
std::int64_t check_targets(const char* who, std::int64_t rows, std::int64_t classes,
                           IntSpan targets, std::int32_t ignore_index) {
  if (static_cast<std::int64_t>(targets.size()) != rows) {
    throw ShapeError(std::string(who) + ": " + std::to_string(targets.size()) + " targets for " +
                     std::to_string(rows) + " rows; there must be one for each row");
  }
  std::int64_t counted = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (targets[i] == ignore_index) continue;
    if (targets[i] < 0 || targets[i] >= classes) {
      throw ConfigError(std::string(who) + ": target " + std::to_string(i) + " is " +
                        std::to_string(targets[i]) +
                        "; it must be in [0, classes = " + std::to_string(classes) + ")");
    }
    ++counted;
  }
  return counted;
}

std::int64_t check_hidden(const Linear& decoder, const Tensor& hidden) {
  const std::int64_t in = decoder.options().in_features;
  if (hidden.rank() == 0 || hidden.size(-1) != in) {
    throw ShapeError("linear_cross_entropy: hidden is " + hidden.shape().to_string() +
                     "; the last dimension must be in_features = " + std::to_string(in));
  }
  return hidden.elements() / in;
}

// Spreads the rows over the threads; with `grad`, their gradients are written there.
void cross_entropy_rows(const kernels::CrossEntropyRows& all, float scale, float* grad,
                        double* nats) {
  const std::int64_t rows_per_chunk = std::max<std::int64_t>(1, kElementsPerChunk / all.classes);
  parallel_chunks(all.rows, rows_per_chunk, [&](std::int64_t begin, std::int64_t end) {
    kernels::CrossEntropyRows part = all;
    part.rows = end - begin;
    part.logits += begin * all.classes;
    part.targets += begin;
    if (grad) {
      kernels::cross_entropy_with_grad(part, scale, grad + begin * all.classes, nats + begin);
    } else {
      kernels::cross_entropy(part, nats + begin);
    }
  });
}

double sum(std::span<const double> values) {
  double total = 0.0;
  for (const double value : values) total += value;
  return total;
}

// What the sum over the targets is multiplied by.
double loss_factor(Reduction reduction, std::int64_t counted) {
  return reduction == Reduction::kSum ? 1.0 : 1.0 / static_cast<double>(counted);
}

Tensor scalar(Tape& tape, double value) {
  Tensor tensor = tape.allocate({});
  tensor.fill(static_cast<float>(value));
  return tensor;
}

// The decoder applied to chunks of rows: calls body(first_row, rows, logits), where logits
// [rows, classes] lack the bias and may be overwritten.
template <class Body>
void for_chunks(const Linear& decoder, WeightType weights, std::int64_t all_rows,
                const float* hidden, Tensor& logits, Body&& body) {
  const auto [in, classes, bias, seed] = decoder.options();
  const std::int64_t chunk = logits.size(0);
  for (std::int64_t first = 0; first < all_rows; first += chunk) {
    const std::int64_t rows = std::min(chunk, all_rows - first);
    decoder.multiply(rows, hidden + first * in, logits.data(), /*with_bias=*/false, weights);
    body(first, rows, logits.data());
  }
}

// Few chunks and even ones, because each of them reads all weights, and adds to all their
// gradients.
Shape chunk_shape(std::int64_t rows, std::int64_t classes) {
  const std::int64_t most = std::max<std::int64_t>(1, kMaxLogits / classes);
  const std::int64_t chunks = std::max<std::int64_t>(1, (rows + most - 1) / most);
  return {std::max<std::int64_t>(1, (rows + chunks - 1) / chunks), classes};
}

}  // namespace

Var cross_entropy(Var logits, IntSpan targets, const CrossEntropyOptions& options) {
  if (logits.shape().rank() == 0 || logits.shape()[-1] == 0) {
    throw ShapeError("cross_entropy: logits are " + logits.shape().to_string() +
                     "; the last dimension must be the classes");
  }
  const std::int64_t classes = logits.shape()[-1];
  const std::int64_t rows = logits.value().elements() / classes;
  const std::int64_t counted =
      check_targets("cross_entropy", rows, classes, targets, options.ignore_index);
  std::vector<std::int32_t> room;
  const std::span<const std::int32_t> ids = targets.narrowed(room);
  const double factor = loss_factor(options.reduction, counted);

  Tape& tape = logits.tape();
  std::vector<double> nats(targets.size());
  cross_entropy_rows(
      {rows, classes, logits.value().data(), nullptr, ids.data(), options.ignore_index}, 0.0f,
      nullptr, nats.data());
  Tensor loss = scalar(tape, sum(nats) * factor);
  if (!logits.requires_grad()) return tape.record(std::move(loss), nullptr);
  return tape.record(
      std::move(loss), [&tape, logits, rows, classes, factor, ignore = options.ignore_index,
                        kept = std::vector(ids.begin(), ids.end()),
                        nats = std::move(nats)](const Tensor& grad) mutable {
        Tensor grad_logits = tape.allocate(logits.shape());
        const auto scale = static_cast<float>(factor * grad.values()[0]);
        cross_entropy_rows({rows, classes, logits.value().data(), nullptr, kept.data(), ignore},
                           scale, grad_logits.data(), nats.data());
        tape.add_grad(logits, std::move(grad_logits));
      });
}

Var linear_cross_entropy(Linear& decoder, Tape& tape, Var hidden, IntSpan targets,
                         const CrossEntropyOptions& options) {
  tape.require_own(hidden);
  const auto [in, classes, bias, seed] = decoder.options();
  const std::int64_t all_rows = check_hidden(decoder, hidden.value());
  const std::int64_t counted =
      check_targets("linear_cross_entropy", all_rows, classes, targets, options.ignore_index);
  std::vector<std::int32_t> room;
  const std::span<const std::int32_t> ids = targets.narrowed(room);
  const double factor = loss_factor(options.reduction, counted);

  // The gradients for an upstream gradient of 1, which is what nearly every loss gets. The
  // parameters are shared, so that the decoder may be moved before the backward pass.
  struct Gradients {
    Tensor hidden, weight, bias;
    ParameterList parameters;
  };
  Gradients grads;
  grads.parameters = decoder.parameters();
  if (hidden.requires_grad()) grads.hidden = tape.allocate(hidden.shape());
  grads.weight = tape.allocate(decoder.weight().value().shape());
  if (bias) grads.bias = tape.allocate_zeros({classes});

  std::vector<double> nats(targets.size());
  Tensor logits = tape.allocate(chunk_shape(all_rows, classes));
  const float* x = hidden.value().data();
  Tensor room_of_x = tape.allocate({kernels::right_operand_size({in}, logits.size(0))});
  Tensor room_of_weight;
  kernels::Weights weight;
  if (!grads.hidden.empty()) {
    const Tensor& values = decoder.weight().value();
    const kernels::Behind behind = kernels::behind(values);
    room_of_weight = tape.allocate({kernels::right_operand_size({in}, classes, behind)});
    weight = kernels::right_operand({in}, values.data(), classes, room_of_weight.data(), behind);
  }
  if (all_rows == 0) grads.weight.fill(0.0f);
  for_chunks(decoder, WeightType::kFloat32, all_rows, x, logits,
             [&, in = in, classes = classes, bias = bias](std::int64_t first, std::int64_t rows,
                                                          float* chunk) {
               cross_entropy_rows({rows, classes, chunk, decoder.bias().value().data(),
                                   ids.data() + first, options.ignore_index},
                                  static_cast<float>(factor), chunk, nats.data() + first);
               const std::array<kernels::Term, 1> terms{
                   {{in,
                     kernels::right_operand({in}, x + first * in, rows, room_of_x.data()),
                     {grads.weight.data(), in},
                     first > 0}}};
               kernels::transposed_product(classes, rows, {chunk, classes}, terms,
                                           bias ? grads.bias.data() : nullptr);
               if (!grads.hidden.empty()) {
                 kernels::product({in}, rows, classes, {chunk, classes}, weight, nullptr, false,
                                  {grads.hidden.data() + first * in, in});
               }
             });
  for (Tensor* tensor : {&logits, &room_of_x, &room_of_weight}) tape.recycle(std::move(*tensor));

  return tape.record(scalar(tape, sum(nats) * factor),
                     [&tape, hidden, grads = std::move(grads)](const Tensor& grad) mutable {
                       const float upstream = grad.values()[0];
                       const auto add_to = [&](Parameter& parameter, Tensor& term) {
                         if (term.empty()) return;
                         if (upstream != 1.0f) scale(term, upstream);
                         tape.recycle(parameter.add_grad(std::move(term)));
                       };
                       add_to(*grads.parameters.front().parameter, grads.weight);
                       add_to(*grads.parameters.back().parameter, grads.bias);
                       if (grads.hidden.empty()) return;
                       if (upstream != 1.0f) scale(grads.hidden, upstream);
                       tape.add_grad(hidden, std::move(grads.hidden));
                     });
}

double linear_cross_entropy(const Linear& decoder, const Tensor& hidden, IntSpan targets,
                            std::span<double> per_target, std::int32_t ignore_index) {
  const std::int64_t classes = decoder.options().out_features;
  const std::int64_t all_rows = check_hidden(decoder, hidden);
  check_targets("linear_cross_entropy", all_rows, classes, targets, ignore_index);
  std::vector<std::int32_t> room;
  const std::span<const std::int32_t> ids = targets.narrowed(room);
  if (!per_target.empty() && per_target.size() != targets.size()) {
    throw ShapeError("linear_cross_entropy: per_target has " + std::to_string(per_target.size()) +
                     " elements for " + std::to_string(targets.size()) +
                     " targets; it must have as many, or none");
  }
  Tensor logits = Tensor::uninitialized(chunk_shape(all_rows, classes));
  std::vector<double> nats(per_target.empty() ? static_cast<std::size_t>(logits.size(0)) : 0);
  double total = 0.0;
  for_chunks(decoder, decoder.inference_weights(), all_rows, hidden.data(), logits,
             [&](std::int64_t first, std::int64_t rows, const float* chunk) {
               double* out = per_target.empty() ? nats.data() : per_target.data() + first;
               cross_entropy_rows({rows, classes, chunk, decoder.bias().value().data(),
                                   ids.data() + first, ignore_index},
                                  0.0f, nullptr, out);
               total += sum({out, static_cast<std::size_t>(rows)});
             });
  return total;
}

Var mse_loss(Var input, ListSpan<float> targets) {
  const std::span<const float> values = input.value().values();
  if (values.size() != targets.size()) {
    throw ShapeError("mse_loss: " + std::to_string(targets.size()) + " targets for input " +
                     input.shape().to_string() + "; there must be one for each element");
  }
  Tape& tape = input.tape();
  const double count = static_cast<double>(values.size());
  double squares = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double difference = static_cast<double>(values[i]) - targets[i];
    squares += difference * difference;
  }
  Tensor loss = scalar(tape, squares / count);
  if (!input.requires_grad()) return tape.record(std::move(loss), nullptr);
  return tape.record(std::move(loss),
                     [&tape, input, count,
                      kept = std::vector(targets.begin(), targets.end())](const Tensor& grad) {
                       Tensor grad_input = tape.allocate(input.shape());
                       const auto factor = static_cast<float>(2.0 / count * grad.values()[0]);
                       const std::span<const float> x = input.value().values();
                       for (std::size_t i = 0; i < kept.size(); ++i) {
                         grad_input.values()[i] = factor * (x[i] - kept[i]);
                       }
                       tape.add_grad(input, std::move(grad_input));
                     });
}

Var quantile_loss(Var input, ListSpan<float> targets, ListSpan<double> quantiles) {
  const std::size_t count = quantiles.size();
  if (count == 0 || input.value().values().size() != targets.size() * count ||
      input.shape()[-1] != static_cast<std::int64_t>(count)) {
    throw ShapeError("quantile_loss: " + std::to_string(targets.size()) + " targets and " +
                     std::to_string(count) + " quantiles for input " + input.shape().to_string() +
                     "; there must be a quantile for each element of the last dimension, and a "
                     "target for each row");
  }
  for (const double q : quantiles) {
    if (q > 0 && q < 1) continue;
    throw ConfigError("quantile_loss: a quantile is " + std::to_string(q) +
                      "; it must be between 0 and 1");
  }
  Tape& tape = input.tape();
  std::size_t known = 0;
  double total = 0.0;
  Tensor slopes = tape.allocate(input.shape());  // ∂/∂input of each element's loss
  const float* x = input.value().data();
  float* slope = slopes.data();
  for (const float target : targets) {
    const bool is_known = !std::isnan(target);
    known += is_known ? 1 : 0;
    for (const double q : quantiles) {
      const float error = target - *x++;
      const double factor = error > 0 ? q : q - 1;
      if (is_known) total += factor * static_cast<double>(error);
      *slope++ = is_known ? static_cast<float>(-factor) : 0.0f;
    }
  }
  const double elements = static_cast<double>(known * count);
  Tensor loss = scalar(tape, total / elements);
  if (!input.requires_grad()) return tape.record(std::move(loss), nullptr);
  return tape.record(std::move(loss), [&tape, input, elements,
                                       kept = std::move(slopes)](const Tensor& grad) mutable {
    const auto factor = static_cast<float>(grad.values()[0] / elements);
    for (float& value : kept.values()) value *= factor;
    tape.add_grad(input, std::move(kept));
  });
}

}  // namespace riverrun
