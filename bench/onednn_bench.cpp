// Times oneDNN's own recurrent layers, in the protocol of serve.h, as a peer of riverrun. cell:
// lstm, gru (oneDNN's lbr_gru, which is PyTorch's) or rnn_tanh; mode: forward, train or step.
//
// Weights are kept as oneDNN likes them (format_tag::any). Without gradients they are brought into
// that order once; in training in every repetition, once for the forward and once for the backward
// layer, because an optimiser would have changed them. Layers with the same input size are one
// primitive.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <dnnl.hpp>
#include <omp.h>

#include "serve.h"

namespace {

using bench::json;
using dnnl::memory;
using Arguments = std::unordered_map<int, memory>;
using Tag = memory::format_tag;

struct Context {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};

  /// All zeros, in memory of its own.
  memory zeros(const memory::desc& desc) const {
    memory result(desc, engine);
    std::memset(result.get_data_handle(), 0, desc.get_size());
    return result;
  }
};

memory::desc floats(const memory::dims& dims, Tag tag) {
  return {dims, memory::data_type::f32, tag};
}

float* data(const memory& m) { return static_cast<float*>(m.get_data_handle()); }

// oneDNN 3 did away with the operation descriptors of oneDNN 2.
template <class Primitive, class... Descs>
auto describe(const Context& context, const Descs&... descs) {
#if DNNL_VERSION_MAJOR >= 3
  return typename Primitive::primitive_desc(context.engine, descs...);
#else
  return typename Primitive::primitive_desc(typename Primitive::desc(descs...), context.engine);
#endif
}

template <class Primitive, class Hint, class... Descs>
auto describe_backward(const Context& context, const Hint& hint, const Descs&... descs) {
#if DNNL_VERSION_MAJOR >= 3
  return typename Primitive::primitive_desc(context.engine, descs..., hint);
#else
  return
      typename Primitive::primitive_desc(typename Primitive::desc(descs...), context.engine, hint);
#endif
}

constexpr auto kDirection = dnnl::rnn_direction::unidirectional_left2right;

// What tells the cells apart. `row_block[g]` is where PyTorch keeps the gate that oneDNN has at g.
struct LSTM {
  using Forward = dnnl::lstm_forward;
  using Backward = dnnl::lstm_backward;
  static constexpr int kGates = 4, kBiases = 4;
  static constexpr int kRowBlock[] = {0, 1, 2, 3};
};
struct GRU {
  using Forward = dnnl::lbr_gru_forward;
  using Backward = dnnl::lbr_gru_backward;
  static constexpr int kGates = 3, kBiases = 4;
  static constexpr int kRowBlock[] = {1, 0, 2};
};
struct RNNTanh {
  using Forward = dnnl::vanilla_rnn_forward;
  using Backward = dnnl::vanilla_rnn_backward;
  static constexpr int kGates = 1, kBiases = 1;
  static constexpr int kRowBlock[] = {0};
};

struct Sizes {
  memory::dim layers, steps, batch, input, hidden;
};

/// Layers of one input size.
template <class Cell>
class Group {
 public:
  static constexpr bool kHasC = std::is_same_v<Cell, LSTM>;

  /// `first_parameter` is the number of parameters before this group's.
  Group(const Context& context, const std::string& mode, const Sizes& sizes,
        std::int64_t& first_parameter)
      : context_(context), train_(mode == "train"), stateful_(mode == "step"), sizes_(sizes) {
    const auto [layers, steps, batch, input, hidden] = sizes;
    source_ = context.zeros(floats({steps, batch, input}, Tag::tnc));
    output_ = context.zeros(floats({steps, batch, hidden}, Tag::tnc));
    // PyTorch's order, [gates * hidden, input] a layer.
    weights_layer_ = context.zeros(floats({layers, 1, input, Cell::kGates, hidden}, Tag::ldgoi));
    weights_iter_ = context.zeros(floats({layers, 1, hidden, Cell::kGates, hidden}, Tag::ldgoi));
    bias_ = context.zeros(floats({layers, 1, Cell::kBiases, hidden}, Tag::ldgo));
    set_parameters(first_parameter);
    make_forward();
    if (train_) make_backward();
  }

