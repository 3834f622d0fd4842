#include "tools/cli/grid_init.hpp"

#include "kernel/crypto/e2e.hpp"
#include "kernel/crypto/hash.hpp"
#include "kernel/sys/files.hpp"
#include "kernel/sys/ports.hpp"
#include "kernel/sys/sysinfo.hpp"
#include "tools/cli/grid_dir.hpp"

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
listen = "127.0.0.1:{}"

[http]
listen = "127.0.0.1:{}"

[ledger.facade]
listen = "127.0.0.1:{}"

[plugins]
dir = {}

[plugin.flist.config]
file_roots = [{}, {}]

# URLs that start with a key are served from the folder.
[plugin.flist.config.flist_map]
"http://images.trellis.local/" = {}
)",
      node, farm, Quoted(dir / "state"), Quoted(run_dir), Quoted(dir / "keys" / "node.json"),
      options.relay_port, options.http_port, options.chain_port, Quoted(binaries / "plugins"),
      Quoted(dir / "images"), Quoted(binaries / "guest"),
      Quoted((binaries / "guest").string() + "/"));
}

/// Registers the key's twin on the ledger and notes its id in the key. With the relay: clients do
/// not send for a twin that has none.
Result<void> Register(ledger::EmbeddedLedger& ledger, KeyFile& key, std::uint16_t relay_port) {
  TRELLIS_TRY(auto const loaded, LoadKey(key));
  TRELLIS_TRY(auto const pk, crypto::PublicKeyOf(loaded.seed.view()));
  ledger::CreateTwin create;
  create.account.bytes = loaded.signer.public_key();
  create.relay = fmt::format("127.0.0.1:{}", relay_port);
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

/// Farm and node on the ledger; their ids.
Result<std::pair<std::uint32_t, std::uint32_t>> RegisterNode(ledger::EmbeddedLedger& ledger,
                                                             Identities const& keys) {
  ledger::Caller admin;
  admin.admin = true;
  admin.twin = keys.farmer.twin;
  ledger::CreateFarm farm;
  farm.name = "farm";
  farm.twin = keys.farmer.twin;
  TRELLIS_TRY(auto const farm_id, ledger.Submit(admin, farm));
  ledger::RegisterNode node;
  node.spec.farm_id = ledger::ToId(farm_id);
  node.spec.resources.cru = sys::CpuCount();
  node.spec.resources.mru = sys::MemoryTotal();
  node.spec.virtualized = true;
  ledger::Caller self;
  self.twin = keys.node.twin;
  TRELLIS_TRY(auto const node_id, ledger.Submit(self, node));
  return std::pair(ledger::ToId(farm_id), ledger::ToId(node_id));
}

Result<void> ImportTwins(ledger::EmbeddedLedger& ledger, std::string const& file) {
  TRELLIS_TRY(auto const text, sys::ReadFile(file));
  auto const data = json::Parse<ledger::ImportData>(text);
  if (!data) return Fail(Code::kDecode, "'{}': {}", file, data.error().message);
  TRELLIS_CHECK(ledger.Import(*data));
  return {};
}

}  // namespace

Result<json::Value> InitGrid(InitOptions options) {
  auto const dir = fs::absolute(options.dir).lexically_normal();
  std::error_code missing;
  if (fs::exists(dir / "trellis.toml", missing))
    return Fail(Code::kExists, "there is already a grid in '{}'", dir.string());
  TRELLIS_CHECK(PickPorts(options));
  TRELLIS_TRY(auto keys, MakeKeys(options));
  // Machines' files must be reachable for the user that QEMU runs as, so the folders may be passed
  // through.
  constexpr mode_t kPassable = 0711;
  TRELLIS_CHECK(sys::EnsureDirectory(dir, kPassable));
  TRELLIS_CHECK(sys::EnsureDirectory(dir / "state", kPassable));
  TRELLIS_CHECK(sys::EnsureDirectory(dir / "images", sys::kPublicDirectory));
  TRELLIS_CHECK(sys::EnsureDirectory(dir / "keys", sys::kPrivateDirectory));
  TRELLIS_TRY(auto const ledger, ledger::EmbeddedLedger::Open(dir / "state" / "ledger.db"));
  if (!options.twins.empty()) TRELLIS_CHECK(ImportTwins(*ledger, options.twins));
  for (auto* key : {&keys.farmer, &keys.node, &keys.user}) {
    TRELLIS_CHECK(Register(*ledger, *key, options.relay_port));
    TRELLIS_CHECK(sys::WriteFileAtomic(dir / "keys" / (key->name + ".json"),
                                       json::Dump(*key) + "\n", sys::kPrivateFile));
  }
  TRELLIS_TRY(auto const ids, RegisterNode(*ledger, keys));
  auto const run_dir = RunDirFor(dir);
  TRELLIS_CHECK(sys::EnsureDirectory(run_dir, kPassable));
  TRELLIS_CHECK(sys::WriteFileAtomic(dir / "trellis.toml",
                                     ConfigText(dir, run_dir, options, ids.second, ids.first),
                                     sys::kPublicFile));
  return boost::json::object{{"dir", dir.string()},
                             {"node_id", ids.second},
                             {"farm_id", ids.first},
                             {"node_twin", keys.node.twin},
                             {"farmer_twin", keys.farmer.twin},
                             {"user_twin", keys.user.twin},
                             {"chain", fmt::format("ws://127.0.0.1:{}", options.chain_port)},
                             {"relay", fmt::format("ws://127.0.0.1:{}", options.relay_port)},
                             {"http", fmt::format("http://127.0.0.1:{}", options.http_port)},
                             {"config", (dir / "trellis.toml").string()}};
}

}  // namespace trellis::cli
