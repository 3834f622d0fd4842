#include "tools/cli/grid_init.hpp"

#include "kernel/crypto/e2e.hpp"
#include "kernel/crypto/hash.hpp"
#include "kernel/ledger/embedded/embedded_ledger.hpp"
#include "kernel/sys/files.hpp"
#include "kernel/sys/ports.hpp"
#include "kernel/sys/sysinfo.hpp"
#include "tools/cli/grid_dir.hpp"

#include <trellis/net.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace trellis::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxRunDir = 60;  // sockets below it must stay under 108 bytes

/// A short run directory of its own when the grid's path is too long for sockets.
fs::path RunDirFor(fs::path const& dir) {
  auto inside = dir / "run";
  if (inside.string().size() <= kMaxRunDir) return inside;
  auto const hash = crypto::Blake2b256(crypto::AsBytes(dir.string()));
  return "/run/trellis-" + crypto::Hex(hash).substr(0, 12);
}

std::string Quoted(fs::path const& path) {
  return json::Dump(path.string());
}

/// What is not as with an embedded ledger; there: where its chain endpoint listens.
std::string LedgerText(InitOptions const& options) {
  if (!options.etcd.empty())
    return fmt::format(
        "[ledger]\nbackend = \"etcd\"\n\n[ledger.etcd]\nendpoints = {}\nprefix = {}\n",
        json::Dump(options.etcd), json::Dump(options.etcd_prefix));
  if (!options.chain.empty())
    return fmt::format("[ledger]\nbackend = \"tfchain\"\n\n[ledger.tfchain]\nurls = {}\n",
                       json::Dump(options.chain));
  return fmt::format("[ledger.facade]\nlisten = \"{}:{}\"\n", options.listen, options.chain_port);
}

/// Where clients find the ledger; "" for none.
std::string ChainUrl(InitOptions const& options) {
  if (!options.chain.empty()) return options.chain.front();
  return options.etcd.empty() ? fmt::format("ws://{}:{}", options.listen, options.chain_port) : "";
}

std::string ConfigText(fs::path const& dir, fs::path const& run_dir, InitOptions const& options,
                       std::uint32_t node, std::uint32_t farm) {
  std::error_code unknown;
  auto const binaries = fs::read_symlink("/proc/self/exe", unknown).parent_path().parent_path();
  return fmt::format(
      R"(# Made by 'trellis grid init'. config/trellis.toml in the source tree explains every key.
[node]
node_id = {}
farm_id = {}
state_dir = {}
run_dir = {}

[rmb]
seed_file = {}

[relay]
listen = "{}:{}"

[http]
listen = "{}:{}"

{}
[plugins]
dir = {}
hosting = "process"
trust_dir = {}

# Machines run without a libvirtd of the system: by a driver inside the plugin, which cannot be confined.
[plugin.zmachine]
hosting = "inline"

[plugin.flist.config]
file_roots = [{}, {}]

# URLs that start with a key are served from the folder.
[plugin.flist.config.flist_map]
"http://images.trellis.local/" = {}
)",
      node, farm, Quoted(dir / "state"), Quoted(run_dir), Quoted(dir / "keys" / "node.json"),
      options.listen, options.relay_port, options.listen, options.http_port, LedgerText(options),
      Quoted(binaries / "plugins"), Quoted(dir / "trust.d"), Quoted(dir / "images"),
      Quoted(binaries / "guest"), Quoted((binaries / "guest").string() + "/"));
}

/// The grid's trust store, with the keys of those who made this program and its plugins.
Result<void> MakeTrustStore(fs::path const& folder) {
  TRELLIS_CHECK(sys::EnsureDirectory(folder, sys::kPublicDirectory));
  std::error_code none;  // a build whose plugins are not signed has no keys
  auto const built = fs::read_symlink("/proc/self/exe", none).parent_path().parent_path();
  for (auto const& entry : fs::directory_iterator(built / "trust.d", none)) {
    if (entry.path().extension() != ".pub") continue;
    TRELLIS_TRY(auto const key, sys::ReadFile(entry.path()));
    TRELLIS_CHECK(sys::WriteFileAtomic(folder / entry.path().filename(), key));
  }
  return {};
}

