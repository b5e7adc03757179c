#include "riverrun/lm/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/data/text/batches.h"
#include "riverrun/lm/checkpoint.h"
#include "riverrun/lm/model_folder.h"
#include "riverrun/nn/clip.h"
#include "riverrun/nn/optimizer.h"
#include "riverrun/nn/schedule.h"

namespace riverrun::lm {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Validation reads a tenth of what training does three times over; seldom enough, and for a text
/// of usual size not before an epoch's end.
std::int64_t default_valid_every(std::int64_t valid_tokens, std::int64_t tokens_per_step) {
  constexpr std::int64_t kLeast = 1000;
  // A forward pass is about a third of an update.
  return std::max(kLeast, 10 * valid_tokens / (3 * tokens_per_step));
}

}  // namespace

struct Trainer::Impl {
  Impl(LanguageModel& m, const text::Corpus& train, const text::Corpus& valid_text,
       const TrainerOptions& o)
      : model(m),
        valid(valid_text),
        options(o),
        chunks{.batch_size = chosen_batch_size(o, train.size()), .seq_len = o.seq_len},
        batches(text::Batches::for_training(train, chunks)),
        texts{fingerprint(train), fingerprint(valid_text)},
        parameters(m.parameters()),
        optimizer(make_optimizer(o, parameters)),
        schedule(make_schedule(o, batches.size())),
        plateau({.lr = o.lr, .factor = o.decay, .patience = 0}),
        tape(/*training=*/true, o.seed),
        probe(m, chunks) {
    // At least so many tokens each, so that beginning without context hardly shows.
    constexpr std::int64_t kLeastStream = 1024;
    valid_options.streams =
        std::clamp<std::int64_t>((valid.size() - 1) / kLeastStream, 1, chunks.batch_size);
    valid_options.seq_len = o.seq_len;
    // Refuses a text that is too short now, not after an epoch.
    (void)text::Batches::for_evaluation(
        valid, {.batch_size = valid_options.streams, .seq_len = valid_options.seq_len});
    plan = {
        .steps_per_epoch = batches.size(),
        .valid_every = options.valid_every > 0
                           ? options.valid_every
                           : default_valid_every(valid.size(), chunks.batch_size * chunks.seq_len)};
  }

  std::int64_t total_steps() const { return batches.size() * options.epochs; }

  /// A function of the state alone, so that a validation that was interrupted is made up for.
  bool validation_due() const {
    if (state.step == 0) return false;
    if (!state.validations.empty() && state.validations.back().step == state.step) return false;
    return plan.due_after(state.step);
  }

  double epochs_done() const {
    const text::Batches::Position position = batches.position();
    return static_cast<double>(position.epoch) +
           static_cast<double>(position.chunk) / static_cast<double>(batches.size());
  }

  double lr(std::int64_t step) const { return schedule ? schedule(step) : plateau.lr(); }

  NumericError diverged(const char* what, double value, std::int64_t step) const {
    return NumericError(fmt::format(
        "Trainer: the {} is {} at step {} (epoch {}); try a lower learning rate (lr is {}) or "
        "stronger clipping (clip is {}); {}",
        what, value, step, batches.position().epoch + 1, options.lr,
        options.clip > 0 ? fmt::format("{}", options.clip) : "off",
        on_disk
            ? fmt::format("the best model so far, {:.4f} nats per token after step {}, is in {}",
                          on_disk->valid_nats, on_disk->step, folder->path().string())
            : "there is no validated model yet"));
  }

  struct Update {
    double nats = 0;       // the mean loss
    double grad_norm = 0;  // before clipping
  };

  /// Before the update on `chunk`, whose beginning empties the gradients that this leaves.
  void measure_reach(const text::Batch& chunk, const Watch& watch) const {
    const std::int64_t every = watch.reach_every > 0 ? watch.reach_every : probe.every();
    if (!watch.reach || state.step % every != 0 || chunk.seq_len < batches.seq_len()) return;
    watch.reach({state.step, probe.measure(chunk, state.carried)});
  }