  [[nodiscard]] const memory& source() const { return source_; }
  [[nodiscard]] const memory& output() const { return output_; }
  [[nodiscard]] const memory& grad_source() const { return grad_source_; }
  [[nodiscard]] const memory& grad_output() const { return grad_output_; }
  /// From here on this group reads what the one before it writes, and the other way round.
  void follow(Group& before) {
    source_ = forward_arguments_[DNNL_ARG_SRC_LAYER] = before.output_;
    if (train_) {
      backward_arguments_[DNNL_ARG_SRC_LAYER] = before.output_;
      grad_source_ = backward_arguments_[DNNL_ARG_DIFF_SRC_LAYER] = before.grad_output_;
    }
  }

  void forward() {
    if (train_) {
      reorder(weights_layer_, forward_arguments_[DNNL_ARG_WEIGHTS_LAYER]);
      reorder(weights_iter_, forward_arguments_[DNNL_ARG_WEIGHTS_ITER]);
    }
    forward_.execute(context_.stream, forward_arguments_);
    if (stateful_) {
      // The new state is what the next step begins with.
      swap_state(DNNL_ARG_SRC_ITER, DNNL_ARG_DST_ITER);
      if (kHasC) swap_state(DNNL_ARG_SRC_ITER_C, DNNL_ARG_DST_ITER_C);
    }
    context_.stream.wait();
  }

  void backward() {
    reorder(weights_layer_, backward_arguments_[DNNL_ARG_WEIGHTS_LAYER]);
    reorder(weights_iter_, backward_arguments_[DNNL_ARG_WEIGHTS_ITER]);
    // It adds to these.
    for (const int argument :
         {DNNL_ARG_DIFF_WEIGHTS_LAYER, DNNL_ARG_DIFF_WEIGHTS_ITER, DNNL_ARG_DIFF_BIAS}) {
      const memory& gradient = backward_arguments_[argument];
      std::memset(gradient.get_data_handle(), 0, gradient.get_desc().get_size());
    }
    backward_.execute(context_.stream, backward_arguments_);
    context_.stream.wait();
  }

 private:
  void set_parameters(std::int64_t& k) {
    const auto [layers, steps, batch, input, hidden] = sizes_;
    const auto fill = [&, h = hidden](float* weights, memory::dim columns) {
      for (int block = 0; block < Cell::kGates; ++block) {
        const auto gate = std::find(Cell::kRowBlock, Cell::kRowBlock + Cell::kGates, block);
        float* to = weights + (gate - Cell::kRowBlock) * h * columns;
        for (memory::dim i = 0; i < h * columns; ++i) to[i] = bench::parameter_value(k++, h);
      }
    };
    std::vector<float> two(static_cast<std::size_t>(2 * Cell::kGates * hidden));
    for (memory::dim layer = 0; layer < layers; ++layer) {
      fill(data(weights_layer_) + layer * Cell::kGates * hidden * input, input);
      fill(data(weights_iter_) + layer * Cell::kGates * hidden * hidden, hidden);
      // oneDNN has one bias where PyTorch has two, except for the GRU's n, where they differ.
      float* bias_ih = two.data();
      float* bias_hh = bias_ih + Cell::kGates * hidden;
      fill(bias_ih, 1);
      fill(bias_hh, 1);
      float* bias = data(bias_) + layer * Cell::kBiases * hidden;
      std::copy_n(bias_ih, Cell::kGates * hidden, bias);
      const int summed = Cell::kGates == 3 ? 2 : Cell::kGates;
      for (memory::dim i = 0; i < summed * hidden; ++i) bias[i] += bias_hh[i];
      if (Cell::kGates == 3) std::copy_n(bias_hh + 2 * hidden, hidden, bias + 3 * hidden);
    }
  }

