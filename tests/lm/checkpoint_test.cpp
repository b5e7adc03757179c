#include "riverrun/train/checkpoint.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/lm/saved_run.h"
#include "riverrun/lm/saved_training.h"

#include "tests/lm/small_run.h"
#include "tests/temporary_folder.h"

namespace riverrun::lm {
namespace {

using testing::HasSubstr;

class Checkpoint : public testing::Test {
 protected:
  Checkpoint() : run_(folder_ / "model") {
    run_.train_and_stop_after(16);
    original_ = run_.file(kCheckpointFile);
  }

  /// Writes the original checkpoint with other metadata, without the tensor `omitted`, and with
  /// tensor_ if that has a name.
  void rewrite(const std::vector<std::pair<std::string, std::string>>& changes,
               const std::string& omitted = "", bool with_digest = true) {
    const io::SafetensorsFile file(std::as_bytes(std::span(original_)), "original");
    std::vector<std::vector<std::byte>> bytes;
    std::vector<io::TensorView> tensors;
    for (const io::TensorInfo& tensor : file.tensors()) {
      if (tensor.name == omitted) continue;
      bytes.push_back(file.bytes(tensor.name));
      tensors.push_back({tensor.name, tensor.dtype, tensor.shape, bytes.back()});
    }
    if (!tensor_.name.empty()) tensors.push_back(tensor_);
    io::Metadata metadata = file.metadata();
    if (!with_digest) metadata.erase(kDigestKey);
    std::string& text = metadata.at("riverrun_training");
    for (const auto& [from, to] : changes) {
      const std::size_t at = text.find(from);
      ASSERT_NE(at, std::string::npos) << from;
      text.replace(at, from.size(), to);
    }
    io::write_safetensors(run_.out_path / kCheckpointFile, tensors, metadata);
  }

  /// Of the call that comes before a model is made.
  std::string refusal() {
    try {
      (void)checkpoint_options(RunFolder::resume(run_.out_path).path());
    } catch (const FormatError& error) {
      return error.what();
    }
    return "none";
  }

