#include "tools/cli/programs.hpp"

#include "kernel/sys/errors.hpp"

#include <unistd.h>

namespace trellis::cli {

std::filesystem::path ProgramBeside(std::string_view name) {
  std::error_code unknown;
  return std::filesystem::read_symlink("/proc/self/exe", unknown).parent_path() / name;
}

Result<void> Become(std::string_view name, std::vector<std::string> words) {
  auto file = ProgramBeside(name).string();
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 2);
  arguments.push_back(file.data());
  for (auto& word : words)
    arguments.push_back(word.data());
  arguments.push_back(nullptr);
  (void)::execv(file.c_str(), arguments.data());
  return sys::Fail("exec", file);
}

}  // namespace trellis::cli
