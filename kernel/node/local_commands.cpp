// local.*: what only the control socket offers.
#include "kernel/node/fail_point_commands.hpp"
#include "kernel/node/node.hpp"
#include "kernel/node/version.hpp"

#include <trellis/json.hpp>

#include <unistd.h>

namespace trellis::node {
namespace {

struct IdArgument {
  std::string id;
};
BOOST_DESCRIBE_STRUCT(IdArgument, (), (id))

engine::Answer ExamineJson(engine::Engine& engine, std::string_view payload) {
  auto const examined = engine.Examine(payload);
  if (!examined) return tl::unexpected<engine::Refusal>(examined.error());
  return boost::json::serialize(
      boost::json::object{{"challenge", examined->challenge},
                          {"hash", examined->hash},
                          {"capacity", json::Encode(examined->capacity)}});
}

}  // namespace

engine::Answer Node::ConsoleOf(std::string_view payload, bool logs) {
  auto const argument = json::Parse<IdArgument>(payload);
  if (!argument || argument->id.empty())
    return api::Refuse(400,
                       "the id of a workload is missing: {\"id\":\"<twin>-<contract>-<name>\"}");
  // The service that machines are shown by; a plugin of any type may provide it.
  constexpr char const* kMachines = "trellis.vm.machine/1";
  auto const request = json::Dump(*argument);
  auto const reply =
      plugins_->CallService(kMachines, logs ? "log_source" : "inspect", request, nullptr);
  if (!reply) return api::ToAnswer(tl::unexpected<Error>(reply.error()));
  auto const value = json::ParseValue(*reply);
  auto const* path = value && value->is_object()
                         ? value->as_object().if_contains(logs ? "path" : "console")
                         : nullptr;
  if (path == nullptr || !path->is_string() || path->as_string().empty()) {
    return api::Refuse(
        404, fmt::format("workload '{}' has no {}", argument->id, logs ? "log" : "console"));
  }
  return boost::json::serialize(boost::json::object{{"path", *path}});
}

void Node::AddLocalCommands() {
  using api::Auth;
  using api::Caller;
  AddFailPointCommand(*router_);
  router_->Add("local.status", Auth::kLocal,
               [this](Caller const&, std::string_view payload) { return Status(payload); });
  router_->Add("local.counters", Auth::kLocal,
               [this](Caller const&, std::string_view) { return Counters(); });
  router_->Add("local.examine", Auth::kLocal, [this](Caller const&, std::string_view payload) {
    return ExamineJson(*engine_, payload);
  });
  AddPluginCommands();
  router_->Add("local.orphans.confirm", Auth::kLocal,
               [this](Caller const&, std::string_view) -> engine::Answer {
                 auto const done = engine_->ConfirmOrphans();
                 if (done) return "null";
                 return api::ToAnswer(tl::unexpected<Error>(done.error()));
               });
  router_->Add("local.console", Auth::kLocal, [this](Caller const&, std::string_view payload) {
    return ConsoleOf(payload, /*logs=*/false);
  });
  router_->Add("local.logs", Auth::kLocal, [this](Caller const&, std::string_view payload) {
    return ConsoleOf(payload, /*logs=*/true);
  });
  router_->Add("local.network", Auth::kLocal, [this](Caller const&, std::string_view payload) {
    return api::ToAnswer(
        plugins_->CallService("trellis.net.namespace/1", "lookup", payload, nullptr));
  });
  router_->Add("local.shutdown", Auth::kLocal,
               [this](Caller const&, std::string_view) -> engine::Answer {
                 if (on_shutdown_) on_shutdown_();
                 return "null";
               });
  router_->Add(
      "local.keeper.quit", Auth::kLocal, [this](Caller const&, std::string_view) -> engine::Answer {
        auto* const supervisor = plugins_->supervisor();
        if (supervisor == nullptr) return "null";
        constexpr std::int64_t kLimitNs = 30'000'000'000;
        auto const done = supervisor->Quit(clock_.MonotonicNs() + kLimitNs);
        return done ? engine::Answer("null") : api::ToAnswer(tl::unexpected<Error>(done.error()));
      });
}

}  // namespace trellis::node
