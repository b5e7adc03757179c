#include "riverrun/lm/evaluate_lines.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/data/text/batches.h"

namespace riverrun::lm {
namespace {

constexpr std::size_t kMostLines = 512;  // that are scored together
constexpr std::size_t kMostTokens = std::size_t{1} << 18;
constexpr std::size_t kMostRows = 32;  // of a batch
constexpr std::size_t kSeqLen = 256;   // of a chunk

struct Line {
  std::vector<std::int32_t> ids;
  Evaluation score;
};

/// Scores lines side by side, those of about the same length together.
class Scorer {
 public:
  Scorer(const LanguageModel& model, const text::Tokenizer& tokenizer,
         const std::function<void(const Evaluation&)>& sink)
      : model_(model),
        start_(std::max(tokenizer.line_end_id(), 0)),
        unknown_(tokenizer.unknown_id()),
        sink_(sink) {}

  void add(Line line) {
    tokens_ += line.ids.size();
    lines_.push_back(std::move(line));
    if (lines_.size() == kMostLines || tokens_ > kMostTokens) flush();
  }

  void flush() {
    std::vector<std::size_t> order(lines_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, std::ranges::greater(),
                             [this](std::size_t i) { return lines_[i].ids.size(); });
    for (std::size_t begin = 0; begin < order.size();) {
      const std::size_t longest = lines_[order[begin]].ids.size();
      std::size_t end = begin + 1;
      while (end < order.size() && end - begin < kMostRows &&
             2 * lines_[order[end]].ids.size() >= longest) {
        ++end;
      }
      score(std::span(order).subspan(begin, end - begin), longest);
      begin = end;
    }
    for (const Line& line : lines_) sink_(line.score);
    lines_.clear();
    tokens_ = 0;
  }

 private:
  void score(std::span<const std::size_t> rows, std::size_t longest) {
    State state;
    for (std::size_t first = 0; first < longest; first += kSeqLen) {
      const std::size_t steps = std::min(kSeqLen, longest - first);
      inputs_.assign(steps * rows.size(), start_);
      targets_.assign(steps * rows.size(), text::kIgnoreIndex);
      nats_.resize(targets_.size());
      for (std::size_t r = 0; r < rows.size(); ++r) {
        const std::vector<std::int32_t>& ids = lines_[rows[r]].ids;
        for (std::size_t t = 0; t < steps && first + t < ids.size(); ++t) {
          if (first + t > 0) inputs_[t * rows.size() + r] = ids[first + t - 1];
          targets_[t * rows.size() + r] = ids[first + t];
        }
      }
      (void)model_.total_nats(inputs_, targets_, std::ssize(rows), state, nats_);
      for (std::size_t i = 0; i < targets_.size(); ++i) {
        if (targets_[i] == text::kIgnoreIndex) continue;
        Evaluation& score = lines_[rows[i % rows.size()]].score;
        ++score.tokens;
        score.nats += nats_[i];
        if (targets_[i] == unknown_) continue;
        ++score.known_tokens;
        score.known_nats += nats_[i];
      }
    }
  }

  const LanguageModel& model_;
  std::int32_t start_;
  std::int32_t unknown_;
  const std::function<void(const Evaluation&)>& sink_;
  std::vector<Line> lines_;
  std::size_t tokens_ = 0;
  std::vector<std::int32_t> inputs_;   // [steps, rows]
  std::vector<std::int32_t> targets_;  // [steps, rows]
  std::vector<double> nats_;           // [steps, rows]
};

/// Tokenises texts line by line.
class LineReader {
 public:
  LineReader(const text::Tokenizer& tokenizer, Scorer& scorer)
      : encoder_(tokenizer), has_line_end_(tokenizer.line_end_id() >= 0), scorer_(scorer) {}

  void read(const text::TextPart& part) {
    part_ = &part;
    not_fed_ = part.begin - encoder_.counts().bytes;
    bool open = false;  // whether a line has begun
    text::for_each_piece(part, [&](std::string_view piece) {
      while (!piece.empty()) {
        const std::size_t end = piece.find('\n');
        encoder_.feed(piece.substr(0, end), line_.ids);
        open = true;
        if (line_.ids.size() > kLongestLine) {
          throw FormatError(
              part.path.string(), 0,
              fmt::format("line {} has more than {} tokens; a longer one cannot be scored alone",
                          number_, kLongestLine));
        }
        if (end == std::string_view::npos) return;
        if (has_line_end_) encoder_.feed("\n", line_.ids);
        take();
        if (!has_line_end_) ++not_fed_;
        open = false;
        piece.remove_prefix(end + 1);
      }
    });
    if (open) take();
  }

  LinesRead finish() {
    read_.unknown = encoder_.counts().unknown;
    read_.unknown_named = encoder_.unknown();
    read_.invalid.sequences = encoder_.counts().invalid_sequences;
    return std::move(read_);
  }

 private:
  void take() {
    encoder_.finish(line_.ids);
    const text::TextCounts& now = encoder_.counts();
    line_.score.characters = now.spelled_characters - before_.spelled_characters;
    line_.score.bytes = now.spelled_bytes - before_.spelled_bytes;
    if (before_.invalid_sequences == 0 && now.invalid_sequences > 0) {
      read_.invalid.path = part_->path;
      read_.invalid.offset = now.first_invalid_byte + not_fed_;
    }
    before_ = now;
    scorer_.add(std::exchange(line_, {}));
    ++number_;
  }

  text::Encoder encoder_;
  bool has_line_end_;
  Scorer& scorer_;
  Line line_;
  text::TextCounts before_;
  const text::TextPart* part_ = nullptr;
  std::int64_t not_fed_ =
      0;  // bytes of part_ that the encoder has not counted, or counted of others
  LinesRead read_;
  std::int64_t number_ = 1;
};

}  // namespace

LinesRead evaluate_lines(const LanguageModel& model, const text::Tokenizer& tokenizer,
                         std::span<const text::TextPart> texts,
                         const std::function<void(const Evaluation&)>& sink) {
  Scorer scorer(model, tokenizer, sink);
  LineReader reader(tokenizer, scorer);
  for (const text::TextPart& part : texts) reader.read(part);
  scorer.flush();
  return reader.finish();
}

}  // namespace riverrun::lm
