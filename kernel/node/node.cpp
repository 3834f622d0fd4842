#include "kernel/node/node.hpp"

#include "kernel/api/commands.hpp"
#include "kernel/base/log.hpp"
#include "kernel/engine/node_facts.hpp"
#include "kernel/node/registration.hpp"
#include "kernel/node/version.hpp"
#include "kernel/store/schema.hpp"
#include "kernel/sys/sysinfo.hpp"

#include <trellis/json.hpp>

#include <algorithm>

namespace trellis::node {
namespace {

namespace fs = std::filesystem;

/// Of the whole start for one plugin: far more than any needs to register.
constexpr std::chrono::seconds kCreatePatience{5};
constexpr std::int64_t kPluginShareOfDrain = 4;  // a quarter of engine.drain_timeout

/// What plugins know of the node, but its public configuration.
std::string NodeFacts(NodeConfig const& config, NodeKey const& key) {
  auto const boot = sys::BootId(config.engine.boot_id_path);
  return boost::json::serialize(
      boost::json::object{{"node_id", config.node_id},
                          {"farm_id", config.farm_id},
                          {"twin_id", key.twin},
                          {"public_key", "0x" + crypto::Hex(key.signer.public_key())},
                          {"region", config.region},
                          {"boot_id", boot ? *boot : ""}});
}

/// The answer of zos.location.get.
std::string LocationJson(LocationConfig const& location) {
  if (!location.configured) return {};
  return boost::json::serialize(boost::json::object{{"longitude", location.longitude},
                                                    {"latitude", location.latitude},
                                                    {"continent", location.continent},
                                                    {"country_name", location.country_name},
                                                    {"country_code", location.country_code},
                                                    {"city_name", location.city_name}});
}

plugin::Hosting ToHosting(std::string_view text) {
  return text == "process" ? plugin::Hosting::kProcess : plugin::Hosting::kInline;
}

std::optional<api::HttpReply> ToHttp(std::optional<ledger::GridReply> const& answer) {
  if (!answer) return std::nullopt;
  api::HttpReply reply;
  reply.status = answer->status;
  reply.body = boost::json::serialize(answer->body);
  if (answer->count) reply.headers.emplace_back("count", fmt::format("{}", *answer->count));
  return reply;
}

}  // namespace

Node::Node(Ground ground, std::unique_ptr<store::Damage> damage)
    : config_(std::move(ground.config)),
      key_(std::move(ground.key)),
      lock_(std::move(ground.lock)),
      started_unix_(clock_.UnixSeconds()),
      damage_(std::move(damage)) {}

Result<std::unique_ptr<Daemon>> Node::Open(Ground ground, std::unique_ptr<store::Damage> damage,
                                           std::unique_ptr<store::Database> database) {
  std::unique_ptr<Node> node(new Node(std::move(ground), std::move(damage)));
  TRELLIS_CHECK(node->OpenStores(std::move(database)));
  TRELLIS_CHECK(node->OpenPlugins());
  TRELLIS_CHECK(node->OpenEngine());
  TRELLIS_CHECK(node->OpenApi());
  log::Info("node is ready", {{"node", node->config_.node_id},
                              {"twin", node->key_.twin},
                              {"relay", node->bus_->relay_url()}});
  return std::unique_ptr<Daemon>(std::move(node));
}

Node::~Node() {
  damage_->OnReport({});
  check_.reset();
  if (router_ != nullptr) router_->Drain();  // changes are refused from now on, questions answered
  if (engine_ != nullptr) engine_->Drain();
  bus_.reset();
  control_.reset();
  http_.reset();
  facade_.reset();
  router_.reset();
  perf_.reset();
  health_.reset();
  engine_.reset();
  if (plugins_ != nullptr) plugins_->Stop();
  plugins_.reset();
  services_.reset();
  ledger_ = {};
  readers_.reset();
  writer_.reset();
  log::Info("node stopped", {});
}

void Node::Tick() {
  perf_->RunDue();
  bus_->Tick();
}

void Node::Degrade(std::string const& what) {
  auto const why = ExplainBrokenStore(config_, what);
  log::Error("the node is degraded", {{"reason", why}});
  health_->ReportStore(why);
  router_->Degrade(why);
}

Result<void> Node::OpenStores(std::unique_ptr<store::Database> database) {
  writer_ = store::Writer::Start(std::move(database), "store");
  readers_ = std::make_unique<store::Readers>(config_.store_path, damage_.get());
  if (!damage_->IsFileSound())
    check_ = std::make_unique<store::StructureCheck>(config_.store_path, *damage_);
  TRELLIS_TRY(ledger_, ledger::OpenLedger(config_.ledger, {key_.signer}));
  return {};
}

Result<std::string> Node::LastPublicConfig() {
  auto const record = ledger_->GetNode(config_.node_id);
  if (!record) {
    return readers_->Run(
        [](store::Database& db) { return store::GetMeta(db, engine::kPublicConfig); });
  }
  auto text = engine::PublicConfigText(record->public_config);
  TRELLIS_TRY(auto const before, readers_->Run([](store::Database& db) {
    return store::GetMeta(db, engine::kPublicConfig);
  }));
  if (text != before) {
    TRELLIS_CHECK(writer_->Commit(
        [&](store::Database& db) { return store::SetMeta(db, engine::kPublicConfig, text); }));
  }
  return text;
}

Result<void> Node::OpenPlugins() {
  services_ = std::make_unique<engine::KernelServicesOverStore>(*writer_, *readers_, *ledger_,
                                                                config_.node_id);
  config_.engine.node_twin = key_.twin;
  config_.engine.node_facts = NodeFacts(config_, key_);
  TRELLIS_TRY(auto const public_config, LastPublicConfig());
  plugin::ManagerOptions options;
  options.plugins_dir = config_.plugins_dir;
  auto const& trust = config_.plugins_trust_dir;
  options.trust =
      plugin::PluginTrust{trust.empty() ? plugin::DefaultTrustDir() : trust, config_.dev};
  if (config_.dev)
    log::Warn("DEV MODE: plugins are run whoever made them; not for a node that others use");
  options.create_patience = kCreatePatience;
  options.state_dir = config_.state_dir;
  options.run_dir = config_.run_dir;
  options.node_json = engine::NodeText(config_.engine.node_facts, public_config);
  options.hosting = ToHosting(config_.plugins_hosting);
  for (auto const& [name, plugin] : config_.plugins) {
    plugin::PluginConfig entry{.enabled = plugin.enabled,
                               .config_json = plugin.config_json,
                               .permissions = plugin.permissions,
                               .limits = plugin.limits,
                               .config_version = plugin.config_version};
    if (!plugin.hosting.empty()) entry.hosting = ToHosting(plugin.hosting);
    options.plugins.insert_or_assign(name, std::move(entry));
  }
  // The engine's calls end within their grace; what is left of the time is the plugins'.
  options.drain_timeout = std::chrono::seconds(
      std::max<std::int64_t>(config_.engine.drain_timeout_s / kPluginShareOfDrain, 1));
  options.kernel_commands.assign(api::kKernelCommands.begin(), api::kKernelCommands.end());
  std::error_code unknown;
  auto const binaries = fs::read_symlink("/proc/self/exe", unknown).parent_path();
  options.keeper = binaries / "trellis-keeper";
  options.plugin_host = binaries / "trellis-plugin-host";
  TRELLIS_TRY(plugins_, plugin::Manager::Open(std::move(options), *services_));
  return {};
}

Result<void> Node::OpenEngine() {
  TRELLIS_TRY(engine_, engine::Engine::Start(config_.engine, *writer_, *readers_, *plugins_,
                                             *ledger_, clock_, *services_));
  engine_->events().Subscribe([this](engine::StateEvent const& event) { event_log_.Take(event); });
  engine_->OnExhausted([this] {
    exhausted_ = true;
    if (on_shutdown_) on_shutdown_();
  });
  return {};
}

bool Node::IsFarmer(std::uint32_t twin) {
  auto const farm = ledger_->GetFarm(config_.farm_id);
  return farm && farm->twin_id == twin;
}

Result<void> Node::OpenApi() {
  api::Router::Rights rights;
  rights.farmer = [this](std::uint32_t twin) { return IsFarmer(twin); };
  rights.admin = [this](std::uint32_t twin) {
    return std::find(config_.admin_twins.begin(), config_.admin_twins.end(), twin) !=
           config_.admin_twins.end();
  };
  router_ = std::make_unique<api::Router>(*plugins_, std::move(rights));
  router_->Guard("zos.debug.", api::Auth::kAdmin);
  router_->Guard("zos.admin.", api::Auth::kFarmer);
  router_->Guard("zos.network.admin.", api::Auth::kFarmer);
  std::string const version(kVersion);
  health_ = std::make_unique<api::Health>(*engine_, *plugins_, version);
  perf_ = std::make_unique<api::PerfRegistry>(clock_);
  api::AddKernelTasks(*perf_, *health_, *engine_);
  perf_->AddOf(*plugins_);
  api::AddDeploymentCommands(*router_, *engine_);
  api::AddDebugCommands(*router_, *engine_, *plugins_);
  std::string const supervisor = plugins_->supervisor() != nullptr ? version : "";
  api::AddSystemCommands(*router_, {*plugins_, *health_, *perf_},
                         {version, supervisor, LocationJson(config_.location)});
  AddLocalCommands();
  damage_->OnReport([this](std::string const& what) { Degrade(what); });
  TRELLIS_TRY(bus_, Bus::Start({config_, key_, *ledger_, engine_.get(), *router_, clock_}));
  auto const counted = engine_->Count();
  auto const published =
      counted ? PublishResources(*ledger_, config_.node_id, key_.twin, counted->total)
              : Result<void>(tl::unexpected<Error>(counted.error()));
  if (!published)
    log::Warn("the ledger does not know what this node has", {{"error", published.error()}});
  return OpenListeners();
}

Result<void> Node::OpenListeners() {
  auto* const embedded = ledger_.embedded;
  if (embedded != nullptr && !config_.facade_listen.empty()) {
    TRELLIS_TRY(auto const chain, ParseListen("ledger.facade.listen", config_.facade_listen));
    ledger::FacadeOptions options;
    options.host = chain.host;
    options.port = chain.port;
    options.admin_twins = config_.ledger_admin_twins;
    TRELLIS_TRY(facade_, ledger::Facade::Start(std::move(options), *embedded));
  }
  TRELLIS_TRY(auto const listen, ParseListen("http.listen", config_.http_listen));
  if (embedded != nullptr)
    grid_ = std::make_unique<ledger::GridService>(
        *embedded, ledger::GridServiceOptions{std::string(kVersion), config_.node_id,
                                              [this] { return api::NodeFeatures(*plugins_); }});
  api::HttpServer::Options http;
  http.host = listen.host;
  http.port = listen.port;
  http.metrics = [this] { return Metrics(); };
  http.trouble = [this] { return health_->store_trouble(); };
  http.more = [this](api::HttpRequest const& request) {
    if (grid_ == nullptr) return std::optional<api::HttpReply>();
    return ToHttp(grid_->Answer({request.method, request.target, request.body}));
  };
  http.max_body = ledger::kMaxGridBody;
  TRELLIS_TRY(http_, api::HttpServer::Start(std::move(http)));
  TRELLIS_TRY(control_, api::ControlServer::Start({config_.run_dir / "control.sock", key_.twin},
                                                  *router_, engine_->events()));
  return {};
}

}  // namespace trellis::node
