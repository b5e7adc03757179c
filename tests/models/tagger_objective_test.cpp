#include "riverrun/models/tagger_objective.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/core/threads.h"
#include "riverrun/models/tagger_folder.h"
#include "riverrun/train/trainer.h"

#include "tests/models/sentences.h"
#include "tests/temporary_folder.h"

namespace riverrun::models {
namespace {

using data::TaggedSentences;
using test::banks;
using test::sentences;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Lt;
using testing::ThrowsMessage;

const TaggedSentences kNone;

/// A small model of sentences, and what trains it.
struct Training {
  using Change = std::function<void(TaggerRun&)>;

  explicit Training(TaggedSentences learnt = banks(40, 1), const Change& change = {},
                    TaggedSentences judged = banks(15, 2))
      : data(std::move(learnt)), valid(std::move(judged)) {
    TaggerVocabulary vocabulary = TaggerVocabulary::of(data, all_of(data));
    run = suggested_run(data, all_of(data), vocabulary);
    run.model.embedding_size = 6;
    run.model.char_embedding_size = 3;
    run.model.char_hidden_size = 2;
    run.model.hidden_size = 8;
    run.trainer.epochs = 3;
    run.trainer.batch_size = 8;
    run.trainer.warmup = 5;
    if (change) change(run);
    model.emplace(run.model, std::move(vocabulary));
    TaggedPart part;
    if (!valid.sentences.empty()) part = {&valid, all_of(valid)};
    objective.emplace(*model, TaggedPart{&data, all_of(data)}, part, run.trainer, run.learning);
  }

  TrainingResult train() {
    Trainer trainer(*objective, run.trainer);
    trainer.begin();
    const TrainingResult result = trainer.run({});
    trainer.take_best();
    return result;
  }

  [[nodiscard]] const Parameter& parameter(const std::string& name) {
    for (const NamedParameter& named : objective->parameters()) {
      if (named.name == name) return *named.parameter;
    }
    throw Error("no parameter " + name);
  }
  /// The words that update `step` learns from: those whose vectors have a gradient.
  std::set<std::string> words_read(std::int64_t step) {
    zero_grad(objective->parameters());
    objective->take(step);
    Tape tape;
    tape.backward(objective->loss(tape).mean);
    const Tensor& grad = parameter("word_embedding.weight").grad();
    std::set<std::string> read;
    for (std::int64_t i = 0; i < grad.elements(); ++i) {
      if (grad.data()[i] == 0.0f) continue;
      read.insert(model->vocabulary().words()[static_cast<std::size_t>(i / grad.size(1))]);
    }
    return read;
  }
  std::vector<float> weights() {
    std::vector<float> all;
    for (const NamedParameter& named : objective->parameters()) {
      const auto values = named.parameter->value().values();
      all.insert(all.end(), values.begin(), values.end());
    }
    return all;
  }

