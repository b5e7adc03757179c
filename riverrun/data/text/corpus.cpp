#include "riverrun/data/text/corpus.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include <fmt/format.h>

#include "riverrun/core/error.h"

namespace riverrun::text {
namespace {

int bytes_per_id(std::int64_t vocabulary_size) {
  if (vocabulary_size <= 1 << 8) return 1;
  return vocabulary_size <= 1 << 16 ? 2 : 4;
}

template <class Id>
void narrow(std::span<const std::int32_t> ids, std::byte* out) {
  for (const std::int32_t wide : ids) {
    const auto id = static_cast<Id>(wide);
    std::memcpy(out, &id, sizeof(Id));
    out += sizeof(Id);
  }
}

template <class Id>
void widen(const std::byte* in, std::span<std::int32_t> ids) {
  for (std::int32_t& wide : ids) {
    Id id;
    std::memcpy(&id, in, sizeof(Id));
    wide = static_cast<std::int32_t>(id);
    in += sizeof(Id);
  }
}

void widen(int id_bytes, const std::byte* in, std::span<std::int32_t> ids) {
  if (id_bytes == 1) return widen<std::uint8_t>(in, ids);
  if (id_bytes == 2) return widen<std::uint16_t>(in, ids);
  widen<std::int32_t>(in, ids);
}

}  // namespace

Tokenizer build_tokenizer(TokenKind kind, std::span<const TextPart> parts, std::int64_t max_size) {
  TokenizerBuilder builder(kind, max_size);
  if (kind == TokenKind::kByte) return builder.build();
  for (const TextPart& part : parts) {
    for_each_piece(part, [&builder](std::string_view piece) { builder.feed(piece); });
    builder.finish();
  }
  return builder.build();
}

Corpus::Corpus(const Tokenizer& tokenizer, const StoreOptions& options)
    : id_bytes_(bytes_per_id(tokenizer.size())), ids_(options) {}

Corpus::Corpus(const Tokenizer& tokenizer, std::span<const TextPart> parts,
               const StoreOptions& options)
    : Corpus(tokenizer, options) {
  if (parts.empty()) throw ConfigError("Corpus: no text is given; at least one is needed");
  Encoder encoder(tokenizer);
  std::vector<std::int32_t> ids;
  for (const TextPart& part : parts) {
    const TextCounts before = encoder.counts();
    for_each_piece(part, [&](std::string_view piece) {
      ids.clear();
      encoder.feed(piece, ids);
      append(ids);
    });
    ids.clear();
    encoder.finish(ids);
    append(ids);
    const TextCounts& after = encoder.counts();
    if (before.invalid_sequences == 0 && after.invalid_sequences > 0) {
      invalid_.path = part.path;
      invalid_.offset = after.first_invalid_byte - before.bytes + part.begin;
    }
  }
  finish(encoder, parts.front().path.string());
}

Corpus Corpus::from_text(const Tokenizer& tokenizer, std::string_view text,
                         const std::string& name) {
  Corpus corpus(tokenizer, StoreOptions{});
  Encoder encoder(tokenizer);
  std::vector<std::int32_t> ids;
  encoder.feed(text, ids);
  encoder.finish(ids);
  corpus.append(ids);
  corpus.invalid_.path = name;
  corpus.invalid_.offset = encoder.counts().first_invalid_byte;
  corpus.finish(encoder, name);
  return corpus;
}

void Corpus::append(std::span<const std::int32_t> ids) {
  narrowed_.resize(ids.size() * static_cast<std::size_t>(id_bytes_));
  if (id_bytes_ == 1) {
    narrow<std::uint8_t>(ids, narrowed_.data());
  } else if (id_bytes_ == 2) {
    narrow<std::uint16_t>(ids, narrowed_.data());
  } else {
    narrow<std::int32_t>(ids, narrowed_.data());
  }
  ids_.append(narrowed_);
  size_ += std::ssize(ids);
}

void Corpus::finish(const Encoder& encoder, const std::string& name) {
  if (size_ == 0) throw FormatError(name, 0, "the text holds no token; there must be some");
  ids_.finish();
  narrowed_ = {};
  counts_ = encoder.counts();
  invalid_.sequences = counts_.invalid_sequences;
  unknown_ = encoder.unknown();
}

void Corpus::read(std::int64_t offset, std::span<std::int32_t> ids) const {
  const auto count = std::ssize(ids);
  if (offset < 0 || count > size_ || offset > size_ - count) {
    throw ConfigError(fmt::format("Corpus.read: tokens [{}, {} + {}) are asked for; there are {}",
                                  offset, offset, count, size_));
  }
  std::int64_t position = offset * id_bytes_;
  if (!on_disk()) return widen(id_bytes_, ids_.in_memory().data() + position, ids);

  std::array<std::byte, std::size_t{16} << 10> block;
  while (!ids.empty()) {
    const std::size_t now =
        std::min(ids.size(), block.size() / static_cast<std::size_t>(id_bytes_));
    const auto bytes = std::span(block).first(now * static_cast<std::size_t>(id_bytes_));
    ids_.read(position, bytes);
    widen(id_bytes_, bytes.data(), ids.first(now));
    ids = ids.subspan(now);
    position += std::ssize(bytes);
  }
}

}  // namespace riverrun::text
