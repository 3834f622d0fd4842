// Answers what a helper process asks of the daemon. Nothing it sends is believed: names, rights and
// sizes are checked here again.
#pragma once

#include "kernel/plugin/helper/active_calls.hpp"
#include "kernel/plugin/helper/frame.hpp"
#include "kernel/plugin/helper/registration.hpp"
#include "kernel/plugin/host_backend.hpp"

#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace trellis::plugin {

/// A return frame's body and descriptors.
struct FrameAnswer {
  std::string body;
  std::vector<sys::UniqueFd> fds;
};

/// For one plugin; borrows its collaborators. Safe for use by several threads.
class HostRequests {
 public:
  HostRequests(HostBackend& backend, ActiveCalls& calls) : backend_(backend), calls_(calls) {}

  /// Registrations are taken only between these two. The first that was refused fails the plugin
  /// whatever its create answers; refused() tells it.
  void OpenRegistration();
  void CloseRegistration() { creating_ = false; }
  [[nodiscard]] std::string refused() const;
  [[nodiscard]] bool Subscribed(std::string_view topic) const;

  /// Blocks as long as the request takes.
  FrameAnswer Answer(Frame const& call);
  /// Logs, progress, samples; never blocks for long.
  void Note(Frame const& notice);

 private:
  Result<void> Register(std::string_view what, std::string_view body);
  Result<void> AddType(TypeRegistration body);
  Result<void> AddCommand(CommandRegistration body);
  FrameAnswer CallService(Frame const& call);
  FrameAnswer EnsureProcess(Frame const& call);
  Result<std::string> Deployment(Frame const& call);
  Result<std::string> Ask(Frame const& call);
  Result<std::string> Store(Frame const& call);
  Result<std::string> Kernel(Frame const& call);

  HostBackend& backend_;
  ActiveCalls& calls_;
  std::atomic<bool> creating_ = false;
  mutable std::mutex mutex_;  // guards what follows
  std::string refused_;
  std::vector<std::string> subscriptions_;
  std::set<std::uint64_t> metrics_;  // its own ones
};

}  // namespace trellis::plugin
