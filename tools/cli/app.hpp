// What every command shares: where the grid is, how to print, how to end.
#pragma once

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <CLI/CLI.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace trellis::cli {

/// Options of all commands, and the one that was chosen.
struct App {
  std::string dir;  ///< the grid's folder
  bool json = false;
  std::function<Result<void>()> chosen;

  /// Makes `function` the action of a subcommand.
  void On(CLI::App* command, std::function<Result<void>()> function);
  /// JSON with --json, else the text.
  void Print(json::Value const& value, std::string_view text) const;
  /// A line of progress on standard error, unless --json.
  void Progress(std::string_view text) const;
};

/// Prints the error (as JSON with --json) and returns the exit code.
int Explain(App const& app, Error const& error);

// One function per group of commands; each adds its subcommands.
void AddGridCommands(CLI::App& root, App& app);
void AddTwinCommands(CLI::App& root, App& app);
void AddContractCommands(CLI::App& root, App& app);
void AddDeployCommands(CLI::App& root, App& app);
void AddDocumentCommands(CLI::App& root, App& app);
void AddMachineCommands(CLI::App& root, App& app);
void AddNetworkCommands(CLI::App& root, App& app);
void AddGatewayCommands(CLI::App& root, App& app);
void AddFlistCommands(CLI::App& root, App& app);
void AddConfigCommands(CLI::App& root, App& app);
void AddPluginCommands(CLI::App& root, App& app);
void AddRelayCommand(CLI::App& root, App& app);
void AddCompletion(CLI::App& root, App& app);

// Below `trellis plugin`.
void AddPluginNew(CLI::App& plugin, App& app);

}  // namespace trellis::cli
