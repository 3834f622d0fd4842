#include "plugins/zmachine/guest/kernel_modules.hpp"

#include "plugins/zmachine/guest/decompress.hpp"
#include "plugins/zmachine/guest/file_io.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <system_error>
#include <utility>

namespace trellis::plugins::zmachine {
namespace {

constexpr std::size_t kMaxModule = 64UL * 1024UL * 1024UL;

std::string KernelName(std::string_view name) {
  std::string out(name);
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
}

/// Walks the dependency graph depth first.
class Collector {
 public:
  Result<void> Index(std::filesystem::path const& tree) {
    std::error_code error;
    std::filesystem::recursive_directory_iterator files(tree, error);
    if (error) return Fail(Code::kIo, "cannot list '{}': {}", tree.string(), error.message());
    for (auto const& file : files) {
      auto const name = file.path().filename().string();
      auto const end = name.find(".ko");
      if (end != std::string::npos) paths_[KernelName(name.substr(0, end))] = file.path();
    }
    return {};
  }

  Result<void> Add(std::string const& name) {
    if (!seen_.insert(name).second) return {};
    auto const path = paths_.find(name);
    if (path == paths_.end()) return Fail(Code::kNotFound, "no kernel module '{}'", name);
    TRELLIS_TRY(auto content, ReadWholeFile(path->second));
    if (path->second.extension() != ".ko") {
      TRELLIS_TRY(content, Decompress(content, kMaxModule));
    }
    std::string_view const text(reinterpret_cast<char const*>(content.data()), content.size());
    for (auto const& dependency : ModuleDependencies(text))
      TRELLIS_CHECK(Add(dependency));
    modules_.push_back({name, std::move(content)});
    return {};
  }

  std::vector<KernelModule> Take() && { return std::move(modules_); }

 private:
  std::map<std::string, std::filesystem::path> paths_;
  std::set<std::string> seen_;
  std::vector<KernelModule> modules_;
};

}  // namespace

std::vector<std::string> ModuleDependencies(std::string_view module) {
  constexpr std::string_view kKey("\0depends=", 9);  // entries of .modinfo end with a NUL
  std::vector<std::string> names;
  auto const start = module.find(kKey);
  if (start == std::string_view::npos) return names;
  auto list = module.substr(start + kKey.size());
  list = list.substr(0, list.find('\0'));
  while (!list.empty()) {
    auto const end = std::min(list.find(','), list.size());
    names.push_back(KernelName(list.substr(0, end)));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return names;
}

Result<std::vector<KernelModule>> CollectModules(std::filesystem::path const& tree,
                                                 std::vector<std::string> const& wanted) {
  Collector collector;
  TRELLIS_CHECK(collector.Index(tree));
  for (auto const& name : wanted)
    TRELLIS_CHECK(collector.Add(KernelName(name)));
  return std::move(collector).Take();
}

}  // namespace trellis::plugins::zmachine
