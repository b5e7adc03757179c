#pragma once

#include <memory>

#include "riverrun/insight/tasks/catalogue.h"

namespace riverrun::insight {

// The tasks of the catalogue that read files; not for users.

std::unique_ptr<Task> make_sequential_mnist(const TaskOptions& options);
std::unique_ptr<Task> make_permuted_mnist(const TaskOptions& options);
std::unique_ptr<Task> make_word_sense(const TaskOptions& options);

}  // namespace riverrun::insight
