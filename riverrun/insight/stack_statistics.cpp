#include "riverrun/insight/stack_statistics.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace riverrun::insight {
namespace {

/// One layer and direction of a stack as a network of its own, which reads forward.
Recurrent one_layer(const Recurrent& net, std::int64_t layer, bool reverse) {
  RecurrentOptions options = net.options();
  if (layer > 0) options.input_size = (options.bidirectional ? 2 : 1) * options.hidden_size;
  options.num_layers = 1;
  options.bidirectional = false;
  options.dropout = 0;
  Recurrent one(net.cell(), options);
  const ConstParameterList all = net.parameters();
  constexpr std::string_view kLayer = "_l0";
  for (const NamedParameter& named : one.parameters()) {
    const std::string base = named.name.substr(0, named.name.size() - kLayer.size());
    const std::string wanted = fmt::format("{}_l{}{}", base, layer, reverse ? "_reverse" : "");
    const auto found = std::ranges::find(all, wanted, &NamedConstParameter::name);
    named.parameter->set_value(found->parameter->value());
  }
  return one;
}

/// The steps of [T, 1, I] from the last to the first.
Tensor reversed(const Tensor& x) {
  Tensor result(x.shape());
  const std::int64_t size = x.size(2);
  for (std::int64_t t = 0; t < x.size(0); ++t) {
    std::copy_n(x.data() + t * size, size, result.data() + (x.size(0) - 1 - t) * size);
  }
  return result;
}

}  // namespace

StackStatistics::StackStatistics(const Recurrent& net) : hidden_(net.options().hidden_size) {
  for (std::int64_t layer = 0; layer < net.options().num_layers; ++layer) {
    for (const bool reverse : {false, true}) {
      if (reverse && !net.options().bidirectional) continue;
      GateTrace trace(one_layer(net, layer, reverse));
      const std::size_t openings = trace.openings().size();
      parts_.push_back(
          {.layer = static_cast<std::size_t>(layer),
           .reverse = reverse,
           .trace = std::move(trace),
           .units = UnitStatistics(1, static_cast<std::size_t>(hidden_), openings, 0)});
    }
  }
}

void StackStatistics::add(const Tensor& x) {
  const std::int64_t steps = x.size(0);
  const std::int64_t directions = parts_.size() > 1 && parts_[1].reverse ? 2 : 1;
  Tensor read = x;
  Tensor output;
  for (Part& part : parts_) {
    if (!part.reverse) output = Tensor({steps, 1, directions * hidden_});
    std::int64_t t = part.reverse ? steps - 1 : 0;
    const std::int64_t way = part.reverse ? -1 : 1;
    part.trace.reset();
    part.trace.read(part.reverse ? reversed(read) : read, [&](std::span<const LayerStep> layers) {
      part.units.add(layers, {});
      float* to = output.data() + t * directions * hidden_ + (part.reverse ? hidden_ : 0);
      for (const double h : layers.front().states.front()) *to++ = static_cast<float>(h);
      t += way;
    });
    if (part.reverse || directions == 1) std::swap(read, output);
  }
}

double StackStatistics::mean_opening(const Part& part, std::size_t opening) const {
  double sum = 0;
  for (std::size_t unit = 0; unit < static_cast<std::size_t>(hidden_); ++unit) {
    sum += part.units.mean_opening({.layer = 0, .index = unit}, opening);
  }
  return sum / static_cast<double>(hidden_);
}

std::vector<StackStatistics::Ranked> StackStatistics::by_memory() const {
  std::vector<Ranked> ranked;
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    for (const UnitStatistics::Ranked& unit : parts_[p].units.by_memory()) {
      ranked.push_back({.part = p, .unit = unit.unit.index, .time_constant = unit.value});
    }
  }
  std::ranges::stable_sort(ranked, std::ranges::greater{}, &Ranked::time_constant);
  return ranked;
}

}  // namespace riverrun::insight
