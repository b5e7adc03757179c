#pragma once

#include <memory>

#include "riverrun/tasks/catalogue.h"

namespace riverrun::tasks {

// The tasks of the catalogue, which tells what they are; not for users. `length` has been checked.

std::unique_ptr<Task> make_published_adding(const TaskOptions& options);
std::unique_ptr<Task> make_adding(const TaskOptions& options);
std::unique_ptr<Task> make_temporal_order_2(const TaskOptions& options);
std::unique_ptr<Task> make_temporal_order_3(const TaskOptions& options);
std::unique_ptr<Task> make_reber(const TaskOptions& options);
std::unique_ptr<Task> make_long_lag_a(const TaskOptions& options);
std::unique_ptr<Task> make_long_lag_b(const TaskOptions& options);
std::unique_ptr<Task> make_long_lag_c(const TaskOptions& options);
std::unique_ptr<Task> make_two_sequence(const TaskOptions& options);
std::unique_ptr<Task> make_copy(const TaskOptions& options);

}  // namespace riverrun::tasks
