#include "riverrun/core/memory.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <new>
#include <utility>

#include <sys/mman.h>

#include "riverrun/core/process.h"

namespace riverrun {
namespace {

// A cache line, and the widest SIMD register.
constexpr std::align_val_t kAlignment{64};
constexpr std::size_t kHugePage = std::size_t{1} << 21;

// Below this, malloc keeps what is freed; of more, what happens to lie at the heap's end goes back.
constexpr std::size_t kLeastKept = std::size_t{1} << 14;

std::size_t bytes_of(std::size_t floats) { return floats * sizeof(float); }

// With pages of 4 KiB, every few lines of a large matrix of weights are the first of a page that
// the processor has to look up: a tenth of the time of a step that waits for them.
bool is_huge(std::size_t bytes) { return bytes >= 2 * kHugePage; }

std::align_val_t alignment(std::size_t bytes) {
  return is_huge(bytes) ? std::align_val_t{kHugePage} : kAlignment;
}

float* allocate(std::size_t bytes) {
  void* const memory = ::operator new[](bytes + bytes_of(kReadableBehind), alignment(bytes));
#ifdef MADV_HUGEPAGE
  // Whole pages only: what shares the last one with others stays as it is. A refusal is no error.
  if (is_huge(bytes)) madvise(memory, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
  return static_cast<float*>(memory);
}

struct Block {
  float* data = nullptr;
  std::size_t capacity = 0;  // in floats
};

void release(Block block) noexcept {
  ::operator delete[](block.data, alignment(bytes_of(block.capacity)));
}

// What was given back lately, the oldest first.
class Kept {
 public:
  // From the system if nothing fits.
  Block take(std::size_t floats) {
    Block block = find(floats);
    if (block.data == nullptr) block = {allocate_or_make_room(bytes_of(floats)), floats};
    used_bytes_ += bytes_of(block.capacity);
    return block;
  }

  void give(Block block) noexcept {
    const std::size_t bytes = bytes_of(block.capacity);
    const std::scoped_lock lock(mutex_);
    const std::size_t used = used_bytes_ -= bytes;
    const std::size_t most =
        most_bytes_ == kDefaultKeptMemory ? std::max(most_bytes_, used) : most_bytes_;
    const bool keeps = bytes <= most;
    if (keeps && count_ == blocks_.size()) release(remove(0));
    while (bytes_ > (keeps ? most - bytes : most)) release(remove(0));
    if (!keeps) return release(block);
    blocks_[count_++] = block;
    bytes_ += bytes;
  }

  [[nodiscard]] std::mutex& mutex() noexcept { return mutex_; }

  void set_most(std::size_t bytes) noexcept {
    const std::scoped_lock lock(mutex_);
    most_bytes_ = bytes;
    while (bytes_ > most_bytes_) release(remove(0));
  }

 private:
  // What is kept must not be what others lack.
  float* allocate_or_make_room(std::size_t bytes) {
    try {
      return allocate(bytes);
    } catch (const std::bad_alloc&) {
      {
        const std::scoped_lock lock(mutex_);
        while (count_ > 0) release(remove(0));
      }
      return allocate(bytes);
    }
  }

  // No data if nothing fits without wasting a quarter.
  Block find(std::size_t floats) noexcept {
    const std::scoped_lock lock(mutex_);
    std::size_t best = count_;
    for (std::size_t i = 0; i < count_; ++i) {
      const std::size_t capacity = blocks_[i].capacity;
      if (capacity < floats || capacity > floats + floats / 4) continue;
      if (best == count_ || capacity < blocks_[best].capacity) best = i;
    }
    return best == count_ ? Block{} : remove(best);
  }

  Block remove(std::size_t i) noexcept {
    const Block block = blocks_[i];
    std::move(blocks_.begin() + static_cast<std::ptrdiff_t>(i) + 1,
              blocks_.begin() + static_cast<std::ptrdiff_t>(count_),
              blocks_.begin() + static_cast<std::ptrdiff_t>(i));
    --count_;
    bytes_ -= bytes_of(block.capacity);
    return block;
  }

  std::atomic<std::size_t> used_bytes_ = 0;  // handed out and not given back
  std::mutex mutex_;
  // As many as a network of some layers gives back at once.
  std::array<Block, 32> blocks_;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
  std::size_t most_bytes_ = kDefaultKeptMemory;
};

// Never destroyed, because tensors of static storage may outlive whatever is.
constinit Immortal<Kept> kept;

struct AtEnd {
  AtEnd() {
    // Nobody may be half-way through when the memory is copied to a child.
    around_fork([] { kept->mutex().lock(); }, [] { kept->mutex().unlock(); },
                [] { kept->mutex().unlock(); });
  }
  // A plug-in that is unloaded must not leave its memory behind.
  ~AtEnd() { kept->set_most(0); }
  AtEnd(const AtEnd&) = delete;
  AtEnd& operator=(const AtEnd&) = delete;
};
const AtEnd kAtEnd;

bool may_keep(std::size_t floats) { return kKeepsMemory && bytes_of(floats) >= kLeastKept; }

}  // namespace

Memory allocate_memory(std::size_t floats) {
  // Beyond it, operator new may add the alignment and begin again at 0.
  constexpr std::size_t kMost = std::numeric_limits<std::ptrdiff_t>::max() / sizeof(float);
  if (floats > kMost - kReadableBehind) {
    throw std::bad_array_new_length();
  }
  if (may_keep(floats)) {
    const Block block = kept->take(floats);
    return {block.data, GiveBack{.capacity = block.capacity}};
  }
  return {allocate(bytes_of(floats)), GiveBack{.capacity = floats}};
}

Memory borrow_memory(float* data, std::size_t floats, std::shared_ptr<const void> lender) {
  // That nobody in particular lends it must show too.
  if (lender == nullptr) lender = {std::shared_ptr<const void>(), data};
  return {data, GiveBack{.capacity = floats, .lender = std::move(lender)}};
}

void set_kept_memory(std::size_t bytes) noexcept { kept->set_most(bytes); }

void GiveBack::operator()(float* data) const noexcept {
  if (lender != nullptr) return;
  if (may_keep(capacity)) {
    kept->give({data, capacity});
  } else {
    release({data, capacity});
  }
}

}  // namespace riverrun
