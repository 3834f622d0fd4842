// A process that links what the daemon and its plugins link and does nothing: how long it takes and
// how much memory it holds before the first line of ours. Prints its resident KiB.
#include <fmt/format.h>
#include <unistd.h>

#include <fstream>

int main() {
  std::ifstream statm("/proc/self/statm");
  long all = 0;
  long resident = 0;
  statm >> all >> resident;
  fmt::print("{}\n", resident * (::sysconf(_SC_PAGESIZE) / 1024));
  return 0;
}
