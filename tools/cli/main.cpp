// trellis: the command line of a grid and its node.
#include "tools/cli/app.hpp"

#include <sodium.h>

#include <csignal>
#include <cstdlib>

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
  CLI11_PARSE(root, argc, argv);
  if (!app.chosen) return 2;
  auto const done = app.chosen();
  return done ? 0 : trellis::cli::Explain(app, done.error());
}
