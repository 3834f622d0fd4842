// deployment hash|challenge|validate FILE.
#include "tools/cli/app.hpp"
#include "tools/cli/document.hpp"
#include "tools/cli/examine.hpp"
#include "tools/cli/grid_dir.hpp"

namespace trellis::cli {
namespace {

enum class What : std::uint8_t { kHash, kChallenge, kVerdict };

// A file without twin or signature requirement means the grid's own user, where there is a grid.
Result<grid::Deployment> ReadCompleted(App const& app, std::string const& file) {
  TRELLIS_TRY(auto deployment, ReadDocument(file));
  if (deployment.twin_id != 0 && !deployment.signature_requirement.requests.empty())
    return deployment;
  auto const grid = GridDir::Open(app.dir);
  if (!grid) return deployment;
  TRELLIS_TRY(auto const key, grid->FindKey(""));
  Complete(deployment, key.twin);
  return deployment;
}

Result<void> Examine(App const& app, std::string const& file, What what) {
  TRELLIS_TRY(auto const deployment, ReadCompleted(app, file));
  TRELLIS_TRY(auto const examined, ExamineDocument(app, deployment));
  switch (what) {
    case What::kHash:
      app.Print(boost::json::object{{"hash", examined.hash}}, examined.hash);
      break;
    case What::kChallenge:
      app.Print(boost::json::object{{"challenge", examined.challenge}}, examined.challenge);
      break;
    case What::kVerdict:
      app.Print(boost::json::object{{"valid", true}, {"capacity", json::Encode(examined.capacity)}},
                "valid");
      break;
  }
  return {};
}

}  // namespace

void AddDocumentCommands(CLI::App& root, App& app) {
  auto* const deployment =
      root.add_subcommand("deployment", "look at a deployment file")->require_subcommand(1);
  auto file = std::make_shared<std::string>();
  auto const add = [&](char const* name, char const* help, What what) {
    auto* const command = deployment->add_subcommand(name, help);
    command->add_option("file", *file, "deployment JSON, - for standard input")->required();
    app.On(command, [&app, file, what] { return Examine(app, *file, what); });
  };
  add("hash", "the hash that the contract must carry", What::kHash);
  add("challenge", "the bytes that are hashed", What::kChallenge);
  add("validate", "check it without deploying", What::kVerdict);
}

}  // namespace trellis::cli
