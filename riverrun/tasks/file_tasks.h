#pragma once

#include <memory>

#include "riverrun/tasks/catalogue.h"

namespace riverrun::tasks {

// The tasks of the catalogue that read files; not for users.

std::unique_ptr<Task> make_sequential_mnist(const TaskOptions& options);
std::unique_ptr<Task> make_permuted_mnist(const TaskOptions& options);
std::unique_ptr<Task> make_word_sense(const TaskOptions& options);

}  // namespace riverrun::tasks