  void make_forward() {
    const auto [layers, steps, batch, input, hidden] = sizes_;
    const auto kind =
        train_ ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference;
    const memory::desc any_layer = floats({layers, 1, input, Cell::kGates, hidden}, Tag::any);
    const memory::desc any_iter = floats({layers, 1, hidden, Cell::kGates, hidden}, Tag::any);
    const memory::desc x = source_.get_desc(), y = output_.get_desc(), b = bias_.get_desc();
    // None: begins with zeros, and the last state is not asked for.
    const memory::desc state =
        stateful_ ? floats({layers, 1, batch, hidden}, Tag::ldnc) : memory::desc();
    if constexpr (kHasC) {
      forward_desc_ = describe<typename Cell::Forward>(context_, kind, kDirection, x, state, state,
                                                       any_layer, any_iter, b, y, state, state);
    } else if constexpr (std::is_same_v<Cell, GRU>) {
      forward_desc_ = describe<typename Cell::Forward>(context_, kind, kDirection, x, state,
                                                       any_layer, any_iter, b, y, state);
    } else {
      forward_desc_ =
          describe<typename Cell::Forward>(context_, kind, dnnl::algorithm::eltwise_tanh,
                                           kDirection, x, state, any_layer, any_iter, b, y, state);
    }
    forward_ = typename Cell::Forward(forward_desc_);
    forward_arguments_ = {
        {DNNL_ARG_SRC_LAYER, source_},
        {DNNL_ARG_WEIGHTS_LAYER, reordered(weights_layer_, forward_desc_.weights_layer_desc())},
        {DNNL_ARG_WEIGHTS_ITER, reordered(weights_iter_, forward_desc_.weights_iter_desc())},
        {DNNL_ARG_BIAS, bias_},
        {DNNL_ARG_DST_LAYER, output_}};
    if (train_) {
      forward_arguments_[DNNL_ARG_WORKSPACE] = context_.zeros(forward_desc_.workspace_desc());
    }
    if (stateful_) {
      forward_arguments_[DNNL_ARG_SRC_ITER] = context_.zeros(state);
      forward_arguments_[DNNL_ARG_DST_ITER] = context_.zeros(state);
      if (kHasC) {
        forward_arguments_[DNNL_ARG_SRC_ITER_C] = context_.zeros(state);
        forward_arguments_[DNNL_ARG_DST_ITER_C] = context_.zeros(state);
      }
    }
  }

  void make_backward() {
    const auto [layers, steps, batch, input, hidden] = sizes_;
    const auto kind = dnnl::prop_kind::backward;
    const memory::desc wl = floats({layers, 1, input, Cell::kGates, hidden}, Tag::any);
    const memory::desc wi = floats({layers, 1, hidden, Cell::kGates, hidden}, Tag::any);
    const memory::desc x = source_.get_desc(), y = output_.get_desc(), b = bias_.get_desc();
    const memory::desc none;
    if constexpr (kHasC) {
      backward_desc_ = describe_backward<typename Cell::Backward>(
          context_, forward_desc_, kind, kDirection, x, none, none, wl, wi, b, y, none, none, x,
          none, none, wl, wi, b, y, none, none);
    } else if constexpr (std::is_same_v<Cell, GRU>) {
      backward_desc_ = describe_backward<typename Cell::Backward>(
          context_, forward_desc_, kind, kDirection, x, none, wl, wi, b, y, none, x, none, wl, wi,
          b, y, none);
    } else {
      backward_desc_ = describe_backward<typename Cell::Backward>(
          context_, forward_desc_, kind, dnnl::algorithm::eltwise_tanh, kDirection, x, none, wl, wi,
          b, y, none, x, none, wl, wi, b, y, none);
    }
    backward_ = typename Cell::Backward(backward_desc_);
    grad_source_ = context_.zeros(x);
    grad_output_ = context_.zeros(y);
    backward_arguments_ = {
        {DNNL_ARG_SRC_LAYER, source_},
        {DNNL_ARG_WEIGHTS_LAYER, reordered(weights_layer_, backward_desc_.weights_layer_desc())},
        {DNNL_ARG_WEIGHTS_ITER, reordered(weights_iter_, backward_desc_.weights_iter_desc())},
        {DNNL_ARG_BIAS, bias_},
        {DNNL_ARG_DST_LAYER, output_},
        {DNNL_ARG_WORKSPACE, forward_arguments_[DNNL_ARG_WORKSPACE]},
        {DNNL_ARG_DIFF_SRC_LAYER, grad_source_},
        {DNNL_ARG_DIFF_WEIGHTS_LAYER, context_.zeros(backward_desc_.diff_weights_layer_desc())},
        {DNNL_ARG_DIFF_WEIGHTS_ITER, context_.zeros(backward_desc_.diff_weights_iter_desc())},
        {DNNL_ARG_DIFF_BIAS, context_.zeros(b)},
        {DNNL_ARG_DIFF_DST_LAYER, grad_output_}};
  }