  TemporaryFolder folder_;
  SmallRun run_;
  std::string original_;
  io::TensorView tensor_;
};

TEST_F(Checkpoint, NumbersThatTheirTypeCannotHoldAreRefused) {
  const std::pair<std::string, std::vector<std::string>> changes[] = {
      {R"("step":16)", {"1e300", "16.5", "1e999", "18446744073709551615", "99999999999999999999"}},
      {R"("epochs":3)", {"1e300", "-1e300", "3.5", "true", "9223372036854775808"}},
      {R"("seed":1)", {"-1", "1e20", "1.5", "null"}},
      {R"("bad_measurements":0)", {"1e10", "9223372036854775808"}},
      {R"("version":4)", {"1e300", "4294967300", "5", "1"}},
      {R"("hash":)", {"1e300,\"was\":", "-1,\"was\":"}},
      {R"("lr":0.01)", {"1e999", "\"0.01\"", "true"}},
      {R"("dropout":0.1)", {"1e300", "1e39"}},
      {R"("best":true)", {"0", "1", "null"}},
  };
  rewrite({});
  EXPECT_EQ(refusal(), "none");
  for (const auto& [from, values] : changes) {
    const std::string name = from.substr(0, from.find(':') + 1);
    for (const std::string& value : values) {
      rewrite({{from, name + value}});
      EXPECT_THAT(refusal(), HasSubstr(kCheckpointFile)) << name << value;
    }
  }
}

// It would take gigabytes.
TEST_F(Checkpoint, SizesThatTheFileDoesNotHoldAreRefused) {
  rewrite({{R"("hidden_size":24)", R"("hidden_size":60000)"}});
  EXPECT_THAT(refusal(), HasSubstr("rnn.weight_ih_l0 is [96, 8]; by its metadata it must be"));
  rewrite({{R"("num_layers":2)", R"("num_layers":900)"}});
  EXPECT_THAT(refusal(), HasSubstr("no tensor \"rnn.weight_ih_l2\""));
}

TEST_F(Checkpoint, KeepsValidationsThatAreEvenlySpread) {
  TrainingState state;
  for (std::int64_t step = 1; step <= 10000; ++step) {
    Validation validation;
    validation.step = step;
    state.add(validation);
    const auto kept = static_cast<std::int64_t>(state.validations.size());
    ASSERT_LE(kept, kMostValidations + 1);
    ASSERT_GE(kept, std::min(step, kMostValidations / 2));
    ASSERT_EQ(state.validations.back().step, step);
    const std::int64_t distance = state.validations.front().step;
    for (std::int64_t i = 0; i + 1 < kept; ++i) {
      ASSERT_EQ(state.validations[static_cast<std::size_t>(i)].step, (i + 1) * distance) << step;
    }
  }
  EXPECT_EQ(state.validation_count, 10000);
}

TEST_F(Checkpoint, ValidationsComeBack) {
  const io::SafetensorsFile file(run_.out_path / kCheckpointFile);
  const TrainingState state = checkpoint_header(file).state;
  ASSERT_EQ(state.validations.size(), 3u);
  EXPECT_EQ(state.validation_count, 3);
  EXPECT_EQ(state.validations[0].step, 7);
  EXPECT_EQ(state.validations[1].step, 11);  // an epoch's end
  EXPECT_EQ(state.validations[2].step, 14);
  ASSERT_TRUE(state.best);
  for (const Validation& v : state.validations) {
    if (v.step != state.best->step) continue;
    EXPECT_TRUE(v.best);
    EXPECT_EQ(v.valid.loss, state.best->valid.loss);
    EXPECT_EQ(v.train_loss, state.best->train_loss);
    EXPECT_EQ(v.epoch, state.best->epoch);
    EXPECT_EQ(v.lr, state.best->lr);
  }
  rewrite({{R"("validation_count":3)", R"("validation_count":2)"}});
  EXPECT_THAT(refusal(), HasSubstr("validations"));
  rewrite({{R"("validation_count":3)", R"("validation_count":9223372036854775807)"}});
  EXPECT_THAT(refusal(), HasSubstr("validations"));
}

TEST_F(Checkpoint, ImpossibleValidationsAreRefused) {
  const auto refused = [&](std::vector<double> rows, std::vector<std::int64_t> shape = {3, 7}) {
    tensor_ = {"validations", io::DType::kF64, std::move(shape), std::as_bytes(std::span(rows))};
    rewrite({}, "validations");
    EXPECT_THAT(refusal(), HasSubstr(kCheckpointFile)) << rows[0];
  };
  const io::SafetensorsFile file(run_.out_path / kCheckpointFile);
  const std::vector<double> rows = file.doubles("validations");
  const auto with = [&](std::size_t at, double value) {
    std::vector<double> changed = rows;
    changed[at] = value;
    return changed;
  };
  for (const double step : {0.0, -7.0, 7.5, 11.0, 12.0, 1e300, std::nan("")}) {
    refused(with(0, step));
  }
  refused(with(14, 17));  // after the last update
  for (const std::size_t column : {1, 2}) refused(with(column, -1));
  for (const std::size_t column : {1, 2, 3, 4}) refused(with(column, std::nan("")));
  refused(rows, {21});
  refused(rows, {7, 3});
  refused({rows.begin(), rows.begin() + 14}, {2, 7});
}

/// The metadata as version 3 had them, or version 2, in which they had the validations too.
std::string older_metadata(const io::SafetensorsFile& file, int version) {
  using Json = nlohmann::json;
  const Json now = Json::parse(file.metadata().at("riverrun_training"));
  const auto renamed = [](Json object, std::map<std::string, std::string> names) {
    for (const auto& [from, to] : names) {
      object[to] = object.at(from);
      object.erase(from);
    }
    return object;
  };
  const auto validation = [&](const Json& v) {
    Json before = renamed(v, {{"train_loss", "train_nats"}});
    before["valid_nats"] = v.at("valid").at("loss");
    before.erase("valid");
    return before;
  };
  Json old = now.at("objective");
  old["version"] = version;
  old["trainer"] = now.at("trainer");
  Json state = renamed(now.at("state"), {{"loss", "nats"}, {"targets", "nats_tokens"}});
  state["position"] = {{"epoch", 1}, {"chunk", 5}};  // which follows from the step
  state["best"] = validation(state["best"]);
  if (version == 2) {
    state.erase("validation_count");
    for (const Validation& v : checkpoint_header(file).state.validations) {
      state["validations"].push_back({{"step", v.step},
                                      {"epoch", v.epoch},
                                      {"lr", v.lr},
                                      {"train_nats", v.train_loss},
                                      {"valid_nats", v.valid.loss},
                                      {"best", v.best}});
    }
  }
  old["state"] = state;
  return old.dump();
}

TEST_F(Checkpoint, OfEarlierVersionsIsRead) {
  const TemporaryFolder folder;
  SmallRun whole(folder / "whole");
  const TrainingResult expected = whole.train();
  const io::SafetensorsFile file(std::as_bytes(std::span(original_)), "original");
  for (const int version : {2, 3}) {
    std::vector<double> rows;  // without the scores that the last column has
    const std::vector<double> all = file.doubles("validations");
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (i % 7 != 6) rows.push_back(all[i]);
    }
    if (version == 3) {
      tensor_ = {"validations", io::DType::kF64, {3, 6}, std::as_bytes(std::span(rows))};
    }
    rewrite({{file.metadata().at("riverrun_training"), older_metadata(file, version)}},
            "validations", /*with_digest=*/false);
    tensor_ = {};
    const TrainingResult result = run_.resume();
    EXPECT_EQ(result.reason, StopReason::kFinished);
    ASSERT_EQ(result.validations.size(), expected.validations.size());
    for (std::size_t i = 0; i < result.validations.size(); ++i) {
      EXPECT_EQ(result.validations[i].valid.loss, expected.validations[i].valid.loss);
    }
    // And goes on to the bit.
    EXPECT_TRUE(run_.file(kCheckpointFile) == whole.file(kCheckpointFile)) << version;
  }
}

TEST_F(Checkpoint, NumbersThatAreNotFiniteAreNamed) {
  const io::SafetensorsFile file(std::as_bytes(std::span(original_)), "original");
  const auto damaged = [&](const std::string& name, float value) {
    std::vector<std::byte> bytes = file.bytes(name);
    std::memcpy(bytes.data() + 5 * sizeof(float), &value, sizeof(float));
    tensor_ = {name, io::DType::kF32, file.at(name).shape, bytes};
    rewrite({}, name);
    tensor_ = {};
    const io::SafetensorsFile now(run_.out_path / kCheckpointFile);
    std::string said = "nothing";
    try {
      check_checkpoint_numbers(now);
    } catch (const NumericError& error) {
      said = error.what();
    }
    try {
      run_.resume();
    } catch (const NumericError& error) {
      EXPECT_EQ(error.what(), said);
      return said;
    }
    EXPECT_EQ(said, "nothing");
    return said;
  };
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_THAT(damaged("rnn.weight_hh_l1", kNan),
              HasSubstr("checkpoint.safetensors: element 5 of rnn.weight_hh_l1 is nan"));
  EXPECT_THAT(damaged("decoder.bias", -kInfinity), HasSubstr("decoder.bias is -inf"));
  EXPECT_THAT(damaged("state.1", kInfinity), HasSubstr("state.1 is inf"));
  EXPECT_THAT(damaged("optimizer.decoder.bias.exp_avg", kNan),
              HasSubstr("decoder.bias.exp_avg is nan"));
  // The square of a large gradient; the run went on, and so it can again.
  EXPECT_EQ(damaged("optimizer.decoder.bias.exp_avg_sq", kInfinity), "nothing");
}

TEST_F(Checkpoint, OfAnotherRunIsRefused) {
  const auto refused = [this] {
    try {
      run_.resume();
    } catch (const FormatError& error) {
      return std::string(error.what());
    }
    return std::string("none");
  };
  // With another letter: all sizes are the same.
  SmallRun other(folder_ / "other");
  for (std::string* text : {&other.train_text, &other.valid_text})
    std::ranges::replace(*text, 'b', 'z');
  other.tokenizer = tokenizer_for(other.train_text);
  ASSERT_EQ(other.tokenizer.size(), run_.tokenizer.size());
  other.train_and_stop_after(16);
  replace_file(run_.out_path / kCheckpointFile, other.file(kCheckpointFile));
  EXPECT_THAT(refused(), HasSubstr("of another run than the config.json"));
  // Of a version that wrote no digest, beside a config.json that has one.
  const io::SafetensorsFile file(std::as_bytes(std::span(original_)), "original");
  std::vector<std::vector<std::byte>> bytes;
  std::vector<io::TensorView> tensors;
  for (const io::TensorInfo& tensor : file.tensors()) {
    bytes.push_back(file.bytes(tensor.name));
    tensors.push_back({tensor.name, tensor.dtype, tensor.shape, bytes.back()});
  }
  io::Metadata metadata = file.metadata();
  ASSERT_EQ(metadata.erase(kDigestKey), 1u);
  io::write_safetensors(run_.out_path / kCheckpointFile, tensors, metadata);
  EXPECT_THAT(refused(), HasSubstr("of another run"));
  // With neither, as version 0.1 wrote them.
  std::string config = run_.file(kConfigFile);
  config.replace(config.find(kDigestKey), std::string(kDigestKey).size(), "unknown");
  replace_file(run_.out_path / kConfigFile, config);
  EXPECT_EQ(refused(), "none");
}

TEST_F(Checkpoint, TheTokenizerMustBeThatOfTheRun) {
  const LanguageModelOptions options =
      checkpoint_options(RunFolder::resume(run_.out_path).path()).model;
  EXPECT_TRUE(load_tokenizer(run_.out_path, options) == run_.tokenizer);
  std::string text = run_.train_text;
  std::ranges::replace(text, 'b', 'z');
  tokenizer_for(text).save(run_.out_path / text::kTokenizerFile);
  EXPECT_THAT([&] { (void)load_tokenizer(run_.out_path, options); },
              testing::ThrowsMessage<FormatError>(HasSubstr("belong together")));
  tokenizer_for("ab").save(run_.out_path / text::kTokenizerFile);
  EXPECT_THAT([&] { (void)load_tokenizer(run_.out_path, options); },
              testing::ThrowsMessage<FormatError>(HasSubstr("vocab_size")));
}

TEST_F(Checkpoint, AFolderIsReadWithWhatIsWrongWithItsCheckpoint) {
  EXPECT_EQ(load_run(run_.out_path).checkpoint->state.step, 16);
  EXPECT_EQ(load_run(run_.out_path).checkpoint_problem, "");
  EXPECT_EQ(load_run(run_.out_path).measured->step, 14);
  rewrite({{R"("step":16)", R"("step":-6)"}});
  const SavedRun loaded = load_run(run_.out_path);
  EXPECT_FALSE(loaded.checkpoint);
  EXPECT_THAT(loaded.checkpoint_problem, HasSubstr("step is -6"));
}

}  // namespace
}  // namespace riverrun::lm
