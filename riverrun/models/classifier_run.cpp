#include "riverrun/models/classifier_run.h"

#include <algorithm>
#include <utility>

#include "riverrun/models/classifier_folder.h"
#include "riverrun/models/run_description_json.h"

namespace riverrun::models {

TrainerOptions classifier_trainer_options() {
  TrainerOptions options;
  options.lr = 2e-3;
  options.weight_decay = 0.01;
  options.warmup = 50;
  return options;
}

ClassifierRun suggested_run(const data::LabelledSequences& data,
                            std::span<const std::int64_t> learnt, ClassifierRun run) {
  describe(data, learnt, run.model);
  std::int64_t longest = 1;
  for (const std::int64_t index : learnt) {
    longest = std::max(longest, data.sequences[static_cast<std::size_t>(index)].seq_len);
  }
  if (run.model.conv_channels == 0) {
    run.model.conv_kernel_size = 1;
    run.model.conv_stride = 1;
  } else {
    // Some 32 steps are enough to tell short sequences apart; a kernel covers those between.
    constexpr std::int64_t kSteps = 32;
    constexpr std::int64_t kLargestStride = 8;
    const std::int64_t most =
        std::min(kLargestStride, std::max<std::int64_t>(run.model.conv_kernel_size, 1));
    run.model.conv_stride = std::clamp<std::int64_t>((longest + kSteps / 2) / kSteps, 1, most);
  }
  // Few sequences are learnt often, in small batches; many, at least some times.
  constexpr std::int64_t kUpdates = 1000;
  constexpr std::int64_t kLeastEpochs = 20;
  const auto count = static_cast<std::int64_t>(learnt.size());
  std::int64_t& batch_size = run.trainer.batch_size;
  if (batch_size == 0) batch_size = count < 2000 ? 16 : count < 20000 ? 32 : 64;
  const std::int64_t updates = std::max<std::int64_t>(count - 1, 0) / batch_size + 1;
  run.trainer.epochs = std::max(kLeastEpochs, (kUpdates - 1) / updates + 1);
  // An LSTM keeps some eight numbers a unit and step: beyond half a gigabyte of them, recompute.
  constexpr double kMostUnitSteps = 1 << 24;
  const double unit_steps =
      static_cast<double>(longest) / static_cast<double>(run.model.conv_stride) *
      static_cast<double>(std::min(batch_size, count)) *
      static_cast<double>(run.model.hidden_size) * static_cast<double>(run.model.num_layers) *
      (run.model.bidirectional ? 2 : 1);
  if (unit_steps > kMostUnitSteps) run.model.recompute_steps = kRecomputeAuto;
  return run;
}

SavedRun<ClassifierRun> saved_classifier_run(const Folder& folder) {
  check_classifier_config(folder);
  return read_saved_run<ClassifierRun>(folder);
}

template std::string to_json(const RunDescription<ClassifierRun>&);
template RunDescription<ClassifierRun> parse_description(const std::string&, const std::string&);

}  // namespace riverrun::models