  void reorder(memory& from, memory& to) {
    dnnl::reorder(from, to).execute(context_.stream, from, to);
  }

  memory reordered(memory& from, const memory::desc& desc) {
    memory to(desc, context_.engine);
    reorder(from, to);
    context_.stream.wait();
    return to;
  }

  void swap_state(int a, int b) { std::swap(forward_arguments_[a], forward_arguments_[b]); }

  Context context_;
  bool train_;
  bool stateful_;
  Sizes sizes_;
  memory source_, output_, grad_source_, grad_output_, weights_layer_, weights_iter_, bias_;
  typename Cell::Forward::primitive_desc forward_desc_;
  typename Cell::Forward forward_;
  typename Cell::Backward::primitive_desc backward_desc_;
  typename Cell::Backward backward_;
  Arguments forward_arguments_, backward_arguments_;
};

template <class Cell>
class Layers final : public bench::Workload {
 public:
  explicit Layers(const json& request)
      : mode_(request.at("mode")), all_steps_(request.at("seq_len")), batch_(request.at("batch")) {
    if (mode_ != "forward" && mode_ != "train" && mode_ != "step") {
      throw std::invalid_argument("oneDNN has no mode \"" + mode_ + '"');
    }
    Sizes sizes{.layers = request.at("num_layers"),
                .steps = mode_ == "step" ? 1 : all_steps_,
                .batch = batch_,
                .input = request.at("input_size"),
                .hidden = request.at("hidden_size")};
    const Context context;
    std::int64_t parameters = 0;
    const memory::dim layers = std::exchange(sizes.layers, 1);
    if (sizes.input == sizes.hidden) sizes.layers = layers;
    groups_.emplace_back(context, mode_, sizes, parameters);
    if (sizes.layers < layers) {
      sizes.layers = layers - 1;
      sizes.input = sizes.hidden;
      groups_.emplace_back(context, mode_, sizes, parameters);
      groups_.back().follow(groups_.front());
    }
    set_data(groups_.front().source(), 0);
    if (mode_ == "train") {
      set_data(groups_.back().grad_output(), elements(groups_.front().source()));
    }
  }

  void run() override {
    for (Group<Cell>& group : groups_) group.forward();
    if (mode_ != "train") return;
    for (auto group = groups_.rbegin(); group != groups_.rend(); ++group) group->backward();
  }

  std::vector<float> values() override {
    const memory& result =
        mode_ == "train" ? groups_.front().grad_source() : groups_.back().output();
    std::vector<float> values;
    const std::int64_t repetitions = mode_ == "step" ? all_steps_ : 1;
    for (std::int64_t t = 0; t < repetitions; ++t) {
      set_data(groups_.front().source(), t * elements(groups_.front().source()));
      run();
      values.insert(values.end(), data(result), data(result) + elements(result));
    }
    return values;
  }

 private:
  static std::int64_t elements(const memory& m) {
    return static_cast<std::int64_t>(m.get_desc().get_size() / sizeof(float));
  }
  static void set_data(const memory& m, std::int64_t first) {
    for (std::int64_t i = 0; i < elements(m); ++i) data(m)[i] = bench::data_value(first + i);
  }

  std::string mode_;
  std::int64_t all_steps_;
  std::int64_t batch_;
  std::vector<Group<Cell>> groups_;
};

std::unique_ptr<bench::Workload> make(const json& request) {
  const std::string cell = request.at("cell");
  if (cell == "lstm") return std::make_unique<Layers<LSTM>>(request);
  if (cell == "gru") return std::make_unique<Layers<GRU>>(request);
  if (cell == "rnn_tanh") return std::make_unique<Layers<RNNTanh>>(request);
  throw std::invalid_argument("oneDNN has no cell \"" + cell + '"');
}

}  // namespace

int main() {
  const dnnl_version_t* version = dnnl_version();
  bench::serve(std::to_string(version->major) + '.' + std::to_string(version->minor) + '.' +
                   std::to_string(version->patch),
               make, omp_set_num_threads);
}
