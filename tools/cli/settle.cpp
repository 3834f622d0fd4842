#include "tools/cli/settle.hpp"

#include <fmt/format.h>

#include <map>
#include <string>
#include <thread>

namespace trellis::cli {
namespace {

constexpr std::chrono::seconds kLookAgain(
    1);  // events are the signal; this covers one that was missed
constexpr std::chrono::milliseconds kAskAgain(300);  // of a node elsewhere nothing else tells

std::string Text(json::Value const& object, std::string_view key) {
  auto const* value = object.as_object().if_contains(key);
  if (value == nullptr || value->is_null()) return "";
  return value->is_string() ? std::string(value->as_string()) : boost::json::serialize(*value);
}

void ShowEvent(App const& app, json::Value const& event) {
  auto const name = Text(event, "name");
  if (name.empty()) return;
  auto const message = Text(event, "message");
  app.Progress(fmt::format("  {:<20} {:<10} {}{}", name, Text(event, "type"), Text(event, "state"),
                           message.empty() ? "" : ": " + message));
}

enum class Settled : std::uint8_t { kNo, kYes };

Settled IsSettled(json::Value const& deployment, std::uint32_t version) {
  if (deployment.at("version").to_number<std::uint32_t>() != version) return Settled::kNo;
  for (auto const& workload : deployment.at("workloads").as_array()) {
    if (Text(workload.at("result"), "state") == "init") return Settled::kNo;
  }
  return Settled::kYes;
}

Result<void> FirstFailure(json::Value const& deployment) {
  for (auto const& workload : deployment.at("workloads").as_array()) {
    auto const& result = workload.at("result");
    if (Text(result, "state") != "error") continue;
    return Fail(Code::kInvalid, "workload '{}' ({}): {}", Text(workload, "name"),
                Text(workload, "type"), Text(result, "message"));
  }
  return {};
}

/// A change that the version brought and a plugin refused shows in the history only.
Result<void> FirstRefusal(json::Value const& changes, std::uint32_t version) {
  std::map<std::string, json::Value const*> newest;
  for (auto const& entry : changes.as_array()) {
    if (entry.at("version").to_number<std::uint32_t>() == version)
      newest.insert_or_assign(Text(entry, "name"), &entry);
  }
  for (auto const& [name, entry] : newest) {
    auto const& result = entry->at("result");
    if (Text(result, "state") != "unchanged") continue;
    return Fail(Code::kInvalid, "workload '{}' ({}) stays as it was: {}", name,
                Text(*entry, "type"), Text(result, "message"));
  }
  return {};
}

/// Of every workload that came with the version the history has more than its beginning.
bool HasOutcomes(json::Value const& deployment, json::Value const& changes, std::uint32_t version) {
  std::map<std::string, std::string> newest;
  for (auto const& entry : changes.as_array()) {
    if (entry.at("version").to_number<std::uint32_t>() == version)
      newest.insert_or_assign(Text(entry, "name"), Text(entry.at("result"), "state"));
  }
  for (auto const& workload : deployment.at("workloads").as_array()) {
    if (workload.at("version").to_number<std::uint32_t>() != version) continue;
    auto const found = newest.find(Text(workload, "name"));
    if (found == newest.end() || found->second == "init") return false;
  }
  return true;
}

std::string Payload(std::uint64_t contract) {
  return fmt::format(R"({{"contract_id":{}}})", contract);
}

tl::unexpected<Error> TakesLong(std::string_view what, std::chrono::seconds limit,
                                std::uint64_t contract, std::uint32_t node) {
  return Fail(Code::kTimeout, "the deployment is not {} after {} s: see 'trellis get {} --node {}'",
              what, limit.count(), contract, node);
}

}  // namespace

Result<json::Value> WaitSettled(App const& app, ControlClient& events, ControlClient& control,
                                std::uint32_t twin, std::uint64_t contract, std::uint32_t version,
                                std::chrono::seconds limit) {
  auto const end = std::chrono::steady_clock::now() + limit;
  bool job_done = false;
  while (true) {
    TRELLIS_TRY(auto const event, events.NextEvent(kLookAgain));
    if (event.has_value()) ShowEvent(app, *event);
    job_done = job_done || (event.has_value() && Text(*event, "state") == "settled");
    if (event.has_value() && !job_done) continue;
    TRELLIS_TRY(
        auto const found,
        control.Call("zos.debug.deployment.get",
                     boost::json::object{{"deployment", fmt::format("{}:{}", twin, contract)}}));
    auto const& deployment = found.at("deployment");
    bool const queued = !found.at("jobs").as_array().empty();
    if (!queued && IsSettled(deployment, version) == Settled::kYes) {
      TRELLIS_CHECK(FirstFailure(deployment));
      boost::json::object const which{{"contract_id", contract}};
      TRELLIS_TRY(auto const changes, control.Call("zos.deployment.changes", which, twin));
      TRELLIS_CHECK(FirstRefusal(changes, version));
      return control.Call("zos.deployment.get", which, twin);
    }
    if (std::chrono::steady_clock::now() >= end)
      return Fail(Code::kTimeout, "the deployment is not settled after {} s: see 'trellis get {}'",
                  limit.count(), contract);
  }
}

Result<void> WaitRemoved(App const& app, ControlClient& events, ControlClient& control,
                         std::uint32_t twin, std::uint64_t contract, std::chrono::seconds limit) {
  auto const end = std::chrono::steady_clock::now() + limit;
  while (true) {
    auto const found =
        control.Call("zos.deployment.get", boost::json::object{{"contract_id", contract}}, twin);
    if (!found && found.error().code == Code::kNotFound) return {};
    if (!found) return tl::unexpected<Error>(found.error());
    if (std::chrono::steady_clock::now() >= end)
      return Fail(Code::kTimeout, "the deployment is not gone after {} s: see 'trellis get {}'",
                  limit.count(), contract);
    TRELLIS_TRY(auto const event, events.NextEvent(kLookAgain));
    if (event.has_value()) ShowEvent(app, *event);
  }
}

Result<json::Value> WaitSettledThere(App const& app, BusClient& client, std::uint64_t contract,
                                     std::uint32_t version, std::chrono::seconds limit) {
  auto const end = std::chrono::steady_clock::now() + limit;
  std::size_t shown = 0;
  while (true) {
    TRELLIS_TRY(auto const deployment, client.Call("zos.deployment.get", Payload(contract)));
    TRELLIS_TRY(auto const changes, client.Call("zos.deployment.changes", Payload(contract)));
    auto const& entries = changes.as_array();
    for (; shown < entries.size(); ++shown) {
      auto const& result = entries[shown].at("result");
      app.Progress(fmt::format("  {:<20} {:<10} {} {}", Text(entries[shown], "name"),
                               Text(entries[shown], "type"), Text(result, "state"),
                               Text(result, "message")));
    }
    if (IsSettled(deployment, version) == Settled::kYes &&
        HasOutcomes(deployment, changes, version)) {
      TRELLIS_CHECK(FirstFailure(deployment));
      TRELLIS_CHECK(FirstRefusal(changes, version));
      return deployment;
    }
    if (std::chrono::steady_clock::now() >= end)
      return TakesLong("settled", limit, contract, client.node());
    std::this_thread::sleep_for(kAskAgain);
  }
}

Result<void> WaitRemovedThere(BusClient& client, std::uint64_t contract,
                              std::chrono::seconds limit) {
  auto const end = std::chrono::steady_clock::now() + limit;
  while (true) {
    auto const found = client.Call("zos.deployment.get", Payload(contract));
    if (!found && found.error().code == Code::kNotFound) return {};
    if (!found) return tl::unexpected<Error>(found.error());
    if (std::chrono::steady_clock::now() >= end)
      return TakesLong("gone", limit, contract, client.node());
    std::this_thread::sleep_for(kAskAgain);
  }
}

std::string DeploymentText(json::Value const& deployment) {
  auto text = fmt::format("contract {} version {} twin {}\n", Text(deployment, "contract_id"),
                          Text(deployment, "version"), Text(deployment, "twin_id"));
  for (auto const& workload : deployment.at("workloads").as_array()) {
    auto const& result = workload.at("result");
    auto const message = Text(result, "message");
    text += fmt::format("  {:<20} {:<10} v{} {:<8} {}\n", Text(workload, "name"),
                        Text(workload, "type"), Text(workload, "version"), Text(result, "state"),
                        message.empty() ? Text(result, "data") : message);
  }
  return text;
}

}  // namespace trellis::cli
