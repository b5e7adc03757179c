#pragma once

#include <filesystem>
#include <utility>
#include <vector>

#include "riverrun/core/error.h"
#include "riverrun/core/folder.h"

namespace riverrun {

/// What RunFolder::start() throws if a model or a run is in its way.
class OccupiedFolder : public ConfigError {
 public:
  OccupiedFolder(const std::filesystem::path& folder, bool resumable);
  /// Whether RunFolder::resume() would find a checkpoint there.
  [[nodiscard]] bool resumable() const noexcept { return resumable_; }

 private:
  bool resumable_;
};

/// Where a training run writes, such that a model which is already there stays whole until the new
/// one is.
///
/// A new folder is written to directly. To overwrite an old model, the run works in the sibling
/// `OUT.training`, which a file named `.unfinished` marks; once it holds a complete model,
/// publish() makes the two folders change places in one step (exchange_folders; where a file system
/// cannot, by two renames, and then OUT.old is whole if the machine stops between them) and removes
/// the old one; where that is refused, it becomes OUT.old. A process killed at any moment leaves a
/// folder that the next resume() or overwriting start() understands.
///
/// As long as it lives it holds a lock, so that no other process trains in the same folder.
class RunFolder {
 public:
  /// Throws what start() would for the state that `folder` is in, and changes nothing.
  static void check_start(const std::filesystem::path& folder, bool overwrite);
  /// For a run from the beginning. Creates the folder. Throws OccupiedFolder if `folder` holds a
  /// model or a run and `overwrite` is false; ConfigError if it holds a model that is not
  /// riverrun's or files that are not a model's and would be lost, or if another process trains in
  /// it; IoError if the folder cannot be made or written to.
  [[nodiscard]] static RunFolder start(const std::filesystem::path& folder, bool overwrite);

  /// For a run that goes on: the folder that holds its checkpoint, which is `OUT.training` if an
  /// overwriting run was interrupted before its first model. Throws ConfigError if there is none or
  /// another process trains in it, IoError if it cannot be written to.
  [[nodiscard]] static RunFolder resume(const std::filesystem::path& folder);

  /// Whether resume() would find a checkpoint.
  [[nodiscard]] static bool can_resume(const std::filesystem::path& folder);

  /// Where to write now; changes with publish().
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// True while an old model stands at OUT and this run works beside it.
  [[nodiscard]] bool staged() const noexcept { return path_ != out_; }
  /// If staged(), puts this run's folder in the old one's place. path() must hold a whole model.
  /// Throws IoError; not if the old folder cannot be removed.
  void publish();
  /// Where the old folder is now, or what is left of it, if publish() could not remove it; empty
  /// otherwise.
  [[nodiscard]] const std::filesystem::path& leftover() const noexcept { return leftover_; }

 private:
  RunFolder(std::filesystem::path out, std::filesystem::path path, std::vector<FolderLock> locks)
      : out_(std::move(out)), path_(std::move(path)), locks_(std::move(locks)) {}

  std::filesystem::path out_;
  std::filesystem::path path_;
  std::filesystem::path leftover_;
  std::vector<FolderLock> locks_;  // a folder keeps its lock when it is renamed
};

}  // namespace riverrun
