#include "riverrun/data/labelled_text.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "riverrun/data/labelled_text_reader.h"
#include "riverrun/data/text/text_input.h"
#include "riverrun/data/text/words_and_marks.h"
#include "riverrun/data/ts_file.h"

namespace riverrun::data {
namespace {

text::TextPart open(const std::filesystem::path& path) {
  return text::open_texts(std::span(&path, 1)).front();
}

template <class Reader>
LabelledSequences read_all(const text::TextPart& part, Reader& reader) {
  text::for_each_piece(part, [&reader](std::string_view piece) { reader.feed(piece); });
  return reader.finish();
}

LabelledSequences read_texts(const text::TextPart& part, std::optional<LabelForm>& form,
                             LabelColumn label) {
  LabelledTextReader reader(part.path.string(), form, label, part.begin);
  LabelledSequences texts = read_all(part, reader);
  form = reader.form();
  return texts;
}

/// The beginning of a text, at most 64 KiB.
std::string head_of(text::TextPart part) {
  constexpr std::int64_t kMost = std::int64_t{64} << 10;
  part.end = std::min(part.begin + kMost, text::size_of(part) + part.begin);
  std::string head;
  text::for_each_piece(part, [&head](std::string_view piece) { head += piece; });
  return head;
}

/// Where a label of the first form begins behind the beginning of the text; npos if there is none.
std::size_t find_prefix(std::string_view text) {
  for (auto at = text.find(kLabelPrefix, 1); at != std::string_view::npos;
       at = text.find(kLabelPrefix, at + 1)) {
    if (text[at - 1] == ' ' || text[at - 1] == '\t') return at;
  }
  return std::string_view::npos;
}

}  // namespace

LabelledSequences read_labelled_text(const std::filesystem::path& path,
                                     std::optional<LabelForm>& form, LabelColumn label) {
  return read_texts(open(path), form, label);
}

LabelledSequences read_labelled(const std::filesystem::path& path, std::optional<LabelForm>& form) {
  const text::TextPart part = open(path);
  if (!begins_as_ts(head_of(part))) return read_texts(part, form, LabelColumn::kRequired);
  TsReader reader(part.path.string(), part.begin);
  return read_all(part, reader);
}

bool is_labelled_text(const std::filesystem::path& path) {
  return text::without_outer_space(head_of_file(path)).starts_with(kLabelPrefix);
}

LabelledTextReader::LabelledTextReader(std::string path, std::optional<LabelForm> form,
                                       LabelColumn label, std::int64_t first_byte)
    : line_(std::move(path), first_byte), form_(form), label_column_(label) {}

void LabelledTextReader::feed(std::string_view piece) {
  splitter_.feed(piece, [this](std::string_view line) { take_line(line); });
}

LabelledSequences LabelledTextReader::finish() {
  splitter_.finish([this](std::string_view line) { take_line(line); });
  if (data_.sequences.empty()) line_.fail_at_end("there is no text; there must be one a line");
  data_.path = line_.path();
  return std::move(data_);
}

void LabelledTextReader::take_line(std::string_view raw) {
  line_.begin(raw);
  if (const auto zero = raw.find('\0'); zero != std::string_view::npos) {
    line_.fail(raw.substr(zero), "there is a byte 0; a file of labelled texts must be a text");
  }
  if (!is_utf8(raw)) line_.fail(raw, "the line is not UTF-8, which labelled texts must be");
  std::string_view text = text::without_outer_space(raw);
  if (text.empty()) return;
  if (form_ == LabelForm::kTab || !text.starts_with(kLabelPrefix)) {
    text = raw.substr(0, raw.size() - (raw.ends_with('\r') ? 1 : 0));  // a tab may be its first
  }
  if (data_.sequences.empty()) settle(text);
  LabelledSequence sequence;
  sequence.line = line_.number();
  if (labelled_) {
    sequence.label = take_label(text);
  } else if (form_ && has_label(text)) {
    line_.fail(text, fmt::format("the text has a label, and that of line {} has none; either all "
                                 "have one, or none has",
                                 data_.sequences.front().line));
  }
  sequence.text = text::without_outer_space(text);
  if (sequence.text.empty()) line_.fail(text, "there is no text behind the label");
  data_.sequences.push_back(std::move(sequence));
}

void LabelledTextReader::settle(std::string_view text) {
  if (!form_) {
    if (text.starts_with(kLabelPrefix)) {
      form_ = LabelForm::kPrefix;
    } else if (text.find('\t') != std::string_view::npos) {
      form_ = LabelForm::kTab;
    }
  }
  labelled_ = form_ && has_label(text);
  if (labelled_ || label_column_ == LabelColumn::kIfThere) return;
  line_.fail(text,
             fmt::format("the line is {}, which names no class; before its text there must be "
                         "{}name and a blank, or the name and a tab",
                         in_quotes(text), kLabelPrefix));
}

bool LabelledTextReader::has_label(std::string_view text) const noexcept {
  return form_ == LabelForm::kPrefix ? text.starts_with(kLabelPrefix)
                                     : text.find('\t') != std::string_view::npos;
}

std::int32_t LabelledTextReader::take_label(std::string_view& text) {
  const bool has_prefix = form_ == LabelForm::kPrefix;
  if (!has_label(text)) {
    line_.fail(text, fmt::format("the line is {}, which names no class; it must be {}, as on line "
                                 "{}",
                                 in_quotes(text),
                                 has_prefix ? "__label__name, a blank and the text"
                                            : "the name, a tab and the text",
                                 data_.sequences.front().line));
  }
  std::string_view name;
  if (has_prefix) {
    name = take_word(text).substr(kLabelPrefix.size());
    if (text.starts_with(kLabelPrefix)) {
      line_.fail(text, "there is a second label; a text is of one class");
    }
    if (const auto at = find_prefix(text); at != std::string_view::npos) {
      line_.fail(text.substr(at), "there is a second label; a text is of one class");
    }
  } else {
    name = text::without_outer_space(take_until('\t', text));
  }
  if (name.empty()) line_.fail(text, "the label has no name");
  auto found = labels_.find(name);
  if (found == labels_.end()) {
    found = labels_.emplace(name, static_cast<std::int32_t>(data_.classes.size())).first;
    data_.classes.emplace_back(name);
  }
  return found->second;
}

}  // namespace riverrun::data
