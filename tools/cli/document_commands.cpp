// deployment hash|challenge|validate FILE.
#include "tools/cli/app.hpp"
#include "tools/cli/control_client.hpp"
#include "tools/cli/document.hpp"
#include "tools/cli/grid_dir.hpp"

namespace trellis::cli {
namespace {

Result<void> Examine(App const& app, std::string const& file, std::string_view field) {
  TRELLIS_TRY(auto deployment, ReadDocument(file));
  TRELLIS_TRY(auto const grid, GridDir::Open(app.dir));
  if (deployment.twin_id == 0 || deployment.signature_requirement.requests.empty()) {
    TRELLIS_TRY(auto const key, grid.FindKey(""));
    Complete(deployment, key.twin);
  }
  TRELLIS_TRY(auto control, ControlClient::Connect(grid.control_socket()));
  TRELLIS_TRY(
      auto const examined,
      control.Call("local.examine", json::Value(boost::json::string(grid::ToJson(deployment)))));
  if (field.empty()) {
    app.Print(boost::json::object{{"valid", true}, {"capacity", examined.at("capacity")}}, "valid");
    return {};
  }
  auto const& value = examined.at(field);
  app.Print(boost::json::object{{field, value}}, std::string_view(value.as_string()));
  return {};
}

}  // namespace

void AddDocumentCommands(CLI::App& root, App& app) {
  auto* const deployment =
      root.add_subcommand("deployment", "look at a deployment file")->require_subcommand(1);
  auto file = std::make_shared<std::string>();
  auto const add = [&](char const* name, char const* help, std::string field) {
    auto* const command = deployment->add_subcommand(name, help);
    command->add_option("file", *file, "deployment JSON, - for standard input")->required();
    app.On(command, [&app, file, field = std::move(field)] { return Examine(app, *file, field); });
  };
  add("hash", "the hash that the contract must carry", "hash");
  add("challenge", "the bytes that are hashed", "challenge");
  add("validate", "check it without deploying", "");
}

}  // namespace trellis::cli
