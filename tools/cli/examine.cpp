#include "tools/cli/examine.hpp"

#include "kernel/grid/validate.hpp"
#include "kernel/plugin/pure_plugins.hpp"
#include "tools/cli/control_client.hpp"
#include "tools/cli/grid_dir.hpp"

#include <filesystem>
#include <optional>

namespace trellis::cli {
namespace {

namespace fs = std::filesystem;

fs::path InstalledPlugins() {
  std::error_code unknown;
  return fs::read_symlink("/proc/self/exe", unknown).parent_path().parent_path() / "plugins";
}

Result<Examination> AskNode(ControlClient& control, grid::Deployment const& deployment) {
  TRELLIS_TRY(
      auto const answer,
      control.Call("local.examine", json::Value(boost::json::string(grid::ToJson(deployment)))));
  Examination examined;
  TRELLIS_CHECK(json::Decode(answer, examined));
  return examined;
}

Result<Examination> AskPlugins(fs::path const& folder, std::optional<plugin::PluginTrust> trust,
                               grid::Deployment const& deployment) {
  TRELLIS_TRY(auto const pure, plugin::PurePlugins::Open(folder, std::move(trust)));
  TRELLIS_TRY(auto const validated, grid::Validate(deployment, pure->plugins()));
  Examination examined;
  examined.challenge = grid::Challenge(deployment, validated.examined);
  examined.hash = validated.hash_text();
  for (auto const& workload : validated.examined)
    examined.capacity += workload.capacity;
  return examined;
}

}  // namespace

Result<Examination> ExamineDocument(App const& app, grid::Deployment const& deployment) {
  auto folder = InstalledPlugins();  // as good as this program
  std::optional<plugin::PluginTrust> trust;
  if (auto const grid = GridDir::Open(app.dir); grid) {
    if (auto control = ControlClient::Connect(grid->control_socket()); control)
      return AskNode(*control, deployment);
    auto const& settings = grid->settings();
    if (!settings.plugins_dir.empty()) {
      folder = settings.plugins_dir;
      trust = plugin::PluginTrust{settings.trust_dir, settings.dev_mode};
    }
  }
  return AskPlugins(folder, std::move(trust), deployment);
}

}  // namespace trellis::cli
