// Extension tables that the host serves itself: commands, providers, events, metrics, schedule,
// processes.
#include "kernel/plugin/host_table.hpp"
#include "kernel/plugin/registrations.hpp"

namespace trellis::plugin {

namespace {

constexpr std::size_t kMaxTopicBytes = 255;
constexpr std::size_t kMaxEventBytes = std::size_t{64} << 10U;
constexpr std::size_t kMaxSubscriptions = 64;
constexpr std::size_t kMaxProcessName = 100;

HostTable& Of(void* ctx) {
  return *static_cast<HostTable*>(ctx);
}

trl_status Finish(Result<void> const& done, trl_sink err) {
  return done ? TRL_OK : Refuse(err, done.error());
}

Error const kStopped{Code::kUnavailable, "the plugin was stopped"};

}  // namespace

struct ServedFunctions {
  static HostBackend& Backend(void* ctx) { return Of(ctx).backend_; }
  static bool Shut(void* ctx) { return Of(ctx).shut_; }

  static trl_status AddCommand(void* ctx, trl_command const* command, trl_sink err) noexcept {
    return Guarded(err, [&] { return Registrations::AddCommand(Of(ctx), command, err); });
  }
  static trl_status AddProvider(void* ctx, trl_bytes kind, trl_bytes name, trl_bytes options,
                                trl_provider_fn run, void* self, trl_sink err) noexcept {
    return Guarded(err, [&] {
      return Registrations::AddProvider(Of(ctx), kind, name, options, {run, self}, err);
    });
  }

  static trl_status Publish(void* ctx, trl_bytes topic, trl_bytes payload) noexcept {
    return Guarded({}, [&]() -> trl_status {
      if (Shut(ctx)) return TRL_UNAVAILABLE;
      if (topic.size == 0 || topic.size > kMaxTopicBytes) return TRL_INVALID;
      if (payload.size > kMaxEventBytes) return TRL_EXHAUSTED;
      return Finish(Backend(ctx).Publish(abi::View(topic), abi::View(payload)), {});
    });
  }
  static trl_status Subscribe(void* ctx, trl_bytes prefix, trl_event_fn run, void* self,
                              trl_sink err) noexcept {
    return Guarded(err, [&]() -> trl_status {
      if (Shut(ctx)) return Refuse(err, kStopped);
      if (run == nullptr || prefix.size > kMaxTopicBytes)
        return Refuse(err, {Code::kInvalid, "the subscription has no function or a long prefix"});
      std::string const text(abi::View(prefix));
      {
        std::lock_guard const lock(Of(ctx).mutex_);
        if (Of(ctx).subscriptions_.size() >= kMaxSubscriptions)
          return Refuse(err, {Code::kExhausted, "more than 64 subscriptions"});
        Of(ctx).subscriptions_.push_back({text, run, self});
      }
      Backend(ctx).Subscribe(text);
      return TRL_OK;
    });
  }

  static std::uint64_t Define(void* ctx, std::int32_t kind, trl_bytes name, trl_bytes help,
                              trl_bytes labels) noexcept try {
    if (Shut(ctx)) return 0;
    return Backend(ctx).DefineMetric(kind, abi::View(name), abi::View(help), abi::View(labels));
  } catch (...) {
    return 0;
  }
  static void Record(void* ctx, std::uint64_t metric, double value) noexcept try {
    if (metric != 0 && !Shut(ctx)) Backend(ctx).RecordMetric(metric, value);
  } catch (...) {  // one sample is lost
  }

  static std::uint64_t After(void* ctx, std::uint64_t delay_ms, std::uint64_t period_ms,
                             trl_task_fn run, void* self) noexcept try {
    if (run == nullptr || Shut(ctx)) return 0;
    auto const time = [](std::uint64_t ms) {
      return std::chrono::milliseconds(std::min<std::uint64_t>(ms, INT32_MAX));
    };
    return Of(ctx).queue_.Schedule(time(delay_ms), time(period_ms), [run, self] { run(self); });
  } catch (...) {
    return 0;
  }
  static void CancelTask(void* ctx, std::uint64_t task) noexcept try {
    Of(ctx).queue_.Cancel(task);
  } catch (...) {  // only a broken mutex could throw
  }

