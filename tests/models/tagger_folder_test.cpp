#include "riverrun/models/tagger_folder.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"

#include "tests/models/sentences.h"
#include "tests/nn/memory_count.h"
#include "tests/temporary_folder.h"

namespace riverrun::models {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAreArray;
using testing::HasSubstr;

class TaggerFolder : public testing::Test {
 protected:
  TaggerFolder() : data_(test::banks(9, 1)), model_(make(data_)) { save(folder_.path(), model_); }

  static Tagger make(const data::TaggedSentences& data) {
    TaggerVocabulary vocabulary = TaggerVocabulary::of(data, all_of(data));
    TaggerOptions options;
    options.columns.tag = "upos";
    options.cell = "gru";
    options.embedding_size = 6;
    options.char_embedding_size = 3;
    options.char_hidden_size = 2;
    options.hidden_size = 5;
    options.dropout = 0.5f;
    describe(data, all_of(data), vocabulary, options);
    return {options, std::move(vocabulary)};
  }
  static void save(const fs::path& folder, const Tagger& model) {
    save_config(folder, model.options(), model.vocabulary());
    save_weights(folder, model.parameters(), Measured{.step = 7, .valid = {.loss = 0.5}});
  }

  void change(const char* file, const std::string& from, const std::string& to) {
    std::string text = read_file(folder_ / file);
    const std::size_t place = text.find(from);
    ASSERT_NE(place, std::string::npos) << from;
    replace_file(folder_ / file, text.replace(place, from.size(), to));
  }

  std::string format_error() {
    try {
      (void)load_tagger(folder_.path());
    } catch (const FormatError& error) {
      return error.what();
    }
    return "no error";
  }

  struct Case {
    const char* from;
    const char* to;
    const char* message;
    const char* of_file = nullptr;  ///< that the message names; none: the one that is changed
  };
  void expect_named(const char* file, const std::vector<Case>& cases) {
    const std::string whole = read_file(folder_ / file);
    for (const auto& [from, to, message, of_file] : cases) {
      change(file, from, to);
      const std::string path = (folder_ / (of_file != nullptr ? of_file : file)).string();
      EXPECT_THAT(format_error(), AllOf(HasSubstr(message), HasSubstr(path))) << to;
      replace_file(folder_ / file, whole);
    }
    EXPECT_EQ(format_error(), "no error");
  }

