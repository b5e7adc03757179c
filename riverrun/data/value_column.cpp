#include "riverrun/data/value_column.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "riverrun/core/number.h"
#include "riverrun/data/csv.h"
#include "riverrun/data/time_format.h"

namespace riverrun::data {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

}  // namespace

bool is_date(std::string_view text) {
  // To try all formats takes long, and most texts are no dates.
  if (text.find_first_of("0123456789") == std::string_view::npos || parse_double(text)) {
    return false;
  }
  return !TimeColumn().add(text).has_value();
}

ValueColumn ValueColumn::of_numbers() {
  ValueColumn column;
  column.kind_ = Kind::kNumbers;
  return column;
}

ValueColumn ValueColumn::of_words() {
  ValueColumn column;
  column.kind_ = Kind::kWords;
  return column;
}

ValueColumn ValueColumn::of_words(std::span<const std::string> words) {
  ValueColumn column = of_words();
  column.fixed_ = true;
  for (const std::string& word : words) {
    column.places_.emplace(word, static_cast<double>(column.words_.size()));
    column.words_.push_back(word);
  }
  return column;
}

bool ValueColumn::add(std::string_view field) {
  if (closed_) return true;
  if (kind_ == Kind::kWords) return add_word(field);
  const std::optional<double> number = parse_double(field);
  if (number) {
    if (kind_ == Kind::kUnknown) begin_numbers();
    values_.push_back(*number);
    return true;
  }
  if (is_missing(field)) {
    if (kind_ == Kind::kUnknown) return add_word(field);
    values_.push_back(kNaN);
    return true;
  }
  // "12.05.2024" is like a number too.
  if (kind_ == Kind::kNumbers || (is_like_a_number(field) && !is_date(field))) return false;
  kind_ = Kind::kWords;
  return add_word(field);
}

bool ValueColumn::add_word(std::string_view word) {
  if (word.empty()) {
    values_.push_back(kNaN);
    return true;
  }
  auto found = places_.find(word);
  if (found == places_.end()) {
    if (fixed_ || words_.size() == kMostWords) return false;
    found = places_.emplace(word, static_cast<double>(words_.size())).first;
    words_.emplace_back(word);
  }
  values_.push_back(found->second);
  return true;
}

void ValueColumn::begin_numbers() {
  kind_ = Kind::kNumbers;
  std::ranges::fill(values_, kNaN);
  words_.clear();
  places_.clear();
}

void ValueColumn::close() {
  closed_ = true;
  values_ = {};
  words_ = {};
  places_ = {};
}

void ValueColumn::settle() {
  if (kind_ == Kind::kUnknown) begin_numbers();
  if (kind_ == Kind::kNumbers || fixed_) return;
  std::vector<std::size_t> order(words_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [this](std::size_t a, std::size_t b) { return words_[a] < words_[b]; });
  std::vector<std::string> sorted(words_.size());
  std::vector<double> place(words_.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    sorted[i] = std::move(words_[order[i]]);
    place[order[i]] = static_cast<double>(i);
  }
  words_ = std::move(sorted);
  for (double& value : values_) {
    if (!std::isnan(value)) value = place[static_cast<std::size_t>(value)];
  }
}

}  // namespace riverrun::data