/// Registers the key's twin on the ledger and notes its id in the key. With the relay: clients do
/// not send for a twin that has none.
Result<void> Register(ledger::Ledger& ledger, KeyFile& key, std::string const& relay) {
  TRELLIS_TRY(auto const loaded, LoadKey(key));
  TRELLIS_TRY(auto const pk, crypto::PublicKeyOf(loaded.seed.view()));
  ledger::CreateTwin create;
  create.account.bytes = loaded.signer.public_key();
  create.relay = relay;
  create.pk.emplace();
  create.pk->bytes = pk;
  ledger::Caller caller;
  caller.admin = true;
  TRELLIS_TRY(auto const id, ledger.Submit(caller, create));
  key.twin = ledger::ToId(id);
  return {};
}

/// Ports stay the same for ever: clients are told once.
Result<void> PickPorts(InitOptions& options) {
  for (auto* port : {&options.relay_port, &options.chain_port, &options.http_port}) {
    if (*port != 0) continue;
    do {  // differ from each other
      TRELLIS_TRY(*port, sys::PickPort());
    } while (std::ranges::count(
                 std::array{options.relay_port, options.chain_port, options.http_port}, *port) > 1);
  }
  return {};
}

struct Identities {
  KeyFile farmer;
  KeyFile node;
  KeyFile user;
};

struct Registered {
  std::uint32_t farm = 0;
  std::uint32_t node = 0;
};

Result<Identities> MakeKeys(InitOptions const& options) {
  Identities keys;
  TRELLIS_TRY(keys.farmer, NewKey("farmer", "sr25519"));
  TRELLIS_TRY(keys.user, NewKey("user", "sr25519"));
  TRELLIS_TRY(keys.node, NewKey("node", "ed25519"));
  if (!options.node_seed.empty()) {
    TRELLIS_TRY(auto const seed, crypto::FromHex0x(options.node_seed));
    if (seed.size() != 32)
      return Fail(Code::kInvalid, "--node-seed has {} bytes, expected 0x and 64 hex digits",
                  seed.size());
    keys.node.mnemonic.reset();
    keys.node.seed = "0x" + crypto::Hex(seed);
  }
  return keys;
}

Result<std::uint32_t> MakeFarm(ledger::Ledger& ledger, std::uint32_t farmer) {
  ledger::Caller admin;
  admin.admin = true;
  admin.twin = farmer;
  ledger::CreateFarm farm;
  farm.name = "farm";
  farm.twin = farmer;
  TRELLIS_TRY(auto const id, ledger.Submit(admin, farm));
  return ledger::ToId(id);
}

Result<std::uint32_t> RegisterNode(ledger::Ledger& ledger, KeyFile const& key, std::uint32_t farm) {
  ledger::RegisterNode node;
  node.spec.farm_id = farm;
  node.spec.resources.cru = sys::CpuCount();
  node.spec.resources.mru = sys::MemoryTotal();
  node.spec.virtualized = true;
  ledger::Caller self;
  self.twin = key.twin;
  TRELLIS_TRY(auto const id, ledger.Submit(self, node));
  return ledger::ToId(id);
}

Result<void> ImportTwins(ledger::EmbeddedLedger& ledger, std::string const& file) {
  TRELLIS_TRY(auto const text, sys::ReadFile(file));
  auto const data = json::Parse<ledger::ImportData>(text);
  if (!data) return Fail(Code::kDecode, "'{}': {}", file, data.error().message);
  TRELLIS_CHECK(ledger.Import(*data));
  return {};
}

Result<void> CheckOptions(InitOptions const& options) {
  if (auto const ip = IpAddress::Parse(options.listen); !ip || !ip->is_v4())
    return Fail(Code::kInvalid, "--listen '{}' is no IPv4 address", options.listen);
  bool const elsewhere = !options.etcd.empty() || !options.chain.empty();
  if (!options.etcd.empty() && !options.chain.empty())
    return Fail(Code::kInvalid, "--etcd and --chain are two ledgers: name one");
  if (elsewhere && !options.twins.empty())
    return Fail(Code::kInvalid, "--twins is for embedded ledgers");
  if (!options.chain.empty() && options.farm == 0)
    return Fail(Code::kInvalid, "--chain wants --farm: the farm that the node joins");
  return {};
}

