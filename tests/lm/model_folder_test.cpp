#include "riverrun/lm/model_folder.h"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "riverrun/cell/runtime_cell.h"
#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/core/folder.h"
#include "riverrun/io/parameters.h"
#include "riverrun/kernels/cell_kernels.h"

#include "tests/temporary_folder.h"

namespace riverrun::lm {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class ModelFolder : public testing::Test {
 protected:
  ModelFolder() : model_(options()) {
    save_config(folder_.path(), model_.options(), tokenizer_);
    save_weights(folder_.path(), model_.parameters());
  }

  static LanguageModelOptions options() {
    LanguageModelOptions options;
    options.cell = "gru";
    options.vocab_size = 4;
    options.embedding_size = 3;
    options.hidden_size = 5;
    options.num_layers = 2;
    options.dropout = 0.25f;
    return options;
  }

  /// Replaces the first occurrence of `from` in config.json.
  void change_config(const std::string& from, const std::string& to) {
    std::string config = read_file(folder_ / kConfigFile);
    const std::size_t at = config.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    replace_file(folder_ / kConfigFile, config.replace(at, from.size(), to));
  }

  /// As version 0.1 wrote the folder.
  void remove_digests() {
    change_config(kDigestKey, "unknown");
    save_weights(folder_.path(), model_.parameters());
  }

  std::string format_error() {
    try {
      (void)load_model(folder_.path());
    } catch (const FormatError& error) {
      return error.what();
    }
    return "no FormatError";
  }

  TemporaryFolder folder_;
  text::Tokenizer tokenizer_ = text::Tokenizer::characters({U'a', U'b', U'\n'});
  LanguageModel model_;
};

TEST_F(ModelFolder, OfACellOfOnesOwnNeedsNobodyWhoKnowsTheCell) {
  LanguageModelOptions own = options();
  own.cell = make_cell(
      {.name = "decaying", .gates = {"z", "n"}, .states = {"h"}, .params = {"decay"}},
      [](auto gates, auto states, auto params) {
        const Sym keep = sigmoid(gates[0] + params[0]);
        return std::vector<Sym>{keep * states[0] + (1.0 - keep) * tanh(gates[1])};
      },
      kernels::interpreter_kernels());
  LanguageModel model(own);
  save_config(folder_.path(), own, tokenizer_);
  save_weights(folder_.path(), model.parameters());

  const SavedModel loaded = load_model(folder_.path());
  EXPECT_EQ(loaded.model.options().cell, own.cell);
  EXPECT_EQ(loaded.model.rnn().cell().name, "decaying");
  const std::vector<std::int32_t> inputs = {0, 1, 2, 3};
  const std::vector<std::int32_t> targets = {1, 2, 3, 1};
  State expected, found;
  EXPECT_EQ(model.total_nats(inputs, targets, 1, expected),
            loaded.model.total_nats(inputs, targets, 1, found));

  // The weights are of this program.
  change_config("\"tanh\"", "\"sigmoid\"");
  EXPECT_THAT(format_error(), HasSubstr("another config.json or tokenizer.json"));
  change_config("\"sigmoid\"", "\"sinh\"");
  EXPECT_THAT(format_error(), HasSubstr("\"sinh\" is no operation"));
}

TEST_F(ModelFolder, ComesBackAsItWas) {
  SavedModel loaded = load_model(folder_.path());
  EXPECT_TRUE(loaded.tokenizer == tokenizer_);
  EXPECT_EQ(loaded.model.options().cell, "gru");
  EXPECT_EQ(loaded.model.options().dropout, 0.25f);
  const ParameterList expected = model_.parameters();
  const ParameterList actual = loaded.model.parameters();
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    EXPECT_EQ(actual[i].name, expected[i].name);
    EXPECT_TRUE(std::ranges::equal(actual[i].parameter->value().values(),
                                   expected[i].parameter->value().values()));
  }
}

TEST_F(ModelFolder, AMissingFileIsAnIoError) {
  for (const char* name : {kWeightsFile, kConfigFile, "tokenizer.json"}) {
    const fs::path aside = folder_ / "aside";
    fs::rename(folder_ / name, aside);
    EXPECT_THROW((void)load_model(folder_.path()), IoError) << name;
    fs::rename(aside, folder_ / name);
  }
  EXPECT_THROW((void)load_model(folder_ / "nowhere"), IoError);
}

TEST_F(ModelFolder, AConfigThatDoesNotMatchTheTensorsNamesOne) {
  change_config("\"hidden_size\": 5", "\"hidden_size\": 6");
  EXPECT_THAT(format_error(),
              HasSubstr("rnn.weight_ih_l0 is [15, 3]; by config.json it must be [18, 3]"));
}

TEST_F(ModelFolder, AnotherCellIsNoticed) {
  change_config("gru", "lstm");
  EXPECT_THAT(format_error(), HasSubstr("rnn."));
}

