#include "kernel/node/config.hpp"

#include "kernel/base/log.hpp"
#include "kernel/base/strings.hpp"
#include "kernel/node/config_reader.hpp"
#include "kernel/sys/files.hpp"

namespace trellis::node {
namespace {

namespace fs = std::filesystem;

void ReadEngine(Reader& reader, engine::EngineOptions& engine) {
  reader.Read("engine.workers", engine.workers);
  reader.Read("engine.max_wedged", engine.max_wedged);
  reader.Read("engine.queue.deployment", engine.queue_deployment);
  reader.Read("engine.queue.twin", engine.queue_twin);
  reader.Read("engine.queue.total", engine.queue_total);
  reader.Read("engine.limits.twin", engine.limit_twin);
  reader.Read("engine.limits.node", engine.limit_node);
  reader.Read("engine.cpu_overcommit", engine.cpu_overcommit);
  reader.Read("engine.inspect_interval", engine.inspect_interval_s);
  reader.Read("engine.sync_interval", engine.sync_interval_s);
  reader.Read("engine.history.deployment", engine.history.deployment);
  reader.Read("engine.history.workload", engine.history.workload);
  reader.Read("engine.retry.restore_max", engine.restore_max_s);
  reader.Read("engine.retry.remove_max", engine.remove_max_s);
  reader.Read("engine.crash_limit", engine.crash_limit);
  reader.Read("engine.drain_timeout", engine.drain_timeout_s);
  reader.Read("system.reserve.memory", engine.reserve_memory);
  reader.Read("boot_id_path", engine.boot_id_path);
}

void ReadLocation(Reader& reader, LocationConfig& location) {
  reader.Read("node.location.longitude", location.longitude);
  reader.Read("node.location.latitude", location.latitude);
  reader.Read("node.location.continent", location.continent);
  reader.Read("node.location.country_name", location.country_name);
  reader.Read("node.location.country_code", location.country_code);
  reader.Read("node.location.city_name", location.city_name);
  location.configured = reader.Has("node.location");
}

void ReadBus(Reader& reader, RmbConfig& rmb, RelayConfig& relay) {
  reader.Read("rmb.key_type", rmb.key_type);
  reader.Read("rmb.encrypt", rmb.encrypt);
  reader.ReadList("rmb.relays", rmb.relays);
  reader.Read("rmb.frontend", rmb.frontend);
  reader.Read("relay.enabled", relay.enabled);
  reader.Read("relay.listen", relay.listen);
  reader.ReadList("relay.domains", relay.domains);
  reader.Read("relay.tls_cert", relay.tls_cert);
  reader.Read("relay.tls_key", relay.tls_key);
  reader.Read("relay.jwt_leeway", relay.jwt_leeway_s);
  reader.Read("relay.max_message", relay.max_message);
  reader.Read("relay.max_sessions", relay.max_sessions);
  reader.ReadList("relay.limit", relay.limit);
  reader.Read("relay.store", relay.store);
  reader.Read("relay.redis", relay.redis);
  reader.Read("relay.redis_password_file", relay.redis_password_file);
  reader.Read("relay.queue_messages", relay.queue_messages);
  reader.Read("relay.queue_ttl", relay.queue_ttl_s);
  reader.Read("relay.ranker_period", relay.ranker_period_s);
  reader.ReadList("relay.insecure_domains", relay.insecure_domains);
}

void ReadEtcd(Reader& reader, ledger::LedgerSettings& ledger) {
  std::int64_t timeout_s = 2;
  reader.Read("ledger.etcd.timeout", timeout_s);
  reader.Demand("ledger.etcd.timeout", timeout_s >= 1 && timeout_s <= 60,
                "expected 1 to 60 seconds");
  ledger.etcd.timeout = std::chrono::seconds(timeout_s);
  reader.ReadList("ledger.etcd.endpoints", ledger.etcd.endpoints);
  reader.Demand("ledger.etcd.endpoints",
                ledger.backend != ledger::Backend::kEtcd || !ledger.etcd.endpoints.empty(),
                "names no member of the cluster");
  reader.Read("ledger.etcd.prefix", ledger.etcd.prefix);
  reader.Demand("ledger.etcd.prefix", ledger.etcd.prefix.ends_with('/'), "does not end with '/'");
  reader.Read("ledger.etcd.ca_file", ledger.etcd.ca_file);
  reader.Read("ledger.etcd.cert_file", ledger.etcd.cert_file);
  reader.Read("ledger.etcd.key_file", ledger.etcd.key_file);
  reader.Read("ledger.etcd.user", ledger.etcd.user);
  reader.Read("ledger.etcd.password_file", ledger.etcd_password_file);
}

void ReadLedger(Reader& reader, ledger::LedgerSettings& ledger) {
  std::string backend = ledger.backend.ToString();
  reader.Read("ledger.backend", backend);
  auto const parsed = ledger::BackendText::Parse(backend);
  reader.Demand("ledger.backend", parsed.has_value(), "expected embedded, etcd or tfchain");
  if (parsed) ledger.backend = *parsed;
  reader.Read("ledger.path", ledger.path);
  reader.Read("ledger.allow_private_ips", ledger.allow_private_ips);
  reader.Read("ledger.keep_deleted", ledger.keep_deleted_days);
  reader.Demand("ledger.keep_deleted", ledger.keep_deleted_days >= 1, "must be at least 1");
  ReadEtcd(reader, ledger);
  reader.ReadList("ledger.tfchain.urls", ledger.tfchain_urls);
  reader.Demand("ledger.tfchain.urls",
                ledger.backend != ledger::Backend::kTfchain || !ledger.tfchain_urls.empty(),
                "names no node of the chain");
}

void ReadAll(Reader& reader, NodeConfig& config) {
  reader.Read("node.state_dir", config.state_dir);
  reader.Read("node.run_dir", config.run_dir);
  reader.Read("node.node_id", config.node_id);
  reader.Read("node.farm_id", config.farm_id);
  reader.Read("node.region", config.region);
  ReadLocation(reader, config.location);
  reader.Read("store.path", config.store_path);
  ReadLedger(reader, config.ledger);
  reader.Read("plugins.dir", config.plugins_dir);
  reader.Read("plugins.trust_dir", config.plugins_trust_dir);
  reader.Read("plugins.dev_mode", config.plugins_dev_mode);
  reader.Read("plugins.hosting", config.plugins_hosting);
  reader.CheckHosting("plugins.hosting", config.plugins_hosting);
  reader.Read("rmb.seed_file", config.seed_file);
  ReadBus(reader, config.rmb, config.relay);
  reader.Read("http.listen", config.http_listen);
  reader.Read("ledger.facade.listen", config.facade_listen);
  reader.ReadList("ledger.admin_twins", config.ledger_admin_twins);
  reader.ReadList("admin_twins", config.admin_twins);
  reader.Read("log.level", config.log_level);
  reader.Read("log.format", config.log_format);
  reader.Read("log.file", config.log_file);
  ReadEngine(reader, config.engine);
  reader.ReadPlugins(config.plugins);
}

void CheckEngine(Reader& reader, engine::EngineOptions const& engine) {
  constexpr std::string_view kPositive = "must be at least 1";
  reader.Demand("engine.workers", engine.workers >= 1, kPositive);
  reader.Demand("engine.max_wedged", engine.max_wedged >= 1, kPositive);
  reader.Demand("engine.queue.deployment", engine.queue_deployment >= 1, kPositive);
  reader.Demand("engine.queue.twin", engine.queue_twin >= 1, kPositive);
  reader.Demand("engine.queue.total", engine.queue_total >= 1, kPositive);
  reader.Demand("engine.limits.twin", engine.limit_twin >= 1, kPositive);
  reader.Demand("engine.limits.node", engine.limit_node >= 1, kPositive);
  reader.Demand("engine.cpu_overcommit", engine.cpu_overcommit >= 1, kPositive);
  reader.Demand("engine.inspect_interval", engine.inspect_interval_s >= 1, kPositive);
  reader.Demand("engine.sync_interval", engine.sync_interval_s >= 1, kPositive);
  constexpr std::string_view kHistory = "must be at least 2: `init` and the newest entry stay";
  reader.Demand("engine.history.deployment", engine.history.deployment >= 2, kHistory);
  reader.Demand("engine.history.workload", engine.history.workload >= 2, kHistory);
  reader.Demand("engine.retry.restore_max", engine.restore_max_s >= 1, kPositive);
  reader.Demand("engine.retry.remove_max", engine.remove_max_s >= 1, kPositive);
  reader.Demand("engine.crash_limit", engine.crash_limit >= 1, kPositive);
  reader.Demand("engine.drain_timeout", engine.drain_timeout_s >= 0, "must not be negative");
}

void CheckBus(Reader& reader, RmbConfig const& rmb, RelayConfig const& relay) {
  constexpr std::string_view kPositive = "must be at least 1";
  constexpr std::uint64_t kLeastMessage = std::uint64_t{4} << 20U;
  constexpr std::size_t kMostRelays = 4;
  reader.Demand("relay.listen", ParseListen("", relay.listen).has_value(), "expected <ip>:<port>");
  reader.Demand("relay.enabled", relay.enabled || !rmb.relays.empty(),
                "without the embedded relay 'rmb.relays' must name another");
  reader.Demand("relay.tls_key", relay.tls_cert.empty() == relay.tls_key.empty(),
                "a certificate and its key go together");
  reader.Demand("relay.max_message", relay.max_message >= kLeastMessage,
                "must be at least 4194304 (4 MiB)");
  reader.Demand("relay.max_sessions", relay.max_sessions >= 1, kPositive);
  reader.Demand("relay.queue_messages", relay.queue_messages >= 1, kPositive);
  reader.Demand("relay.queue_ttl", relay.queue_ttl_s >= 1, kPositive);
  reader.Demand("relay.limit", relay.limit.empty() || relay.limit.size() == 2,
                "expected [messages, bytes]");
  reader.Demand("relay.store", relay.store == "memory" || relay.store == "redis",
                "expected memory or redis");
  reader.Demand("relay.redis", relay.store != "redis" || !relay.redis.empty(),
                "expected redis://host:port/database");
  reader.Demand("rmb.relays", rmb.relays.size() <= kMostRelays, "at most 4 relays");
  reader.Demand("rmb.key_type", rmb.key_type == "ed25519" || rmb.key_type == "sr25519",
                "expected ed25519 or sr25519");
}

/// What a value of the right type may still be wrong about.
void CheckAll(Reader& reader, NodeConfig const& config) {
  CheckEngine(reader, config.engine);
  constexpr std::string_view kListen = "expected <ip>:<port>";
  CheckBus(reader, config.rmb, config.relay);
  reader.Demand("http.listen", ParseListen("", config.http_listen).has_value(), kListen);
  reader.Demand("ledger.facade.listen",
                config.facade_listen.empty() || ParseListen("", config.facade_listen).has_value(),
                "expected <ip>:<port>, or \"\" for none");
  reader.Demand("log.level", log::ParseLevel(config.log_level).has_value(),
                "expected debug, info, warn or error");
  reader.Demand("log.format", config.log_format == "text" || config.log_format == "json",
                "expected text or json");
  auto const& place = config.location;
  reader.Demand("node.location.latitude", place.latitude >= -90 && place.latitude <= 90,
                "expected -90 to 90 degrees");
  reader.Demand("node.location.longitude", place.longitude >= -180 && place.longitude <= 180,
                "expected -180 to 180 degrees");
}

/// Puts what `from` says over what `into` says.
void Merge(toml::table& into, toml::table const& from) {
  for (auto const& [key, node] : from) {
    auto* const old = into.get_as<toml::table>(key.str());
    if (old != nullptr && node.is_table()) {
      Merge(*old, *node.as_table());
    } else {
      into.insert_or_assign(key, node);
    }
  }
}

/// The text's tables, with the settings over them.
Result<toml::table> ReadTables(std::string_view text, ConfigSource const& source) {
  auto where = source.file.string();
  try {
    auto root = toml::parse(text);
    where = "settings";
    for (auto const& setting : source.settings)
      Merge(root, toml::parse(setting));
    return root;
  } catch (toml::parse_error const& error) {
    return Fail(Code::kDecode, "{}:{}: {}", where, error.source().begin.line, error.description());
  }
}

}  // namespace

Result<HostPort> ParseListen(std::string_view key, std::string_view text) {
  auto const colon = text.rfind(':');
  HostPort out;
  bool good = colon != std::string_view::npos && colon > 0;
  if (good) {
    auto const port = strings::ParseNumber<std::uint16_t>(text.substr(colon + 1));
    good = port.has_value();
    out = {std::string(text.substr(0, colon)), port.value_or(0)};
  }
  if (!good) return Fail(Code::kInvalid, "key '{}': '{}' is not <ip>:<port>", key, text);
  return out;
}

Result<NodeConfig> ParseConfig(std::string_view text, ConfigSource const& source) {
  auto const& file = source.file;
  TRELLIS_TRY(auto const root, ReadTables(text, source));
  NodeConfig config;
  Reader reader(root, fs::absolute(file.empty() ? fs::path("settings") : file));
  ReadAll(reader, config);
  CheckAll(reader, config);
  TRELLIS_CHECK(reader.Finish());
  if (config.node_id == 0 && !source.relay_only)
    return Fail(Code::kInvalid, "{}: key 'node.node_id' is missing: the node's id on the ledger",
                file.string());
  if (config.seed_file.empty() && !source.relay_only)
    return Fail(Code::kInvalid,
                "{}: key 'rmb.seed_file' is missing: the key file of the node's twin",
                file.string());
  if (source.dev && !config.plugins_dev_mode)
    return Fail(Code::kInvalid, "{}: --dev is given, but key 'plugins.dev_mode' is not true",
                file.string());
  config.dev = source.dev;
  if (config.store_path.empty()) config.store_path = config.state_dir / "trellis.db";
  if (config.ledger.path.empty()) config.ledger.path = config.state_dir / "ledger.db";
  config.engine.node_id = config.node_id;
  if (config.plugins_dir.empty()) {
    std::error_code unknown;
    config.plugins_dir =
        fs::read_symlink("/proc/self/exe", unknown).parent_path().parent_path() / "plugins";
  }
  return config;
}

Result<NodeConfig> LoadConfig(ConfigSource const& source) {
  if (source.file.empty()) return ParseConfig("", source);
  std::error_code missing;
  if (!fs::exists(source.file, missing)) {
    return Fail(Code::kNotFound,
                "the configuration '{}' does not exist: make one with 'trellis grid init'",
                source.file.string());
  }
  TRELLIS_TRY(auto const text, sys::ReadFile(source.file));
  return ParseConfig(text, source);
}

}  // namespace trellis::node
