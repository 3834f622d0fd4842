// The plugins of the node: what is known of each, who may be called, and how many at once.
#pragma once

#include "kernel/plugin/channel.hpp"
#include "kernel/plugin/gate.hpp"
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
  kLoaded,    ///< not created yet
  kStarting,  ///< its create takes long, or that of a plugin that it needs
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

class Registry;

/// One version of a plugin. Fixed once it is created, except what the mutex guards.
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
  bool isolated = false;               ///< its code runs in a helper process
  std::vector<std::string> granted;    ///< permissions; their paths as in the manifest
  std::vector<std::string> gaps;       ///< what its process could not be kept from
  bool created = false;                ///< once: what it was given is settled
  std::string config = "{}";           ///< what its create is given
  std::string migrated_config;         ///< the same, when it is not what the operator wrote
  bool state_kept = false;             ///< a copy of its state is kept until it is known to run
  std::shared_ptr<Registry> registry;  ///< where it registers
  Gates gates;                         ///< the same for every version
  std::shared_ptr<LogTail> tail = std::make_shared<LogTail>();  ///< shared with its hosts
  std::shared_ptr<Slots> effects;                               ///< serial only: one at a time
  std::shared_ptr<Slots> services;  ///< the same for services, commands and providers

  mutable std::mutex mutex;  ///< guards what follows
  PluginState state = PluginState::kLoaded;
  std::string reason;
  std::shared_ptr<PluginChannel> channel;                ///< a new one after each restart
  std::map<std::string, std::shared_ptr<Slots>> limits;  ///< per type and command
  std::uint32_t restarts = 0;
  bool leaving = false;            ///< being exchanged: whoever does that cares for its death
  PluginRecord* before = nullptr;  ///< what is taken up again should this one die soon
  std::shared_ptr<PluginChannel> successor;  ///< started already, gets the events
  std::string note;                          ///< what became of the last exchange

  void Set(PluginState new_state, std::string why = {});
  [[nodiscard]] PluginState State() const;
  /// nullptr until it is created.
  [[nodiscard]] std::shared_ptr<PluginChannel> Channel() const;
  void Use(std::shared_ptr<PluginChannel> new_channel);
  /// To the channel, or to that of the next version, which is on its way. Never blocks.
  void Deliver(std::string_view topic, std::string_view payload) const;
  /// False unless it is running; else it is leaving until it is told not to.
  bool Leave();
  void Stay();
  void Note(std::string text);
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

/// Safe for use by several threads, which may look while names are added: a look takes no lock.
class Directory {
 public:
  Directory();
  PluginRecord& Add(std::string name);
  /// A version that nobody finds until it is shown. It and those before it stay as long as the
  /// directory: whoever found one may use it.
  PluginRecord& Prepare(PluginRecord const& old);
  void Show(PluginRecord& record) const;
  /// nullptr when unknown.
  [[nodiscard]] PluginRecord* Find(std::string_view name) const;
  [[nodiscard]] std::vector<PluginRecord*> All() const;
  std::uint64_t NextCall() { return ++last_call_; }
  [[nodiscard]] std::uint64_t calls() const { return last_call_; }

 private:
  /// Where to find the version that counts. Never changed once others see it: a name more is a new
  /// one, and those before it stay, for whoever looks at them just now.
  using Shown = std::map<std::string, std::atomic<PluginRecord*>*, std::less<>>;
  std::atomic<Shown const*> shown_;
  std::mutex mutex_;  // guards what follows
  std::vector<std::unique_ptr<Shown const>> every_shown_;
  std::vector<std::unique_ptr<std::atomic<PluginRecord*>>> places_;
  std::vector<std::unique_ptr<PluginRecord>> owned_;
  std::atomic<std::uint64_t> last_call_ = 0;
};

}  // namespace trellis::plugin
