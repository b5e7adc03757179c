// Which sense an ambiguous word has, from the words around it.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/number.h"
#include "riverrun/data/text/text_input.h"
#include "riverrun/tasks/file_tasks.h"

namespace riverrun::tasks {
namespace {

namespace fs = std::filesystem;

struct Sentence {
  std::vector<std::string> words;
  std::int64_t position = 0;
  std::int32_t sense = 0;
};

/// Calls body(line, offset) for each line; a last one without a line end is one too.
template <class Body>
void for_lines(std::string_view text, Body body) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    body(text.substr(begin, end - begin), begin);
    begin = end + 1;
  }
}

template <class Body>
void for_words(std::string_view line, Body body) {
  for (std::size_t begin = line.find_first_not_of(" \r"); begin < line.size();) {
    const std::size_t end = std::min(line.find_first_of(" \r", begin), line.size());
    body(line.substr(begin, end - begin));
    begin = line.find_first_not_of(" \r", end);
  }
}

/// `set`.data.txt: position of the word, a tab, the words; `set`.gold.txt: 0 or 1.
std::vector<Sentence> read_sentences(const fs::path& folder, const std::string& set) {
  const fs::path data_path = folder / (set + ".data.txt");
  const fs::path gold_path = folder / (set + ".gold.txt");
  const text::TextFormat bytes{.encoding = {}, .as_bytes = true};
  const std::string data = text::read_text(data_path, bytes, INT64_MAX);
  const std::string gold = text::read_text(gold_path, bytes, INT64_MAX);
  std::vector<Sentence> sentences;
  for_lines(data, [&](std::string_view line, std::size_t offset) {
    const auto fail = [&](const std::string& what) {
      throw FormatError(data_path.string(), offset,
                        fmt::format("line {}: {}", sentences.size() + 1, what));
    };
    Sentence sentence;
    const std::size_t tab = std::min(line.find('\t'), line.size());
    const auto [end, error] = std::from_chars(line.data(), line.data() + tab, sentence.position);
    if (tab == line.size() || error != std::errc() || end != line.data() + tab) {
      fail("it must be the number of a word, a tab, and words");
    }
    for_words(line.substr(tab + 1),
              [&](std::string_view word) { sentence.words.emplace_back(word); });
    const auto words = static_cast<std::int64_t>(sentence.words.size());
    if (sentence.position < 0 || sentence.position >= words) {
      fail(fmt::format("the word is at {}; the sentence has {}, counted from 0", sentence.position,
                       words));
    }
    sentences.push_back(std::move(sentence));
  });
  std::size_t labels = 0;
  for_lines(gold, [&](std::string_view line, std::size_t offset) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line != "0" && line != "1") {
      throw FormatError(gold_path.string(), offset,
                        fmt::format("line {}: a sense must be 0 or 1", labels + 1));
    }
    if (labels < sentences.size()) sentences[labels].sense = line == "1" ? 1 : 0;
    ++labels;
  });
  if (labels != sentences.size()) {
    throw FormatError(gold_path.string(), gold.size(),
                      fmt::format("{} senses for {} sentences", labels, sentences.size()));
  }
  return sentences;
}

/// 0 stands for every word that is not there.
using Vocabulary = std::map<std::string, std::int32_t, std::less<>>;

using Words = std::set<std::string, std::less<>>;

struct WordVectors {
  std::int64_t size = 0;
  std::map<std::string, std::vector<float>, std::less<>> of;
};
/// Calls body(line, offset) for each line of a text, which need not fit in memory.
template <class Body>
void for_lines(const text::TextPart& part, Body body) {
  constexpr std::size_t kLongestLine = std::size_t{1} << 24;
  std::string begun;  // of a line that goes on
  std::size_t offset = 0;
  text::for_each_piece(part, [&](std::string_view piece) {
    begun += piece;
    const std::size_t whole = begun.rfind('\n') + 1;  // npos + 1 is 0
    for_lines(std::string_view(begun).substr(0, whole),
              [&](std::string_view line, std::size_t at) { body(line, offset + at); });
    begun.erase(0, whole);
    offset += whole;
    if (begun.size() > kLongestLine) {
      throw FormatError(part.path.string(), offset,
                        fmt::format("a line has more than {} bytes", kLongestLine));
    }
  });
  for_lines(begun, [&](std::string_view line, std::size_t at) { body(line, offset + at); });
}

