#include "riverrun/train/run_folder.h"

#include <exception>
#include <filesystem>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "riverrun/core/error.h"
#include "riverrun/core/file.h"
#include "riverrun/lm/model_folder.h"

#include "tests/temporary_folder.h"

namespace riverrun {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// A folder that looks like a finished model, told apart by `text`.
void make_model(const fs::path& folder, const std::string& text) {
  fs::create_directories(folder);
  replace_file(folder / kConfigFile, R"({"model_type": "riverrun_lm"})");
  for (const char* name : {kWeightsFile, kCheckpointFile}) replace_file(folder / name, text);
}

TEST(RunFolder, ANewFolderIsCreatedAndWrittenToDirectly) {
  const TemporaryFolder temporary;
  const fs::path out = temporary / "deep/model";
  const RunFolder run = RunFolder::start(out, false);
  EXPECT_TRUE(fs::is_directory(out));
  EXPECT_FALSE(run.staged());
  EXPECT_TRUE(fs::equivalent(run.path(), out));
}

TEST(RunFolder, AFolderWithOtherFilesGetsAModelBesideThem) {
  const TemporaryFolder temporary;
  replace_file(temporary / "notes.txt", "mine");
  const RunFolder run = RunFolder::start(temporary.path(), false);
  EXPECT_FALSE(run.staged());
  EXPECT_EQ(read_file(temporary / "notes.txt"), "mine");
}

TEST(RunFolder, AnExistingModelIsNotTouched) {
  const TemporaryFolder temporary;
  const fs::path out = temporary / "model";
  make_model(out, "old");
  EXPECT_THROW((void)RunFolder::start(out, false), ConfigError);
  EXPECT_EQ(read_file(out / kWeightsFile), "old");
}

TEST(RunFolder, WhatIsInTheWayIsToldApart) {
  const TemporaryFolder temporary;
  const fs::path out = temporary / "model";
  const auto resumable = [&]() -> std::optional<bool> {
    try {
      RunFolder::check_start(out, false);
    } catch (const OccupiedFolder& occupied) {
      EXPECT_THAT(occupied.what(), HasSubstr(": holds a "));
      return occupied.resumable();
    }
    return std::nullopt;
  };
  EXPECT_EQ(resumable(), std::nullopt);
  make_model(out, "old");
  EXPECT_EQ(resumable(), true);
  fs::remove(out / kCheckpointFile);
  EXPECT_EQ(resumable(), false);
  // A run that overwrites it and was killed: before its first checkpoint, and after.
  const fs::path staging = temporary / "model.training";
  fs::create_directory(staging);
  replace_file(staging / ".unfinished", "");
  EXPECT_EQ(resumable(), false);
  replace_file(staging / kCheckpointFile, "new");
  EXPECT_EQ(resumable(), true);
  fs::remove_all(out);
  EXPECT_EQ(resumable(), true);
  fs::remove(staging / kCheckpointFile);
  EXPECT_EQ(resumable(), std::nullopt);
  (void)RunFolder::start(out, false);
  EXPECT_FALSE(fs::exists(staging));
}

TEST(RunFolder, OverwritingKeepsTheOldModelUntilTheNewOneIsPublished) {
  const TemporaryFolder temporary;
  const fs::path out = temporary / "model";
  make_model(out, "old");
  RunFolder run = RunFolder::start(out, true);
  ASSERT_TRUE(run.staged());
  make_model(run.path(), "new");
  EXPECT_EQ(read_file(out / kWeightsFile), "old");

  run.publish();
  EXPECT_FALSE(run.staged());
  EXPECT_TRUE(fs::equivalent(run.path(), out));
  EXPECT_EQ(read_file(out / kWeightsFile), "new");
  // Nothing is left of the old one or of the way there.
  EXPECT_EQ(std::distance(fs::directory_iterator(temporary.path()), {}), 1);
  EXPECT_EQ(std::distance(fs::directory_iterator(out), {}), 3);
}

TEST(RunFolder, ATrailingSlashChangesNothing) {
  const TemporaryFolder temporary;
  make_model(temporary / "model", "old");
  RunFolder run = RunFolder::start((temporary / "model").string() + "/", true);
  make_model(run.path(), "new");
  run.publish();
  EXPECT_EQ(read_file(temporary / "model" / kWeightsFile), "new");
}

TEST(RunFolder, RefusesToOverwriteAFolderThatHoldsMoreThanAModel) {
  const TemporaryFolder temporary;
  const fs::path out = temporary / "model";
  make_model(out, "old");
  replace_file(out / "thesis.txt", "mine");
  try {
    (void)RunFolder::start(out, true);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("thesis.txt"));
  }
  EXPECT_EQ(read_file(out / "thesis.txt"), "mine");
}

