#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "riverrun/core/tensor.h"

namespace riverrun {

/// How a batch of sequences lies in memory while it is computed: sorted by falling length, and
/// step after step without the rows beyond a sequence's end, so that nothing is computed for them.
class PackedBatch {
 public:
  /// `lengths` is empty (all are `steps` long) or holds one per sequence, each in [1, steps].
  PackedBatch(std::int64_t steps, std::int64_t batch, bool batch_first,
              std::span<const std::int64_t> lengths);

  [[nodiscard]] std::int64_t steps() const { return static_cast<std::int64_t>(sizes_.size()); }
  [[nodiscard]] std::int64_t batch() const { return static_cast<std::int64_t>(lengths_.size()); }
  /// Packed rows in all: the sum of the lengths.
  [[nodiscard]] std::int64_t rows() const { return rows_; }
  /// Sequences that reach each step, and the first packed row of each step.
  [[nodiscard]] const std::vector<std::int64_t>& sizes() const { return sizes_; }
  [[nodiscard]] const std::vector<std::int64_t>& offsets() const { return offsets_; }
  /// Of the sequence in packed place r: its length, and its number in the caller's batch.
  [[nodiscard]] std::int64_t length(std::int64_t r) const { return lengths_[index(r)]; }
  [[nodiscard]] std::int64_t sequence(std::int64_t r) const { return order_[index(r)]; }
  /// True if all sequences have the same length.
  [[nodiscard]] bool is_even() const { return lengths_.front() == lengths_.back(); }
  /// True if packed and caller's rows are the same.
  [[nodiscard]] bool is_identity() const { return is_identity_; }

  /// Steps [begin, end) of the sequences that reach `begin`, as a batch of their own: its packed
  /// rows are those here from offsets()[begin] on, in the same order.
  [[nodiscard]] PackedBatch segment(std::int64_t begin, std::int64_t end) const;

  /// packed [rows(), features] from the caller's [steps, batch, features] (or batch first).
  void pack(const float* from, std::int64_t features, float* packed) const;
  /// The reverse; rows beyond a sequence's end become zero.
  void unpack(const float* packed, std::int64_t features, float* to) const;
  /// Rows [batch, features] in packed order from the caller's order, and back.
  void sort(const float* from, std::int64_t features, float* sorted) const;
  void unsort(const float* sorted, std::int64_t features, float* to) const;

 private:
  static std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }
  [[nodiscard]] std::int64_t caller_row(std::int64_t step, std::int64_t r) const;

  std::int64_t total_steps_;  // the caller's, which the longest sequence may not reach
  std::int64_t rows_ = 0;
  bool batch_first_;
  bool is_identity_ = false;
  std::vector<std::int64_t> order_;
  std::vector<std::int64_t> lengths_;
  std::vector<std::int64_t> sizes_;
  std::vector<std::int64_t> offsets_;
};

}  // namespace riverrun
