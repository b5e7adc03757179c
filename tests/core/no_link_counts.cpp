// Preloaded, stands for a file system that does not count the names of a file.

#include <dlfcn.h>
#include <sys/stat.h>

extern "C" __attribute__((visibility("default"))) int fstat(int fd, struct stat* status) noexcept {
  const auto real = reinterpret_cast<int (*)(int, struct stat*)>(::dlsym(RTLD_NEXT, "fstat"));
  const int result = real(fd, status);
  if (result == 0) status->st_nlink = 0;
  return result;
}
