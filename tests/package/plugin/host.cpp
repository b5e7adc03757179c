#include <cerrno>
#include <cmath>
#include <cstdio>

#include <dlfcn.h>

template <class F>
F* find(void* plugin, const char* name) {
  return reinterpret_cast<F*>(dlsym(plugin, name));
}

int main() {
  void* const plugin = dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL);
  if (plugin == nullptr) {
    std::fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  const auto process = find<float(float)>(plugin, "process");
  const auto process_fixed = find<int(const char*, float, float*)>(plugin, "process_fixed");
  if (process == nullptr || process_fixed == nullptr) return 1;
  const float first = process(1.0f);
  const float second = process(1.0f);
  float y = 1.0f;
  const int error = process_fixed("no such file", 1.0f, &y);
  const bool moves = first != second && std::isfinite(first) && std::isfinite(second);
  std::printf("stream %s, fixed %.0f, error %s\n", moves ? "moves" : "stands", y,
              error == ENOENT ? "ENOENT" : "other");
}
