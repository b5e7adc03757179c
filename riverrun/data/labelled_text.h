#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>

#include "riverrun/core/fields.h"
#include "riverrun/data/labelled.h"
#include "riverrun/data/labelled_csv.h"

namespace riverrun::data {

/// How a line says the class of the text that follows.
enum class LabelForm {
  kPrefix,  ///< "__label__name some words", as fastText has it (Joulin et al. 2016)
  kTab,     ///< the name, a tab, the text
};

/// What a label begins with in the first form.
inline constexpr std::string_view kLabelPrefix = "__label__";

/// Reads a file of one text a line; empty lines are passed over. `form` is how all lines name the
/// class; if it is not set, it gets what the first line has. With kIfThere, a file whose first line
/// has no label of that form, or of either, has none at all. White space around a text does not
/// count; classes are in the order in which they come. The file may be gzip or a pipe; "-" is
/// standard input. Throws IoError; FormatError, which names the file, the line and the byte, for a
/// line that has a label where the first one has none or the reverse, more than one label, a label
/// without a name or without a text, a byte that is NUL or not UTF-8, and a file without a text.
[[nodiscard]] LabelledSequences read_labelled_text(const std::filesystem::path& path,
                                                   std::optional<LabelForm>& form,
                                                   LabelColumn label = LabelColumn::kRequired);

/// Reads a file that is of the format ts if it begins as one (begins_as_ts()), and else of labelled
/// texts; it may be a pipe. Throws as read_ts() and read_labelled_text().
[[nodiscard]] LabelledSequences read_labelled(const std::filesystem::path& path,
                                              std::optional<LabelForm>& form);

/// Whether the first line of the file at `path` that is not empty begins with a label of the first
/// form. False for what cannot be looked at without being used up.
[[nodiscard]] bool is_labelled_text(const std::filesystem::path& path);

}  // namespace riverrun::data

namespace riverrun {

inline constexpr std::array<std::string_view, 2> kLabelForms = {"prefix", "tab"};
template <>
inline constexpr std::span<const std::string_view> kNames<data::LabelForm> = kLabelForms;

}  // namespace riverrun
