#include "riverrun/nn/cells.h"

#include <algorithm>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "riverrun/cell/gru.h"
#include "riverrun/cell/lstm.h"
#include "riverrun/cell/memoryless.h"
#include "riverrun/cell/rnn.h"
#include "riverrun/core/error.h"
#include "riverrun/core/process.h"
#include "riverrun/kernels/cell_kernels.h"

namespace riverrun {
namespace {

struct Registry {
  std::mutex mutex;
  std::vector<const CellDescriptor*> cells = {&cell<cells::LSTM>(), &cell<cells::GRU>(),
                                              &cell<cells::RNNTanh>(), &cell<cells::RNNRelu>(),
                                              &cell<cells::Memoryless>()};
};

Registry& registry() {
  static Immortal<Registry> instance;
  return *instance;
}

}  // namespace

const CellDescriptor& find_cell(std::string_view name) {
  Registry& known = registry();
  const std::scoped_lock lock(known.mutex);
  std::string names;
  for (const CellDescriptor* cell : known.cells) {
    if (cell->name == name) return *cell;
    names += (names.empty() ? "" : ", ") + cell->name;
  }
  throw ConfigError("find_cell: no cell is called \"" + std::string(name) + "\"; there are " +
                    names);
}

std::vector<std::string> cell_names() {
  Registry& known = registry();
  const std::scoped_lock lock(known.mutex);
  std::vector<std::string> names;
  for (const CellDescriptor* cell : known.cells) names.push_back(cell->name);
  return names;
}

void register_cell(const CellDescriptor& cell) {
  Registry& known = registry();
  const std::scoped_lock lock(known.mutex);
  for (const CellDescriptor* other : known.cells) {
    if (other == &cell) return;
    if (other->name == cell.name) {
      throw ConfigError("register_cell: there is another cell called \"" + cell.name +
                        "\"; names must differ");
    }
  }
  known.cells.push_back(&cell);
}

CellChoice::CellChoice(CellDescriptor own) : name_(own.name) {
  const std::vector<std::string> known = cell_names();
  if (std::ranges::find(known, name_) != known.end() && is_same_cell(find_cell(name_), own)) return;
  own_ = std::make_shared<const CellDescriptor>(std::move(own));
}

CellChoice::CellChoice(const CellDefinition& definition, const Program& step) try
    : CellChoice(make_cell(definition, step, kernels::interpreter_kernels())) {
} catch (const std::logic_error& error) {
  throw ConfigError(error.what());
}

const CellDescriptor& CellChoice::descriptor() const { return is_own() ? *own_ : find_cell(name_); }

bool operator==(const CellChoice& a, const CellChoice& b) {
  if (a.is_own() != b.is_own()) return false;
  return a.is_own() ? is_same_cell(*a.own_, *b.own_) : a.name_ == b.name_;
}

}  // namespace riverrun
