// Commands by name: who may call them, how big and how long they may be, and what runs them.
#pragma once

#include "kernel/api/pool.hpp"
#include "kernel/engine/answer.hpp"
#include "kernel/plugin/types.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace trellis::api {

/// Who calls. `local`: over the control socket, with all rights, on behalf of `twin`.
struct Caller {
  std::uint32_t twin = 0;
  bool local = false;
};

enum class Auth : std::uint8_t { kAny, kOwner, kFarmer, kAdmin, kLocal };

using Handler = std::function<engine::Answer(Caller const&, std::string_view payload)>;
using Reply = std::function<void(engine::Answer)>;

/// The wire code of an error class.
[[nodiscard]] int WireCode(Code code);
/// A Result as an Answer.
[[nodiscard]] engine::Answer ToAnswer(Result<std::string> result);
[[nodiscard]] tl::unexpected<engine::Refusal> Refuse(int code, std::string message,
                                                     std::string reason = {});

/// Safe for use by several threads once all Add calls are done.
class Router {
 public:
  /// Answers "is this twin the farmer / an administrator of the node?".
  struct Rights {
    std::function<bool(std::uint32_t twin)> farmer;
    std::function<bool(std::uint32_t twin)> admin;
  };

  Router(plugin::Plugins& plugins, Rights rights);

  /// Before the first Call.
  void Add(std::string name, Auth auth, Handler handler);
  /// Refuses mutating work from now on (503).
  void Drain();

  /// Runs the command on a handler thread; `reply` exactly once, on any thread. Unknown: 404
  /// `function is not found`.
  void Call(Caller const& caller, std::string_view command, std::string payload, Reply reply);

 private:
  struct Route {
    Auth auth = Auth::kAny;
    Handler handler;
  };
  [[nodiscard]] bool Allowed(Caller const& caller, Auth auth) const;
  [[nodiscard]] engine::Answer CallPlugin(Caller const& caller, plugin::CommandInfo const& info,
                                          std::string_view payload);

  plugin::Plugins& plugins_;
  Rights rights_;
  std::map<std::string, Route, std::less<>> routes_;
  std::atomic<bool> draining_{false};
  Pool kernel_pool_;
  Pool plugin_pool_;
};

}  // namespace trellis::api
