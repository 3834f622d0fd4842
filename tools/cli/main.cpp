// trellis: the command line of a grid and its node.
#include "tools/cli/app.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <csignal>
#include <cstdlib>
#include <string>

namespace {

/// What stands where a command should, and what it should be a command of.
void TellUnknown(CLI::App& root, std::string const& word) {
  std::string path;
  auto* command = &root;
  for (auto parsed = root.get_subcommands(); !parsed.empty(); parsed = command->get_subcommands()) {
    command = parsed.front();
    path += " " + command->get_name();
  }
  fmt::print(stderr, "trellis: there is no command '{}': 'trellis{} --help' lists them\n",
             path.empty() ? word : fmt::format("{} {}", path.substr(1), word), path);
}

/// What to exit with; 0: go on.
int Parse(CLI::App& root, int argc, char** argv) {
  try {
    root.parse(argc, argv);
    return 0;
  } catch (CLI::RequiredError const& error) {
    auto const words = root.remaining(/*recurse=*/true);
    if (words.empty() || words.front().starts_with('-')) return root.exit(error);
    TellUnknown(root, words.front());
    return 2;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (sodium_init() < 0) return 1;
  (void)std::signal(SIGPIPE, SIG_IGN);
  trellis::cli::App app;
  CLI::App root("trellis: deploy on a grid and look after its node");
  root.require_subcommand(1);
  root.fallthrough();
  char const* const environment =
      std::getenv("TRELLIS_DIR");  // NOLINT(concurrency-mt-unsafe): one thread yet
  app.dir = environment != nullptr ? environment : "/var/lib/trellis-grid";
  root.add_option("--dir", app.dir,
                  "folder of the grid (default: $TRELLIS_DIR, else /var/lib/trellis-grid)");
  root.add_flag("--json", app.json, "print one JSON value");
  trellis::cli::AddGridCommands(root, app);
  trellis::cli::AddTwinCommands(root, app);
  trellis::cli::AddContractCommands(root, app);
  trellis::cli::AddDeployCommands(root, app);
  trellis::cli::AddDocumentCommands(root, app);
  trellis::cli::AddMachineCommands(root, app);
  trellis::cli::AddNetworkCommands(root, app);
  trellis::cli::AddGatewayCommands(root, app);
  trellis::cli::AddFlistCommands(root, app);
  trellis::cli::AddConfigCommands(root, app);
  trellis::cli::AddPluginCommands(root, app);
  trellis::cli::AddRelayCommand(root, app);
  trellis::cli::AddCompletion(root, app);
  try {
    if (int const wrong = Parse(root, argc, argv); wrong != 0) return wrong;
  } catch (CLI::ParseError const& error) {
    return root.exit(error);  // 0 for --help
  }
  if (!app.chosen) return 2;
  auto const done = app.chosen();
  return done ? 0 : trellis::cli::Explain(app, done.error());
}
