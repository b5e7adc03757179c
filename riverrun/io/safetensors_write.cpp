#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/io/safetensors.h"
#include "riverrun/io/safetensors_header.h"

namespace riverrun::io {
namespace {

TensorView flat_view(std::string name, DType dtype, std::span<const std::byte> bytes) {
  return {.name = std::move(name),
          .dtype = dtype,
          .shape = {static_cast<std::int64_t>(bytes.size()) / dtype_size(dtype)},
          .bytes = bytes};
}

void check(const TensorView& tensor) {
  if (tensor.name.empty() || tensor.name == detail::kMetadataKey) {
    throw ConfigError(fmt::format("write_safetensors: no tensor can be called {}",
                                  detail::printable(tensor.name)));
  }
  auto size = static_cast<std::uint64_t>(dtype_size(tensor.dtype));
  for (std::int64_t extent : tensor.shape) {
    if (extent < 0 || __builtin_mul_overflow(size, static_cast<std::uint64_t>(extent), &size)) {
      throw ConfigError(fmt::format("write_safetensors: tensor {} cannot have the shape {}",
                                    detail::printable(tensor.name), tensor.shape_string()));
    }
  }
  if (size != tensor.bytes.size()) {
    throw ConfigError(
        fmt::format("write_safetensors: tensor {} comes with {} bytes; {} of shape "
                    "{} takes {}",
                    detail::printable(tensor.name), tensor.bytes.size(), dtype_name(tensor.dtype),
                    tensor.shape_string(), size));
  }
}

std::string header_text(const std::vector<const TensorView*>& tensors, const Metadata& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[std::string(detail::kMetadataKey)] = metadata;
  std::size_t offset = 0;
  for (const TensorView* tensor : tensors) {
    header[tensor->name] = {{"dtype", dtype_name(tensor->dtype)},
                            {"shape", tensor->shape},
                            {"data_offsets", {offset, offset + tensor->bytes.size()}}};
    offset += tensor->bytes.size();
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::type_error&) {
    throw ConfigError("write_safetensors: a name or the metadata is not valid UTF-8");
  }
  constexpr std::size_t kAlignment = 8;  // so that the data begins at a multiple of it
  text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  if (text.size() > detail::kMaxHeaderSize) {
    throw ConfigError(
        fmt::format("write_safetensors: the header has {} bytes; at most {} are "
                    "allowed",
                    text.size(), detail::kMaxHeaderSize));
  }
  return text;
}

}  // namespace

TensorView view(std::string name, const Tensor& tensor) {
  TensorView result = flat_view(std::move(name), DType::kF32, std::as_bytes(tensor.values()));
  result.shape.clear();
  for (int i = 0; i < tensor.rank(); ++i) result.shape.push_back(tensor.size(i));
  return result;
}

TensorView view(std::string name, std::span<const std::int64_t> values) {
  return flat_view(std::move(name), DType::kI64, std::as_bytes(values));
}

TensorView view(std::string name, std::span<const std::uint64_t> values) {
  return flat_view(std::move(name), DType::kU64, std::as_bytes(values));
}

TensorView view(std::string name, std::span<const double> values) {
  return flat_view(std::move(name), DType::kF64, std::as_bytes(values));
}

void write_safetensors(const std::filesystem::path& path, std::span<const TensorView> tensors,
                       const Metadata& metadata) {
  std::vector<const TensorView*> order;
  order.reserve(tensors.size());
  for (const TensorView& tensor : tensors) {
    check(tensor);
    order.push_back(&tensor);
  }
  std::sort(order.begin(), order.end(), [](const TensorView* a, const TensorView* b) {
    if (a->dtype != b->dtype) return a->dtype > b->dtype;
    return a->name < b->name;
  });
  // Equal names need not be neighbours in that order.
  std::vector<std::string_view> names;
  names.reserve(order.size());
  for (const TensorView* tensor : order) names.push_back(tensor->name);
  std::sort(names.begin(), names.end());
  if (auto twice = std::adjacent_find(names.begin(), names.end()); twice != names.end()) {
    throw ConfigError(
        fmt::format("write_safetensors: tensor {} occurs twice", detail::printable(*twice)));
  }

  std::string text = header_text(order, metadata);
  std::uint64_t size = text.size();
  replace_file(path, [&](FileWriter& writer) {
    writer.write(std::as_bytes(std::span(&size, 1)));
    writer.write(text);
    for (const TensorView* tensor : order) writer.write(tensor->bytes);
  });
}

}  // namespace riverrun::io
