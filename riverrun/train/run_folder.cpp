#include "riverrun/train/run_folder.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/core/folder.h"
#include "riverrun/data/text/tokenizer.h"
#include "riverrun/train/model_files.h"

namespace riverrun {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMarker = ".unfinished";

constexpr std::array<std::string_view, 6> kOwnFiles = {
    kWeightsFile, kCheckpointFile, kConfigFile, text::kTokenizerFile, kVocabularyFile, kMarker};

bool is_own(const std::string& name) {
  for (const std::string_view own : kOwnFiles) {
    if (name == own) return true;
  }
  return is_temporary_name(name);
}

bool is_there(const fs::path& path) {
  std::error_code code;
  const bool found = fs::exists(path, code);
  if (code) throw IoError(path.string(), code.value(), "cannot be examined");
  return found;
}

fs::path with_suffix(fs::path path, const char* suffix) {
  path += suffix;
  return path;
}
fs::path staging_of(const fs::path& out) { return with_suffix(out, ".training"); }

/// An absolute path without links, so that "…/model/", "." and links to folders have siblings.
fs::path normal(const fs::path& out) {
  if (out.empty()) throw ConfigError("RunFolder: the name of the output folder is empty");
  std::error_code code;
  fs::path path = fs::weakly_canonical(fs::absolute(out, code), code);
  if (code) throw IoError(out.string(), code.value(), "cannot be examined");
  if (!path.has_filename()) path = path.parent_path();
  if (!path.has_filename()) {
    throw ConfigError(fmt::format("{}: cannot be the output folder", out.string()));
  }
  if (is_there(path) && !fs::is_directory(path)) {
    throw IoError(path.string(), ENOTDIR, "cannot be the output folder");
  }
  return path;
}

bool holds_model(const fs::path& folder) {
  return is_there(folder / kWeightsFile) || is_there(folder / kCheckpointFile);
}

/// Throws ConfigError if the run would replace a file that is not riverrun's: config.json,
/// tokenizer.json and model.safetensors are what other programs call their files too. Each file of
/// a run is written after its config.json, so that a folder with any of them has one.
void check_not_foreign(const fs::path& out) {
  for (const std::string_view name : kOwnFiles) {
    if (is_there(out / name) && !has_own_config(out)) {
      throw ConfigError(
          fmt::format("{}: holds \"{}\" and no {} of riverrun; it may be another program's model, "
                      "which is not overwritten: choose another output folder",
                      out.string(), name, kConfigFile));
    }
  }
}

/// Also if it is not there. A run that was killed right after it had made its folder leaves an
/// empty one.
bool holds_nothing(const fs::path& folder) {
  if (!is_there(folder)) return true;
  std::error_code code;
  fs::directory_iterator entries(folder, code);
  if (code) throw IoError(folder.string(), code.value(), "cannot be read");
  return std::all_of(fs::begin(entries), fs::end(entries), [](const fs::directory_entry& entry) {
    return is_temporary_name(entry.path().filename().string());
  });
}

/// Whether or not it is there.
void remove_file(const fs::path& path) {
  std::error_code code;
  fs::remove(path, code);
  if (code) throw IoError(path.string(), code.value(), "cannot be removed");
}

/// Removes the files of a run and, if nothing else is in it, the folder.
void remove_run(const fs::path& folder) {
  if (!is_there(folder)) return;
  // The marker last: whoever stops half-way leaves a folder that is still known as an unfinished
  // one.
  for (const std::string_view name : kOwnFiles) remove_file(folder / name);
  std::error_code code;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, code)) {
    if (is_own(entry.path().filename().string())) fs::remove(entry.path(), code);
  }
  fs::remove(folder, code);
}

/// Throws IoError if no file could be made in the folder or, if it is not there, in the one that it
/// would be made in.
void require_room(fs::path folder) {
  while (!is_there(folder) && folder.has_relative_path()) folder = folder.parent_path();
  require_writable(folder);
}

void create_folder(const fs::path& folder) {
  std::error_code code;
  fs::create_directories(folder, code);
  if (code) throw IoError(folder.string(), code.value(), "cannot be created");
}

void rename_folder(const fs::path& from, const fs::path& to) {
  std::error_code code;
  fs::rename(from, to, code);
  if (code) throw IoError(to.string(), code.value(), "cannot be replaced");
}

/// OUT.old, or OUT.old1 …
fs::path free_old_name(const fs::path& out) {
  fs::path name = with_suffix(out, ".old");
  for (int i = 1; is_there(name); ++i) name = with_suffix(out, fmt::format(".old{}", i).c_str());
  return name;
}

/// Removes the folder of the model that was replaced or, if that is refused, gets it out of the way
/// of the next run: the new model is whole, and the run need not fail. Returns what is left of it.
fs::path dispose_of(const fs::path& old, const fs::path& out) {
  try {
    remove_run(old);
    if (!is_there(old)) return {};
  } catch (const IoError&) {
    // As if something else had been in it.
  }
  if (old != staging_of(out)) return old;
  try {
    fs::path name = free_old_name(out);
    rename_folder(old, name);
    return name;
  } catch (const IoError&) {
    return old;
  }
}

