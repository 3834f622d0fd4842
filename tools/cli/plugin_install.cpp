// plugin install.
#include "kernel/plugin/library.hpp"
#include "kernel/plugin/trust.hpp"
#include "kernel/sys/files.hpp"
#include "tools/cli/copies_folder.hpp"
#include "tools/cli/grid_dir.hpp"
#include "tools/cli/plugin_node.hpp"

#include <fmt/format.h>

namespace trellis::cli {
namespace {

namespace fs = std::filesystem;

fs::path Beside(fs::path const& file, std::string_view suffix) {
  return file.parent_path() / (plugin::NameOfFile(file) + std::string(suffix));
}

/// Each file is replaced at once, the library last: a node that starts meanwhile refuses the half.
Result<void> Copy(fs::path const& file, fs::path const& folder) {
  std::error_code missing;
  auto const signature = Beside(file, plugin::kSignatureSuffix);
  auto const old_signature = folder / signature.filename();
  for (auto const& part : {Beside(file, plugin::kManifestSuffix), signature, file}) {
    if (part == signature && !fs::exists(part, missing)) {
      fs::remove(old_signature, missing);  // it would be one of another manifest
      continue;
    }
    TRELLIS_TRY(auto const bytes, sys::ReadFile(part));
    TRELLIS_CHECK(sys::WriteFileAtomic(folder / part.filename(), bytes));
  }
  return {};
}

/// The checks of the files, but for who owns them here: the copies will be root's.
Result<plugin::TrustedPlugin> Check(GridDir const& grid, fs::path const& file, bool dev) {
  TRELLIS_TRY(auto const scratch, CopiesFolder::Make());
  plugin::TrustOptions options{file.parent_path(), grid.settings().trust_dir, scratch.path(), dev};
  options.check_owners = false;
  return plugin::Trust(std::move(options)).Verify(file);
}

}  // namespace

Result<void> InstallPlugin(App const& app, InstallOptions const& options) {
  TRELLIS_TRY(auto const grid, GridDir::Open(app.dir));
  auto const& settings = grid.settings();
  if (settings.plugins_dir.empty())
    return Fail(Code::kInvalid, "the configuration of '{}' names no plugin folder: set plugins.dir",
                grid.path().string());
  if (options.dev && !settings.dev_mode)
    return Fail(Code::kDenied,
                "--dev is only for nodes in dev mode: '{}' has no 'dev_mode = true' in [plugins]",
                (grid.path() / "trellis.toml").string());
  auto const file = fs::absolute(options.file).lexically_normal();
  TRELLIS_TRY(auto const trusted, Check(grid, file, options.dev));
  for (auto const& warning : trusted.warnings)
    app.Progress("DEV: " + warning);
  TRELLIS_CHECK(Copy(file, settings.plugins_dir));
  auto const& name = trusted.manifest.name;
  boost::json::object const made{{"name", name},
                                 {"version", trusted.manifest.version},
                                 {"key", trusted.key_id},
                                 {"dev", trusted.key_id.empty()},
                                 {"file", (settings.plugins_dir / file.filename()).string()}};
  app.Print(made, fmt::format("installed {} {} in {}; 'trellis plugin reload {}' runs it now, the "
                              "node's next start{} does "
                              "too",
                              name, trusted.manifest.version, settings.plugins_dir.string(), name,
                              trusted.key_id.empty() ? " with --dev" : ""));
  return {};
}

}  // namespace trellis::cli