  static Result<std::string> ProcessName(trl_bytes name) {
    auto const text = abi::View(name);
    auto const allowed = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '_' || c == '.' || c == '/' || c == '-';
    };
    bool const fine = !text.empty() && text.size() <= kMaxProcessName &&
                      std::all_of(text.begin(), text.end(), allowed) && text.front() != '/' &&
                      text.find("..") == std::string_view::npos;
    if (!fine) return Fail(Code::kInvalid, "'{}' is not a process name", RepairText(text, 100));
    return std::string(text);
  }
  static trl_status Ensure(void* ctx, trl_call const* call, trl_bytes name, trl_bytes spec,
                           trl_fds fds, trl_sink out, trl_sink err) noexcept {
    return Guarded(err, [&]() -> trl_status {
      if (Shut(ctx)) return Refuse(err, kStopped);
      auto const info = ReadCall(call);
      if (!info) return Refuse(err, info.error());
      if (fds.size > kMaxCallFds)
        return Refuse(err, {Code::kExhausted, "more than 8 descriptors in one call"});
      auto const process = ProcessName(name);
      if (!process) return Refuse(err, process.error());
      std::span<int const> const files(fds.data, fds.size);
      auto const started = Backend(ctx).EnsureProcess(*process, abi::View(spec), files, *info);
      return started ? abi::Write(out, *started) : Refuse(err, started.error());
    });
  }
  static trl_status Stop(void* ctx, trl_call const* call, trl_bytes name, trl_sink err) noexcept {
    return Guarded(err, [&]() -> trl_status {
      if (Shut(ctx)) return Refuse(err, kStopped);
      auto const info = ReadCall(call);
      if (!info) return Refuse(err, info.error());
      auto const process = ProcessName(name);
      if (!process) return Refuse(err, process.error());
      return Finish(Backend(ctx).StopProcess(*process, *info), err);
    });
  }
  static trl_status List(void* ctx, trl_bytes prefix, trl_sink out, trl_sink err) noexcept {
    return Guarded(err, [&]() -> trl_status {
      if (Shut(ctx)) return Refuse(err, kStopped);
      auto const list = Backend(ctx).ListProcesses(abi::View(prefix));
      return list ? abi::Write(out, *list) : Refuse(err, list.error());
    });
  }
};

void const* ServedExtension(std::string_view id) {
  using F = ServedFunctions;
  static constexpr trl_ext_command kCommand{sizeof(trl_ext_command), 0, &F::AddCommand};
  static constexpr trl_ext_provider kProvider{sizeof(trl_ext_provider), 0, &F::AddProvider};
  static constexpr trl_ext_event kEvent{sizeof(trl_ext_event), 0, &F::Publish, &F::Subscribe};
  static constexpr trl_ext_metric kMetric{sizeof(trl_ext_metric), 0, &F::Define, &F::Record};
  static constexpr trl_ext_schedule kSchedule{sizeof(trl_ext_schedule), 0, &F::After,
                                              &F::CancelTask};
  static constexpr trl_ext_process kProcess{sizeof(trl_ext_process), 0, &F::Ensure, &F::Stop,
                                            &F::List};
  if (id == TRL_EXT_COMMAND) return &kCommand;
  if (id == TRL_EXT_PROVIDER) return &kProvider;
  if (id == TRL_EXT_EVENT) return &kEvent;
  if (id == TRL_EXT_METRIC) return &kMetric;
  if (id == TRL_EXT_SCHEDULE) return &kSchedule;
  if (id == TRL_EXT_PROCESS) return &kProcess;
  return nullptr;
}

}  // namespace trellis::plugin
