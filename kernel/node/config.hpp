// The daemon's configuration: one TOML file, every key known, unknown keys are errors.
#pragma once

#include "kernel/engine/context.hpp"
#include "kernel/ledger/open.hpp"
#include "kernel/plugin/helper/usage.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::node {

struct PluginConfig {
  bool enabled = true;
  std::string hosting;                                  ///< inline | process; "" = plugins.hosting
  std::optional<std::vector<std::string>> permissions;  ///< granted at most; empty: all asked for
  plugin::HelperLimits limits;                          ///< of its process
  std::string config_json = "{}";                       ///< table [plugin.<name>.config]
  std::uint32_t config_version = 1;  ///< the plugin's schema that the table was written for
};

/// Defaults are those of config/trellis.toml. Paths are absolute after Load: relative ones count
/// from the file's folder.
/// Where the node stands, for `zos.location.get`.
struct LocationConfig {
  double longitude = 0;
  double latitude = 0;
  std::string continent;
  std::string country_name;
  std::string country_code;
  std::string city_name;
  bool configured = false;  ///< the file has the table
};

/// The node's own peer on the message bus.
struct RmbConfig {
  std::string key_type = "ed25519";
  bool encrypt = true;
  std::vector<std::string> relays;  ///< `ws[s]://…`; empty = the embedded one
  std::string frontend;             ///< path of a unix socket or `<ip>:<port>`; "" = none
};

/// The relay inside the daemon.
struct RelayConfig {
  bool enabled = true;
  std::string listen = "127.0.0.1:8080";
  std::vector<std::string> domains;
  std::filesystem::path tls_cert;
  std::filesystem::path tls_key;
  std::uint32_t jwt_leeway_s = 30;
  std::uint64_t max_message = 16777216;
  std::uint64_t max_sessions = 10000;
  std::vector<std::uint64_t> limit;  ///< messages and bytes of a twin in a minute; empty = none
  std::string store = "memory";
  std::string redis;  ///< `redis://host:port/database`
  std::filesystem::path redis_password_file;
  std::uint64_t queue_messages = 10000;
  std::uint32_t queue_ttl_s = 3600;
  std::uint32_t ranker_period_s = 3600;
  std::vector<std::string> insecure_domains;
};

struct NodeConfig {
  std::filesystem::path state_dir = "/var/lib/trellis";
  std::filesystem::path run_dir = "/run/trellis";
  std::filesystem::path store_path;         ///< default <state_dir>/trellis.db
  ledger::LedgerSettings ledger;            ///< path: default <state_dir>/ledger.db
  std::filesystem::path plugins_dir;        ///< default: `plugins` beside the folder of the binary
  std::string plugins_hosting = "process";  ///< inline | process
  std::filesystem::path plugins_trust_dir;  ///< "" = plugin::DefaultTrustDir()
  bool plugins_dev_mode = false;            ///< allows `--dev`
  bool dev = false;                         ///< both were said: plugins may be unsigned
  std::filesystem::path seed_file;          ///< key file of the node's twin
  std::uint32_t node_id = 0;
  std::uint32_t farm_id = 0;
  std::string region;
  LocationConfig location;
  RmbConfig rmb;
  RelayConfig relay;
  std::string http_listen = "127.0.0.1:0";  ///< metrics, health, and what grid clients ask by HTTP
  std::string facade_listen = "127.0.0.1:0";      ///< chain endpoint of the ledger; "" = none
  std::vector<std::uint32_t> ledger_admin_twins;  ///< may do on the ledger what the local tool may
  std::vector<std::uint32_t> admin_twins;
  std::string log_level = "info";
  std::string log_format = "text";
  std::string log_file;  ///< "" = standard error
  engine::EngineOptions engine;
  std::map<std::string, PluginConfig> plugins;
};

struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
/// `<ip>:<port>`. kInvalid names the key.
Result<HostPort> ParseListen(std::string_view key, std::string_view text);

/// Where a configuration comes from.
struct ConfigSource {
  std::filesystem::path file;           ///< "" = only `settings`
  std::vector<std::string> settings{};  ///< lines of TOML that win over the file
  bool relay_only = false;              ///< what only a whole node needs may be missing
  bool dev = false;                     ///< `--dev`
};

/// Reads and checks a configuration; errors name `source.file`, relative paths count from its
/// folder. kDecode (with line), kInvalid: names the key and what it should be.
Result<NodeConfig> ParseConfig(std::string_view text, ConfigSource const& source);

/// The same for the source's file. kNotFound, kIo, and as ParseConfig.
Result<NodeConfig> LoadConfig(ConfigSource const& source);

}  // namespace trellis::node
