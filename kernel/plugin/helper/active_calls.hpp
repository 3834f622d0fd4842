// The calls that a helper process has in hand, by their id: what nested requests inherit.
#pragma once

#include "kernel/plugin/call.hpp"

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

namespace trellis::plugin {

/// Safe for use by several threads.
class ActiveCalls {
 public:
  /// In scope while its call is under way. Its end waits for those who look at its view.
  class Scope {
   public:
    Scope(ActiveCalls& calls, CallInfo const& call);
    ~Scope();
    Scope(Scope const&) = delete;
    Scope& operator=(Scope const&) = delete;

   private:
    ActiveCalls& calls_;
    std::uint64_t id_;
  };

  [[nodiscard]] std::size_t size() const;
  /// What the helper says of a call, with cancellation, and the sooner deadline, of the one under
  /// way. Without its view.
  [[nodiscard]] CallInfo Inherit(CallInfo said) const;

  /// Runs `look` with the document that call `id` examines; empty when it examines none. The view
  /// stays until `look` returned.
  template <class Look>
  auto WithView(std::uint64_t id, Look&& look)
      -> std::optional<decltype(look(std::declval<DeploymentView const&>()))> {
    auto const* view = Pin(id);
    if (view == nullptr) return std::nullopt;
    auto answer = look(*view);
    Unpin(id);
    return answer;
  }

 private:
  struct Entry {
    CallInfo call;
    int looking = 0;
  };
  DeploymentView const* Pin(std::uint64_t id);
  void Unpin(std::uint64_t id);

  mutable std::mutex mutex_;  // guards entries_
  std::condition_variable unpinned_;
  std::map<std::uint64_t, Entry> entries_;
};

}  // namespace trellis::plugin
