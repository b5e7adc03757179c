#include "riverrun/train/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/io/parameters.h"
#include "riverrun/nn/schedule.h"
#include "riverrun/train/checkpoint.h"
#include "riverrun/train/model_files.h"
#include "riverrun/train/updater.h"

namespace riverrun {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Validation reads a tenth of what training does three times over; seldom enough, and for data of
/// usual size not before an epoch's end.
std::int64_t default_valid_every(const Objective& objective) {
  constexpr std::int64_t kLeast = 1000;
  // A forward pass is about a third of an update.
  return std::max(kLeast, 10 * objective.valid_targets() / (3 * objective.targets_per_update()));
}

/// What a run has done since a call of run(), and how long it took.
struct Account {
  Clock::time_point start = Clock::now();
  std::int64_t first_step = 0;
  std::int64_t targets = 0;
  double validating = 0;  // seconds, of all validations
  double last_validation = 0;
  double saving = 0;  // seconds, of all checkpoints
  RunningMean loss;
  RunningMean grad_norm;
};

}  // namespace

struct Trainer::Impl {
  Impl(Objective& trained, const TrainerOptions& o)
      : objective(trained),
        options(o),
        updates_per_epoch(trained.updates_per_epoch()),
        updater(trained.parameters(), make_optimizer(o, trained.parameters()), o.clip, o.seed),
        schedule(make_schedule(o, updates_per_epoch)),
        plateau({.lr = o.lr, .factor = o.decay, .patience = 0}),
        plan{.steps_of_epochs = updates_per_epoch * trained.epochs_between_validations(),
             .valid_every = o.valid_every > 0 ? o.valid_every : default_valid_every(trained)} {}

  std::int64_t total_steps() const { return updates_per_epoch * options.epochs; }

  /// A function of the state alone, so that a validation that was interrupted is made up for.
  bool validation_due() const {
    if (state.step == 0 || is_validated()) return false;
    return plan.due_after(state.step) || state.step >= total_steps() || objective.is_done();
  }
  bool is_validated() const {
    return !state.validations.empty() && state.validations.back().step == state.step;
  }

  /// The epoch, from 1, of the last of so many updates.
  std::int64_t epoch_of(std::int64_t step) const {
    return std::max<std::int64_t>(step - 1, 0) / updates_per_epoch + 1;
  }
  double epochs_done() const {
    return static_cast<double>(state.step) / static_cast<double>(updates_per_epoch);
  }

  double lr(std::int64_t step) const { return schedule ? schedule(step) : plateau.lr(); }

  NumericError diverged(const char* what, double value, std::int64_t step) const {
    std::string rest = folder == nullptr ? "nothing is saved" : "there is no validated model yet";
    if (kept && folder != nullptr) {
      rest = fmt::format("the best model so far, {:.4f} {} after step {}, is in {}",
                         kept->valid.loss, objective.unit(), kept->step, folder->path().string());
    }
    return NumericError(fmt::format(
        "Trainer: the {} is {} at step {} (epoch {}); try a lower learning rate (lr is {}) or "
        "stronger clipping (clip is {}); {}",
        what, value, step, epoch_of(step), options.lr,
        options.clip > 0 ? fmt::format("{}", options.clip) : "off", rest));
  }

  struct Update {
    Updater::Gradient gradient;
    std::int64_t targets = 0;
  };

  /// One batch: forward, backward, update.
  Update update() {
    objective.take(state.step);
    Update done;
    done.gradient = updater.gradient([&](Tape& tape) {
      const Objective::Loss loss = objective.loss(tape);
      done.targets = loss.targets;
      return loss.mean;
    });
    const auto [loss, norm] = done.gradient;
    const std::int64_t step = state.step + 1;
    if (!std::isfinite(loss)) throw diverged("loss", loss, step);
    if (!std::isfinite(norm)) throw diverged("gradient's norm", norm, step);
    updater.step(lr(state.step));
    state.step = step;
    state.loss += loss * static_cast<double>(done.targets);
    state.targets += done.targets;
    return done;
  }

  /// Nothing if `stop` became true meanwhile.
  std::optional<Judgement> measure(const Watch& watch) {
    const std::optional<Judgement> judgement =
        objective.validate([&watch] { return watch.stop == nullptr || !watch.stop->load(); });
    if (judgement && !std::isfinite(judgement->loss)) {
      throw diverged("validation loss", judgement->loss, state.step);
    }
    return judgement;
  }

  /// The order makes a kill at any moment harmless: a model that is newer than the checkpoint is
  /// found again, and written again with the same bits.
  void keep_model(const Judgement& judgement) {
    const Measured measured{state.step, judgement};
    if (folder == nullptr) {
      best_weights.clear();
      for (const NamedParameter& named : updater.parameters()) {
        best_weights.push_back(named.parameter->value());
      }
    } else {
      save_weights(folder->path(), updater.parameters(), measured);
    }
    kept = measured;
  }

