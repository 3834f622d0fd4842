#include "plugins/common/posix/programs.hpp"

#include <filesystem>

namespace trellis::plugins {

std::string OwnProgram(std::string const& name) {
  namespace fs = std::filesystem;
  std::error_code error;
  auto const bin = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (auto const& path : {bin / name, bin / "../bin" / name, bin / "../libexec/trellis" / name}) {
    if (fs::exists(path, error)) return path.lexically_normal().string();
  }
  return "/usr/libexec/trellis/" + name;
}

}  // namespace trellis::plugins
