#include "cli/evaluate_transform.h"

#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "riverrun/core/error.h"
#include "riverrun/data/audio.h"

#include "cli/kind.h"
#include "cli/model.h"
#include "cli/signal_report.h"

namespace riverrun::cli {

ExitCode evaluate_transform(const std::filesystem::path& folder, const std::filesystem::path& dry,
                            const std::filesystem::path& wet, const ReportFiles& files, bool json) {
  const models::SignalModel model = load_finite_signal_model(folder, "evaluate");
  const data::SignalPair pair = data::read_signals(dry, wet);
  for (const std::string& line : pair.notes) note(line);
  require_rate(model, pair.dry_path, pair.sample_rate);
  const SignalReport report = measure(model, {.dry = pair.dry, .wet = pair.wet});
  if (json) {
    nlohmann::ordered_json object = {{"kind", name(Kind::kTransform)},
                                     {"model", folder.string()},
                                     {"dry", dry.string()},
                                     {"wet", wet.string()}};
    object.update(to_json(report));
    print_json(object);
  } else {
    print(to_text(report));
  }
  write(files, levels_figure(report), [&] {
    report::Page page(fmt::format("{} on {}", folder_name(folder), wet.filename().string()));
    add_to(page, report);
    return page;
  });
  return kOk;
}

}  // namespace riverrun::cli