std::optional<float> parse_number(std::string_view text) {
  const std::optional<double> number = parse_double(text);
  if (!number || std::fabs(*number) > std::numeric_limits<float>::max()) return std::nullopt;
  return static_cast<float>(*number);
}

/// Those of the words `wanted`, from a text of a word and its numbers a line (GloVe's format). In
/// some of these texts a word may hold spaces, though not the first, which says how many numbers
/// there are.
WordVectors read_vectors(const fs::path& path, const Words& wanted) {
  const text::TextPart file =
      text::open_texts(std::span(&path, 1), {.encoding = {}, .as_bytes = true}).front();
  WordVectors vectors;
  std::size_t number = 0;
  std::vector<std::string_view> parts;
  for_lines(file, [&](std::string_view line, std::size_t offset) {
    ++number;
    const auto fail = [&](const std::string& what) {
      throw FormatError(file.path.string(), offset, fmt::format("line {}: {}", number, what));
    };
    parts.clear();
    for_words(line, [&](std::string_view part) { parts.push_back(part); });
    const std::size_t numbers = parts.empty() ? 0 : parts.size() - 1;
    if (vectors.size == 0) vectors.size = static_cast<std::int64_t>(numbers);
    const auto size = static_cast<std::size_t>(vectors.size);
    bool misfits = numbers == 0 || numbers < size;
    // What parts a word has beside its first are no numbers: those would be too many.
    for (std::size_t i = 1; !misfits && i < parts.size() - size; ++i) {
      misfits = parse_number(parts[i]).has_value();
    }
    if (misfits) fail(fmt::format("{} numbers; the first word has {}", numbers, size));
    std::vector<float> values;
    values.reserve(size);
    for (const std::string_view part : std::span(parts).last(size)) {
      const std::optional<float> value = parse_number(part);
      if (!value) {
        fail(fmt::format("number {} after the word is no finite number", values.size() + 1));
      }
      values.push_back(*value);
    }
    const std::string_view last = parts[parts.size() - size - 1];
    const char* const begin = parts.front().data();
    const std::string_view word(begin, static_cast<std::size_t>(last.data() + last.size() - begin));
    if (wanted.contains(word)) vectors.of.emplace(word, std::move(values));
  });
  if (vectors.size == 0) throw FormatError(file.path.string(), 0, "there are no vectors");
  return vectors;
}

/// The F1 of always answering with the rare sense: the most for a network without memory, which
/// sees nothing but the word and answers always the same (with the common sense, the F1 is 0).
double always_rare_f1(std::span<const Sequence> test) {
  Tally tally;
  for (const Sequence& sequence : test) {
    tally.add({.rare = sequence.classes[0] == 1, .called_rare = true});
  }
  return tally.f1();
}

class WordSense final : public Task {
 public:
  struct Data {
    std::vector<Sequence> learnt[2];  // by sense: 0 the common one, 1 the rare one
    std::vector<Sequence> held_out;
    std::vector<Sequence> test;
    std::int64_t symbols = 0;
    std::int64_t symbols_with_vectors = 0;
    Tensor vectors;
  };

  WordSense(Data data, std::uint64_t seed)
      : Task({.sizes = {.symbols = data.symbols, .classes = 2},
              .criterion = {.at_end = true, .f1_above = always_rare_f1(data.test)},
              .score = Score::kF1,
              .memoryless_score = always_rare_f1(data.test),
              .symbols_with_vectors = data.symbols_with_vectors}),
        data_(std::move(data)),
        choice_(part_seed(seed, 2)) {}