  TemporaryFolder folder_;
  data::TaggedSentences data_;
  Tagger model_;
};

TEST_F(TaggerFolder, HoldsTheWholeModel) {
  const LoadedTagger loaded = load_tagger(Folder(folder_.path()));
  ASSERT_TRUE(loaded.measured);
  EXPECT_EQ(loaded.measured->step, 7);
  EXPECT_EQ(loaded.digest, config_digest(Folder(folder_.path())));
  EXPECT_TRUE(loaded.digest);
  EXPECT_EQ(loaded.model.options(), model_.options());
  EXPECT_EQ(loaded.model.options().columns.tag, "upos");
  EXPECT_EQ(model_type(folder_.path()), kTaggerType);
  EXPECT_EQ(loaded.model.vocabulary().words(), model_.vocabulary().words());
  EXPECT_EQ(loaded.model.vocabulary().word_tags(), model_.vocabulary().word_tags());
  EXPECT_EQ(loaded.model.vocabulary().characters(), model_.vocabulary().characters());
  const auto said_by = [&](const Tagger& model) {
    std::vector<float> all;
    model.tag(data_, all_of(data_), false, [&](const Tagger::Tagging& tagging) {
      all.insert(all.end(), tagging.probabilities.begin(), tagging.probabilities.end());
    });
    return all;
  };
  EXPECT_THAT(said_by(loaded.model), ElementsAreArray(said_by(model_)));
  EXPECT_THAT(said_by(load_tagger(folder_.path())), ElementsAreArray(said_by(model_)));
}

TEST_F(TaggerFolder, WordsAndTagsOfAnyKindAreKept) {
  const data::TaggedSentences odd =
      test::sentences({"\"quoted\"/A back\\slash/B", "Ätna/B \xf0\x9f\x98\x80/A a,b/\xc3\xa9"});
  const Tagger model = make(odd);
  save(folder_.path(), model);
  const Tagger loaded = load_tagger(folder_.path());
  EXPECT_EQ(loaded.vocabulary().words(), model.vocabulary().words());
  EXPECT_EQ(loaded.vocabulary().characters(), model.vocabulary().characters());
  EXPECT_EQ(loaded.options().tags, odd.tags);
}

TEST_F(TaggerFolder, WhatIsWrongWithTheOptionsIsNamed) {
  expect_named(
      kConfigFile,
      {{"\"gru\"", "\"none\"", "no cell is called \"none\""},
       {"\"hidden_size\": 5", "\"hidden_size\": 6", "rnn.weight_ih_l0 is", kWeightsFile},
       {"\"hidden_size\": 5", "\"hidden_size\": \"5\"", "hidden_size is \"5\""},
       {"\"char_hidden_size\": 2", "\"char_hidden_size\": 0", "", kWeightsFile},
       {"\"embedding_size\": 6", "\"embedding_size\": 7", "word_embedding.weight is", kWeightsFile},
       {"\"crf\": true", "\"crf\": false", "another config.json or vocabulary.json", kWeightsFile},
       {"\"crf\": true", "\"other\": true", "crf"},
       {"\"MONEY\"", "\"GOLD\"", "another config.json or vocabulary.json", kWeightsFile},
       {"\"MONEY\"", "\"RIVER\"", "the tag \"RIVER\" is there twice"},
       {"\"upos\"", "\"xpos\"", "another config.json or vocabulary.json", kWeightsFile},
       {"riverrun_tagger", "riverrun_lm", "it must be \"riverrun_tagger\""},
       {"\"examples\": [", "\"examples\": [-3,", "examples is -3"},
       {"\"examples\": [", "\"examples\": [3,", "examples has 4 elements"},
       {"\"words\": ", "\"words\": -", "words is -"},
       {"\"words\": ", "\"words\": 1", "it has 7 words and", kVocabularyFile},
       {"\"characters\": ", "\"characters\": 1", "it has 7 words and", kVocabularyFile},
       {"\"riverrun_digest\": \"", "\"riverrun_digest\": \"0", "riverrun_digest is"},
       {"{", "[", ""}});
}

TEST_F(TaggerFolder, WhatIsWrongWithTheVocabularyIsNamed) {
  expect_named(
      kVocabularyFile,
      {{"\"flows\"", "\"runs\"", "another config.json or vocabulary.json", kWeightsFile},
       {"\"flows\"", "\"bank\"", "the word \"bank\" is there twice"},
       {"\"flows\"", "\"\"", "is empty"},
       {"\"flows\"", "4", "words"},
       {"\"flows\",", "", "there are 6 words and 7 tags of words"},
       {"\"word_tags\"", "\"others\"", "word_tags"},
       {"\"word_tags\": [\n1", "\"word_tags\": [\n0", "another config.json or vocabulary.json",
        kWeightsFile},
       {"\"word_tags\": [", "\"word_tags\": [0,", "there are 7 words and 8 tags"},
       {"\"words\": [\n\"\"", "\"words\": [\n\"x\"", "the first word must be \"\""},
       {"\"characters\": [\n\"\"", "\"characters\": [\n\"x\"", "the first character must be \"\""},
       {"\"a\"", "\"ab\"", "it must be one of UTF-8"},
       {"\"a\"", "\"\xff\"", ""},
       {"\"a\",", "", "it has 7 words and"},
       {"{", "", ""}});
  std::string text = read_file(folder_ / kVocabularyFile);
  const std::size_t tags = text.find("\"word_tags\": [\n") + 15;
  for (const char* tag : {"3", "-2", "-1", "2147483648", "0.5", "null"}) {
    std::string changed = text;
    changed.replace(tags, 1, tag);
    replace_file(folder_ / kVocabularyFile, changed);
    EXPECT_THAT(format_error(), HasSubstr((folder_ / kVocabularyFile).string())) << tag;
  }
  replace_file(folder_ / kVocabularyFile, text.substr(0, text.size() / 2));
  EXPECT_THAT(format_error(), HasSubstr((folder_ / kVocabularyFile).string()));
}

TEST_F(TaggerFolder, FilesOfTwoModelsAreNotMixed) {
  data::TaggedSentences renamed = data_;
  for (data::TaggedSentence& sentence : renamed.sentences) {
    std::ranges::replace(sentence.words, "old", "new");
  }
  const TemporaryFolder other;
  save(other.path(), make(renamed));
  for (const char* file : {kConfigFile, kVocabularyFile, kWeightsFile}) {
    const std::string own = read_file(folder_ / file);
    replace_file(folder_ / file, read_file(other / file));
    EXPECT_NE(format_error(), "no error") << file;
    replace_file(folder_ / file, own);
  }
  EXPECT_EQ(format_error(), "no error");
}

TEST_F(TaggerFolder, DamagedAndMissingFilesAreNamed) {
  const std::string weights = read_file(folder_ / kWeightsFile);
  replace_file(folder_ / kWeightsFile, weights.substr(0, weights.size() - 4));
  EXPECT_THAT(format_error(), HasSubstr((folder_ / kWeightsFile).string()));
  replace_file(folder_ / kWeightsFile, weights);
  for (const char* file : {kConfigFile, kVocabularyFile, kWeightsFile}) {
    const std::string text = read_file(folder_ / file);
    fs::remove(folder_ / file);
    EXPECT_THAT([&] { (void)load_tagger(folder_.path()); },
                testing::ThrowsMessage<Error>(HasSubstr(file)));
    replace_file(folder_ / file, text);
  }
  EXPECT_EQ(format_error(), "no error");
}

TEST_F(TaggerFolder, WhatAFileClaimsIsNotAllocated) {
  const std::string config = read_file(folder_ / kConfigFile);
  const std::size_t before = test::tensor_bytes();
  test::reset_peak_tensor_bytes();
  for (const auto& [from, to] : {std::pair{"\"words\": 7", "\"words\": 134217728"},
                                 {"\"embedding_size\": 6", "\"embedding_size\": 134217728"},
                                 {"\"hidden_size\": 5", "\"hidden_size\": 65536"},
                                 {"\"num_layers\": 1", "\"num_layers\": 1000"}}) {
    change(kConfigFile, from, to);
    EXPECT_NE(format_error(), "no error") << to;
    replace_file(folder_ / kConfigFile, config);
  }
  EXPECT_LT(test::peak_tensor_bytes() - before, std::size_t{1} << 16);
}

TEST_F(TaggerFolder, WhatDecidesNothingMayBeChangedByHand) {
  change(kConfigFile, "\"dropout\": 0.5", "\"dropout\": 0");
  change(kConfigFile, "\"examples\": [\n    ", "\"examples\": [\n    9");
  change(kConfigFile, "\"usual_share\": 0.", "\"usual_share\": 0.1");
  EXPECT_EQ(format_error(), "no error");
}

TEST_F(TaggerFolder, TheVocabularyOfARunNeedsNoWeights) {
  fs::remove(folder_ / kWeightsFile);
  EXPECT_EQ(load_tagger_vocabulary(Folder(folder_.path())).words(), model_.vocabulary().words());
  change(kConfigFile, "\"words\": 7", "\"words\": 8");
  EXPECT_THROW((void)load_tagger_vocabulary(Folder(folder_.path())), FormatError);
}

}  // namespace
}  // namespace riverrun::models
