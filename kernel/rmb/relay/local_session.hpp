// A session of the relay's own process: what the node's peer uses.
#pragma once

#include "kernel/rmb/relay/hub.hpp"
#include "kernel/rmb/relay/relay.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

namespace trellis::rmb {

/// The half that lives on the relay's thread. Shared with what is posted there.
class LocalReader final : public Reader, public std::enable_shared_from_this<LocalReader> {
 public:
  LocalReader(Hub& hub, Address session, Relay::LocalEvents events)
      : hub_(hub), session_(std::move(session)), events_(std::move(events)) {}

  // ---- on the relay's thread ----
  void Open();
  void Close();
  void Wake() override;
  void Lost(Loss loss) override;

  /// Any thread.
  void Send(std::string envelope);

 private:
  void Drain();
  void TakeSent();
  void RouteWaiting();

  Hub& hub_;
  Address session_;
  Relay::LocalEvents events_;
  Mailbox* mailbox_ = nullptr;
  Letters waiting_;  // sent, until the twin of the first is looked up
  bool looking_up_ = false;
  bool draining_ = false;  // a Drain is posted
  std::mutex mutex_;       // guards sent_
  Letters sent_;           // not yet taken by the relay's thread
};

}  // namespace trellis::rmb