  /// One chunk: forward, backward, update.
  Update update(const text::Batch& chunk) {
    tape.clear();
    const LanguageModel::Loss result =
        model.loss(tape, chunk.inputs, chunk.targets, chunk.batch, state.carried);
    const double nats = result.loss.value().values()[0];
    if (!std::isfinite(nats)) throw diverged("loss", nats, state.step + 1);
    zero_grad(parameters);
    tape.backward(result.loss);
    const double norm = clip_grad_norm(
        parameters, options.clip > 0 ? options.clip : std::numeric_limits<double>::infinity());
    if (!std::isfinite(norm)) throw diverged("gradient's norm", norm, state.step + 1);

    optimizer->set_lr(lr(state.step));
    optimizer->step();
    state.carried.tensors.resize(result.state.size());
    for (std::size_t i = 0; i < result.state.size(); ++i) {
      state.carried.tensors[i] = result.state[i].value();
    }
    ++state.step;
    state.nats += nats * static_cast<double>(chunk.predicted);
    state.nats_tokens += chunk.predicted;
    return {nats, norm};
  }

  /// Nothing if `stop` became true meanwhile.
  std::optional<double> measure(const Watch& watch) {
    bool stopped = false;
    const Evaluation evaluation = evaluate(model, valid, valid_options, [&](std::int64_t) {
      stopped = watch.stop != nullptr && watch.stop->load();
      return !stopped;
    });
    if (stopped) return std::nullopt;
    const double nats = evaluation.nats_per_token();
    // A perplexity that no number can hold is divergence too, though the loss is still one.
    if (!std::isfinite(evaluation.perplexity())) {
      throw diverged("validation loss", nats, state.step);
    }
    return nats;
  }

  /// The order makes a kill at any moment harmless: a model that is newer than the checkpoint is
  /// found again, and written again with the same bits.
  void save_model(double valid_nats) {
    const Measured measured{state.step, valid_nats};
    save_weights(folder->path(), model, measured);
    on_disk = measured;
    folder->publish();
  }

  /// Never replaces a better model, as the time limit may have left one beside the run's state.
  void offer_model(double valid_nats) {
    if (!on_disk || valid_nats <= on_disk->valid_nats) {
      save_model(valid_nats);
    } else {
      folder->publish();  // a kill may have come between saving that model and this
    }
  }

  /// False if it was stopped.
  bool validate(const Watch& watch) {
    const std::optional<double> nats = measure(watch);
    if (!nats) return false;
    Validation validation;
    validation.step = state.step;
    validation.epoch = epochs_done();
    validation.lr = lr(state.step - 1);
    validation.train_nats = state.nats / static_cast<double>(state.nats_tokens);
    validation.valid_nats = *nats;
    validation.best = !state.best || *nats < state.best->valid_nats;
    plateau.update(*nats);
    state.nats = 0;
    state.nats_tokens = 0;
    state.add(validation);
    if (validation.best) state.best = validation;
    // Also if the file of a better one was removed: any model is better than none.
    if (validation.best || !on_disk) offer_model(*nats);
    if (watch.validation) watch.validation(validation);
    return true;
  }

  void checkpoint() {
    const Clock::time_point start = Clock::now();
    state.position = batches.position();
    state.random = tape.random().state();
    state.plateau = plateau.state();
    save_checkpoint(folder->path() / kCheckpointFile, {model.options(), options, text, from}, texts,
                    parameters, *optimizer, state, digest);
    last_checkpoint = Clock::now();
    checkpoint_seconds = std::chrono::duration<double>(last_checkpoint - start).count();
  }

  /// Seldom enough that checkpoints take at most two per cent of the time.
  bool checkpoint_due() const {
    constexpr double kLeastSeconds = 30;
    return seconds_since(last_checkpoint) > std::max(kLeastSeconds, 50 * checkpoint_seconds);
  }

