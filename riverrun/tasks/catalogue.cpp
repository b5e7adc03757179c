#include "riverrun/tasks/catalogue.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "riverrun/core/error.h"
#include "riverrun/tasks/drawn_tasks.h"
#include "riverrun/tasks/file_tasks.h"

namespace riverrun::tasks {
namespace {

const std::array kCatalogue = {
    TaskEntry{
        .name = "adding-1997",
        .definition = "T to 1.1 T pairs of a value in [-1, 1] and a marker; at the end, 0.5 plus a "
                      "quarter of the sum of the two marked values, which are among the first 10 "
                      "and the first T/2 - 1",
        .source = "Hochreiter & Schmidhuber 1997, experiment 4",
        .criterion = "mean absolute error below 0.01 over the last 2,000 training sequences, each "
                     "within 0.04",
        .score = "mean squared error",
        .least_length = 10,
        .files = "",
        .setup = {.length = 1000,
                  .hidden_size = 4,
                  .batch_size = 32,
                  .lr = 0.01,
                  .max_sequences = 853'000,
                  .evaluate_every = 2000},
        .make = make_published_adding},
    TaskEntry{.name = "adding",
              .definition =
                  "T pairs of a value in [0, 1] and a marker; at the end, the sum of the two "
                  "marked values, one in each half",
              .source = "Le, Jaitly & Hinton 2015; Arjovsky, Shah & Bengio 2016",
              .criterion = "mean squared error below 0.005 on 500 sequences held out",
              .score = "mean squared error",
              .least_length = 2,
              .files = "",
              .setup = {.length = 750,
                        .hidden_size = 128,
                        .batch_size = 16,
                        .lr = 0.005,
                        .max_sequences = 500'000,
                        .evaluate_every = 1600},
              .make = make_adding},
    TaskEntry{
        .name = "temporal-order-2",
        .definition = "T to 1.1 T symbols, noise but for an X or Y between T/10 and T/5 and one "
                      "between T/2 and 3 T/5; at the end, which came in which order: 4 classes",
        .source = "Hochreiter & Schmidhuber 1997, experiment 6a",
        .criterion = "mean error below 0.1 over the last 2,000 training sequences, each within 0.3 "
                     "in all classes' probabilities",
        .score = "nats",
        .least_length = 10,
        .files = "",
        .setup = {.length = 100,
                  .hidden_size = 16,
                  .embedding_size = 8,
                  .batch_size = 16,
                  .lr = 0.01,
                  .max_sequences = 200'000,
                  .evaluate_every = 200},
        .make = make_temporal_order_2},
    TaskEntry{.name = "temporal-order-3",
              .definition = "the same with three, from T/10, 0.33 T and 0.66 T on: 8 classes",
              .source = "Hochreiter & Schmidhuber 1997, experiment 6b",
              .criterion = "as temporal-order-2",
              .score = "nats",
              .least_length = 10,
              .files = "",
              .setup = {.length = 100,
                        .hidden_size = 16,
                        .embedding_size = 8,
                        .batch_size = 16,
                        .lr = 0.01,
                        .max_sequences = 571'100,
                        .evaluate_every = 200},
              .make = make_temporal_order_3},
    TaskEntry{
        .name = "reber",
        .definition = "strings of the embedded Reber grammar, the next symbol to be predicted each "
                      "time; the last but one is the second",
        .source = "Hochreiter & Schmidhuber 1997, experiment 1",
        .criterion = "in all 256 strings to learn from and 256 others, whatever may follow has a "
                     "larger output than whatever may not",
        .score = "share of strings",
        .least_length = 0,
        .files = "",
        .setup = {.hidden_size = 16,
                  .embedding_size = 7,
                  .init = "forget=1",
                  .batch_size = 8,
                  .lr = 0.01,
                  .max_sequences = 100'000,
                  .evaluate_every = 200},
        .make = make_reber},
    TaskEntry{.name = "long-lag-a",
              .definition =
                  "x or y, the T - 1 other symbols in order, x or y again; the next symbol to "
                  "be predicted each time",
              .source = "Hochreiter & Schmidhuber 1997, experiment 2a",
              .criterion = "all probabilities within 0.25 in 10,000 sequences",
              .score = "nats",
              .least_length = 3,
              .files = "",
              .setup = {.length = 100,
                        .hidden_size = 32,
                        .embedding_size = 32,
                        .batch_size = 8,
                        .lr = 0.01,
                        .max_sequences = 200'000,
                        .evaluate_every = 400},
              .make = make_long_lag_a},
    TaskEntry{.name = "long-lag-b",
              .definition = "the same with T - 1 random symbols between",
              .source = "Hochreiter & Schmidhuber 1997, experiment 2b",
              .criterion = "all probabilities within 0.25 at the end of 10,000 sequences",
              .score = "nats",
              .least_length = 3,
              .files = "",
              .setup = {.length = 100,
                        .hidden_size = 32,
                        .embedding_size = 32,
                        .batch_size = 8,
                        .lr = 0.01,
                        .max_sequences = 200'000,
                        .evaluate_every = 400},
              .make = make_long_lag_b},
    TaskEntry{.name = "long-lag-c",
              .definition =
                  "b, x or y, T or more of T random symbols, e; at the end, whether it was x "
                  "or y",
              .source = "Hochreiter & Schmidhuber 1997, experiment 2c, q = p = T",
              .criterion = "both probabilities within 0.2 in 10,000 sequences",
              .score = "nats",
              .least_length = 1,
              .files = "",
              .setup = {.length = 1000,
                        .hidden_size = 8,
                        .embedding_size = 8,
                        .batch_size = 16,
                        .lr = 0.01,
                        .max_sequences = 200'000,
                        .evaluate_every = 800},
              .make = make_long_lag_c},
    TaskEntry{
        .name = "two-sequence",
        .definition = "T to 1.1 T numbers: three times 1 or three times -1, then noise of variance "
                      "0.2; at the end, 1 or 0",
        .source = "Bengio, Simard & Frasconi 1994; Hochreiter & Schmidhuber 1997, experiment 3a",
        .criterion = "256 sequences held out are each within 0.2, and within 0.01 in the mean",
        .score = "mean squared error",
        .least_length = 4,
        .files = "",
        .setup = {.length = 1000,
                  .hidden_size = 8,
                  .batch_size = 16,
                  .lr = 0.01,
                  .max_sequences = 446'850,
                  .evaluate_every = 800},
        .make = make_two_sequence},
    TaskEntry{.name = "copy",
              .definition = "10 of 8 symbols, T - 1 blanks, a sign to go, 10 blanks; blanks to be "
                            "answered, and after the sign the 10 symbols",
              .source = "Hochreiter & Schmidhuber 1997; in this form Arjovsky, Shah & Bengio 2016",
              .criterion =
                  "a tenth of the loss without memory, 10 ln 8 / (T + 20) nats a step, on 500 "
                  "sequences held out",
              .score = "nats",
              .least_length = 1,
              .files = "",
              .setup = {.length = 500,
                        .hidden_size = 128,
                        .embedding_size = 10,
                        .init = "chrono+orthogonal",
                        .batch_size = 16,
                        .lr = 0.003,
                        .clip = 0.1,
                        .max_sequences = 1'500'000,
                        .evaluate_every = 10'000},
              .make = make_copy},
    TaskEntry{
        .name = "mnist",
        .definition = "images of digits, read pixel by pixel from the upper left to the lower "
                      "right: 784 steps; at the end, which digit it was. To learn from, images are "
                      "moved by up "
                      "to one pixel each way where their edges are blank",
        .source = "LeCun et al. 1998; as a sequence Le, Jaitly & Hinton 2015",
        .criterion = "98.5 % of the test images, with the weights that were best on the last "
                     "twelfth of the training images, which are held out",
        .score = "share of images",
        .least_length = 0,
        .files = "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and "
                 "t10k-labels-idx1-ubyte",
        .setup = {.hidden_size = 128,
                  .init = "chrono+orthogonal",
                  .batch_size = 16,
                  .lr = 0.004,
                  .schedule = "cosine",
                  .max_sequences = 700'000,
                  .evaluate_every = 25'000},
        .make = make_sequential_mnist},
    TaskEntry{.name = "permuted-mnist",
              .definition = "the same with the pixels in a random order, which is always the same",
              .source = "Le, Jaitly & Hinton 2015",
              .criterion = "94 % of the test images, as mnist",
              .score = "share of images",
              .least_length = 0,
              .files = "those of mnist",
              .setup = {.cell = "gru",
                        .hidden_size = 192,
                        .init = "orthogonal",
                        .batch_size = 16,
                        .lr = 0.002,
                        .schedule = "cosine",
                        .clip = 0.5,
                        .max_sequences = 900'000,
                        .evaluate_every = 30'000},
              .make = make_permuted_mnist},
    TaskEntry{
        .name = "word-sense",
        .definition = "sentences with an ambiguous word, such as a bank: which of two senses it "
                      "has. A network of two directions answers at that word; without memory it "
                      "sees nothing but the word, which is always the same",
        .source = "Loureiro et al. 2021 (CoarseWSD-20)",
        .criterion = "an F1 of the rare sense above that of always answering with it, which is the "
                     "most without memory, in the test file, with the weights that were best on a "
                     "fifth of the training file",
        .score = "F1 of the rare sense",
        .least_length = 0,
        .files = "train.data.txt and test.data.txt (number of the word, from 0, a tab, words), "
                 "train.gold.txt and test.gold.txt (0 or 1)",
        .of_words = true,
        .setup = {.hidden_size = 64,
                  .embedding_size = 100,
                  .bidirectional = true,
                  .dropout = 0.5f,
                  .init = "forget=1",
                  .batch_size = 32,
                  .lr = 0.001,
                  .max_sequences = 10'000,
                  .evaluate_every = 500},
        .make = make_word_sense},
};

}  // namespace

std::span<const TaskEntry> task_catalogue() { return kCatalogue; }

const TaskEntry& find_task(std::string_view name) {
  const auto found = std::ranges::find(kCatalogue, name, &TaskEntry::name);
  if (found != kCatalogue.end()) return *found;
  std::string names;
  for (const TaskEntry& entry : kCatalogue) {
    names += (names.empty() ? "" : ", ") + std::string(entry.name);
  }
  throw ConfigError(fmt::format("task: there is none called \"{}\"; there are {}", name, names));
}

std::unique_ptr<Task> make_task(const TaskEntry& entry, TaskOptions options) {
  const std::int64_t usual = entry.setup.length;
  if (usual == 0 && options.length != 0) {
    throw ConfigError(fmt::format("task {}: it has no length to choose", entry.name));
  }
  // Symbols and places are counted in 32 bits; what is too long for the memory shows later.
  constexpr std::int64_t kMostSteps = 10'000'000;
  if (usual != 0 && (options.length < entry.least_length || options.length > kMostSteps)) {
    throw ConfigError(fmt::format("task {}: length is {}; it must be from {} to {}", entry.name,
                                  options.length, entry.least_length, kMostSteps));
  }
  if (entry.files.empty() != options.data.empty()) {
    throw ConfigError(entry.files.empty() ? fmt::format("task {}: it reads no files", entry.name)
                                          : fmt::format("task {}: it needs a folder with {}",
                                                        entry.name, entry.files));
  }
  if (!options.vectors.empty() && !entry.of_words) {
    throw ConfigError(fmt::format("task {}: it has no words to give vectors to", entry.name));
  }
  return entry.make(options);
}

}  // namespace riverrun::tasks
