// What one loaded plugin keeps beside the author's object: host table, directories, callbacks. Not
// for authors.
#pragma once

#include <trellis/host.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace trellis::detail {

/// Anything registered with the host whose address the host keeps until destroy.
class Registered {
 public:
  virtual ~Registered() = default;
};

struct Instance {
  trl_host const* host = nullptr;
  std::string state_dir;
  std::string run_dir;
  std::string node;
  bool isolated = false;

  std::mutex mutex;                                     ///< guards registered
  std::vector<std::unique_ptr<Registered>> registered;  ///< handlers and type adapters

  template <class T, class... Args>
  T& Keep(Args&&... args) {
    auto owned = std::make_unique<T>(std::forward<Args>(args)...);
    T& reference = *owned;
    std::lock_guard const lock(mutex);
    registered.push_back(std::move(owned));
    return reference;
  }
  void Log(LogLevel level, std::string_view text) const {
    host->log(host->ctx, static_cast<std::int32_t>(level), abi::Bytes(text), {});
  }
};

/// Runs `body`, turning anything thrown into TRL_FAULT with its text.
template <class Body>
trl_status Guard(trl_sink const& err, Body&& body) noexcept {
  try {
    return body();
  } catch (std::exception const& e) {
    abi::Write(err, e.what());
  } catch (...) {
    abi::Write(err, "unknown exception");
  }
  return TRL_FAULT;
}

struct ServiceRegistration final : Registered {
  ServiceRegistration(trl_host const* the_host, ServiceHandler the_handler)
      : host(the_host), handler(std::move(the_handler)) {}
  static trl_status Run(void* self, trl_call const* raw, trl_bytes method, trl_bytes request,
                        trl_fds fds, trl_sink reply, trl_fd_sink reply_fds, trl_sink err) noexcept {
    return Guard(err, [&]() -> trl_status {
      auto& me = *static_cast<ServiceRegistration*>(self);
      Call call(me.host, raw);
      std::vector<std::int32_t> out;
      auto done =
          me.handler(call, abi::View(method), abi::View(request), {fds.data, fds.size}, out);
      if (!done) return abi::Fail(err, done.error());
      for (auto const fd : out) {
        if (auto const status = reply_fds.put(reply_fds.ctx, fd); status < 0) return status;
      }
      return abi::Write(reply, *done);
    });
  }
  trl_host const* host;
  ServiceHandler handler;
};

struct CommandRegistration final : Registered {
  CommandRegistration(trl_host const* the_host, CommandHandler the_handler)
      : host(the_host), handler(std::move(the_handler)) {}
  static trl_status RunCommand(void* self, trl_call const* raw, trl_bytes payload, trl_sink reply,
                               std::int32_t*, trl_sink err) noexcept {
    return RunProvider(self, raw, payload, reply, err);
  }
  static trl_status RunProvider(void* self, trl_call const* raw, trl_bytes payload, trl_sink reply,
                                trl_sink err) noexcept {
    return Guard(err, [&]() -> trl_status {
      auto& me = *static_cast<CommandRegistration*>(self);
      Call call(me.host, raw);
      auto done = me.handler(call, abi::View(payload));
      if (!done) return abi::Fail(err, done.error());
      return abi::Write(reply, *done);
    });
  }
  trl_host const* host;
  CommandHandler handler;
};

struct EventRegistration final : Registered {
  EventRegistration(Instance* the_instance, EventHandler the_handler)
      : instance(the_instance), handler(std::move(the_handler)) {}
  static void Run(void* self, trl_bytes topic, trl_bytes payload) noexcept try {
    static_cast<EventRegistration*>(self)->handler(abi::View(topic), abi::View(payload));
  } catch (...) {
    static_cast<EventRegistration*>(self)->instance->Log(LogLevel::kError, "event handler threw");
  }
  Instance* instance;
  EventHandler handler;
};

struct TaskRegistration final : Registered {
  TaskRegistration(Instance* the_instance, std::function<void()> the_task)
      : instance(the_instance), task(std::move(the_task)) {}
  static void Run(void* self) noexcept try {
    static_cast<TaskRegistration*>(self)->task();
  } catch (...) {
    static_cast<TaskRegistration*>(self)->instance->Log(LogLevel::kError, "scheduled task threw");
  }
  Instance* instance;
  std::function<void()> task;
};

}  // namespace trellis::detail
