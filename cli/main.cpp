#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <new>
#include <set>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "riverrun/core/error.h"
#include "riverrun/version.h"

#include "cli/command.h"
#include "cli/options.h"

namespace {

using riverrun::cli::ExitCode;
using riverrun::cli::note;

constexpr const char* kFooter = R"(
A first run:
  riverrun train book.txt --out model
  riverrun generate model --prompt "Once upon a time"

Exit status: 0 done; 2 invalid options; 3 the system refused a file; 4 a file does not say what it
should; 5 a tensor's shape; 6 NaN or infinity; 130 stopped by Ctrl-C; 1 anything else. `riverrun VERB --help` has an example of each verb.)";

ExitCode fail(ExitCode code, std::string what) {
  while (what.ends_with('\n')) what.pop_back();
  note("riverrun: " + what);
  return code;
}

ExitCode run(int argc, char** argv) {
  CLI::App program(
      "Recurrent neural networks: train a language model on texts, and let it write; a classifier "
      "on labelled sequences; a tagger on tagged sentences; or a model of an amplifier or an "
      "effect "
      "on recordings.",
      "riverrun");
  program.footer(kFooter);
  program.set_version_flag("--version", std::string("riverrun ") + riverrun::kVersion);
  program.require_subcommand(1);
  program.get_formatter()->column_width(34);
  program.option_defaults()->take_last();  // of an option that is given twice

  const std::set<std::string_view> words(argv + std::min(argc, 1), argv + argc);
  if (words == std::set<std::string_view>{"--version", "--json"}) {
    riverrun::cli::print_json({{"name", "riverrun"}, {"version", riverrun::kVersion}});
    return riverrun::cli::kOk;
  }

  riverrun::cli::Verb verb;
  riverrun::cli::add_train(program, verb);
  riverrun::cli::add_evaluate(program, verb);
  riverrun::cli::add_predict(program, verb);
  riverrun::cli::add_generate(program, verb);
  riverrun::cli::add_gradients(program, verb);
  riverrun::cli::add_inspect(program, verb);
  riverrun::cli::add_explain(program, verb);
  riverrun::cli::add_info(program, verb);
  riverrun::cli::add_task(program, verb);

  riverrun::cli::check_values(program);

  // CLI11 would only say that a verb is missing.
  const auto given = [&](const CLI::App* known) { return known->get_name() == argv[1]; };
  if (argc > 1 && argv[1][0] != '-' && program.get_subcommands(given).empty()) {
    throw riverrun::ConfigError("there is no verb \"" + std::string(argv[1]) +
                                "\"; there are train, evaluate, predict, generate, gradients, "
                                "inspect, explain, info and task (see --help)");
  }
  try {
    program.parse(riverrun::cli::arguments(program, argc, argv));
  } catch (const CLI::Success& help) {
    std::ostringstream out;
    program.exit(help, out, out);
    riverrun::cli::print(out.str());
    return riverrun::cli::kOk;
  } catch (const CLI::ParseError& error) {
    return fail(riverrun::cli::kConfigError, std::string(error.what()) + " (see --help)");
  }
  return verb();
}

/// A file that is opened where a standard stream was closed would get what is written to the
/// stream: progress, in the middle of a model. What stands there now cannot be written to either,
/// and an output that is not there stays an error.
void occupy_closed_streams() {
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream) {
    if (::fcntl(stream, F_GETFD) != -1 || errno != EBADF) continue;
    // The lowest descriptor that is free, which is this one.
    (void)::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

}  // namespace

int main(int argc, char** argv) {
  using namespace riverrun;
  // A limit on the size of files, which stands for a full disk in tests, is an error to report.
  std::signal(SIGXFSZ, SIG_IGN);
  occupy_closed_streams();
  try {
    return run(argc, argv);
  } catch (const ConfigError& error) {
    return fail(cli::kConfigError, error.what());
  } catch (const IoError& error) {
    return fail(cli::kIoError, error.what());
  } catch (const std::filesystem::filesystem_error& error) {
    return fail(cli::kIoError, error.what());
  } catch (const FormatError& error) {
    return fail(cli::kFormatError, error.what());
  } catch (const ShapeError& error) {
    return fail(cli::kShapeError, error.what());
  } catch (const NumericError& error) {
    return fail(cli::kNumericError, error.what());
  } catch (const std::bad_alloc&) {
    return fail(cli::kUnexpected, "out of memory; try a smaller model, --batch-size or --seq-len");
  } catch (const std::exception& error) {
    return fail(cli::kUnexpected, error.what());
  }
}
