#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "riverrun/core/tensor.h"
#include "riverrun/fixed/linear.h"
#include "riverrun/fixed/recurrent.h"
#include "riverrun/fixed/stack.h"
#include "riverrun/io/parameters.h"
#include "riverrun/io/safetensors.h"
#include "riverrun/nn/parameter.h"

namespace riverrun::fixed {
namespace detail {

/// "*_l0" and "weight_ih" make "weight_ih_l0". Throws ConfigError unless there is one *.
[[nodiscard]] std::string parameter_name(std::string_view pattern, std::string_view parameter);

template <std::size_t kSize>
[[nodiscard]] std::span<const float, kSize> view(const std::shared_ptr<Parameter>& parameter) {
  const float* data = parameter == nullptr ? nullptr : parameter->value().data();
  return std::span<const float, kSize>(data, kSize);
}

/// The parameters of a layer on their way from a file: collect, then set.
template <class Layer>
struct Loaded;

template <class Cell, int kInput, int kHidden, class Target>
struct Loaded<Recurrent<Cell, kInput, kHidden, Target>> {
  using Layer = Recurrent<Cell, kInput, kHidden, Target>;
  using Weights = typename Layer::Weights;
  static constexpr std::size_t kRows = Weights::kRows;

  // Null where the layer has none.
  std::shared_ptr<Parameter> weight_ih, weight_hh, bias_ih, bias_hh;
  std::array<std::shared_ptr<Parameter>, kParamCount<Cell>> params;

  void collect(const io::SafetensorsFile& file, std::string_view pattern, ParameterList& all) {
    const auto add = [&](std::string_view name, std::shared_ptr<Parameter>& to,
                         const Shape& shape) {
      to = std::make_shared<Parameter>(shape);
      all.push_back({parameter_name(pattern, name), to});
    };
    const auto has = [&](std::string_view name) {
      return file.find(parameter_name(pattern, name)) != nullptr;
    };
    constexpr bool kRecurrent = Weights::kRecurrent > 0;
    const bool has_bias = has("bias_ih") || has("bias_hh");  // then there must be both
    add("weight_ih", weight_ih, {Weights::kRows, kInput});
    if (kRecurrent) add("weight_hh", weight_hh, {Weights::kRows, kHidden});
    if (has_bias) add("bias_ih", bias_ih, {Weights::kRows});
    if (has_bias && kRecurrent) add("bias_hh", bias_hh, {Weights::kRows});
    for (std::size_t p = 0; p < params.size(); ++p) {
      add(params_of<Cell>().items[p], params[p], {kHidden});
    }
  }

  void set(Layer& layer) const noexcept {
    const auto bias = [](const std::shared_ptr<Parameter>& from) {
      return from == nullptr ? std::span(kZeros<Weights::kRows>) : view<kRows>(from);
    };
    [&]<std::size_t... kP>(std::index_sequence<kP...>) {
      layer.set_weights({.weight_ih = view<kRows * kInput>(weight_ih),
                         .weight_hh = view<kRows * Weights::kRecurrent>(weight_hh),
                         .bias_ih = bias(bias_ih),
                         .bias_hh = bias(bias_hh),
                         .params = {view<kHidden>(params[kP])...}});
    }
    (std::make_index_sequence<kParamCount<Cell>>());
  }
};

template <int kInput, int kOutput, class Target>
struct Loaded<Linear<kInput, kOutput, Target>> {
  using Layer = Linear<kInput, kOutput, Target>;

  std::shared_ptr<Parameter> weight = std::make_shared<Parameter>(Shape{kOutput, kInput});
  std::shared_ptr<Parameter> bias;  // none, if the file has none

  void collect(const io::SafetensorsFile& file, std::string_view pattern, ParameterList& all) {
    all.push_back({parameter_name(pattern, "weight"), weight});
    std::string bias_name = parameter_name(pattern, "bias");
    if (file.find(bias_name) == nullptr) return;
    bias = std::make_shared<Parameter>(Shape{kOutput});
    all.push_back({std::move(bias_name), bias});
  }

  void set(Layer& layer) const noexcept {
    layer.set_weights({.weight = view<kOutput * kInput>(weight),
                       .bias = bias == nullptr ? std::span(kZeros<kOutput>) : view<kOutput>(bias)});
  }
};

}  // namespace detail

/// Gives the layers of a stack the tensors of a file that PyTorch or riverrun wrote. For each layer
/// there is a pattern, in which * stands for weight_ih, weight_hh, bias_ih, bias_hh and the cell's
/// own params, or for weight and bias:
///   load(io::SafetensorsFile("amp.safetensors"), net, {"lstm.*_l0", "lstm.*_l1", "linear.*"});
/// Strict, as io::load_parameters: the file must hold these tensors (biases, if it has one of the
/// layer's) and no others, each of a floating type and of the layer's shape. Throws FormatError,
/// which names the tensor, and ConfigError for a pattern without *; then no layer has changed.
/// Allocates.
template <class... Layers>
void load(const io::SafetensorsFile& file, Stack<Layers...>& stack,
          const std::array<std::string_view, sizeof...(Layers)>& patterns) {
  std::tuple<detail::Loaded<Layers>...> loaded;
  [&]<std::size_t... kI>(std::index_sequence<kI...>) {
    ParameterList all;
    (std::get<kI>(loaded).collect(file, patterns[kI], all), ...);
    io::load_parameters(file, all);
    (std::get<kI>(loaded).set(stack.template layer<kI>()), ...);
  }
  (std::index_sequence_for<Layers...>());
}

/// The same for one layer: load(file, lstm, "*_l0").
template <class Layer>
requires requires { typename detail::Loaded<Layer>::Layer; }  // {"a", "b"} makes a string_view, too
void load(const io::SafetensorsFile& file, Layer& layer, std::string_view pattern) {
  detail::Loaded<Layer> loaded;
  ParameterList all;
  loaded.collect(file, pattern, all);
  io::load_parameters(file, all);
  loaded.set(layer);
}

}  // namespace riverrun::fixed