TEST(RunFolder, RefusesTheModelOfAnotherProgram) {
  for (const std::string name : {"config.json", "tokenizer.json", "model.safetensors"}) {
    const TemporaryFolder temporary;
    replace_file(temporary / name, "{}");
    replace_file(temporary / "model-00001-of-00002.safetensors", "weights");
    for (const bool overwrite : {false, true}) {
      try {
        (void)RunFolder::start(temporary.path(), overwrite);
        FAIL() << name;
      } catch (const ConfigError& error) {
        EXPECT_THAT(error.what(), HasSubstr(name));
        EXPECT_THAT(error.what(), HasSubstr("another program"));
      }
    }
    EXPECT_EQ(read_file(temporary / name), "{}");
  }
}

TEST(RunFolder, ARunKilledBeforeItsFirstCheckpointIsBegunAnew) {
  const TemporaryFolder temporary;
  replace_file(temporary / kConfigFile, R"({"model_type": "riverrun_lm"})");
  replace_file(temporary / "tokenizer.json", "{}");
  EXPECT_FALSE(RunFolder::start(temporary.path(), false).staged());
}

TEST(RunFolder, ResumesWhereTheCheckpointIs) {
  const TemporaryFolder temporary;
  const fs::path out = temporary / "model";
  EXPECT_FALSE(RunFolder::can_resume(out));
  EXPECT_THROW((void)RunFolder::resume(out), ConfigError);
  make_model(out, "run");
  EXPECT_TRUE(RunFolder::can_resume(out));
  EXPECT_TRUE(fs::equivalent(RunFolder::resume(out).path(), out));
}

TEST(RunFolder, ResumesAnOverwritingRunThatWasKilledBeforeItsFirstModel) {
  const TemporaryFolder temporary;
  const fs::path out = temporary / "model";
  make_model(out, "old");
  const fs::path staging = RunFolder::start(out, true).path();
  replace_file(staging / kCheckpointFile, "new");

  EXPECT_THROW((void)RunFolder::start(out, false), ConfigError);
  const RunFolder resumed = RunFolder::resume(out);
  EXPECT_TRUE(resumed.staged());
  EXPECT_EQ(read_file(resumed.path() / kCheckpointFile), "new");
  EXPECT_EQ(read_file(out / kWeightsFile), "old");
}

TEST(RunFolder, OverwritingAgainDiscardsTheKilledRunAndNotTheOldModel) {
  const TemporaryFolder temporary;
  const fs::path out = temporary / "model";
  make_model(out, "old");
  replace_file(RunFolder::start(out, true).path() / kCheckpointFile, "new");
  const RunFolder again = RunFolder::start(out, true);
  EXPECT_TRUE(again.staged());
  EXPECT_FALSE(fs::exists(again.path() / kCheckpointFile));
  EXPECT_EQ(read_file(out / kWeightsFile), "old");
}

TEST(RunFolder, AKillRightAfterTheFoldersChangedPlacesIsSettled) {
  const TemporaryFolder temporary;
  const fs::path out = temporary / "model";
  make_model(out, "old");
  const fs::path staging = RunFolder::start(out, true).path();
  make_model(staging, "new");
  // What publish() does first, and no more.
  const fs::path aside = temporary / "aside";
  fs::rename(out, aside);
  fs::rename(staging, out);
  fs::rename(aside, staging);

  const RunFolder resumed = RunFolder::resume(out);
  EXPECT_FALSE(resumed.staged());
  EXPECT_EQ(read_file(resumed.path() / kCheckpointFile), "new");
  EXPECT_FALSE(fs::exists(staging));
  EXPECT_EQ(std::distance(fs::directory_iterator(out), {}), 3);
}

TEST(RunFolder, SomebodyElsesFolderOfTheStagingNameIsNotTouched) {
  const TemporaryFolder temporary;
  const fs::path out = temporary / "model";
  make_model(out, "old");
  make_model(temporary / "model.training", "another");
  EXPECT_THROW((void)RunFolder::start(out, true), ConfigError);
  EXPECT_EQ(read_file(temporary / "model.training" / kWeightsFile), "another");
}

