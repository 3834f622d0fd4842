// A plugin whose code runs in a helper process (trellis-plugin-host): what it does to itself costs
// the calls in flight and nothing else.
#pragma once

#include "kernel/plugin/channel.hpp"
#include "kernel/plugin/helper/connection.hpp"
#include "kernel/plugin/helper/host_requests.hpp"
#include "kernel/plugin/helper/loop.hpp"
#include "kernel/plugin/helper/usage.hpp"
#include "kernel/plugin/helper/wire.hpp"
#include "kernel/sys/process.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace trellis::plugin {

struct HelperOptions {
  std::string host;  ///< path of trellis-plugin-host
  std::string name;
  std::string file;                        ///< of the plugin, absolute
  std::vector<std::string> permissions{};  ///< granted; their paths are absolute
  std::string state_dir{};                 ///< its own folders; they exist
  std::string run_dir{};
  HelperLimits limits{};  ///< a process beyond them is killed
};

/// One life of one helper. When the process is gone every call answers TRL_CRASHED, and a new
/// channel takes its place.
class ProcessChannel final : public PluginChannel,
                             public std::enable_shared_from_this<ProcessChannel> {
 public:
  /// Told once, from any thread, when the process is gone without Stop: how it ended.
  using OnDeath = std::function<void(std::string const& how)>;

  /// Starts the helper, which opens the plugin and tells its descriptor. `loop` and `threads`
  /// outlive the channel. kInvalid and kAbi as Library::Open; kCrashed when the plugin took the
  /// helper down, kTimeout when it did not answer within 10 s.
  static Result<std::shared_ptr<ProcessChannel>> Open(HelperOptions options, HelperLoop& loop,
                                                      CallThreads& threads);
  ~ProcessChannel() override;
  ProcessChannel(ProcessChannel const&) = delete;
  ProcessChannel& operator=(ProcessChannel const&) = delete;

  [[nodiscard]] DescriptionBody const& description() const { return description_; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] std::size_t calls() const { return calls_.size(); }
  [[nodiscard]] bool dead() const;
  /// Destroy, and wait until the process is gone, of itself or killed. Not on the loop's thread.
  void End();
  /// Before Create.
  void Attach(std::unique_ptr<HostBackend> backend, OnDeath on_death);
  /// Nothing of the helper is looked at any more, and nobody is being told about it: what Attach
  /// was given may go. Not on the loop's thread.
  void Unwatch();

  Result<std::string> MigrateConfig(CallInfo const& call, std::uint32_t from,
                                    std::string const& config) override;
  Result<void> MigrateState(CallInfo const& call, std::uint32_t from,
                            std::string const& state_dir) override;
  Result<void> Create(OpenSpec const& spec, CallInfo const& call) override;
  Result<void> Start(CallInfo const& call) override;
  Result<void> Stop(CallInfo const& call) override;
  void Destroy() override;
  Examination Examine(CallInfo const& call, std::string const& type, std::string const& data,
                      bool check_valid) override;
  OpAnswer Run(Op op, CallInfo const& call, OpRequest const& request) override;
  OpAnswer Precheck(Op op, CallInfo const& call, OpRequest const& request) override;
  Result<InspectAnswer> Inspect(CallInfo const& call, OpRequest const& request) override;
  Result<std::vector<std::string>> ListOwned(CallInfo const& call,
                                             std::string const& type) override;
  Result<void> Recovered(CallInfo const& call, std::string const& type,
                         std::vector<std::string> const& ids) override;
  Result<ServiceAnswer> Service(CallInfo const& call, std::string const& id,
                                std::string_view method, std::string_view request,
                                std::span<int const> fds) override;
  CommandReply Command(CallInfo const& call, std::string const& name,
                       std::string_view payload) override;
  Result<std::string> Provider(CallInfo const& call, std::string const& kind,
                               std::string const& name, std::string_view request) override;
  Result<std::string> Health(CallInfo const& call) override;
  void Event(std::string_view topic, std::string_view payload) override;

 private:
  ProcessChannel(HelperOptions options, HelperLoop& loop, CallThreads& threads);
  Result<void> Spawn();
  Result<void> Hello();
  /// One call: its frame, or why there is none.
  Result<Frame> Call(Method method, CallInfo const& call, std::string const& body,
                     std::string_view what, std::span<int const> fds = {});
  Result<std::string> CallForText(Method method, CallInfo const& call, std::string const& body,
                                  std::string_view what);
  Result<void> CallForDone(Method method, CallInfo const& call, std::string const& body,
                           std::string_view what);
  void OnFrame(Frame frame);
  void OnReadable();
  void OnExit();
  void OnStderr();
  void OnTimer();
  /// A helper with calls in hand is looked at more often than an idle one.
  void WatchClosely();
  void Kill(std::string const& why);

  HelperOptions const options_;
  HelperLoop& loop_;
  CallThreads& threads_;
  DescriptionBody description_;
  ActiveCalls calls_;
  std::unique_ptr<HostBackend> backend_;
  std::unique_ptr<HostRequests> requests_;
  std::unique_ptr<Connection> connection_;
  sys::UniqueFd stderr_;
  sys::UniqueFd timer_;  // when to look at what the process uses
  std::atomic<bool> watched_closely_ = true;
  std::optional<sys::ChildProcess> process_;
  pid_t pid_ = -1;
  std::condition_variable ended_;
  mutable std::mutex mutex_;  // guards what follows
  OnDeath on_death_;
  std::string killed_why_;
  bool stopping_ = false;
  bool dead_ = false;
  std::string line_;  // unfinished line of standard error
};

}  // namespace trellis::plugin
