#include "kernel/node/degraded_node.hpp"

#include "kernel/api/commands.hpp"
#include "kernel/base/log.hpp"
#include "kernel/node/fail_point_commands.hpp"
#include "kernel/node/version.hpp"

#include <trellis/json.hpp>

#include <unistd.h>

namespace trellis::node {

DegradedNode::DegradedNode(Ground ground, std::string why)
    : ground_(std::move(ground)), why_(std::move(why)), started_unix_(clock_.UnixSeconds()) {}

DegradedNode::~DegradedNode() {
  bus_.reset();
  control_.reset();
  http_.reset();
}

Result<std::unique_ptr<Daemon>> DegradedNode::Open(Ground ground, std::string why) {
  std::unique_ptr<DegradedNode> node(new DegradedNode(std::move(ground), std::move(why)));
  auto ledger = ledger::OpenLedger(node->ground_.config.ledger, {node->ground_.key.signer});
  if (ledger) {
    node->ledger_ = *std::move(ledger);
  } else {
    log::Error("the ledger cannot be opened either", {{"error", ledger.error().message}});
  }
  node->AddCommands();
  TRELLIS_CHECK(node->OpenApi());
  return std::unique_ptr<Daemon>(std::move(node));
}

void DegradedNode::AddCommands() {
  using api::Auth;
  using api::Caller;
  auto const nobody = [](std::uint32_t) { return false; };
  router_ = std::make_unique<api::Router>(plugins_, api::Router::Rights{nobody, nobody});
  router_->Degrade(why_);
  api::AddMachineCommands(*router_, {std::string(kVersion), {}, {}});
  router_->Add("zos.system.node_features_get", Auth::kAny,
               [this](Caller const&, std::string_view) -> engine::Answer {
                 return api::Refuse(503, why_, "degraded");
               });
  router_->Add("zos.system.diagnostics", Auth::kAny,
               [this](Caller const&, std::string_view) -> engine::Answer {
                 return api::DiagnosticsJson({api::BrokenStore(why_)});
               });
  router_->Add("local.status", Auth::kLocal,
               [this](Caller const&, std::string_view) -> engine::Answer { return Status(); });
  router_->Add("local.shutdown", Auth::kLocal,
               [this](Caller const&, std::string_view) -> engine::Answer {
                 if (on_shutdown_) on_shutdown_();
                 return "null";
               });
  AddFailPointCommand(*router_);
}

Result<void> DegradedNode::OpenApi() {
  auto const& config = ground_.config;
  if (ledger_.ledger != nullptr) {
    TRELLIS_TRY(bus_, Bus::Start({config, ground_.key, *ledger_, nullptr, *router_, clock_}));
  }
  TRELLIS_TRY(auto const listen, ParseListen("http.listen", config.http_listen));
  api::HttpServer::Options http;
  http.host = listen.host;
  http.port = listen.port;
  http.trouble = [this] { return why_; };
  http.metrics = [] { return std::string("# TYPE trellis_degraded gauge\ntrellis_degraded 1\n"); };
  TRELLIS_TRY(http_, api::HttpServer::Start(std::move(http)));
  TRELLIS_TRY(control_,
              api::ControlServer::Start({config.run_dir / "control.sock", ground_.key.twin},
                                        *router_, events_));
  return {};
}

std::string DegradedNode::Status() const {
  auto const& config = ground_.config;
  // Without the keys that it cannot know; otherwise like the status of a whole node.
  boost::json::object const status{{"version", std::string(kVersion)},
                                   {"ready", false},
                                   {"degraded", why_},
                                   {"troubles", boost::json::array{why_}},
                                   {"pid", ::getpid()},
                                   {"uptime_s", clock_.UnixSeconds() - started_unix_},
                                   {"node_id", config.node_id},
                                   {"farm_id", config.farm_id},
                                   {"twin_id", ground_.key.twin},
                                   {"relay", {{"url", bus_ != nullptr ? bus_->relay_url() : ""}}},
                                   {"http", {{"url", http_->url()}}},
                                   {"plugins", boost::json::array()},
                                   {"queue", {{"all", 0}, {"running", 0}}}};
  return boost::json::serialize(status);
}

}  // namespace trellis::node
