#include "kernel/plugin/directory.hpp"

namespace trellis::plugin {

std::string_view ToText(PluginState state) {
  switch (state) {
    case PluginState::kLoaded:
      return "loaded";
    case PluginState::kStarting:
      return "starting";
    case PluginState::kCreated:
      return "created";
    case PluginState::kRunning:
      return "running";
    case PluginState::kFailed:
      return "failed";
    case PluginState::kRefused:
      return "refused";
    case PluginState::kBlocked:
      return "blocked";
    case PluginState::kDisabled:
      return "disabled";
    case PluginState::kStopped:
      return "stopped";
    case PluginState::kRestarting:
      return "restarting";
  }
  return "unknown";
}

void PluginRecord::Set(PluginState new_state, std::string why) {
  std::lock_guard const lock(mutex);
  state = new_state;
  reason = std::move(why);
}

PluginState PluginRecord::State() const {
  std::lock_guard const lock(mutex);
  return state;
}

std::shared_ptr<PluginChannel> PluginRecord::Channel() const {
  std::lock_guard const lock(mutex);
  return channel;
}

void PluginRecord::Use(std::shared_ptr<PluginChannel> new_channel) {
  std::unique_lock lock(mutex);
  auto const old = std::exchange(channel, std::move(new_channel));
  lock.unlock();  // the old one ends outside the lock
}

void PluginRecord::Deliver(std::string_view topic, std::string_view payload) const {
  std::unique_lock lock(mutex);
  auto const target = successor != nullptr ? successor : channel;
  lock.unlock();
  if (target != nullptr) target->Event(topic, payload);
}

bool PluginRecord::Leave() {
  std::lock_guard const lock(mutex);
  leaving = state == PluginState::kRunning;
  return leaving;
}

void PluginRecord::Stay() {
  std::lock_guard const lock(mutex);
  leaving = false;
  successor = nullptr;
}

void PluginRecord::Note(std::string text) {
  std::lock_guard const lock(mutex);
  note = std::move(text);
}

std::string PluginRecord::WhyNot() const {
  std::lock_guard const lock(mutex);
  if (reason.empty()) return fmt::format("plugin {}", ToText(state));
  return fmt::format("plugin {} ({})", ToText(state), reason);
}

Result<std::shared_ptr<Slots>> PluginRecord::Limit(std::string const& key, std::uint32_t count) {
  std::lock_guard const lock(mutex);
  auto& slots = limits[key];
  if (slots == nullptr) {
    TRELLIS_TRY(slots, Slots::Make(count));
  }
  return slots;
}

Result<std::shared_ptr<void>> PluginRecord::EnterEffect(TypeInfo const& type,
                                                        CancelToken const* cancel) {
  if (serial) return Slots::Acquire(effects, cancel, kMaxQueueWait);
  TRELLIS_TRY(auto const slots, Limit("type " + type.name, type.max_parallel));
  return Slots::Acquire(slots, cancel, kMaxQueueWait);
}

Result<std::shared_ptr<void>> PluginRecord::EnterService(std::string const& key,
                                                         std::uint32_t max_parallel,
                                                         CancelToken const* cancel,
                                                         std::chrono::milliseconds limit) {
  if (serial) return Slots::Acquire(services, cancel, limit);
  if (key.empty()) return std::shared_ptr<void>();
  TRELLIS_TRY(auto const slots, Limit(key, max_parallel));
  return Slots::Acquire(slots, cancel, limit);
}

Directory::Directory() {
  shown_ = every_shown_.emplace_back(std::make_unique<Shown const>()).get();
}

PluginRecord& Directory::Add(std::string name) {
  std::lock_guard const lock(mutex_);
  auto& record = *owned_.emplace_back(std::make_unique<PluginRecord>());
  record.name = std::move(name);
  auto more = std::make_unique<Shown>(*shown_.load());
  auto const& place = places_.emplace_back(std::make_unique<std::atomic<PluginRecord*>>(&record));
  more->insert_or_assign(record.name, place.get());
  shown_ = every_shown_.emplace_back(std::move(more)).get();
  return record;
}

PluginRecord& Directory::Prepare(PluginRecord const& old) {
  std::lock_guard const lock(mutex_);
  auto& record = *owned_.emplace_back(std::make_unique<PluginRecord>());
  record.name = old.name;
  record.file = old.file;
  record.isolated = old.isolated;
  record.tail = old.tail;
  record.gates = old.gates;
  return record;
}

void Directory::Show(PluginRecord& record) const {
  *shown_.load()->find(record.name)->second = &record;
}

PluginRecord* Directory::Find(std::string_view name) const {
  auto const& shown = *shown_.load(std::memory_order_acquire);
  auto const found = shown.find(name);
  return found == shown.end() ? nullptr : found->second->load();
}

std::vector<PluginRecord*> Directory::All() const {
  std::vector<PluginRecord*> records;
  for (auto const& [name, place] : *shown_.load(std::memory_order_acquire))
    records.push_back(place->load());
  return records;
}

}  // namespace trellis::plugin
