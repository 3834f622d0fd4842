// The plugins of the node: what is known of each, who may be called, and how many at once.
#pragma once

#include "kernel/plugin/channel.hpp"
#include "kernel/plugin/log_tail.hpp"
#include "kernel/plugin/manifest.hpp"
#include "kernel/plugin/types.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugin {

enum class PluginState : std::uint8_t {
  kLoaded,  ///< not created yet
  kCreated,
  kRunning,
  kFailed,
  kRefused,
  kBlocked,
  kDisabled,
  kStopped,
  kRestarting,  ///< its process is gone, the next one is on its way
};
[[nodiscard]] std::string_view ToText(PluginState state);

/// How long a call may wait for its turn.
inline constexpr std::chrono::minutes kMaxQueueWait{15};

/// One plugin. Fixed after start-up except what the mutex guards.
struct PluginRecord {
  std::string name;
  std::string file;
  std::string code;  ///< what is loaded: the file, or its verified private copy
  std::string version;
  Manifest manifest;
  bool verified = false;  ///< the manifest is that of the file beside it, and was signed
  std::string key_id;     ///< who signed; "" = nobody
  bool dev = false;       ///< only dev mode lets it run
  bool serial = true;
  bool isolated = false;             ///< its code runs in a helper process
  std::vector<std::string> granted;  ///< permissions; their paths as in the manifest
  std::vector<std::string> gaps;     ///< what its process could not be kept from
  std::shared_ptr<LogTail> tail = std::make_shared<LogTail>();  ///< shared with its hosts
  std::shared_ptr<Slots> effects;                               ///< serial only: one at a time
  std::shared_ptr<Slots> services;  ///< the same for services, commands and providers

  mutable std::mutex mutex;  ///< guards what follows
  PluginState state = PluginState::kLoaded;
  std::string reason;
  std::shared_ptr<PluginChannel> channel;                ///< a new one after each restart
  std::map<std::string, std::shared_ptr<Slots>> limits;  ///< per type and command
  std::uint32_t restarts = 0;

  void Set(PluginState new_state, std::string why = {});
  [[nodiscard]] PluginState State() const;
  /// nullptr until it is created.
  [[nodiscard]] std::shared_ptr<PluginChannel> Channel() const;
  void Use(std::shared_ptr<PluginChannel> new_channel);
  /// `plugin failed (…)`
  [[nodiscard]] std::string WhyNot() const;
  /// A slot for an effect of `type`, of which `max_parallel` may run.
  Result<std::shared_ptr<void>> EnterEffect(TypeInfo const& type, CancelToken const* cancel);
  /// A slot for a service, command or provider; `key` "" = no limit of its own.
  Result<std::shared_ptr<void>> EnterService(std::string const& key, std::uint32_t max_parallel,
                                             CancelToken const* cancel,
                                             std::chrono::milliseconds limit);

 private:
  Result<std::shared_ptr<Slots>> Limit(std::string const& key, std::uint32_t count);
};

/// Filled at start-up, fixed afterwards; then safe for use by several threads.
class Directory {
 public:
  PluginRecord& Add(std::string name);
  /// nullptr when unknown.
  [[nodiscard]] PluginRecord* Find(std::string_view name) const;
  [[nodiscard]] std::vector<PluginRecord*> All() const;
  std::uint64_t NextCall() { return ++last_call_; }
  [[nodiscard]] std::uint64_t calls() const { return last_call_; }

 private:
  std::map<std::string, std::unique_ptr<PluginRecord>, std::less<>> records_;
  std::atomic<std::uint64_t> last_call_ = 0;
};

}  // namespace trellis::plugin
