#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "riverrun/core/file.h"
#include "riverrun/lm/language_objective.h"
#include "riverrun/lm/model_folder.h"
#include "riverrun/train/trainer.h"

#include "tests/lm/untrained.h"

namespace riverrun::lm {

/// Sentences from a small grammar: something to learn, and not all of it by heart.
inline std::string sentences(int count, std::uint32_t random = 1) {
  const char* subjects[] = {"the cat", "a dog", "my bird"};
  const char* verbs[] = {"sees", "likes", "chases"};
  std::string text;
  for (int i = 0; i < count; ++i) {
    random = random * 1664525 + 1013904223;
    text += std::string(subjects[(random >> 8) % 3]) + " " + verbs[(random >> 16) % 3] + " " +
            subjects[(random >> 24) % 3] + ".\n";
  }
  return text;
}

/// A small training run in a folder of its own.
struct SmallRun {
  explicit SmallRun(const std::filesystem::path& out, bool overwrite = false)
      : tokenizer(tokenizer_for(train_text)), out_path(out), overwrites(overwrite) {
    model_options.vocab_size = tokenizer.size();
    model_options.embedding_size = 8;
    model_options.hidden_size = 24;
    model_options.num_layers = 2;
    model_options.dropout = 0.1f;
    trainer_options.seq_len = 16;
    trainer_options.batch_size = 8;
    trainer_options.epochs = 3;
    trainer_options.lr = 0.01;
    trainer_options.valid_every = 7;
  }

  TrainingResult train(const Trainer::Watch& watch = {}) { return go(false, watch); }
  TrainingResult resume(const Trainer::Watch& watch = {}) { return go(true, watch); }

  /// As a run that is killed right after `steps` updates: what it had in memory is lost.
  void train_and_stop_after(std::int64_t steps, bool resumed = false) {
    std::atomic<bool> stop{false};
    Trainer::Watch watch;
    watch.stop = &stop;
    watch.progress = [&](const Progress& progress) { stop = progress.step >= steps; };
    EXPECT_EQ(go(resumed, watch).reason, StopReason::kInterrupted);
  }

  TrainingResult go(bool resumed, const Trainer::Watch& watch) {
    const text::Corpus train = text::Corpus::from_text(tokenizer, train_text);
    const text::Corpus valid = text::Corpus::from_text(tokenizer, valid_text);
    LanguageModel model(model_options);
    LanguageObjective objective(model, train, valid, trainer_options);
    if (reach) objective.watch_reach(reach, reach_every);
    Trainer trainer(objective, trainer_options);
    RunFolder folder =
        resumed ? RunFolder::resume(out_path) : RunFolder::start(out_path, overwrites);
    if (resumed) {
      trainer.resume(folder);
    } else {
      save_config(folder.path(), model_options, tokenizer);
      trainer.begin(folder);
    }
    return trainer.run(watch);
  }

  /// Replaces text in the checkpoint's metadata by text of the same length.
  void forge_checkpoint(const std::string& from, const std::string& to) const {
    std::string bytes = file(kCheckpointFile);
    const std::size_t place = bytes.find(from);
    ASSERT_NE(place, std::string::npos) << from;
    ASSERT_EQ(from.size(), to.size());
    bytes.replace(place, from.size(), to);
    replace_file(out_path / kCheckpointFile, bytes);
  }

  std::string file(const char* name) const { return read_file(out_path / name); }

  std::string train_text = sentences(60);
  std::string valid_text = sentences(10, 99);
  text::Tokenizer tokenizer;
  LanguageModelOptions model_options;
  TrainerOptions trainer_options;
  std::filesystem::path out_path;
  bool overwrites;
  std::function<void(const Reach&)> reach = nullptr;
  std::int64_t reach_every = 0;
};

}  // namespace riverrun::lm
