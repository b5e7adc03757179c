#include "riverrun/kernels/matmul.h"

#include <algorithm>
#include <vector>

#include <dnnl.h>

#include "riverrun/core/error.h"
#include "riverrun/core/threads.h"

// oneDNN is built with OpenMP. Its products run inside tasks of riverrun's own threads, so each of
// those must see one OpenMP thread; the setting is per thread, and put back afterwards because the
// calling thread's setting belongs to the program that we are part of.
extern "C" void omp_set_num_threads(int threads);
extern "C" int omp_get_max_threads();

namespace riverrun::kernels {
namespace {

class OneOpenMPThread {
 public:
  OneOpenMPThread() : before_(omp_get_max_threads()) {
    if (before_ != 1) omp_set_num_threads(1);
  }
  ~OneOpenMPThread() {
    if (before_ != 1) omp_set_num_threads(before_);
  }
  OneOpenMPThread(const OneOpenMPThread&) = delete;
  OneOpenMPThread& operator=(const OneOpenMPThread&) = delete;

 private:
  int before_;
};

struct Piece {
  std::int64_t begin, end;
};

// A piece should be worth the hand-over to another thread (about 5 µs, or 0.5 MFLOP) and there
// should be enough of them to even out; 16-row multiples keep the library's tiles whole.
Piece piece_of(std::int64_t extent, std::int64_t pieces, std::int64_t index) {
  const std::int64_t per_piece = ((extent + pieces - 1) / pieces + 15) / 16 * 16;
  return {std::min(extent, index * per_piece), std::min(extent, (index + 1) * per_piece)};
}

}  // namespace

void matmul(std::int64_t m, std::int64_t n, std::int64_t k, Matrix a, Matrix b, float beta,
            float* c, std::int64_t c_stride) {
  if (m == 0 || n == 0) return;
  const double work =
      2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  const bool by_rows = m >= n;
  const std::int64_t longest = std::max(m, n);
  const std::int64_t pieces = std::clamp<std::int64_t>(
      static_cast<std::int64_t>(work / 4e6), 1, std::min<std::int64_t>(8, (longest + 31) / 32));
  parallel_for(pieces, [&](std::int64_t index) {
    const auto [begin, end] = piece_of(longest, pieces, index);
    if (begin == end) return;
    const std::int64_t rows = by_rows ? end - begin : m;
    const std::int64_t columns = by_rows ? n : end - begin;
    const float* a_part = a.data;
    const float* b_part = b.data;
    float* c_part = c;
    if (by_rows) {
      a_part += begin * (a.transposed ? 1 : a.stride);
      c_part += begin * c_stride;
    } else {
      b_part += begin * (b.transposed ? b.stride : 1);
      c_part += begin;
    }
    const OneOpenMPThread guard;
    const dnnl_status_t status =
        dnnl_sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', rows, columns, k, 1.0f,
                   a_part, a.stride, b_part, b.stride, beta, c_part, c_stride);
    if (status != dnnl_success) throw Error("oneDNN refused a matrix product");
  });
}

}  // namespace riverrun::kernels