  LanguageModel& model;
  const text::Corpus& valid;
  TrainerOptions options;
  text::BatchOptions chunks;
  RunFolder* folder = nullptr;
  text::Batches batches;
  Fingerprints texts;
  ParameterList parameters;
  std::unique_ptr<Optimizer> optimizer;
  Schedule schedule;
  ReduceOnPlateau plateau;
  Tape tape;
  HorizonProbe probe;
  EvaluateOptions valid_options;
  ValidationPlan plan;
  TextOptions text;
  std::string from;
  std::optional<std::string> digest;
  TrainingState state;
  /// What was measured of the model in the folder. Not part of the state, which decides the run's
  /// bits: the time limit may leave a model there at any moment.
  std::optional<Measured> on_disk;
  Clock::time_point last_checkpoint = Clock::now();
  double checkpoint_seconds = 0;
};

Trainer::Trainer(LanguageModel& model, const text::Corpus& train, const text::Corpus& valid,
                 const TrainerOptions& options) {
  check(options);
  impl_ = std::make_unique<Impl>(model, train, valid, options);
}

Trainer::~Trainer() = default;

std::int64_t Trainer::steps_per_epoch() const noexcept { return impl_->batches.size(); }
std::int64_t Trainer::batch_size() const noexcept { return impl_->chunks.batch_size; }
std::int64_t Trainer::total_steps() const noexcept { return impl_->total_steps(); }

RunOptions Trainer::checkpoint_options(const RunFolder& folder) {
  return checkpoint_header(io::SafetensorsFile(folder.path() / kCheckpointFile)).options;
}

void Trainer::resume(RunFolder& folder) {
  const io::SafetensorsFile file(folder.path() / kCheckpointFile);
  CheckpointHeader header = checkpoint_header(file);
  std::optional<std::string> digest = config_digest(folder.path());
  check_digest(header, digest, file.path());
  TrainerOptions same_but_epochs = header.options.trainer;
  same_but_epochs.epochs = impl_->options.epochs;
  if (header.options.model != impl_->model.options() || same_but_epochs != impl_->options) {
    throw ConfigError(
        fmt::format("Trainer: the options of the {} are not those that the run in {} began with; "
                    "only epochs may differ",
                    header.options.model != impl_->model.options() ? "model" : "trainer",
                    folder.path().string()));
  }
  if (header.texts != impl_->texts) {
    const bool train = header.texts.train != impl_->texts.train;
    const Fingerprint& was = train ? header.texts.train : header.texts.valid;
    const Fingerprint& is = train ? impl_->texts.train : impl_->texts.valid;
    throw ConfigError(fmt::format(
        "Trainer: the {} text ({} tokens) is not the one this run began with ({} tokens); a run "
        "can only be resumed with its own texts, read and cut in the same way (early versions cut "
        "a text of words at line ends only, and kept byte order marks)",
        train ? "training" : "validation", is.tokens, was.tokens));
  }
  std::optional<Measured> on_disk;
  if (fs::exists(folder.path() / kWeightsFile)) on_disk = saved_measure(folder.path());
  State carried = impl_->model.zero_state(impl_->chunks.batch_size);
  check_space(folder.path());
  load_checkpoint_tensors(file, impl_->parameters, *impl_->optimizer, carried);
  impl_->folder = &folder;
  impl_->on_disk = on_disk;
  impl_->text = header.options.text;
  impl_->from = std::move(header.options.from);
  impl_->digest = std::move(digest);
  impl_->batches.seek(header.state.position);
  impl_->state = std::move(header.state);
  impl_->state.carried = std::move(carried);
  impl_->tape.random() = Random(impl_->state.random);
  impl_->plateau.set_state(impl_->state.plateau);
  impl_->optimizer->set_steps(impl_->state.step);
}

void Trainer::check_space(const fs::path& folder) const {
  require_space(folder, impl_->parameters, *impl_->optimizer);
}

void Trainer::begin(RunFolder& folder, const TextOptions& text, std::string from) {
  check_space(folder.path());
  impl_->folder = &folder;
  impl_->text = text;
  impl_->from = std::move(from);
  impl_->digest = config_digest(folder.path());
  impl_->checkpoint();
}

