// Where signed envelopes wait for a relay: sent over the first link that takes them.
#pragma once

#include "kernel/rmb/link.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

namespace trellis::rmb {

/// Safe for use by several threads.
class Outbox {
 public:
  static constexpr std::size_t kMaxWaiting = 10000;
  static constexpr std::size_t kMaxWaitingBytes = std::size_t{64} << 20U;

  /// Before the first Send. `links` are borrowed.
  void SetLinks(std::vector<Link*> links) { links_ = std::move(links); }

  /// Sends over `preferred` (null: any) or another link that takes it; else keeps it until a link
  /// is ready or its life ends. Above the limits the oldest are dropped.
  void Send(Parcel parcel, Link* preferred, std::uint64_t now);
  /// A link takes parcels again.
  void OnReady(std::uint64_t now);
  /// Puts back what a link accepted and did not write.
  void Return(std::deque<Parcel> parcels, std::uint64_t now);

 private:
  [[nodiscard]] bool TrySend(Parcel& parcel, Link* preferred);

  std::vector<Link*> links_;
  std::mutex mutex_;  // guards everything below
  std::deque<Parcel> waiting_;
  std::size_t bytes_ = 0;
};

}  // namespace trellis::rmb