/// Finishes a publish() that was interrupted after the folders had changed places.
void settle(const fs::path& out) {
  if (!is_there(out / kMarker)) return;
  const fs::path old = staging_of(out);
  if (is_there(old) && !is_there(old / kMarker)) (void)dispose_of(old, out);
  remove_file(out / kMarker);
}

bool overwriting_run_is_unfinished(const fs::path& out) {
  return is_there(staging_of(out) / kMarker);
}

/// Whether the old folder can give way to the new one without losing anything but a model.
void check_replaceable(const fs::path& out) {
  std::error_code code;
  fs::directory_iterator entries(out, code);
  if (code) throw IoError(out.string(), code.value(), "cannot be read");
  for (const fs::directory_entry& entry : entries) {
    const std::string name = entry.path().filename().string();
    if (!is_own(name)) {
      throw ConfigError(
          fmt::format("{}: cannot be overwritten, because it also holds \"{}\", which is no part "
                      "of a model; choose another output folder",
                      out.string(), name));
    }
  }
  if (is_mount_point(out)) {
    throw ConfigError(
        fmt::format("{}: cannot be overwritten in one step, because it is a mount point; choose "
                    "another output folder",
                    out.string()));
  }
}

/// Throws ConfigError if another process trains in the folder.
FolderLock lock(const fs::path& folder) {
  if (auto taken = FolderLock::take(folder)) return std::move(*taken);
  throw ConfigError(fmt::format("{}: another process is training in this folder", folder.string()));
}

}  // namespace

OccupiedFolder::OccupiedFolder(const fs::path& folder, bool resumable)
    : ConfigError(fmt::format("{}: holds {} already", folder.string(),
                              resumable ? "a run" : "a model without a checkpoint")),
      resumable_(resumable) {}

void RunFolder::check_start(const fs::path& folder, bool overwrite) {
  const fs::path out = normal(folder);
  const fs::path staging = staging_of(out);
  check_not_foreign(out);
  const bool holds = holds_model(out);
  const bool unfinished = overwriting_run_is_unfinished(out);
  // Without a checkpoint there is nothing in it that anybody could want.
  const bool holds_staged = unfinished && is_there(staging / kCheckpointFile);
  if (!overwrite && (holds || holds_staged)) {
    throw OccupiedFolder(holds ? out : staging, can_resume(out));
  }
  require_room(out);
  if (!holds) return;
  require_writable(out.parent_path());  // the run works in a sibling
  check_replaceable(out);
  // What an interrupted publish() left there is told by the marker on the other side.
  if (!holds_nothing(staging) && !unfinished && !is_there(out / kMarker)) {
    throw ConfigError(fmt::format("{}: is in the way; a run that overwrites {} works there",
                                  staging.string(), out.string()));
  }
}

RunFolder RunFolder::start(const fs::path& folder, bool overwrite) {
  check_start(folder, overwrite);
  const fs::path out = normal(folder);
  const fs::path staging = staging_of(out);
  create_folder(out);
  std::vector<FolderLock> locks;
  locks.push_back(lock(out));
  check_start(folder, overwrite);  // another process may have trained there meanwhile
  settle(out);
  if (overwriting_run_is_unfinished(out)) {
    const FolderLock nobody_works_there = lock(staging);
    remove_run(staging);
  }
  if (!holds_model(out)) return {out, out, std::move(locks)};
  create_folder(staging);
  locks.push_back(lock(staging));
  replace_file(staging / kMarker, "");
  return {out, staging, std::move(locks)};
}

RunFolder RunFolder::resume(const fs::path& folder) {
  const fs::path out = normal(folder);
  const fs::path staging = staging_of(out);
  std::vector<FolderLock> locks;
  if (is_there(out)) {
    locks.push_back(lock(out));
    settle(out);
  }
  if (overwriting_run_is_unfinished(out) && is_there(staging / kCheckpointFile)) {
    require_writable(staging);
    require_writable(out.parent_path());
    locks.push_back(lock(staging));
    return {out, staging, std::move(locks)};
  }
  if (is_there(out / kCheckpointFile)) {
    require_writable(out);
    return {out, out, std::move(locks)};
  }
  throw ConfigError(
      fmt::format("{}: there is no {} to resume from", out.string(), kCheckpointFile));
}

bool RunFolder::can_resume(const fs::path& folder) {
  const fs::path out = normal(folder);
  return (overwriting_run_is_unfinished(out) && is_there(staging_of(out) / kCheckpointFile)) ||
         is_there(out / kCheckpointFile);
}

void RunFolder::publish() {
  if (!staged()) return;
  fs::path old = path_;
  if (!is_there(out_)) {
    rename_folder(path_, out_);
    old.clear();
  } else if (!exchange_folders(path_, out_)) {
    old = free_old_name(out_);
    rename_folder(out_, old);
    rename_folder(path_, out_);
  }
  (void)sync_folder(out_.parent_path());  // else it is as lasting as it gets
  path_ = out_;
  if (!old.empty()) leftover_ = dispose_of(old, out_);
  remove_file(out_ / kMarker);
}

}  // namespace riverrun