  /// One in four is of the rare sense: more than there are, so that it counts.
  [[nodiscard]] Sequence training(std::int64_t n) const override {
    Random random(choice_, static_cast<std::uint64_t>(n));
    const std::vector<Sequence>& of = data_.learnt[random.below(4) == 0 ? 1 : 0];
    return of[random.below(static_cast<std::uint32_t>(of.size()))];
  }
  [[nodiscard]] Sequence held_out(std::int64_t n) const override {
    return data_.held_out[static_cast<std::size_t>(n)];
  }
  [[nodiscard]] std::int64_t held_out_size() const override {
    return static_cast<std::int64_t>(data_.held_out.size());
  }
  [[nodiscard]] Sequence test(std::int64_t n) const override {
    return data_.test[static_cast<std::size_t>(n)];
  }
  [[nodiscard]] std::int64_t test_size() const override {
    return static_cast<std::int64_t>(data_.test.size());
  }
  [[nodiscard]] const Tensor& symbol_vectors() const override { return data_.vectors; }

  [[nodiscard]] Verdict judge(const Sequence& sequence,
                              std::span<const float> outputs) const override {
    return judge_by_largest(sequence, outputs);
  }

 private:
  Data data_;
  std::uint64_t choice_;
};

}  // namespace

std::unique_ptr<Task> make_word_sense(const TaskOptions& options) {
  std::vector<Sentence> train = read_sentences(options.data, "train");
  std::vector<Sentence> test = read_sentences(options.data, "test");

  Words learnt;
  for (const Sentence& sentence : train)
    learnt.insert(sentence.words.begin(), sentence.words.end());
  Words all = learnt;
  for (const Sentence& sentence : test) all.insert(sentence.words.begin(), sentence.words.end());
  WordVectors vectors;
  if (!options.vectors.empty()) vectors = read_vectors(options.vectors, all);
  Vocabulary vocabulary;
  for (const std::string& word : all) {
    // Of a word that is not learnt from, a vector can still say something.
    if (!learnt.contains(word) && !vectors.of.contains(word)) continue;
    vocabulary.emplace(word, static_cast<std::int32_t>(vocabulary.size()) + 1);
  }
  WordSense::Data data;
  data.symbols = static_cast<std::int64_t>(vocabulary.size()) + 1;
  if (vectors.size > 0) {
    data.vectors = Tensor({data.symbols, vectors.size});
    data.symbols_with_vectors = std::ssize(vectors.of);
    for (const auto& [word, values] : vectors.of) {
      std::ranges::copy(values, data.vectors.data() + vocabulary.at(word) * vectors.size);
    }
  }

  const auto ones = std::ranges::count(train, 1, &Sentence::sense);
  const bool one_is_rare = 2 * ones <= static_cast<std::ptrdiff_t>(train.size());
  const auto sequence = [&](const Sentence& sentence) {
    Sequence made;
    for (const std::string& word : sentence.words) {
      const auto found = vocabulary.find(word);
      made.symbols.push_back(found == vocabulary.end() ? 0 : found->second);
    }
    made.asked = {sentence.position};
    made.classes = {(sentence.sense == 1) == one_is_rare ? 1 : 0};
    return made;
  };
  // A fifth of each sense is held out.
  Random random(part_seed(options.seed, 0));
  for (std::size_t i = train.size() - 1; i > 0; --i) {
    std::swap(train[i], train[random.below(static_cast<std::uint32_t>(i + 1))]);
  }
  std::size_t seen[2] = {0, 0};
  for (const Sentence& sentence : train) {
    Sequence made = sequence(sentence);
    const auto sense = static_cast<std::size_t>(made.classes[0]);
    (seen[sense]++ % 5 == 4 ? data.held_out : data.learnt[sense]).push_back(std::move(made));
  }
  for (const Sentence& sentence : test) data.test.push_back(sequence(sentence));
  if (seen[0] < 5 || seen[1] < 5) {
    throw FormatError((options.data / "train.gold.txt").string(), 0,
                      fmt::format("{} and {} sentences of the two senses; there must be 5 of each",
                                  seen[0], seen[1]));
  }
  return std::make_unique<WordSense>(std::move(data), options.seed);
}

}  // namespace riverrun::tasks