TEST_F(ModelFolder, FewerLayersThanTensorsAreNoticed) {
  change_config("\"num_layers\": 2", "\"num_layers\": 1");
  EXPECT_THAT(format_error(), HasSubstr("belong together"));
  remove_digests();
  EXPECT_THAT(format_error(), HasSubstr("_l1"));
}

TEST_F(ModelFolder, SizesThatNobodyCouldHoldAreRefusedBeforeAnythingIsAllocated) {
  change_config("\"num_layers\": 2", "\"num_layers\": 2000000000");
  EXPECT_THAT(format_error(), HasSubstr("num_layers"));
  change_config("\"num_layers\": 2000000000", "\"num_layers\": 99999999999999999999999");
  EXPECT_THAT(format_error(), HasSubstr("num_layers"));
}

TEST_F(ModelFolder, EachValueOfTheConfigIsChecked) {
  const std::string config = read_file(folder_ / kConfigFile);
  const auto changed = [&](const std::string& from, const std::string& to) {
    replace_file(folder_ / kConfigFile, config);
    change_config(from, to);
    return format_error();
  };
  EXPECT_THAT(changed("\"hidden_size\": 5", "\"hidden\": 5"), HasSubstr("hidden_size is missing"));
  EXPECT_THAT(changed("\"hidden_size\": 5", "\"hidden_size\": 5.5"), HasSubstr("whole number"));
  EXPECT_THAT(changed("\"hidden_size\": 5", "\"hidden_size\": \"5\""), HasSubstr("whole number"));
  EXPECT_THAT(changed("\"hidden_size\": 5", "\"hidden_size\": -5"), HasSubstr("hidden_size is -5"));
  EXPECT_THAT(changed("\"dropout\": 0.25", "\"dropout\": 2"), HasSubstr("dropout is 2"));
  EXPECT_THAT(changed("\"gru\"", "\"grue\""), HasSubstr("grue"));
  EXPECT_THAT(changed("\"gru\"", "7"),
              HasSubstr("cell is 7; it must be the name of a cell, or a cell"));
  EXPECT_THAT(changed("riverrun_lm", "gpt2"), HasSubstr("gpt2"));
  EXPECT_THAT(changed("{", "["), HasSubstr("not JSON"));
  replace_file(folder_ / kConfigFile, "[]");
  EXPECT_THAT(format_error(), HasSubstr("object"));
}

TEST_F(ModelFolder, ATokenizerOfAnotherSizeIsNoticed) {
  text::Tokenizer::characters({U'a'}).save(folder_ / "tokenizer.json");
  EXPECT_THAT(format_error(), HasSubstr("vocab_size"));
}

TEST_F(ModelFolder, ATensorTooManyIsNoticed) {
  ParameterList list = model_.parameters();
  list.push_back({"rnn.extra", std::make_shared<Parameter>(Shape{2})});
  io::save_parameters(folder_ / kWeightsFile, list,
                      {{kDigestKey, *config_digest(Folder(folder_.path()))}});
  EXPECT_THAT(format_error(), HasSubstr("rnn.extra"));
}

TEST_F(ModelFolder, TruncatedWeightsAreNoticed) {
  std::string bytes = read_file(folder_ / kWeightsFile);
  for (const std::size_t size : {bytes.size() - 1, bytes.size() / 2, std::size_t{7}}) {
    replace_file(folder_ / kWeightsFile, bytes.substr(0, size));
    EXPECT_THAT(format_error(), HasSubstr(kWeightsFile)) << size;
  }
}

TEST_F(ModelFolder, NumbersOutOfRangeAreErrorsOfTheFile) {
  for (const char* number : {"1e999", "-1e999", "1e300", "1e39"}) {
    SCOPED_TRACE(number);
    save_config(folder_.path(), model_.options(), tokenizer_);
    change_config("\"dropout\": 0.25", std::string("\"dropout\": ") + number);
    EXPECT_THAT(format_error(), HasSubstr(kConfigFile));
  }
}

// It would take 120 GB.
TEST_F(ModelFolder, RecurrentWeightsThatAreNotThereAreNotAllocated) {
  constexpr std::int64_t kHidden = 100000;
  io::save_parameters(folder_ / kWeightsFile,
                      {{"embedding.weight", std::make_shared<Parameter>(Shape{4, 3})},
                       {"decoder.weight", std::make_shared<Parameter>(Shape{4, kHidden})},
                       {"decoder.bias", std::make_shared<Parameter>(Shape{4})}});
  change_config("\"hidden_size\": 5", "\"hidden_size\": " + std::to_string(kHidden));
  change_config("\"num_layers\": 2", "\"num_layers\": 1");
  EXPECT_THAT(format_error(), HasSubstr("rnn.weight_ih_l0"));
}

