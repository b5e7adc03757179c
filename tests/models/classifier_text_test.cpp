#include "riverrun/models/classifier_text.h"

#include <atomic>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/models/classification.h"
#include "riverrun/models/classifier_folder.h"
#include "riverrun/models/classifier_objective.h"
#include "riverrun/train/trainer.h"

#include "tests/models/reviews.h"
#include "tests/models/waves.h"
#include "tests/temporary_folder.h"

namespace riverrun::models {
namespace {

using data::LabelledSequences;
using test::reviews;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

LabelledSequences texts(const std::vector<std::string>& list) {
  LabelledSequences data{
      .path = "texts.txt", .channels = 0, .classes = {"good", "bad"}, .sequences = {}};
  for (const std::string& text : list) {
    data::LabelledSequence& sequence = data.sequences.emplace_back();
    sequence.text = text;
    sequence.label = static_cast<std::int32_t>(data.sequences.size() % 2);
    sequence.line = std::ssize(data.sequences);
  }
  return data;
}

std::vector<std::string> tokens_of(const text::Tokenizer& tokenizer) {
  std::vector<std::string> tokens;
  for (std::int32_t id = 0; id < tokenizer.size(); ++id) tokens.emplace_back(tokenizer.token(id));
  return tokens;
}

/// A model of reviews, its data, and what trains it.
struct Training {
  explicit Training(std::int64_t epochs = 3, ClassifierTraining how = {},
                    LabelledSequences learnt = reviews(60, 1))
      : data(std::move(learnt)), run(text_classifier_run()) {
    const text::Tokenizer tokenizer = make_tokenizer(data, all_of(data), run.model.text);
    run.model.text.num_embeddings = tokenizer.size();
    run.model.text.embedding_size = 8;
    encode(data, tokenizer, run.model.text);
    encode(valid, tokenizer, run.model.text);
    run = suggested_run(data, all_of(data), run);
    run.model.hidden_size = 8;
    run.model.dropout = 0.1f;
    run.trainer.lr = 0.02;
    run.trainer.epochs = epochs;
    run.trainer.batch_size = 8;
    run.learning = std::move(how);
    model.emplace(run.model, tokenizer);
    objective.emplace(*model, LabelledPart{&data, all_of(data)},
                      LabelledPart{&valid, all_of(valid)}, run.trainer, run.learning);
  }

