// config check: the daemon itself says whether it would start with a configuration.
#include "kernel/base/strings.hpp"
#include "kernel/sys/process.hpp"
#include "tools/cli/app.hpp"
#include "tools/cli/programs.hpp"

#include <chrono>

namespace trellis::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kCheckTime(30);
constexpr std::string_view kSaidBy = "trellisd: ";  // before what the daemon has to say

Result<void> Check(App const& app, std::string const& file) {
  auto const daemon = ProgramBeside("trellisd");
  auto const path = file.empty() ? (fs::path(app.dir) / "trellis.toml").string() : file;
  auto const said = sys::RunTool({daemon.string(), "--config", path, "--check"}, kCheckTime);
  if (!said) {
    auto const& text = said.error().message;
    auto const at = text.rfind(kSaidBy);
    return Fail(Code::kInvalid, "{}",
                at == std::string::npos
                    ? std::string_view(text)
                    : strings::Trim(std::string_view(text).substr(at + kSaidBy.size())));
  }
  app.Print(boost::json::object{{"file", path}, {"good", true}}, path + ": good");
  return {};
}

}  // namespace

void AddConfigCommands(CLI::App& root, App& app) {
  auto* const config =
      root.add_subcommand("config", "the daemon's configuration")->require_subcommand(1);
  auto file = std::make_shared<std::string>();
  auto* const check = config->add_subcommand("check", "say what is wrong with it, and where");
  check->add_option("file", *file, "configuration file (default: the grid's)");
  app.On(check, [&app, file] { return Check(app, *file); });
}

}  // namespace trellis::cli
