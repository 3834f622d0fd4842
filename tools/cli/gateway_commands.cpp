// gateway list, gateway authority: what the node's proxy routes, and whom its clients may trust.
#include "tools/cli/app.hpp"
#include "tools/cli/control_client.hpp"
#include "tools/cli/grid_dir.hpp"

#include <trellis/services/route_line.hpp>

#include <fmt/format.h>

namespace trellis::cli {
namespace {

Result<json::Value> Ask(App const& app, std::string_view command) {
  TRELLIS_TRY(auto const grid, GridDir::Open(app.dir));
  TRELLIS_TRY(auto control, ControlClient::Connect(grid.control_socket()));
  return control.Call(command, nullptr);
}

Result<void> List(App const& app) {
  TRELLIS_TRY(auto const answer, Ask(app, "zos.x.gateway.list"));
  std::vector<services::RouteLine> lines;
  TRELLIS_CHECK(json::Decode(answer, lines));
  auto text = fmt::format("{:<22} {:<32} {:<12} {:>9} {:>12} {:>12}  {}\n", "owner", "domain",
                          "certificate", "requests", "bytes in", "bytes out", "backends");
  for (auto const& line : lines)
    text += fmt::format("{:<22} {:<32} {:<12} {:>9} {:>12} {:>12}  {}{}{}{}{}\n", line.owner,
                        line.fqdn, line.certificate, std::max(line.requests, line.connections),
                        line.bytes_in, line.bytes_out, fmt::join(line.backends, " "),
                        line.network.empty() ? "" : " in network " + line.network,
                        line.paused ? " (paused)" : "",
                        line.certificate_error.empty() ? "" : "\n  ", line.certificate_error);
  app.Print(answer, text);
  return {};
}

Result<void> Authority(App const& app) {
  TRELLIS_TRY(auto const answer, Ask(app, "zos.x.gateway.authority"));
  std::string pem;
  TRELLIS_CHECK(json::Decode(answer, pem));
  app.Print(answer, pem);
  return {};
}

}  // namespace

void AddGatewayCommands(CLI::App& root, App& app) {
  auto* const gateway =
      root.add_subcommand("gateway", "public domains on this node")->require_subcommand(1);
  app.On(gateway->add_subcommand("list", "what is routed where, and how much"),
         [&app] { return List(app); });
  app.On(gateway->add_subcommand("authority",
                                 "the certificate of the authority that signs the node's own"),
         [&app] { return Authority(app); });
}

}  // namespace trellis::cli
