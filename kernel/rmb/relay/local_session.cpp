#include "kernel/rmb/relay/local_session.hpp"

#include <boost/asio/post.hpp>

namespace trellis::rmb {

namespace asio = boost::asio;

void LocalReader::Open() {
  mailbox_ = &hub_.parts().queues.Open(session_, *this);
  hub_.parts().delivery.Opened(*mailbox_);
  Wake();
}

void LocalReader::Close() {
  events_ = {};
  waiting_.clear();
  auto* const mailbox = std::exchange(mailbox_, nullptr);
  if (mailbox == nullptr) return;
  hub_.parts().queues.Close(*mailbox);
  hub_.parts().delivery.Closed(session_);
}

void LocalReader::Wake() {
  if (std::exchange(draining_, true)) return;
  asio::post(*hub_.parts().io, [self = shared_from_this()] { self->Drain(); });
}

void LocalReader::Lost(Loss /*loss*/) {
  mailbox_ = nullptr;
  ++hub_.parts().counters.evicted_cancelled;
  asio::post(*hub_.parts().io, [self = shared_from_this()] {
    self->hub_.TellUnread(self->session_);
    if (self->events_.lost) self->events_.lost();
  });
}

void LocalReader::Drain() {
  draining_ = false;
  auto& parts = hub_.parts();
  auto const now = hub_.now();
  while (mailbox_ != nullptr && parts.queues.Front(*mailbox_, now) != nullptr) {
    auto message = parts.queues.Pop(*mailbox_);
    ++parts.counters.tx;
    parts.counters.tx_bytes += message.front().bytes.size();
    auto bytes = std::move(message.front().bytes);
    parts.delivery.Written(*mailbox_, std::move(message));
    events_.message(std::move(bytes));
  }
}

void LocalReader::Send(std::string envelope) {
  std::lock_guard const lock(mutex_);
  bool const first = sent_.empty();
  sent_.push_back({std::move(envelope), 0, 0, {}});
  if (first) asio::post(*hub_.parts().io, [self = shared_from_this()] { self->TakeSent(); });
}

void LocalReader::TakeSent() {
  hub_.parts().keep_time();
  {
    std::lock_guard const lock(mutex_);
    waiting_.splice(waiting_.end(), sent_);
  }
  if (!looking_up_) RouteWaiting();
}

void LocalReader::RouteWaiting() {
  while (!waiting_.empty()) {
    Letters one;
    one.splice(one.end(), waiting_, waiting_.begin());
    auto const routed = hub_.parts().router.Route(session_, one, hub_.now());
    if (routed.step != Router::Step::kLookUp) continue;
    waiting_.splice(waiting_.begin(), one);
    looking_up_ = true;
    hub_.parts().twins.Fetch(
        routed.twin, [weak = weak_from_this(),
                      context = std::weak_ptr(hub_.parts().io)](TwinCache::Found found) {
          auto const io = context.lock();
          if (io == nullptr) return;  // the relay is gone
          asio::post(*io, [weak, found = std::move(found)] {
            auto const self = weak.lock();
            if (self == nullptr) return;
            self->looking_up_ = false;
            if (self->waiting_.empty()) return;
            Letters first;
            first.splice(first.end(), self->waiting_, self->waiting_.begin());
            auto& hub = self->hub_;
            (void)hub.parts().router.Route(self->session_, first, hub.now(), {found});
            self->RouteWaiting();
          });
        });
    return;
  }
}

}  // namespace trellis::rmb
