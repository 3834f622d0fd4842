// twin create|list|show|verify.
#include "kernel/crypto/e2e.hpp"
#include "tools/cli/app.hpp"
#include "tools/cli/control_client.hpp"
#include "tools/cli/grid_dir.hpp"

#include <fmt/format.h>

namespace trellis::cli {
namespace {

ledger::Caller Admin() {
  ledger::Caller caller;
  caller.admin = true;
  return caller;
}

/// The relay that clients of this grid use: the daemon's, when it runs.
std::optional<std::string> RelayDomain(GridDir const& grid) {
  auto client = ControlClient::Connect(grid.control_socket());
  if (!client) return std::nullopt;
  auto const status = client->Call("local.status", nullptr);
  if (!status) return std::nullopt;
  std::string url(status->at("relay").at("url").as_string());
  return url.starts_with("ws://") ? url.substr(5) : url;
}

Result<void> Create(App const& app, std::string const& name, std::string const& type,
                    std::string const& mnemonic) {
  TRELLIS_TRY(auto const grid, GridDir::Open(app.dir));
  TRELLIS_TRY(auto key, NewKey(name, type));
  if (!mnemonic.empty()) key.mnemonic = mnemonic;
  TRELLIS_TRY(auto const loaded, LoadKey(key));
  if (grid.FindKey(name)) return Fail(Code::kExists, "there is already a key '{}'", name);
  TRELLIS_TRY(auto const ledger, grid.OpenLedger({loaded.signer}));
  TRELLIS_TRY(auto const pk, crypto::PublicKeyOf(loaded.seed.view()));
  ledger::CreateTwin create;
  create.account.bytes = loaded.signer.public_key();
  create.relay = RelayDomain(grid);
  create.pk.emplace();
  create.pk->bytes = pk;
  TRELLIS_TRY(auto const id, ledger->Submit(Admin(), create));
  key.twin = ledger::ToId(id);
  TRELLIS_CHECK(grid.WriteKey(key));
  app.Print(
      boost::json::object{{"twin", key.twin},
                          {"name", key.name},
                          {"type", key.type},
                          {"account", json::Encode(create.account)},
                          {"mnemonic", *key.mnemonic}},
      fmt::format("twin {} '{}' ({})\n  address  {}\n  mnemonic {}\n  key file {}/keys/{}.json",
                  key.twin, key.name, key.type, crypto::Ss58Address(loaded.signer.public_key()),
                  *key.mnemonic, grid.path().string(), key.name));
  return {};
}

Result<void> List(App const& app) {
  TRELLIS_TRY(auto const grid, GridDir::Open(app.dir));
  TRELLIS_TRY(auto const ledger, grid.OpenLedger());
  TRELLIS_TRY(auto* const hosted, ledger.Hosted());
  auto const keys = grid.ListKeys();
  boost::json::array list;
  std::string text = fmt::format("{:<6} {:<14} {:<24} {}\n", "twin", "key", "relay", "account");
  std::uint32_t after = 0;
  while (true) {
    TRELLIS_TRY(auto const ids, hosted->ListTwins(after, 256));
    if (ids.empty()) break;
    for (auto const id : ids) {
      TRELLIS_TRY(auto const twin, ledger->GetTwin(id));
      std::string name;
      for (auto const& key : keys) {
        if (key.twin == id) name = key.name;
      }
      list.push_back({{"id", id},
                      {"name", name},
                      {"account", json::Encode(twin.account)},
                      {"relay", twin.relay.value_or("")},
                      {"verified", twin.verified}});
      text += fmt::format("{:<6} {:<14} {:<24} {}\n", id, name, twin.relay.value_or("-"),
                          twin.account.ToString());
    }
    after = ids.back();
  }
  app.Print(list, text);
  return {};
}

Result<std::uint32_t> TwinId(GridDir const& grid, std::string const& name) {
  if (auto const key = grid.FindKey(name); key) return key->twin;
  std::uint32_t id = 0;
  auto const [end, failed] = std::from_chars(name.data(), name.data() + name.size(), id);
  if (failed != std::errc{} || end != name.data() + name.size())
    return Fail(Code::kNotFound, "there is no twin '{}': see 'trellis twin list'", name);
  return id;
}

Result<void> Show(App const& app, std::string const& name) {
  TRELLIS_TRY(auto const grid, GridDir::Open(app.dir));
  TRELLIS_TRY(auto const id, TwinId(grid, name));
  TRELLIS_TRY(auto const ledger, grid.OpenLedger());
  auto const twin = ledger->GetTwin(id);
  if (!twin) return Fail(twin.error().code, "twin {}: {}", id, twin.error().message);
  app.Print(json::Encode(*twin),
            fmt::format("twin {}\n  address  {}\n  account  {}\n  relay    {}\n  verified {}",
                        twin->id, crypto::Ss58Address(twin->account.bytes),
                        twin->account.ToString(), twin->relay.value_or("-"), twin->verified));
  return {};
}

Result<void> Verify(App const& app, std::string const& name, bool verified) {
  TRELLIS_TRY(auto const grid, GridDir::Open(app.dir));
  TRELLIS_TRY(auto const id, TwinId(grid, name));
  TRELLIS_TRY(auto const ledger, grid.OpenLedger());
  ledger::SetVerified call;
  call.twin = id;
  call.verified = verified;
  TRELLIS_CHECK(ledger->Submit(Admin(), call));
  app.Print(boost::json::object{{"twin", id}, {"verified", verified}},
            fmt::format("twin {} is {}verified", id, verified ? "" : "not "));
  return {};
}

}  // namespace

void AddTwinCommands(CLI::App& root, App& app) {
  auto* const twin = root.add_subcommand("twin", "identities of the grid")->require_subcommand(1);
  struct Options {
    std::string name;
    std::string type = "sr25519";
    std::string mnemonic;
    bool off = false;
  };
  auto options = std::make_shared<Options>();
  auto* const create = twin->add_subcommand("create", "make a twin with a new key");
  create->add_option("name", options->name, "name of the key")->required();
  create->add_option("--type", options->type, "sr25519 or ed25519");
  create->add_option("--mnemonic", options->mnemonic,
                     "use these words instead of new ones, maybe with a path: …//Alice");
  app.On(create,
         [&app, options] { return Create(app, options->name, options->type, options->mnemonic); });
  app.On(twin->add_subcommand("list", "all twins"), [&app] { return List(app); });
  auto* const show = twin->add_subcommand("show", "one twin");
  show->add_option("twin", options->name, "key name or twin id")->required();
  app.On(show, [&app, options] { return Show(app, options->name); });
  auto* const verify = twin->add_subcommand("verify", "mark a twin as verified");
  verify->add_option("twin", options->name, "key name or twin id")->required();
  verify->add_flag("--off", options->off, "mark it as not verified");
  app.On(verify, [&app, options] { return Verify(app, options->name, !options->off); });
}

}  // namespace trellis::cli
