#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/tasks/file_tasks.h"
#include "riverrun/tasks/idx.h"

namespace riverrun::tasks {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kDigits = 10;

struct Images {
  std::int64_t rows = 0, columns = 0;  // of one
  std::vector<std::uint8_t> values;
  std::vector<std::uint8_t> labels;

  [[nodiscard]] std::int64_t count() const { return static_cast<std::int64_t>(labels.size()); }
  [[nodiscard]] std::int64_t pixels() const { return rows * columns; }
  [[nodiscard]] const std::uint8_t* image(std::int64_t n) const {
    return values.data() + n * pixels();
  }
  [[nodiscard]] std::size_t label(std::int64_t n) const {
    return labels[static_cast<std::size_t>(n)];
  }
};

Images read_images(const fs::path& folder, const std::string& set) {
  const fs::path labels_path = folder / (set + "-labels-idx1-ubyte");
  const fs::path images_path = folder / (set + "-images-idx3-ubyte");
  IdxArray labels = read_idx(labels_path, 1);
  IdxArray images = read_idx(images_path, 3);
  if (labels.extents[0] != images.extents[0]) {
    throw FormatError(images_path.string(), 4,
                      fmt::format("it has {} images, but there are {} labels", images.extents[0],
                                  labels.extents[0]));
  }
  const auto wrong =
      std::ranges::find_if(labels.values, [](auto label) { return label >= kDigits; });
  if (wrong != labels.values.end()) {
    throw FormatError(labels_path.string(),
                      static_cast<std::uint64_t>(8 + (wrong - labels.values.begin())),
                      fmt::format("a label is {}; it must be below {}", *wrong, kDigits));
  }
  return {.rows = images.extents[1],
          .columns = images.extents[2],
          .values = std::move(images.values),
          .labels = std::move(labels.values)};
}

/// The share of the test images that the last pixel alone, which is all that a network without
/// memory sees, makes right: for each of its values, the commonest digit in training.
double by_last_pixel(const Images& train, const Images& test, std::int64_t last) {
  std::array<std::array<std::int64_t, kDigits>, 256> counts{};
  std::array<std::int64_t, kDigits> all{};
  for (std::int64_t n = 0; n < train.count(); ++n) {
    ++counts[train.image(n)[last]][train.label(n)];
    ++all[train.label(n)];
  }
  std::int64_t right = 0;
  for (std::int64_t n = 0; n < test.count(); ++n) {
    const auto& known = counts[test.image(n)[last]];
    const auto& of = std::ranges::max(known) > 0 ? known : all;
    const auto guess = static_cast<std::size_t>(std::ranges::max_element(of) - of.begin());
    right += guess == test.label(n) ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(test.count());
}

/// The image moved by whole pixels, or as it is if anything but blank would leave it.
std::vector<std::uint8_t> moved(const Images& images, std::int64_t n, std::int64_t down,
                                std::int64_t right) {
  const std::span from(images.image(n), static_cast<std::size_t>(images.pixels()));
  std::vector<std::uint8_t> to(from.size());
  std::int64_t lost = 0;
  for (std::int64_t row = 0; row < images.rows; ++row) {
    for (std::int64_t column = 0; column < images.columns; ++column) {
      const std::uint8_t value = from[static_cast<std::size_t>(row * images.columns + column)];
      const std::int64_t to_row = row + down;
      const std::int64_t to_column = column + right;
      if (to_row < 0 || to_row >= images.rows || to_column < 0 || to_column >= images.columns) {
        lost += value;
      } else {
        to[static_cast<std::size_t>(to_row * images.columns + to_column)] = value;
      }
    }
  }
  if (lost > 0) to.assign(from.begin(), from.end());
  return to;
}

class Mnist final : public Task {
 public:
  Mnist(Images train, Images test, std::vector<std::int64_t> order, double enough,
        std::uint64_t seed)
      : Task({.sizes = {.input_size = 1, .classes = kDigits},
              .criterion = {.at_end = true, .right_share = enough},
              .score = Score::kRightShare,
              .memoryless_score = by_last_pixel(train, test, order.back())}),
        train_(std::move(train)),
        test_(std::move(test)),
        order_(std::move(order)),
        choice_(part_seed(seed, 0)) {}

  [[nodiscard]] Sequence training(std::int64_t n) const override {
    const std::int64_t learnt = train_.count() - held_out_size();
    const auto bound = static_cast<std::uint32_t>(learnt);
    Random random(choice_, static_cast<std::uint64_t>(n));
    const std::int64_t chosen = random.below(bound);
    const std::int64_t down = std::int64_t{random.below(3)} - 1;
    const std::int64_t right = std::int64_t{random.below(3)} - 1;
    return sequence(moved(train_, chosen, down, right), train_.label(chosen));
  }
  /// The last twelfth of the training images: 5,000 of 60,000.
  [[nodiscard]] Sequence held_out(std::int64_t n) const override {
    return sequence(train_, train_.count() - held_out_size() + n);
  }
  [[nodiscard]] std::int64_t held_out_size() const override { return (train_.count() + 11) / 12; }
  [[nodiscard]] Sequence test(std::int64_t n) const override { return sequence(test_, n); }
  [[nodiscard]] std::int64_t test_size() const override { return test_.count(); }

  [[nodiscard]] Verdict judge(const Sequence& sequence,
                              std::span<const float> outputs) const override {
    return judge_by_largest(sequence, outputs);
  }

 private:
  [[nodiscard]] Sequence sequence(const Images& images, std::int64_t n) const {
    return sequence({images.image(n), static_cast<std::size_t>(images.pixels())}, images.label(n));
  }
  [[nodiscard]] Sequence sequence(std::span<const std::uint8_t> image, std::size_t label) const {
    Sequence made;
    for (const std::int64_t pixel : order_) {
      made.input.push_back(static_cast<float>(image[static_cast<std::size_t>(pixel)]) / 255.0f);
    }
    made.asked = {static_cast<std::int64_t>(image.size()) - 1};
    made.classes = {static_cast<std::int32_t>(label)};
    return made;
  }

  Images train_;
  Images test_;
  std::vector<std::int64_t> order_;  // of the pixels
  std::uint64_t choice_;
};

std::unique_ptr<Task> make(const TaskOptions& options, bool permuted, double enough) {
  Images train = read_images(options.data, "train");
  Images test = read_images(options.data, "t10k");
  if (train.pixels() != test.pixels() || train.count() < 2) {
    throw FormatError((options.data / "train-images-idx3-ubyte").string(), 4,
                      fmt::format("{} images of {} pixels, and {} of {} to test with; there must "
                                  "be 2 or more, and as many pixels",
                                  train.count(), train.pixels(), test.count(), test.pixels()));
  }
  std::vector<std::int64_t> order(static_cast<std::size_t>(train.pixels()));
  std::iota(order.begin(), order.end(), 0);
  if (permuted) {
    // The same for every seed: it is part of the task.
    Random random(0);
    for (std::size_t i = order.size() - 1; i > 0; --i) {
      std::swap(order[i], order[random.below(static_cast<std::uint32_t>(i + 1))]);
    }
  }
  return std::make_unique<Mnist>(std::move(train), std::move(test), std::move(order), enough,
                                 options.seed);
}

}  // namespace

std::unique_ptr<Task> make_sequential_mnist(const TaskOptions& options) {
  return make(options, false, 0.985);
}

std::unique_ptr<Task> make_permuted_mnist(const TaskOptions& options) {
  return make(options, true, 0.94);
}

}  // namespace riverrun::tasks
