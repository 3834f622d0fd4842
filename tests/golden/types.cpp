#include "tests/golden/types.hpp"

#include "kernel/plugin/pure_plugins.hpp"
#include "tests/support/temp_dir.hpp"

#include <filesystem>
#include <stdexcept>

namespace trellis::golden {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTestPlugin = "reference-types";

// The node's plugins and the test plugin, side by side.
class LoadedTypes {
 public:
  LoadedTypes() {
    fs::path const build = TRELLIS_BUILD_DIR;
    for (auto const& entry : fs::directory_iterator(build / "plugins")) {
      if (entry.path().extension() == ".so")
        fs::copy_file(entry.path(), folder_ / entry.path().filename().string());
    }
    auto const test_plugin = fmt::format("{}.trellis.so", kTestPlugin);
    fs::copy_file(build / "test-plugins" / test_plugin, folder_ / test_plugin);
    auto opened = plugin::PurePlugins::Open(folder_.path());
    if (!opened) throw std::runtime_error(opened.error().message);
    pure_ = *std::move(opened);
    for (auto const& status : plugins().Status())
      EXPECT_EQ(status.state, "created") << status.name << ": " << status.reason;
  }
  [[nodiscard]] plugin::Manager& plugins() const { return pure_->plugins(); }

 private:
  testing::TempDir folder_;
  std::unique_ptr<plugin::PurePlugins> pure_;
};

bool IsOfTestPlugin(std::string_view type) {
  auto const info = AllTypes().Type(type);
  return info && info->plugin == kTestPlugin;
}

}  // namespace

plugin::Manager& AllTypes() {
  static LoadedTypes const kLoaded;
  return kLoaded.plugins();
}

RowTypes::RowTypes(Row const& row) {
  auto const& extra = Member(row, "extra_types");
  if (!extra.is_array()) return;
  for (auto const& name : extra.get_array()) {
    auto const type = extra_.emplace(name.as_string()).first;
    EXPECT_TRUE(AllTypes().Known(*type)) << "no plugin has the type '" << *type << "'";
  }
}

bool RowTypes::Known(std::string_view type) const {
  return AllTypes().Known(type) && (extra_.contains(type) || !IsOfTestPlugin(type));
}
bool RowTypes::Sharable(std::string_view type) const {
  return Known(type) && AllTypes().Sharable(type);
}
bool RowTypes::Updatable(std::string_view type) const {
  return Known(type) && AllTypes().Updatable(type);
}
Result<grid::Examined> RowTypes::Examine(grid::Deployment const& deployment,
                                         grid::Workload const& workload, bool check_valid) {
  return AllTypes().Examine(deployment, workload, check_valid);
}

std::string ReasonOf(Error const& error) {
  return grid::SplitReason(error.message).reason;
}

std::string Expected(Row const& row, std::string_view flag, std::string_view reason) {
  return Flag(row, flag) ? "ok" : Text(row, reason);
}

Capacity CapacityOf(Row const& row) {
  auto const& capacity = row.at("capacity");
  return {.cru = Number(capacity, "cru"),
          .sru = Number(capacity, "sru"),
          .hru = Number(capacity, "hru"),
          .mru = Number(capacity, "mru"),
          .ipv4u = Number(capacity, "ipv4u")};
}

}  // namespace trellis::golden