TEST_F(ModelFolder, FilesOfTwoModelsAreNoticed) {
  const auto other = text::Tokenizer::characters({U'a', U'c', U'\n'});
  other.save(folder_ / "tokenizer.json");
  EXPECT_THAT(format_error(), HasSubstr("belong together"));
  tokenizer_.save(folder_ / "tokenizer.json");
  (void)load_model(folder_.path());

  const TemporaryFolder plain;
  LanguageModelOptions options = ModelFolder::options();
  options.cell = "rnn_tanh";  // the weights of rnn_relu are of the same sizes
  save_config(folder_.path(), options, tokenizer_);
  save_weights(folder_.path(), LanguageModel(options).parameters());
  (void)load_model(folder_.path());
  change_config("rnn_tanh", "rnn_relu");
  EXPECT_THAT(format_error(), HasSubstr("belong together"));
}

TEST_F(ModelFolder, WhatDecidesNothingMayBeChangedByHand) {
  change_config("\"dropout\": 0.25", "\"dropout\": 0,\n\n \"mine\": true");
  EXPECT_EQ(load_model(folder_.path()).model.options().dropout, 0.0f);
}

// Models of earlier versions do not say what belongs together.
TEST_F(ModelFolder, MayLackADigest) {
  remove_digests();
  text::Tokenizer::characters({U'a', U'c', U'\n'}).save(folder_ / "tokenizer.json");
  (void)load_model(folder_.path());
}

TEST_F(ModelFolder, ADigestInOneFileOnly) {
  const std::string config = read_file(folder_ / kConfigFile);
  // In the weights: it proves as much as one in both.
  change_config(kDigestKey, "unknown");
  (void)load_model(folder_.path());
  text::Tokenizer::characters({U'a', U'c', U'\n'}).save(folder_ / "tokenizer.json");
  EXPECT_THAT(format_error(), HasSubstr("belong together"));
  tokenizer_.save(folder_ / "tokenizer.json");
  // In config.json: the weights are another model's, or of version 0.1.
  save_weights(folder_.path(), model_.parameters());
  replace_file(folder_ / kConfigFile, config);
  EXPECT_THAT(format_error(),
              AllOf(HasSubstr(kWeightsFile), HasSubstr("lack"), HasSubstr("belong together")));
}

TEST_F(ModelFolder, WhatTheConfigSaysOfItsFilesMustBeTrue) {
  change_config(*config_digest(Folder(folder_.path())), "0123456789abcdef");
  EXPECT_THAT(format_error(), AllOf(HasSubstr(kConfigFile), HasSubstr("\"0123456789abcdef\"")));
  save_config(folder_.path(), model_.options(), tokenizer_);
  change_config("\"tokens\": \"char\"", "\"tokens\": \"word\"");
  EXPECT_THAT(format_error(),
              HasSubstr("tokens is \"word\"; by tokenizer.json it must be \"char\""));
  change_config("\"tokens\"", "\"unknown\"");
  (void)load_model(folder_.path());
}

TEST_F(ModelFolder, IsOfOneModelThoughAnotherTakesItsPlace) {
  // Without a digest, only reading one folder keeps them apart.
  remove_digests();
  const TemporaryFolder parent;
  constexpr char32_t kLetters[] = {U'b', U'c'};
  for (int i = 0; i < 2; ++i) {
    const fs::path model = parent / std::to_string(i);
    fs::copy(folder_.path(), model);
    text::Tokenizer::characters({U'a', kLetters[i], U'\n'}).save(model / "tokenizer.json");
    model_.decoder().bias().mutable_value().values()[0] = static_cast<float>(i);
    save_weights(model, model_.parameters());
  }
  std::atomic<bool> stop{false};
  std::thread exchanger([&] {
    while (!stop) (void)exchange_folders(parent / "0", parent / "1");
  });
  const auto is_second = [&](const char* name) {
    SavedModel loaded = load_model(parent / name);
    const bool second = loaded.tokenizer.find("c") >= 0;
    EXPECT_EQ(loaded.model.decoder().bias().value().values()[0], second ? 1.0f : 0.0f);
    return second;
  };
  for (int i = 0; i < 300; ++i) (void)is_second("0");
  stop = true;
  exchanger.join();
  EXPECT_NE(is_second("0"), is_second("1"));
}

TEST_F(ModelFolder, IsReadThoughTheOldOneIsRemovedMeanwhile) {
  const TemporaryFolder parent;
  fs::copy(folder_.path(), parent / "model");
  // Up to three times during a load, and never so often that it gives up.
  constexpr int kLoads = 200;
  std::atomic<int> load{0};
  std::thread publisher([&] {  // as RunFolder::publish
    for (int seen = 0; seen < kLoads;) {
      if (seen == load) {
        std::this_thread::yield();
        continue;
      }
      seen = load;
      for (int i = 0; i < 3; ++i) {
        fs::copy(folder_.path(), parent / "new");
        if (!exchange_folders(parent / "new", parent / "model")) return;
        fs::remove_all(parent / "new");
      }
    }
  });
  for (int i = 0; i < kLoads; ++i) {
    ++load;
    EXPECT_NO_THROW((void)load_model(parent / "model"));
  }
  publisher.join();
}

}  // namespace
}  // namespace riverrun::lm
