#include "kernel/plugin/pure_plugins.hpp"

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

/// No store, no ledger, no engine.
class PurePlugins::NoKernel final : public KernelServices {
 public:
  Result<std::string> DeploymentInfo(std::uint32_t, std::uint64_t) override { return Away(); }
  Result<std::string> Workload(std::uint32_t, std::uint64_t, std::string_view) override {
    return Away();
  }
  Result<std::string> WorkloadsByType(std::uint32_t, std::uint64_t,
                                      std::span<std::string_view const>) override {
    return Away();
  }
  Result<std::string> Shared(std::uint32_t, std::string_view, std::string_view) override {
    return Away();
  }
  Result<std::string> Current(std::string_view) override { return Away(); }
  Result<std::vector<std::pair<std::string, std::string>>> Known() override { return Away(); }
  Result<std::string> Contract(std::uint64_t) override { return Away(); }
  Result<std::string> Twin(std::uint32_t) override { return Away(); }
  Result<std::string> NameOwner(std::string_view) override { return Away(); }
  bool NodeRented(std::uint32_t) override { return false; }
  Result<void> ReportFailed(std::string_view, std::string_view) override { return Away(); }
  Result<void> ReportObserved(std::string_view, std::int32_t, std::string_view) override {
    return Away();
  }
  Result<std::string> KvGet(std::string_view, std::string_view) override { return Away(); }
  Result<void> KvPut(std::string_view, std::string_view, std::string_view) override {
    return Away();
  }
  Result<void> KvRemove(std::string_view, std::string_view) override { return Away(); }
  Result<std::vector<std::string>> KvList(std::string_view, std::string_view) override {
    return Away();
  }

 private:
  static tl::unexpected<Error> Away() { return Fail(Code::kUnavailable, "this is no node"); }
};

PurePlugins::PurePlugins() : kernel_(std::make_unique<NoKernel>()) {}

PurePlugins::~PurePlugins() {
  manager_.reset();
  std::error_code ignored;
  if (!scratch_.empty()) std::filesystem::remove_all(scratch_, ignored);
}

Result<std::unique_ptr<PurePlugins>> PurePlugins::Open(std::filesystem::path const& plugins_dir) {
  std::unique_ptr<PurePlugins> pure(new PurePlugins());
  TRELLIS_TRY(pure->scratch_, MakeScratch());
  ManagerOptions options;
  options.plugins_dir = plugins_dir;
  options.state_dir = pure->scratch_ / "state";
  options.run_dir = pure->scratch_ / "run";
  options.start = false;
  TRELLIS_TRY(pure->manager_, Manager::Open(std::move(options), *pure->kernel_));
  return pure;
}

}  // namespace trellis::plugin
