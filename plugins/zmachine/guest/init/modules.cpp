#include "plugins/zmachine/guest/init/modules.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

namespace trellis::guest {

ModuleStore::ModuleStore() : folder_(::open("/mod", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}

void ModuleStore::Load(std::string const& list) const {
  Fd const file(::openat(folder_.get(), list.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 4096> buffer{};
  auto const size = file.valid() ? ::read(file.get(), buffer.data(), buffer.size()) : 0;
  std::string_view names(buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  while (!names.empty()) {
    auto const end = names.find('\n');
    std::string const name(names.substr(0, end));
    names.remove_prefix(end == std::string_view::npos ? names.size() : end + 1);
    Fd const module(::openat(folder_.get(), name.c_str(), O_RDONLY | O_CLOEXEC));
    bool const loaded = module.valid() && ::syscall(SYS_finit_module, module.get(), "", 0) == 0;
    if (!loaded && errno != EEXIST) Log("module " + name + ": " + ErrnoText());
  }
}

void ModuleStore::Discard() const {
  DIR* const folder = ::fdopendir(::dup(folder_.get()));
  if (folder == nullptr) return;
  while (auto const* entry = ::readdir(folder)) {
    if (entry->d_name[0] != '.') ::unlinkat(folder_.get(), entry->d_name, 0);
  }
  ::closedir(folder);
}

}  // namespace trellis::guest