  TaggedSentences data;
  TaggedSentences valid;
  TaggerRun run;
  std::optional<Tagger> model;
  std::optional<TaggerObjective> objective;
};

/// Of the words "bank", how many are tagged right.
double share_of_banks(const Tagger& model, const TaggedSentences& data) {
  double right = 0;
  double all = 0;
  model.tag(data, all_of(data), false, [&](const Tagger::Tagging& tagging) {
    const auto& words = data.sentences[static_cast<std::size_t>(tagging.sentence)].words;
    const std::vector<std::int32_t> tags = model.tags(data, tagging.sentence);
    for (std::size_t t = 0; t < words.size(); ++t) {
      if (words[t] != "bank") continue;
      ++all;
      right += tags[t] == tagging.tags[t] ? 1 : 0;
    }
  });
  return right / all;
}

TEST(TaggerObjective, LearnsWhatOnlyTheNextWordTells) {
  for (const bool bidirectional : {true, false}) {
    for (const bool crf : {true, false}) {
      Training training(banks(80, 1), [&](TaggerRun& run) {
        run.model.bidirectional = bidirectional;
        run.model.crf = crf;
        run.model.dropout = 0.2f;
        run.trainer.epochs = 30;
        run.trainer.lr = 2e-2;
      });
      (void)training.train();
      const double share = share_of_banks(*training.model, banks(200, 9));
      if (bidirectional) {
        EXPECT_EQ(share, 1) << crf;
      } else {
        EXPECT_THAT(share, Lt(0.7)) << crf << ": who reads forwards has not seen the next word";
      }
    }
  }
}

TEST(TaggerObjective, AnEpochTakesEachSentenceOnceAndThoseOfSimilarLengthsTogether) {
  // Each sentence has a word of its own and is of 1 to 4 words; those of a length are 8.
  std::vector<std::string> lines;
  for (int i = 0; i < 32; ++i) {
    std::string line = "w" + std::to_string(i) + (i % 3 == 0 ? "/A" : "/B");
    for (int more = 0; more < i % 4; ++more) line += " more/A";
    lines.push_back(line);
  }
  const auto change = [](TaggerRun& run) {
    run.model.dropout = 0;
    run.trainer.batch_size = 4;
    run.learning.unknown_fraction = 0;
  };
  Training training(sentences(lines), change, kNone);
  EXPECT_EQ(training.objective->updates_per_epoch(), 8);
  EXPECT_EQ(training.objective->targets_per_update(), 10) << "of 80 words";
  std::vector<std::set<std::string>> batches;
  std::vector<std::int64_t> sizes;
  for (std::int64_t epoch = 0; epoch < 2; ++epoch) {
    std::set<std::string> taken;
    for (std::int64_t step = 0; step < 8; ++step) {
      std::set<std::string> words = training.words_read(8 * epoch + step);
      Tape tape;
      sizes.push_back(training.objective->loss(tape).targets);
      words.erase("more");
      ASSERT_EQ(words.size(), 4u);
      std::set<int> lengths;
      for (const std::string& word : words) {
        EXPECT_TRUE(taken.insert(word).second) << word << " is there twice";
        lengths.insert(std::stoi(word.substr(1)) % 4 + 1);
      }
      EXPECT_EQ(lengths.size(), 1u);
      EXPECT_EQ(sizes.back(), 4 * *lengths.begin());
      batches.push_back(words);
    }
    EXPECT_EQ(taken.size(), 32u);
  }
  const std::set<std::set<std::string>> first(batches.begin(), batches.begin() + 8);
  const std::set<std::set<std::string>> second(batches.begin() + 8, batches.end());
  EXPECT_NE(first, second) << "other sentences are side by side";
  EXPECT_EQ(training.words_read(11).count(*batches[11].begin()), 1u) << "as a resumed run takes";
  EXPECT_FALSE(std::is_sorted(sizes.begin(), sizes.begin() + 8))
      << "an epoch must not end with long sentences alone";
}

TEST(TaggerObjective, SomeWordsThatOccurOnceAreReadAsUnknown) {
  const TaggedSentences data =
      sentences({"Once/A twice/B Twice/B", "alone/A many/B", "many/A many/B"});
  const auto words_read = [&](double fraction, std::int64_t step) {
    const auto change = [&](TaggerRun& run) {
      run.model.dropout = 0;
      run.learning.unknown_fraction = fraction;
    };
    return Training(data, change, kNone).words_read(step);
  };
  EXPECT_THAT(words_read(1, 0), ElementsAre("", "many", "twice"));
  EXPECT_THAT(words_read(0, 0), ElementsAre("alone", "many", "once", "twice"));
  int known = 0;
  int unlike = 0;
  for (std::int64_t step = 0; step < 100; ++step) {
    const std::set<std::string> read = words_read(0.5, step);
    known += static_cast<int>(read.count("alone"));
    unlike += read.count("alone") != read.count("once") ? 1 : 0;
  }
  EXPECT_NEAR(known, 50, 20);
  EXPECT_NEAR(unlike, 50, 20) << "each is drawn by itself";
}

TEST(TaggerObjective, IsJudgedByTheF1OfEntitiesOrBySharesOfWords) {
  // All words are tagged as the first tag.
  const auto judgement = [](const std::string& first, const std::string& second) {
    const TaggedSentences data =
        sentences({"a/" + first + " b/" + second + " c/O d/O", "a/" + first + " e/O"});
    Training training(data, {}, data);
    for (const NamedParameter& named : training.objective->parameters()) {
      if (named.name == "decoder.bias") named.parameter->mutable_value().data()[0] = 100;
    }
    EXPECT_FALSE(training.objective->validate([] { return false; }));
    const std::optional<Judgement> judged = training.objective->validate([] { return true; });
    double nats = 0;
    training.model->tag(data, all_of(data), true, [&](const Tagger::Tagging& tagging) {
      nats -= *tagging.log_likelihood / 6;
    });
    EXPECT_NEAR(judged->loss, nats, 1e-9);
    EXPECT_GT(judged->loss, 10);
    return *judged->score;
  };
  EXPECT_DOUBLE_EQ(judgement("X", "Y"), 2.0 / 6) << "two words of six are right";
  // Six entities are found, two of which are right, of three that there are.
  EXPECT_DOUBLE_EQ(judgement("B-X", "B-Y"), 2 * 2.0 / (6 + 3));
}

TEST(TaggerObjective, AResumedRunEndsWithTheSameBits) {
  const TemporaryFolder folder;
  const auto begin = [&](const std::string& name, Training& training) {
    RunFolder run = RunFolder::start(folder / name, false);
    save_config(run.path(), training.run.model, training.model->vocabulary());
    return run;
  };
  const auto longer = [](TaggerRun& run) { run.trainer.epochs = 6; };
  TaggedSentences data = banks(40, 1);
  for (std::size_t i = 0; i < 20; ++i) data.sentences[i].words[0] = "rare" + std::to_string(i);
  // With nothing to validate on it is stopped before a validation, which is made up for.
  for (const auto& [stop_at, valid] : {std::pair{13, banks(15, 2)}, {30, kNone}}) {
    const std::string kind = std::to_string(stop_at);
    Training whole(data, longer, valid);
    RunFolder first = begin("whole" + kind, whole);
    Trainer trainer(*whole.objective, whole.run.trainer);
    trainer.begin(first);
    (void)trainer.run({});
    const std::string stopped_name = "stopped" + kind;
    {
      Training stopped(data, longer, valid);
      RunFolder second = begin(stopped_name, stopped);
      Trainer part(*stopped.objective, stopped.run.trainer);
      part.begin(second);
      std::atomic<bool> stop = false;
      Trainer::Watch watch;
      watch.stop = &stop;
      watch.progress = [&, last = stop_at](const Progress& progress) {
        stop = progress.step == last;
      };
      (void)part.run(watch);
    }
    Training resumed(data, longer, valid);
    RunFolder again = RunFolder::resume(folder / stopped_name);
    const SavedRun<TaggerRun> saved = saved_tagger_run(Folder(again.path()));
    EXPECT_EQ(saved.step, stop_at);
    EXPECT_EQ(saved.run.model, resumed.run.model);
    EXPECT_EQ(saved.run.learning, resumed.run.learning);
    EXPECT_EQ(saved.train_examples, 40);
    EXPECT_EQ(saved.valid_examples, std::ssize(valid.sentences));
    Trainer rest(*resumed.objective, resumed.run.trainer);
    rest.resume(again);
    (void)rest.run({});
    for (const char* file : {kWeightsFile, kCheckpointFile, kConfigFile, kVocabularyFile}) {
      const std::string expected = read_file(folder / ("whole" + kind) / file);
      EXPECT_TRUE(read_file(folder / stopped_name / file) == expected) << file;
    }
  }
}

TEST(TaggerObjective, HasTheSameBitsForAnyNumberOfThreads) {
  const int before = num_threads();
  const auto trained = [](int threads) {
    set_num_threads(threads);
    Training training(banks(64, 1), [](TaggerRun& run) {
      run.model.hidden_size = 40;
      run.model.char_hidden_size = 10;
      run.trainer.batch_size = 32;
      run.trainer.epochs = 2;
    });
    (void)training.train();
    return training.weights();
  };
  EXPECT_TRUE(trained(1) == trained(2));
  set_num_threads(before);
}

TEST(TaggerObjective, ARunGoesOnOnlyWithItsOwnDataAndOptions) {
  const Training began;
  const std::string description = began.objective->description();
  Training same;
  same.objective->settle_with(description, "checkpoint");
  const auto expect = [&](Training&& training, const char* message) {
    EXPECT_THAT([&] { training.objective->settle_with(description, "checkpoint"); },
                ThrowsMessage<ConfigError>(HasSubstr(message)));
  };
  const char* const other_data = "the sentences are not those";
  TaggedSentences changed = banks(40, 1);
  changed.sentences[3].words[0] = "The";
  expect(Training(changed), other_data);
  changed = banks(40, 1);
  changed.sentences[0].tags[0] = 1 - changed.sentences[0].tags[0];
  expect(Training(changed), other_data);
  changed = banks(40, 1);
  std::swap(changed.sentences[0], changed.sentences[1]);
  expect(Training(changed), other_data);
  expect(Training(banks(40, 1), {}, banks(15, 3)), other_data);
  expect(Training(banks(40, 1), {}, kNone), other_data);
  const char* const other_options = "the options of the model or of its training";
  expect(Training(banks(40, 1), [](auto& run) { run.learning.unknown_fraction = 0.1; }),
         other_options);
  expect(Training(banks(40, 1), [](auto& run) { run.model.crf = false; }), other_options);
  EXPECT_THAT([&] { same.objective->settle_with(R"({"model": 1})", "checkpoint"); },
              ThrowsMessage<FormatError>(HasSubstr("not a valid checkpoint")));
  EXPECT_THROW(same.objective->set_state("-1"), ConfigError);
  EXPECT_THROW(same.objective->set_state("{}"), ConfigError);
}

TEST(TaggerObjective, WithNothingToValidateOnTheLastWeightsAreKept) {
  Training training(
      banks(24, 1), [](TaggerRun& run) { run.trainer.epochs = 25; }, kNone);
  Trainer trainer(*training.objective, training.run.trainer);
  trainer.begin();
  const TrainingResult result = trainer.run({});
  const std::vector<float> last = training.weights();
  ASSERT_TRUE(result.best);
  EXPECT_EQ(result.best->step, result.steps);
  EXPECT_TRUE(is_of_learnt(result.best->valid));
  EXPECT_GE(result.validations.size(), 2u);
  trainer.take_best();
  EXPECT_EQ(training.weights(), last);
}

TEST(TaggerObjective, SuggestsWhatSuitsTheData) {
  const auto suggested = [](std::int64_t times, TaggerRun given = {}) {
    const TaggedSentences data = banks(100, 1);
    std::vector<std::int64_t> learnt;
    for (std::int64_t i = 0; i < times; ++i) {
      for (const std::int64_t index : all_of(data)) learnt.push_back(index);
    }
    return suggested_run(data, learnt, TaggerVocabulary::of(data, learnt), std::move(given));
  };
  const TaggerRun few = suggested(1);
  const TaggerRun many = suggested(1000);
  EXPECT_EQ(few.model.tags, banks(2, 1).tags);
  EXPECT_EQ(few.model.words, 7) << "with the one for all others";
  EXPECT_GT(few.trainer.epochs, many.trainer.epochs);
  EXPECT_GE(many.trainer.epochs, 5);
  EXPECT_GT(many.trainer.batch_size, few.trainer.batch_size);
  TaggerRun given;
  given.trainer.batch_size = 5;
  given.model.hidden_size = 7;
  EXPECT_EQ(suggested(1, given).trainer.batch_size, 5);
  EXPECT_EQ(suggested(1, given).model.hidden_size, 7);
}

TEST(TaggerObjective, RefusesWhatItCannotLearn) {
  const auto expect = [](const Training::Change& change, const char* message) {
    EXPECT_THAT([&] { Training training(banks(40, 1), change); },
                ThrowsMessage<ConfigError>(HasSubstr(message)));
  };
  expect([](auto& run) { run.learning.unknown_fraction = 2; }, "unknown_fraction is 2");
  expect([](auto& run) { run.learning.valid_fraction = 1; }, "valid_fraction is 1");
  expect([](auto& run) { run.trainer.batch_size = 0; }, "batch_size is 0");
  TaggedSentences some = banks(15, 2);
  some.sentences[4].tags.clear();
  EXPECT_THAT(
      [&] { Training training(banks(40, 1), {}, some); },
      ThrowsMessage<ConfigError>(HasSubstr("some.conll, line 50: the sentence has no tags")));
  some = banks(15, 2);
  some.tags[0] = "LAKE";
  EXPECT_THAT([&] { Training training(banks(40, 1), {}, some); },
              ThrowsMessage<FormatError>(HasSubstr("\"LAKE\"")));
  Training training;
  EXPECT_THAT(
      [&] {
        TaggerObjective(*training.model, TaggedPart{&training.data, {}}, {}, training.run.trainer,
                        {});
      },
      ThrowsMessage<ConfigError>(HasSubstr("there is no sentence to learn from")));
}

}  // namespace
}  // namespace riverrun::models
