// Any bytes as a text and as a tokenizer.json: nothing crashes, where a text is cut makes no
// difference, bytes and valid characters are read back, and a file that is accepted is whole.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "riverrun/core/error.h"
#include "riverrun/data/text/tokenizer.h"

namespace {

using namespace riverrun::text;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_text(TokenKind kind, std::size_t piece, std::string_view text) {
  TokenizerBuilder whole(kind);
  whole.feed(text);
  whole.finish();
  TokenizerBuilder pieces(kind);
  for (std::size_t i = 0; i < text.size(); i += piece) pieces.feed(text.substr(i, piece));
  pieces.finish();
  const Tokenizer tokenizer = whole.build();
  require(pieces.build() == tokenizer);

  TextCounts counts;
  const std::vector<std::int32_t> ids = tokenizer.encode(text, &counts);
  Encoder encoder(tokenizer);
  std::vector<std::int32_t> streamed;
  for (std::size_t i = 0; i < text.size(); i += piece)
    encoder.feed(text.substr(i, piece), streamed);
  encoder.finish(streamed);
  require(streamed == ids);
  require(counts.bytes == static_cast<std::int64_t>(text.size()));

  const std::string decoded = tokenizer.decode(ids);
  if (kind == TokenKind::kByte) require(decoded == text);
  if (kind == TokenKind::kChar) require(decoded == to_valid_utf8(text));
  Decoder decoder(tokenizer);
  std::string shown;
  for (const std::int32_t id : ids) shown += decoder.push(id);
  shown += decoder.finish();
  require(shown == to_valid_utf8(decoded));
  require(Tokenizer::from_json(tokenizer.to_json(), "written") == tokenizer);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (size >= 2) {
    constexpr TokenKind kKinds[] = {TokenKind::kByte, TokenKind::kChar, TokenKind::kWord};
    check_text(kKinds[data[0] % 3], std::size_t{1} + data[1] % 8, bytes.substr(2));
  }
  try {
    const Tokenizer tokenizer = Tokenizer::from_json(bytes, "fuzzed");
    require(Tokenizer::from_json(tokenizer.to_json(), "written") == tokenizer);
  } catch (const riverrun::FormatError&) {
    return 0;
  }
  return 0;
}