  LabelledSequences data;
  LabelledSequences valid = reviews(20, 2);
  ClassifierRun run;
  std::optional<Classifier> model;
  std::optional<ClassifierObjective> objective;
};

TEST(ClassifierText, KnowsTheWordsThatOccurOftenEnough) {
  const LabelledSequences data = texts({"The bank, the RIVER", "Bank? river", "rare the river."});
  const std::vector<std::int64_t> two = {0, 1};
  EXPECT_THAT(tokens_of(make_tokenizer(data, two, {})),
              ElementsAre("<unk>", "<eos>", "bank", "river", "the"));
  EXPECT_EQ(make_tokenizer(data, two, {.min_count = 1}).size(), 7) << "and , ?";
  EXPECT_THAT(tokens_of(make_tokenizer(data, all_of(data), {.vocab_size = 3})),
              ElementsAre("<unk>", "<eos>", "river"));
  EXPECT_THAT(tokens_of(make_tokenizer(texts({"abA", "b!"}), two, {.tokens = "char"})),
              ElementsAre("<unk>", "b"));
  EXPECT_EQ(make_tokenizer(data, two, {.tokens = "byte"}).size(), 256);
}

TEST(ClassifierText, ATextIsCutWhereItIsTooLong) {
  LabelledSequences data = texts({"a b a b a", "b a", "c"});
  const ClassifierText options{.max_tokens = 3};
  const text::Tokenizer tokenizer = make_tokenizer(data, all_of(data), options);
  EXPECT_EQ(encode(data, tokenizer, options), 1);
  EXPECT_THAT(data.sequences[0].symbols, ElementsAre(2, 3, 2));
  EXPECT_EQ(data.sequences[0].seq_len, 3);
  EXPECT_THAT(data.sequences[1].symbols, ElementsAre(3, 2));
  EXPECT_THAT(data.sequences[2].symbols, ElementsAre(0)) << "it occurs once";
  EXPECT_EQ(count_unknown(data.sequences[0], tokenizer), 0);
  EXPECT_EQ(count_unknown(data.sequences[2], tokenizer), 1);
}

TEST(ClassifierText, ATextWithLineEndsIsOneText) {
  LabelledSequences data = texts({"a\nb\r\na b"});
  const text::Tokenizer tokenizer = make_tokenizer(data, all_of(data), {});
  encode(data, tokenizer, {});
  EXPECT_THAT(data.sequences[0].symbols, ElementsAre(2, 3, 2, 3)) << "no <eos>";
}

TEST(ClassifierText, WhereNoWordOccursOftenEnoughThereIsNothingToLearn) {
  const LabelledSequences data = texts({"one two", "three four"});
  EXPECT_THAT([&] { (void)make_tokenizer(data, all_of(data), {}); },
              ThrowsMessage<FormatError>(
                  HasSubstr("texts.txt: no word occurs at least 2 times (min_count)")));
  EXPECT_THROW((void)make_tokenizer(data, all_of(data), {.vocab_size = 2}), ConfigError);
}

TEST(ClassifierText, WordVectorsAreOfWordsThatCanBeRead) {
  const TemporaryFolder folder;
  replace_file(folder / "vectors.txt",
               "river 1 2\nRiver 3 4\nu.s. 5 6\nshore 7 8\n<unk> 9 9\nrare -1 -2\n");
  LabelledSequences data = texts({"The river the", "Rare bank"});
  const data::WordVectors vectors = read_vectors(folder / "vectors.txt", data, all_of(data));
  EXPECT_THAT(vectors.words, ElementsAre("river", "shore", "rare"));
  ClassifierOptions options = text_classifier_run().model;
  options.text.embedding_size = 2;
  options.conv_kernel_size = 1;
  const text::Tokenizer tokenizer = make_tokenizer(data, all_of(data), options.text, vectors);
  EXPECT_THAT(tokens_of(tokenizer), ElementsAre("<unk>", "<eos>", "river", "shore", "rare", "the"));
  describe(data, all_of(data), options);
  options.text.num_embeddings = tokenizer.size();
  Classifier model(options, tokenizer);
  model.set_vectors(vectors);
  const Tensor& weight = model.parameters()[0].parameter->value();
  EXPECT_THAT(std::vector<float>(weight.data() + 4, weight.data() + 10),
              ElementsAre(1, 2, 7, 8, -1, -2));
  EXPECT_THROW(model.set_vectors({.dim = 3, .words = {}, .values = {}}), ConfigError);
  EXPECT_THAT(
      [&] { (void)make_tokenizer(data, all_of(data), {.tokens = "char"}, vectors); },
      ThrowsMessage<ConfigError>(HasSubstr("tokens are chars, and there are word vectors")));
}

TEST(ClassifierText, LearnsTheOrderOfWords) {
  Training training(40, {}, reviews(200, 1));
  Trainer trainer(*training.objective, training.run.trainer);
  trainer.begin();
  ASSERT_TRUE(trainer.run({}).best);
  trainer.take_best();
  const std::vector<std::int64_t> all = all_of(training.valid);
  const ClassificationScore score =
      score_classification(training.model->probabilities(training.valid, all),
                           training.model->labels(training.valid, all));
  EXPECT_GT(score.accuracy, 0.95) << "\"not great\" is bad, and \"not awful\" good";
}

TEST(ClassifierText, WhatATextIsReadBesideIsNoMatter) {
  Training training;
  const std::vector<std::int64_t> all = all_of(training.valid);
  const Tensor together = training.model->probabilities(training.valid, all);
  for (const std::int64_t one : all) {
    const Tensor alone = training.model->probabilities(training.valid, std::vector{one});
    EXPECT_NEAR(alone.data()[0], together.data()[2 * one], 1e-6) << one;
  }
}

TEST(ClassifierText, AFolderHoldsTheWholeModel) {
  const TemporaryFolder folder;
  Training training;
  save_config(folder.path(), training.run.model, training.model->tokenizer());
  save_weights(folder.path(), training.model->parameters(), Measured{});
  const Classifier loaded = load_classifier(folder.path());
  EXPECT_EQ(loaded.options(), training.model->options());
  EXPECT_EQ(loaded.tokenizer(), training.model->tokenizer());
  const std::vector<std::int64_t> all = all_of(training.valid);
  EXPECT_THAT(
      loaded.probabilities(training.valid, all).values(),
      testing::ElementsAreArray(training.model->probabilities(training.valid, all).values()));
}

TEST(ClassifierText, ATokenizerOfAnotherModelIsNoticed) {
  const TemporaryFolder folder;
  const Training training;
  save_config(folder.path(), training.run.model, training.model->tokenizer());
  save_weights(folder.path(), training.model->parameters(), Measured{});
  const std::filesystem::path file = folder / std::string(text::kTokenizerFile);
  const std::string written = read_file(file);
  const auto expect = [&](const std::string& contents, const char* message) {
    replace_file(file, contents);
    EXPECT_THAT([&] { (void)load_classifier(folder.path()); },
                ThrowsMessage<FormatError>(HasSubstr(message)));
  };
  std::string renamed = written;
  renamed.replace(renamed.find("awful"), 5, "awfui");
  expect(renamed, "another config.json or tokenizer.json");
  expect(text::Tokenizer::bytes().to_json(), "it has 256 tokens, which are bytes");
  expect("{}", "tokenizer.json");
  std::filesystem::remove(file);
  EXPECT_THROW((void)load_classifier(folder.path()), IoError);
}

TEST(ClassifierText, AResumedRunEndsWithTheSameBits) {
  const TemporaryFolder folder;
  const auto run_to = [&](const char* name, std::int64_t stop_at, bool resume) {
    Training training(4);
    RunFolder run =
        resume ? RunFolder::resume(folder / name) : RunFolder::start(folder / name, false);
    if (!resume) save_config(run.path(), training.run.model, training.model->tokenizer());
    Trainer trainer(*training.objective, training.run.trainer);
    if (resume) {
      EXPECT_EQ(load_classifier_tokenizer(Folder(run.path())), training.model->tokenizer());
      EXPECT_EQ(saved_classifier_run(Folder(run.path())).run.model, training.run.model);
      trainer.resume(run);
    } else {
      trainer.begin(run);
    }
    std::atomic<bool> stop = false;
    Trainer::Watch watch;
    watch.stop = &stop;
    watch.progress = [&](const Progress& progress) { stop = progress.step == stop_at; };
    (void)trainer.run(watch);
  };
  run_to("whole", -1, false);
  run_to("stopped", 11, false);
  run_to("stopped", -1, true);
  for (const char* file : {kWeightsFile, kCheckpointFile}) {
    EXPECT_EQ(read_file(folder / "whole" / file), read_file(folder / "stopped" / file)) << file;
  }
}

TEST(ClassifierText, ARunGoesOnOnlyWithItsOwnTexts) {
  const Training began;
  LabelledSequences changed = reviews(60, 1);
  changed.sequences[7].text += " !";
  Training other(3, {}, changed);
  EXPECT_THAT(
      [&] { other.objective->settle_with(began.objective->description(), "checkpoint"); },
      ThrowsMessage<ConfigError>(HasSubstr("the texts are not those that the run began with")));
}

TEST(ClassifierText, DroppedTokensAreReadAsUnknown) {
  const auto loss = [](double dropout, bool are_unknown) {
    Training training(1, {.token_dropout = dropout}, texts({"a a a", "b b b", "a a a", "b b b"}));
    for (data::LabelledSequence& text : training.data.sequences) {
      if (are_unknown) text.symbols.assign(3, training.model->tokenizer()->unknown_id());
    }
    training.objective->take(0);
    Tape tape;
    return training.objective->loss(tape).mean.value().data()[0];
  };
  constexpr double kAlmostAll = 1 - 1e-9;
  EXPECT_EQ(loss(kAlmostAll, false), loss(0, true));
  EXPECT_NE(loss(0, false), loss(0, true));
}

TEST(ClassifierText, NumbersAndTextsAreNotTakenForEachOther) {
  const Training training;
  const LabelledSequences numbers = test::waves(3, 1);
  EXPECT_THAT([&] { training.model->require_readable(numbers, all_of(numbers)); },
              ThrowsMessage<FormatError>(HasSubstr("it has 2 channels; the model reads texts")));
  ClassifierOptions options;
  describe(numbers, all_of(numbers), options);
  const Classifier of_numbers(options);
  EXPECT_THAT([&] { of_numbers.require_readable(training.data, all_of(training.data)); },
              ThrowsMessage<FormatError>(HasSubstr("it has texts; the model reads 2")));
  EXPECT_THROW(Classifier(options, text::Tokenizer::bytes()), ConfigError);
  EXPECT_THROW(Classifier(training.run.model), ConfigError) << "without its tokenizer";
  options.text.num_embeddings = 5;
  EXPECT_THAT([&] { check(options); }, ThrowsMessage<ConfigError>(HasSubstr("channels is 2")));
}

ClassifierOptions with_classes(std::vector<std::string> names, std::vector<std::int64_t> examples) {
  ClassifierOptions options;
  options.classes = std::move(names);
  options.examples = std::move(examples);
  return options;
}

TEST(ClassWeights, AreThoseOfTheClassesThatAreNamed) {
  const ClassifierOptions model = with_classes({"rare", "a,b", "a", "x=y"}, {1, 2, 3, 4});
  EXPECT_THAT(class_weights(model, "rare=5,a=0.5"), ElementsAre(5, 1, 0.5f, 1));
  EXPECT_THAT(class_weights(model, "a,b=2,x=y=3"), ElementsAre(1, 2, 1, 3));
  EXPECT_THAT(class_weights(model, "none"), ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(class_weights(model, "balanced"), ElementsAre(2.5f, 1.25f, 10.0f / 12, 0.625f));
}

TEST(ClassWeights, WhatIsWrongIsNamed) {
  const ClassifierOptions model = with_classes({"rare", "common"}, {1, 2});
  const std::pair<const char*, const char*> kCases[] = {
      {"seldom=5", "\"seldom\" must be one of the classes \"rare\", \"common\""},
      {"rare=0", "\"0\" must be a number greater than 0"},
      {"rare=-1", "\"-1\" must be"},
      {"rare=nan", "\"nan\" must be"},
      {"rare=1e40", "\"1e40\" must be"},
      {"rare=", "\"\" must be"},
      {"rare=5,rare=6", "the class \"rare\" must be there once"},
      {"rare=5,", "there must be a class behind a comma"},
      {"rare=5 common=1", "\"5 common=1\" must be"},
      {"=5", "\"\" must be one of the classes"},
  };
  for (const auto& [how, message] : kCases) {
    const auto weigh = [&, how = how] { (void)class_weights(model, how); };
    EXPECT_THAT(weigh, ThrowsMessage<ConfigError>(HasSubstr(message))) << how;
  }
  EXPECT_THAT([&] { check(ClassifierTraining{.class_weights = "much"}); },
              ThrowsMessage<ConfigError>(HasSubstr("it must be none, balanced, or weights")));
}

}  // namespace
}  // namespace riverrun::models