TrainingResult Trainer::run(const Watch& watch) {
  Impl& it = *impl_;
  const std::int64_t total = it.total_steps();
  const Clock::time_point start = Clock::now();
  const std::int64_t first_step = it.state.step;
  it.last_checkpoint = start;
  TrainingResult result;
  RunningMean shown_nats;
  RunningMean shown_norm;
  double validating = 0;  // seconds, of all validations
  double last_validation = 0;
  double saving = 0;  // seconds, of all checkpoints
  text::Batch chunk;

  const auto stopped = [&] { return watch.stop != nullptr && watch.stop->load(); };
  const auto out_of_time = [&] {
    return watch.max_seconds > 0 && seconds_since(start) >= watch.max_seconds;
  };
  while (true) {
    if (it.validation_due()) {
      const Clock::time_point began = Clock::now();
      const bool validated = it.validate(watch);
      last_validation = seconds_since(began);
      validating += last_validation;
      if (validated) {
        it.checkpoint();
        saving += it.checkpoint_seconds;
      }
    }
    if (stopped()) {
      result.reason = StopReason::kInterrupted;
      break;
    }
    if (it.state.step >= total) break;
    if (out_of_time()) {
      result.reason = StopReason::kTimeLimit;
      break;
    }

    if (!it.batches.next(chunk)) it.batches.next(chunk);
    if (chunk.first) it.state.carried.tensors.clear();
    it.measure_reach(chunk, watch);
    const Impl::Update update = it.update(chunk);
    result.tokens += chunk.predicted;

    shown_nats.add(update.nats);
    shown_norm.add(update.grad_norm);
    if (watch.progress) {
      const double elapsed = seconds_since(start);
      const double training = elapsed - validating;
      const auto steps = static_cast<double>(it.state.step - first_step);
      // Until one was measured: a forward pass takes about a third of an update.
      const double validation = last_validation > 0
                                    ? last_validation
                                    : (training - saving) / static_cast<double>(result.tokens) *
                                          static_cast<double>(it.valid.size()) / 3;
      const double left =
          training / steps * static_cast<double>(total - it.state.step) +
          validation * static_cast<double>(it.plan.due_within(it.state.step, total));
      Progress progress;
      progress.step = it.state.step;
      progress.total_steps = total;
      progress.epoch = it.batches.position().epoch + 1;
      progress.epochs = it.options.epochs;
      progress.nats = shown_nats.value();
      progress.lr = it.optimizer->lr();
      progress.grad_norm = update.grad_norm;
      progress.mean_grad_norm = shown_norm.value();
      progress.tokens_per_second = static_cast<double>(result.tokens) / (training - saving);
      progress.seconds_left =
          watch.max_seconds > 0
              ? std::min(left, std::max(watch.max_seconds - elapsed, 0.0) + validation)
              : left;
      watch.progress(progress);
    }
    if (it.checkpoint_due()) {
      it.checkpoint();
      saving += it.checkpoint_seconds;
    }
  }

  if (result.reason != StopReason::kFinished) {
    it.checkpoint();
    const bool measured =
        !it.state.validations.empty() && it.state.validations.back().step == it.state.step;
    if (result.reason == StopReason::kTimeLimit && !measured) {
      // Outside the run's state, which must not depend on when the time was up: when the run is
      // resumed, its validations are as if this had not happened.
      if (const std::optional<double> nats = it.measure(watch)) it.offer_model(*nats);
    } else if (!it.on_disk && !it.folder->staged() && it.state.step > 0) {
      save_weights(it.folder->path(), it.model);
    }
  } else if (!it.on_disk) {
    // The run had finished before and its model was removed: the last weights are still there.
    if (const std::optional<double> nats = it.measure(watch)) it.offer_model(*nats);
  }
  result.steps = it.state.step;
  result.seconds = seconds_since(start);
  result.validations = it.state.validations;
  result.best = it.state.best;
  result.model_saved = !it.folder->staged() && fs::exists(it.folder->path() / kWeightsFile);
  if (result.model_saved) result.saved = it.on_disk;
  return result;
}

}  // namespace riverrun::lm