  /// Never replaces a better model, as the time limit may have left one beside the run's state.
  void offer_model(const Judgement& judgement) {
    if (!kept || !kept->valid.better_than(judgement)) keep_model(judgement);
    // A kill may have come between saving a better one and this.
    if (folder != nullptr) folder->publish();
  }

  /// False if it was stopped.
  bool validate(const Watch& watch) {
    const std::optional<Judgement> judgement = measure(watch);
    if (!judgement) return false;
    Validation validation;
    validation.step = state.step;
    validation.epoch = epochs_done();
    validation.lr = lr(state.step - 1);
    validation.train_loss = state.loss / static_cast<double>(state.targets);
    validation.valid = *judgement;
    validation.best = !state.best || judgement->better_than(state.best->valid);
    plateau.update(judgement->loss);
    state.loss = 0;
    state.targets = 0;
    state.add(validation);
    ++state.since_best;
    if (validation.best) {
      state.best = validation;
      state.since_best = 0;
    }
    objective.validated(validation);
    // Also if the file of a better one was removed: any model is better than none.
    if (validation.best || !kept) offer_model(*judgement);
    if (watch.validation) watch.validation(validation);
    return true;
  }

  void checkpoint() {
    if (folder == nullptr) return;
    const Clock::time_point start = Clock::now();
    state.random = updater.tape().random().state();
    state.plateau = plateau.state();
    save_checkpoint(folder->path() / kCheckpointFile,
                    {objective.description(), objective.state(), options, state, digest},
                    updater.parameters(), updater.optimizer(), objective.carried());
    last_checkpoint = Clock::now();
    checkpoint_seconds = std::chrono::duration<double>(last_checkpoint - start).count();
  }

  /// Seldom enough that checkpoints take at most two per cent of the time.
  bool checkpoint_due() const {
    constexpr double kLeastSeconds = 30;
    return seconds_since(last_checkpoint) > std::max(kLeastSeconds, 50 * checkpoint_seconds);
  }

  /// When run() ends: the folder has a model then, and a checkpoint of this moment.
  void leave_a_model(StopReason reason, const Watch& watch) {
    const bool finished = reason == StopReason::kFinished || reason == StopReason::kNoImprovement;
    if (!finished) checkpoint();
    // A finished run without a model had finished before, and its model was removed: the last
    // weights are still there. What the time limit leaves is outside the run's state, which must
    // not depend on when the time was up: when the run is resumed, its validations are as if this
    // had not happened.
    if (finished ? !kept : reason == StopReason::kTimeLimit && !is_validated()) {
      if (const auto judgement = measure(watch)) offer_model(*judgement);
    } else if (!finished && !kept && !folder->staged() && state.step > 0) {
      save_weights(folder->path(), updater.parameters());
    }
  }

  Progress progress(const Account& account, const Update& update, double max_seconds) const {
    const std::int64_t total = total_steps();
    const double elapsed = seconds_since(account.start);
    const double training = elapsed - account.validating;
    const auto steps = static_cast<double>(state.step - account.first_step);
    const auto targets = static_cast<double>(account.targets);
    // Until one was measured: a forward pass takes about a third of an update.
    const double validation = account.last_validation > 0
                                  ? account.last_validation
                                  : (training - account.saving) / targets *
                                        static_cast<double>(objective.valid_targets()) / 3;
    const double left = training / steps * static_cast<double>(total - state.step) +
                        validation * static_cast<double>(plan.due_within(state.step, total));
    Progress progress;
    progress.step = state.step;
    progress.total_steps = total;
    progress.epoch = epoch_of(state.step);
    progress.epochs = options.epochs;
    progress.loss = account.loss.value();
    progress.lr = updater.optimizer().lr();
    progress.grad_norm = update.gradient.norm;
    progress.mean_grad_norm = account.grad_norm.value();
    progress.targets_per_second = targets / (training - account.saving);
    progress.seconds_left =
        max_seconds > 0 ? std::min(left, std::max(max_seconds - elapsed, 0.0) + validation) : left;
    return progress;
  }

  Objective& objective;
  TrainerOptions options;
  std::int64_t updates_per_epoch;
  Updater updater;
  Schedule schedule;
  ReduceOnPlateau plateau;
  ValidationPlan plan;
  RunFolder* folder = nullptr;  // none: best_weights instead
  std::vector<Tensor> best_weights;
  std::optional<std::string> digest;
  TrainingState state;
  /// What was measured of the model that is kept. Not part of the state, which decides the run's
  /// bits: the time limit may leave a model there at any moment.
  std::optional<Measured> kept;
  Clock::time_point last_checkpoint = Clock::now();
  double checkpoint_seconds = 0;
};

Trainer::Trainer(Objective& objective, const TrainerOptions& options) {
  check(options);
  if (objective.updates_per_epoch() < 1) {
    throw ConfigError(fmt::format("Trainer: an epoch has {} updates; it must have at least 1",
                                  objective.updates_per_epoch()));
  }
  impl_ = std::make_unique<Impl>(objective, options);
}

Trainer::~Trainer() = default;

