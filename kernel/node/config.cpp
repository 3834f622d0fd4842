#include "kernel/node/config.hpp"

#include "kernel/base/log.hpp"
#include "kernel/base/strings.hpp"
#include "kernel/sys/files.hpp"

#include <trellis/json.hpp>

#include <toml++/toml.h>

#include <concepts>
#include <set>
#include <sstream>

namespace trellis::node {
namespace {

namespace fs = std::filesystem;

/// Reads keys by dotted path and remembers which ones it knows.
class Reader {
 public:
  Reader(toml::table const& root, fs::path file) : root_(root), file_(std::move(file)) {}

  template <class T>
  void Read(std::string_view path, T& out) {
    known_.emplace(path);
    auto const found = root_.at_path(path);
    if (!found || !error_.empty()) return;
    if constexpr (std::same_as<T, bool>) {
      Take<bool>(path, found, out, "true or false");
    } else if constexpr (std::floating_point<T>) {
      auto const number = found.template value<double>();
      if (!number.has_value()) return Complain(path, "expected a number");
      out = *number;
    } else if constexpr (std::integral<T>) {
      std::int64_t number = 0;
      if (!Take<std::int64_t>(path, found, number, "a whole number")) return;
      if (!std::in_range<T>(number))
        return Complain(path, fmt::format("{} is out of range", number));
      out = static_cast<T>(number);
    } else {
      Take<std::string>(path, found, out, "a text");
    }
  }
  void Read(std::string_view path, fs::path& out) {
    std::string text;
    Read(path, text);
    if (!text.empty()) out = (file_.parent_path() / text).lexically_normal();
  }
  template <class T>
  void ReadList(std::string_view path, std::vector<T>& out) {
    known_.emplace(path);
    auto const found = root_.at_path(path);
    if (!found || !error_.empty()) return;
    auto const* list = found.as_array();
    if (list == nullptr) return Complain(path, "expected a list");
    out.clear();
    for (auto const& element : *list) {
      auto const value =
          element.value<std::conditional_t<std::integral<T>, std::int64_t, std::string>>();
      if (!value) return Complain(path, "a list element has the wrong type");
      if constexpr (std::integral<T>) {
        if (!std::in_range<T>(*value))
          return Complain(path, fmt::format("{} is out of range", *value));
      }
      out.push_back(static_cast<T>(*value));
    }
  }
  void ReadPlugins(std::map<std::string, PluginConfig>& out) {
    known_.emplace("plugin");
    auto const* plugins = root_["plugin"].as_table();
    if (plugins == nullptr) return;
    for (auto const& [name, node] : *plugins) {
      std::string const base = fmt::format("plugin.{}", name.str());
      if (!node.is_table()) return Complain(base, "expected a table");
      PluginConfig plugin;
      Read(base + ".enabled", plugin.enabled);
      Read(base + ".hosting", plugin.hosting);
      known_.insert(base + ".config");
      if (auto const* config = node.as_table()->get_as<toml::table>("config"); config != nullptr) {
        std::ostringstream text;
        text << toml::json_formatter(*config);
        plugin.config_json = text.str();
      }
      if (!plugin.hosting.empty()) CheckHosting(base + ".hosting", plugin.hosting);
      out.insert_or_assign(std::string(name.str()), std::move(plugin));
    }
  }

  void CheckHosting(std::string_view path, std::string_view hosting) {
    Demand(path, hosting == "inline" || hosting == "process",
           fmt::format("unknown hosting '{}': use inline or process", hosting));
  }
  /// Complains about the key unless `good`.
  void Demand(std::string_view path, bool good, std::string_view what) {
    if (!good) Complain(path, what);
  }
  [[nodiscard]] bool Has(std::string_view path) const { return bool(root_.at_path(path)); }

  /// The first complaint, or the first key nobody asked for.
  Result<void> Finish() {
    if (error_.empty()) Walk(root_, "");
    if (!error_.empty()) return Fail(Code::kInvalid, "{}: {}", file_.string(), error_);
    return {};
  }

 private:
  template <class T, class Found>
  bool Take(std::string_view path, Found const& found, T& out, std::string_view what) {
    auto const value = found.template value_exact<T>();
    if (!value) {
      Complain(path, fmt::format("expected {}", what));
      return false;
    }
    out = *value;
    return true;
  }
  void Complain(std::string_view path, std::string_view what) {
    if (!error_.empty()) return;
    error_ = fmt::format("key '{}': {}", path, what);
    auto const found = root_.at_path(path);
    if (found) error_ += fmt::format(" (line {})", found.node()->source().begin.line);
  }
  void Walk(toml::table const& table, std::string const& prefix) {
    for (auto const& [key, node] : table) {
      auto const path =
          prefix.empty() ? std::string(key.str()) : fmt::format("{}.{}", prefix, key.str());
      bool const known = known_.contains(path);
      if (node.is_table() && (!known || path == "plugin")) {
        Walk(*node.as_table(), path);
      } else if (!known) {
        return Complain(path, "unknown key; config/trellis.toml lists all keys");
      }
      if (!error_.empty()) return;
    }
  }

  toml::table const& root_;
  fs::path file_;
  std::set<std::string, std::less<>> known_;
  std::string error_;
};

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

void ReadAll(Reader& reader, NodeConfig& config) {
  reader.Read("node.state_dir", config.state_dir);
  reader.Read("node.run_dir", config.run_dir);
  reader.Read("node.node_id", config.node_id);
  reader.Read("node.farm_id", config.farm_id);
  reader.Read("node.region", config.region);
  ReadLocation(reader, config.location);
  reader.Read("store.path", config.store_path);
  reader.Read("ledger.path", config.ledger_path);
  reader.Read("ledger.allow_private_ips", config.allow_private_ips);
  reader.Read("plugins.dir", config.plugins_dir);
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
  if (config.store_path.empty()) config.store_path = config.state_dir / "trellis.db";
  if (config.ledger_path.empty()) config.ledger_path = config.state_dir / "ledger.db";
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
