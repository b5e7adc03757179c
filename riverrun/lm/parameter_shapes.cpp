#include "riverrun/lm/parameter_shapes.h"

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/nn/cells.h"

namespace riverrun::lm {

std::vector<NamedShape> parameter_shapes(const LanguageModelOptions& options) {
  check(options);
  const CellDescriptor& cell = find_cell(options.cell);
  const std::int64_t hidden = options.hidden_size;
  const std::int64_t rows = cell.layout.gates * hidden;
  std::vector<NamedShape> shapes = {
      {"embedding.weight", {options.vocab_size, options.embedding_size}}};
  for (std::int64_t layer = 0; layer < options.num_layers; ++layer) {
    const auto add = [&](std::string_view name, const Shape& shape) {
      shapes.push_back({fmt::format("rnn.{}_l{}", name, layer), shape});
    };
    add("weight_ih", {rows, layer == 0 ? options.embedding_size : hidden});
    if (cell.recurrent) add("weight_hh", {rows, hidden});
    add("bias_ih", {rows});
    if (cell.recurrent) add("bias_hh", {rows});
    for (const std::string& param : cell.params) add(param, {hidden});
  }
  shapes.push_back({"decoder.weight", {options.vocab_size, hidden}});
  shapes.push_back({"decoder.bias", {options.vocab_size}});
  return shapes;
}

void check_parameter_shapes(const io::SafetensorsFile& file, const LanguageModelOptions& options,
                            std::string_view said_by) {
  if (options.num_layers > static_cast<std::int64_t>(file.tensors().size())) {
    throw FormatError(file.path(), 0,
                      fmt::format("{} tensors; too few for num_layers = {} of {}",
                                  file.tensors().size(), options.num_layers, said_by));
  }
  for (const NamedShape& wanted : parameter_shapes(options)) {
    const io::TensorInfo& tensor = file.at(wanted.name);
    if (tensor.shape_string() != wanted.shape.to_string()) {
      throw file.error(
          tensor, fmt::format("{} is {}; by {} it must be {}", wanted.name, tensor.shape_string(),
                              said_by, wanted.shape.to_string()));
    }
  }
}

}  // namespace riverrun::lm
