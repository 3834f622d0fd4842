#include "kernel/plugin/pure_plugins.hpp"

#include "kernel/plugin/no_kernel.hpp"

#include <cstdlib>
#include <string>
#include <system_error>

namespace trellis::plugin {

namespace {

Result<std::filesystem::path> MakeScratch() {
  std::error_code failed;
  auto pattern = (std::filesystem::temp_directory_path(failed) / "trellis-pure-XXXXXX").string();
  if (failed || ::mkdtemp(pattern.data()) == nullptr)
    return Fail(Code::kIo, "cannot make a folder like '{}'", pattern);
  return std::filesystem::path(pattern);
}

}  // namespace

PurePlugins::PurePlugins() : kernel_(std::make_unique<NoKernel>("this is no node")) {}

PurePlugins::~PurePlugins() {
  manager_.reset();
  TrustCopies(scratch_ / "state/plugins/.store").RemoveOthers();  // read-only folders
  std::error_code ignored;
  if (!scratch_.empty()) std::filesystem::remove_all(scratch_, ignored);
}

Result<std::unique_ptr<PurePlugins>> PurePlugins::Open(std::filesystem::path const& plugins_dir,
                                                       std::optional<PluginTrust> trust) {
  std::unique_ptr<PurePlugins> pure(new PurePlugins());
  TRELLIS_TRY(pure->scratch_, MakeScratch());
  ManagerOptions options;
  options.plugins_dir = plugins_dir;
  options.state_dir = pure->scratch_ / "state";
  options.run_dir = pure->scratch_ / "run";
  options.start = false;
  options.trust = std::move(trust);
  TRELLIS_TRY(pure->manager_, Manager::Open(std::move(options), *pure->kernel_));
  return pure;
}

}  // namespace trellis::plugin
