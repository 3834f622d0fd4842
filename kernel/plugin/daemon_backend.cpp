#include "kernel/plugin/daemon_backend.hpp"

#include "kernel/base/log.hpp"
#include "kernel/plugin/permissions.hpp"

#include <trellis/json.hpp>

#include <fmt/chrono.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <deque>
#include <vector>

namespace trellis::plugin {

namespace {

constexpr std::chrono::seconds kListLimit{5};
constexpr std::string_view kSpawn = "process.spawn";

tl::unexpected<Error> NoProcesses() {
  return Fail(Code::kUnavailable, "this host runs no data processes");
}

log::Level LevelOf(std::int32_t level) {
  if (level >= TRL_LOG_ERROR) return log::Level::kError;
  if (level == TRL_LOG_WARN) return log::Level::kWarn;
  return level == TRL_LOG_INFO ? log::Level::kInfo : log::Level::kDebug;
}

std::string_view NameOf(log::Level level) {
  switch (level) {
    case log::Level::kDebug:
      return "debug";
    case log::Level::kInfo:
      return "info";
    case log::Level::kWarn:
      return "warn";
    case log::Level::kError:
      return "error";
  }
  return "error";
}

/// One event is one line, whatever a plugin says.
std::string OneLine(std::string_view text) {
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return line;
}

/// A plugin's field must not pass for one of the line's own, nor for two.
std::string FieldName(std::string_view name) {
  bool const taken = name == "time" || name == "level" || name == "message" || name == "plugin";
  auto word = OneLine(taken ? fmt::format("{}_", name) : std::string(name));
  std::replace_if(
      word.begin(), word.end(), [](char c) { return c == ' ' || c == '='; }, '_');
  return word;
}

/// Borrows `name` and `value`; a text that it needs it keeps in `texts`.
log::Field FieldOf(std::string const& name, json::Value const& value,
                   std::deque<std::string>& texts) {
  switch (value.kind()) {
    case boost::json::kind::string:
      return {name, std::string_view(value.get_string())};
    case boost::json::kind::int64:
      return {name, value.get_int64()};
    case boost::json::kind::uint64:
      return {name, value.get_uint64()};
    case boost::json::kind::double_:
      return {name, value.get_double()};
    case boost::json::kind::bool_:
      return {name, value.get_bool()};
    default:  // deeper things as their text
      return {name, texts.emplace_back(boost::json::serialize(value))};
  }
}

/// Topics that only the kernel publishes.
bool IsKernelTopic(std::string_view topic) {
  return topic.starts_with("node.") || topic.starts_with("ledger.") ||
         topic.starts_with("process.") || topic.starts_with("workload.");
}

}  // namespace

void DaemonBackend::Log(std::int32_t level, std::string_view text, std::string_view fields) {
  auto const own = LevelOf(level);
  if (own == log::Level::kDebug && !log::IsOn(own)) return;
  // The host beside the plugin has such a budget too; what goes to standard error comes only here.
  auto const taken = budget_.Take(MonotonicNs());
  if (!taken.allowed) return;
  if (taken.dropped != 0) {
    tail_->Add(fmt::format("{} log records were dropped", taken.dropped));
    log::Warn("a plugin's log records were dropped",
              {{"plugin", name_}, {"records", taken.dropped}});
  }
  auto const line = OneLine(text);
  tail_->Add(fmt::format("{:%F %T} {} {}{}{}", fmt::gmtime(std::time(nullptr)), NameOf(own), line,
                         fields.empty() ? "" : " ", OneLine(fields)));
  if (!log::IsOn(own)) return;
  auto const parsed = json::ParseValue(fields.empty() ? "{}" : fields);
  if (!parsed || !parsed->is_object()) {
    log::Write(own, line, std::array<log::Field, 2>{{{"plugin", name_}, {"fields", fields}}});
    return;
  }
  std::deque<std::string> texts;  // what the fields borrow
  std::vector<log::Field> all{{"plugin", name_}};
  for (auto const& [key, value] : parsed->get_object())
    all.push_back(FieldOf(texts.emplace_back(FieldName(key)), value, texts));
  log::Write(own, line, all);
}

std::int32_t DaemonBackend::LogLevel() {
  return TRL_LOG_DEBUG;
}

void DaemonBackend::Progress(CallInfo const& call, std::uint32_t permille, std::string_view text) {
  log::Debug("plugin progress",
             {{"plugin", name_}, {"call", call.id}, {"permille", permille}, {"text", text}});
}

Result<void> DaemonBackend::AddType(TypeInfo type) {
  return record_.registry->AddType(std::move(type));
}
Result<void> DaemonBackend::AddService(std::string const& id) {
  return record_.registry->AddService(id, name_);
}
Result<void> DaemonBackend::AddCommand(CommandInfo command, std::vector<std::string> aliases) {
  TRELLIS_CHECK(Need("command:" + command.name));
  for (auto const& alias : aliases)
    TRELLIS_CHECK(Need("command:" + alias));
  return record_.registry->AddCommand(command, aliases, name_);
}
Result<void> DaemonBackend::AddProvider(std::string const& kind, std::string const& name,
                                        std::string const& options) {
  return record_.registry->AddProvider({kind, name, name_, options});
}

Result<ServiceAnswer> DaemonBackend::CallService(CallInfo const& call, std::string_view id,
                                                 std::string_view method, std::string_view request,
                                                 std::span<int const> fds) {
  return parts_.broker.Call(call, &record_, id, method, request, fds);
}

void DaemonBackend::Subscribe(std::string const&) {
  // Every event reaches the plugin's own table, which knows the prefixes.
}

Result<void> DaemonBackend::Publish(std::string_view topic, std::string_view payload) {
  if (IsKernelTopic(topic))
    return Fail(Code::kDenied, "plugin '{}' may not publish '{}'", name_, topic);
  TRELLIS_CHECK(Need(fmt::format("event:{}", topic)));
  parts_.publish(topic, payload);
  return {};
}

std::uint64_t DaemonBackend::DefineMetric(std::int32_t kind, std::string_view name,
                                          std::string_view help, std::string_view labels) {
  return parts_.metrics.Define(name_, kind, name, help, labels);
}
void DaemonBackend::RecordMetric(std::uint64_t metric, double value) {
  parts_.metrics.Record(metric, value);
}

Result<std::string> DaemonBackend::EnsureProcess(std::string_view name, std::string_view spec,
                                                 std::span<int const> fds, CallInfo const& call) {
  TRELLIS_CHECK(Need(kSpawn));
  if (parts_.supervisor == nullptr) return NoProcesses();
  return parts_.supervisor->Ensure(name_, name, spec, fds, call.deadline_ns);
}
Result<void> DaemonBackend::StopProcess(std::string_view name, CallInfo const& call) {
  TRELLIS_CHECK(Need(kSpawn));
  if (parts_.supervisor == nullptr) return NoProcesses();
  return parts_.supervisor->Stop(name_, name, call.deadline_ns);
}
Result<std::string> DaemonBackend::ListProcesses(std::string_view prefix) {
  TRELLIS_CHECK(Need(kSpawn));
  if (parts_.supervisor == nullptr) return NoProcesses();
  std::chrono::nanoseconds const limit = kListLimit;
  return parts_.supervisor->List(name_, prefix, MonotonicNs() + limit.count());
}

bool DaemonBackend::HasPermission(std::string_view permission) const {
  return IsGranted(record_.granted, permission);
}

Result<void> DaemonBackend::Need(std::string_view permission) const {
  if (HasPermission(permission)) return {};
  return Fail(Code::kDenied, "plugin '{}' has no permission '{}'", name_, permission);
}

}  // namespace trellis::plugin
