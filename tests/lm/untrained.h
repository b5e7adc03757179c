#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <string>

#include "riverrun/data/text/tokenizer.h"
#include "riverrun/lm/language_model.h"

namespace riverrun::lm {

/// Of all that is in `text`.
inline text::Tokenizer tokenizer_for(const std::string& text,
                                     text::TokenKind kind = text::TokenKind::kChar) {
  text::TokenizerBuilder builder(kind);
  builder.feed(text);
  builder.finish();
  return builder.build();
}

/// A small model of a tokenizer's tokens, as it begins.
inline LanguageModel model_for(const text::Tokenizer& tokenizer) {
  LanguageModelOptions options;
  options.vocab_size = tokenizer.size();
  options.embedding_size = 8;
  options.hidden_size = 16;
  options.num_layers = 1;
  return LanguageModel(options);
}

/// The surprise of `token`, in double precision.
inline double surprise(std::span<const float> logits, std::int32_t token) {
  double total = 0;
  for (const float logit : logits) total += std::exp(static_cast<double>(logit));
  return std::log(total) - logits[static_cast<std::size_t>(token)];
}

}  // namespace riverrun::lm
