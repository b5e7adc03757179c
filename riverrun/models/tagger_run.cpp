#include "riverrun/models/tagger_run.h"

#include <algorithm>
#include <utility>

#include "riverrun/models/run_description_json.h"
#include "riverrun/models/tagger_folder.h"

namespace riverrun::models {

TrainerOptions tagger_trainer_options() {
  TrainerOptions options;
  options.lr = 5e-3;
  options.warmup = 50;
  return options;
}

TaggerRun suggested_run(const data::TaggedSentences& data, std::span<const std::int64_t> learnt,
                        const TaggerVocabulary& vocabulary, TaggerRun run) {
  describe(data, learnt, vocabulary, run.model);
  std::int64_t words = 0;
  for (const std::int64_t count : run.model.examples) words += count;
  // Few sentences are learnt often, in small batches; many, at least some times.
  constexpr std::int64_t kWords = 2'000'000;
  constexpr std::int64_t kLeastEpochs = 5;
  constexpr std::int64_t kMostEpochs = 40;
  run.trainer.epochs =
      std::clamp(kWords / std::max<std::int64_t>(words, 1), kLeastEpochs, kMostEpochs);
  std::int64_t& batch_size = run.trainer.batch_size;
  const auto count = static_cast<std::int64_t>(learnt.size());
  if (batch_size == 0) batch_size = count < 2000 ? 8 : count < 50'000 ? 32 : 64;
  return run;
}

SavedRun<TaggerRun> saved_tagger_run(const Folder& folder) {
  if (folder.contains(kConfigFile)) static_cast<void>(load_tagger_vocabulary(folder));
  return read_saved_run<TaggerRun>(folder);
}

template std::string to_json(const RunDescription<TaggerRun>&);
template RunDescription<TaggerRun> parse_description(const std::string&, const std::string&);

}  // namespace riverrun::models