/// On a chain the new twins sign for themselves.
Result<ledger::OpenedLedger> OpenLedger(InitOptions const& options, fs::path const& file,
                                        Identities const& keys) {
  ledger::LedgerSettings settings;
  settings.path = file;
  std::vector<crypto::Signer> signers;
  if (!options.etcd.empty()) {
    settings.backend = ledger::Backend::kEtcd;
    settings.etcd.endpoints = options.etcd;
    settings.etcd.prefix = options.etcd_prefix;
  } else if (!options.chain.empty()) {
    settings.backend = ledger::Backend::kTfchain;
    settings.tfchain_urls = options.chain;
    for (auto const* key : {&keys.node, &keys.user}) {
      TRELLIS_TRY(auto const loaded, LoadKey(*key));
      signers.push_back(loaded.signer);
    }
  }
  TRELLIS_TRY(auto opened, ledger::OpenLedger(settings, std::move(signers)));
  if (!options.twins.empty()) TRELLIS_CHECK(ImportTwins(*opened.embedded, options.twins));
  return opened;
}

/// Registers twins, writes their keys, makes or joins the farm.
Result<Registered> RegisterAll(ledger::Ledger& ledger, InitOptions const& options,
                               fs::path const& dir, Identities& keys) {
  std::vector<KeyFile*> own{&keys.farmer, &keys.node, &keys.user};
  Registered made;
  if (options.farm != 0) {
    TRELLIS_TRY(auto const farm, ledger.GetFarm(options.farm));
    keys.farmer.twin = farm.twin_id;
    own.erase(own.begin());  // it is somewhere else
  }
  for (auto* key : own) {
    TRELLIS_CHECK(Register(ledger, *key, fmt::format("{}:{}", options.listen, options.relay_port)));
    TRELLIS_CHECK(sys::WriteFileAtomic(dir / "keys" / (key->name + ".json"),
                                       json::Dump(*key) + "\n", sys::kPrivateFile));
  }
  made.farm = options.farm;
  if (made.farm == 0) {
    TRELLIS_TRY(made.farm, MakeFarm(ledger, keys.farmer.twin));
  }
  TRELLIS_TRY(made.node, RegisterNode(ledger, keys.node, made.farm));
  return made;
}

}  // namespace

Result<json::Value> InitGrid(InitOptions options) {
  auto const dir = fs::absolute(options.dir).lexically_normal();
  std::error_code missing;
  if (fs::exists(dir / "trellis.toml", missing))
    return Fail(Code::kExists, "there is already a grid in '{}'", dir.string());
  TRELLIS_CHECK(CheckOptions(options));
  TRELLIS_CHECK(PickPorts(options));
  TRELLIS_TRY(auto keys, MakeKeys(options));
  // Machines' files must be reachable for the user that QEMU runs as, so the folders may be passed
  // through.
  constexpr mode_t kPassable = 0711;
  TRELLIS_CHECK(sys::EnsureDirectory(dir, kPassable));
  TRELLIS_CHECK(sys::EnsureDirectory(dir / "state", kPassable));
  TRELLIS_CHECK(sys::EnsureDirectory(dir / "images", sys::kPublicDirectory));
  TRELLIS_CHECK(sys::EnsureDirectory(dir / "keys", sys::kPrivateDirectory));
  TRELLIS_CHECK(MakeTrustStore(dir / "trust.d"));
  TRELLIS_TRY(auto const ledger, OpenLedger(options, dir / "state" / "ledger.db", keys));
  TRELLIS_TRY(auto const made, RegisterAll(*ledger, options, dir, keys));
  auto const run_dir = RunDirFor(dir);
  TRELLIS_CHECK(sys::EnsureDirectory(run_dir, kPassable));
  TRELLIS_CHECK(sys::WriteFileAtomic(dir / "trellis.toml",
                                     ConfigText(dir, run_dir, options, made.node, made.farm),
                                     sys::kPublicFile));
  return boost::json::object{
      {"dir", dir.string()},
      {"node_id", made.node},
      {"farm_id", made.farm},
      {"node_twin", keys.node.twin},
      {"farmer_twin", keys.farmer.twin},
      {"user_twin", keys.user.twin},
      {"chain", ChainUrl(options)},
      {"relay", fmt::format("ws://{}:{}", options.listen, options.relay_port)},
      {"http", fmt::format("http://{}:{}", options.listen, options.http_port)},
      {"config", (dir / "trellis.toml").string()}};
}

}  // namespace trellis::cli