TEST(RunFolder, AKillRightAfterTheStagingFolderWasMadeIsNoObstacle) {
  const TemporaryFolder temporary;
  const fs::path out = temporary / "model";
  make_model(out, "old");
  fs::create_directory(temporary / "model.training");
  replace_file(temporary / "model.training" / ".riverrun-1-0.tmp", "");
  EXPECT_TRUE(RunFolder::start(out, true).staged());
}

TEST(RunFolder, TwoRunsCannotWorkInOneFolder) {
  const TemporaryFolder temporary;
  const fs::path out = temporary / "model";
  {
    const RunFolder first = RunFolder::start(out, false);
    EXPECT_THROW((void)RunFolder::start(out, false), ConfigError);
    make_model(out, "old");
    EXPECT_THROW((void)RunFolder::resume(out), ConfigError);
    EXPECT_THROW((void)RunFolder::start(out, true), ConfigError);
    EXPECT_EQ(read_file(out / kWeightsFile), "old");
  }
  RunFolder second = RunFolder::start(out, true);
  EXPECT_THROW((void)RunFolder::start(out, true), ConfigError);
  make_model(second.path(), "new");
  second.publish();
  // The lock has come along.
  EXPECT_THROW((void)RunFolder::resume(out), ConfigError);
}

TEST(RunFolder, RefusesWhatIsNoFolder) {
  const TemporaryFolder temporary;
  replace_file(temporary / "file", "x");
  EXPECT_THROW((void)RunFolder::start(temporary / "file", false), IoError);
  EXPECT_THROW((void)RunFolder::start(temporary / "file/model", false), IoError);
  EXPECT_THROW((void)RunFolder::start("", false), ConfigError);
}

// A folder in a file's place is not removed, as a file is not that the system refuses to remove.
void make_irremovable(const fs::path& folder) {
  fs::remove(folder / "tokenizer.json");
  fs::create_directory(folder / "tokenizer.json");
  replace_file(folder / "tokenizer.json" / "inside", "");
}

TEST(RunFolder, AnOldModelThatCannotBeRemovedIsSetAside) {
  const TemporaryFolder temporary;
  const fs::path out = temporary / "model";
  make_model(out, "old");
  for (const char* left : {"model.old", "model.old1"}) {
    {
      RunFolder run = RunFolder::start(out, true);
      make_model(run.path(), "new");
      make_irremovable(out);
      EXPECT_TRUE(run.leftover().empty());
      run.publish();
      EXPECT_EQ(run.path(), out);
      EXPECT_EQ(run.leftover(), temporary / left);
      EXPECT_TRUE(fs::exists(temporary / left / "tokenizer.json"));
    }
    EXPECT_EQ(read_file(out / kWeightsFile), "new");
    EXPECT_FALSE(fs::exists(out / ".unfinished"));
    EXPECT_FALSE(fs::exists(temporary / "model.training"));
    EXPECT_EQ(RunFolder::resume(out).path(), out);
  }
}

TEST(RunFolder, AnInterruptedPublishOverWhatCannotBeRemovedIsFinished) {
  const TemporaryFolder temporary;
  const fs::path out = temporary / "model";
  make_model(out, "new");
  replace_file(out / ".unfinished", "");
  make_model(temporary / "model.training", "old");
  make_irremovable(temporary / "model.training");
  EXPECT_EQ(RunFolder::resume(out).path(), out);
  EXPECT_TRUE(fs::exists(temporary / "model.old"));
  EXPECT_TRUE(RunFolder::start(out, true).staged());
}

TEST(RunFolder, AConfigThatCannotBeReadIsNoOtherProgramsModel) {
  const TemporaryFolder temporary;
  const fs::path out = temporary / "model";
  make_model(out, "old");
  fs::permissions(temporary.path(), fs::perms::all);
  fs::permissions(out, fs::perms::all);
  fs::permissions(out / kConfigFile, fs::perms::none);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && ::seteuid(65534) != 0) ::_exit(2);
    try {
      RunFolder::check_start(out, true);
    } catch (const IoError& error) {
      ::_exit(error.code() == EACCES ? 0 : 3);
    } catch (const std::exception&) {
      ::_exit(1);
    }
    ::_exit(4);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << WEXITSTATUS(status);
}

}  // namespace
}  // namespace riverrun
