// Commands by name: who may call them, how big and how long they may be, and what runs them.
#pragma once

#include "kernel/api/pool.hpp"
#include "kernel/engine/answer.hpp"
#include "kernel/plugin/types.hpp"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::api {

/// Who calls. `local`: over the control socket, with all rights, on behalf of `twin`.
struct Caller {
  std::uint32_t twin = 0;
  bool local = false;
};

enum class Auth : std::uint8_t { kAny, kOwner, kFarmer, kAdmin, kLocal };
/// Does a command change anything? Such ones are refused while the node drains.
enum class Effect : std::uint8_t { kReads, kMutates };

/// Where does a command run? On a handler thread, when it is its turn; or at once, where it was
/// read: only for a short one that waits for nothing and nobody.
enum class Runs : std::uint8_t { kInTurn, kAtOnce };

using Handler = std::function<engine::Answer(Caller const&, std::string_view payload)>;
using Reply = std::function<void(engine::Answer)>;
/// A handler that gives its thread back while it waits: it tells the answer once, and what it does
/// after a wait runs through `resume`.
using AsyncHandler =
    std::function<void(Caller const&, std::string_view payload, engine::Resume resume, Reply done)>;

/// The wire code of an error class.
[[nodiscard]] int WireCode(Code code);
/// A Result as an Answer.
[[nodiscard]] engine::Answer ToAnswer(Result<std::string> result);
[[nodiscard]] tl::unexpected<engine::Refusal> Refuse(int code, std::string message,
                                                     std::string reason = {});

/// Safe for use by several threads once all Add calls are done.
class Router {
 public:
  /// Threads of others that CallHere may hold up at once.
  static constexpr std::size_t kMaxHere = 2;
  /// Answers "is this twin the farmer / an administrator of the node?".
  struct Rights {
    std::function<bool(std::uint32_t twin)> farmer;
    std::function<bool(std::uint32_t twin)> admin;
  };
  struct Options {
    std::size_t kernel_threads = 8;
    std::size_t plugin_threads = 4;
    QueueLimits queue;  ///< of each of the two
  };

  Router(plugin::Plugins& plugins, Rights rights, Options options);
  Router(plugin::Plugins& plugins, Rights rights) : Router(plugins, std::move(rights), Options()) {}
  /// Waits for what is on its way.
  ~Router();
  Router(Router const&) = delete;
  Router& operator=(Router const&) = delete;

  /// Before the first Call.
  void Add(std::string name, Auth auth, Handler handler, Effect effect = Effect::kReads,
           Runs runs = Runs::kInTurn);
  /// As Add. `async` does the same as `handler`, which is used when too many are on their way.
  void AddAsync(std::string name, Auth auth, Handler handler, AsyncHandler async,
                Effect effect = Effect::kReads);
  /// All names that begin with `prefix` need `auth`, also those nobody knows: a stranger must not
  /// learn which exist. Before the first Call.
  void Guard(std::string prefix, Auth auth);
  /// Refuses mutating work from now on (503).
  void Drain();
  /// From now on answers only what is about the daemon itself; all else gets 503 with `why`.
  void Degrade(std::string why);

  /// Is the name one of the kernel's, of a plugin, or guarded?
  [[nodiscard]] bool Knows(std::string_view command) const;

  /// Runs the command; `reply` exactly once, on any thread, maybe before this returns. Unknown: 404
  /// `function is not found`; too much waiting: 503.
  void Call(Caller const& caller, std::string_view command, std::string payload, Reply reply);

  /// As Call, on the calling thread when few others do that; for threads that may be held up a
  /// while. Spares a request the way to a thread of its own.
  void CallHere(Caller const& caller, std::string_view command, std::string payload, Reply reply);

  /// Answers given so far, by wire code (0 = success).
  [[nodiscard]] std::map<int, std::uint64_t> Answers() const;

 private:
  struct Route {
    Auth auth = Auth::kAny;
    Effect effect = Effect::kReads;
    Runs runs = Runs::kInTurn;
    Handler handler;
    AsyncHandler async;  ///< may be empty
  };
  struct Request {
    Caller caller;
    std::string command;
    std::string payload;
    Reply reply;
  };
  class Flight;
  void RunKernel(std::shared_ptr<Request> const& request, Route const& route);
  /// False: too much is on its way.
  [[nodiscard]] bool Enter(std::size_t bytes);
  void Leave(std::size_t bytes);
  [[nodiscard]] static std::size_t SizeOf(Request const& request);
  /// Why the route's handler must not run, or nothing.
  [[nodiscard]] engine::Answer CheckRoute(Request const& request, Route const& route) const;
  [[nodiscard]] bool Allowed(Caller const& caller, Auth auth) const;
  /// Why the caller may not use the name, or nothing.
  [[nodiscard]] engine::Answer Check(Request const& request, Auth auth) const;
  [[nodiscard]] bool Guarded(std::string_view command) const;
  engine::Answer CallKernel(Request const& request, Route const& route) const;
  engine::Answer CallPlugin(Request const& request, plugin::CommandInfo const& info) const;
  using Work = std::function<engine::Answer(Request const&)>;
  void Post(Pool& pool, std::shared_ptr<Request> const& request, Work work);
  void PostTask(Pool& pool, std::shared_ptr<Request> const& request, std::function<void()> task);
  /// The refusal of a degraded node, or nothing.
  [[nodiscard]] engine::Answer CheckDegraded(std::string_view command) const;
  /// What a handler throws is an internal error; the details stay in the log.
  static engine::Answer RunGuarded(Request const& request, Work const& work);
  void Answer(Request const& request, engine::Answer answer);

  plugin::Plugins& plugins_;
  Rights rights_;
  std::map<std::string, Route, std::less<>> routes_;
  std::vector<std::pair<std::string, Auth>> guards_;
  std::atomic<std::size_t> here_{0};  // in CallHere
  std::atomic<bool> draining_{false};
  std::atomic<bool> degraded_{false};
  std::size_t const max_bytes_;
  mutable std::mutex mutex_;  // guards the six below
  std::map<int, std::uint64_t> answers_;
  std::string why_degraded_;
  std::size_t flights_ = 0;
  std::size_t flying_bytes_ = 0;
  bool closing_ = false;
  std::condition_variable landed_;
  Pool kernel_pool_;
  Pool plugin_pool_;
};

}  // namespace trellis::api