std::int64_t Trainer::total_steps() const noexcept { return impl_->total_steps(); }

void Trainer::resume(RunFolder& folder) {
  Impl& it = *impl_;
  const io::SafetensorsFile file(folder.path() / kCheckpointFile);
  CheckpointHeader header = checkpoint_header(file);
  std::optional<std::string> digest = config_digest(Folder(folder.path()));
  check_digest(header, digest, file.path());
  // What decides when the run ends may be given anew.
  TrainerOptions began_with = header.options;
  began_with.epochs = it.options.epochs;
  began_with.patience = it.options.patience;
  if (began_with != it.options) {
    throw ConfigError(
        fmt::format("Trainer: the options are not those that the run in {} began with; only epochs "
                    "and patience may differ",
                    folder.path().string()));
  }
  it.objective.settle_with(header.objective, file.path());
  std::optional<Measured> kept;
  if (fs::exists(folder.path() / kWeightsFile)) kept = saved_measure(folder.path());
  try {
    it.objective.set_state(header.objective_state);
  } catch (const ConfigError& error) {
    throw FormatError(file.path(), 0, fmt::format("not a valid checkpoint: {}", error.what()));
  }
  State carried = it.objective.zero_state();
  check_space(folder.path());
  load_checkpoint_tensors(file, it.updater.parameters(), it.updater.optimizer(), carried);
  it.folder = &folder;
  it.kept = kept;
  it.digest = std::move(digest);
  it.objective.set_carried(std::move(carried));
  it.state = std::move(header.state);
  it.updater.tape().random() = Random(it.state.random);
  it.plateau.set_state(it.state.plateau);
  it.updater.optimizer().set_steps(it.state.step);
}

void Trainer::check_space(const fs::path& folder) const {
  require_space(folder, impl_->updater.parameters(), impl_->updater.optimizer());
}

void Trainer::begin() {
  impl_->folder = nullptr;
  impl_->best_weights.clear();
  impl_->kept = std::nullopt;
}

void Trainer::begin(RunFolder& folder) {
  check_space(folder.path());
  if (!fs::exists(folder.path() / kConfigFile)) {
    // By which RunFolder knows the folder for riverrun's own.
    replace_file(folder.path() / kConfigFile,
                 fmt::format("{{\"{}\": \"{}parameters\"}}\n", kModelTypeKey, kModelTypePrefix));
  }
  impl_->folder = &folder;
  impl_->digest = config_digest(Folder(folder.path()));
  impl_->checkpoint();
}

void Trainer::take_best() {
  Impl& it = *impl_;
  const ParameterList& parameters = it.updater.parameters();
  if (it.folder != nullptr && fs::exists(it.folder->path() / kWeightsFile)) {
    io::load_parameters(io::SafetensorsFile(it.folder->path() / kWeightsFile), parameters);
    return;
  }
  if (it.best_weights.empty()) throw Error("Trainer: no model was validated");
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    parameters[i].parameter->set_value(it.best_weights[i]);
  }
}

TrainingResult Trainer::run(const Watch& watch) {
  Impl& it = *impl_;
  const std::int64_t total = it.total_steps();
  Account account;
  account.first_step = it.state.step;
  it.last_checkpoint = account.start;
  TrainingResult result;

  const auto stopped = [&] { return watch.stop != nullptr && watch.stop->load(); };
  const auto out_of_time = [&] {
    return watch.max_seconds > 0 && seconds_since(account.start) >= watch.max_seconds;
  };
  const auto checkpoint = [&] {
    it.checkpoint();
    account.saving += it.checkpoint_seconds;
  };
  while (true) {
    if (it.validation_due()) {
      const Clock::time_point began = Clock::now();
      const bool validated = it.validate(watch);
      account.last_validation = seconds_since(began);
      account.validating += account.last_validation;
      if (validated) checkpoint();
    }
    if (stopped()) {
      result.reason = StopReason::kInterrupted;
      break;
    }
    if (it.state.step >= total || it.objective.is_done()) break;
    if (it.options.patience > 0 && it.state.since_best >= it.options.patience) {
      result.reason = StopReason::kNoImprovement;
      break;
    }
    if (out_of_time()) {
      result.reason = StopReason::kTimeLimit;
      break;
    }
    const Impl::Update update = it.update();
    account.targets += update.targets;
    account.loss.add(update.gradient.loss);
    account.grad_norm.add(update.gradient.norm);
    if (watch.progress) watch.progress(it.progress(account, update, watch.max_seconds));
    if (it.checkpoint_due()) checkpoint();
  }

  if (it.folder != nullptr) it.leave_a_model(result.reason, watch);
  result.steps = it.state.step;
  result.targets = account.targets;
  result.seconds = seconds_since(account.start);
  result.validations = it.state.validations;
  result.best = it.state.best;
  result.model_saved =
      it.folder != nullptr && !it.folder->staged() && fs::exists(it.folder->path() / kWeightsFile);
  if (result.model_saved) result.saved = it.kept;
  return result;
}

}  // namespace riverrun
