#include "kernel/base/random.hpp"
#include "kernel/rmb/link.hpp"
#include "kernel/rmb/relay/relay.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <mutex>

namespace trellis::rmb {

namespace asio = boost::asio;

namespace {

class LocalLinkOf final : public Link {
 public:
  LocalLinkOf(asio::io_context& io, Relay& relay, Address session)
      : io_(io), relay_(relay), address_(std::move(session)), again_(io) {}

  [[nodiscard]] bool TrySend(Parcel& parcel) override {
    std::lock_guard const lock(mutex_);
    if (session_ == nullptr) return false;
    session_->Send(std::move(parcel.bytes));
    return true;
  }

  void Start(LinkEvents events) override {
    events_ = std::move(events);
    Open();
  }

  void Stop() override {
    again_.cancel();
    std::unique_ptr<LocalSession> session;
    {
      std::lock_guard const lock(mutex_);
      std::swap(session, session_);
    }
  }

 private:
  void Open() {
    Relay::LocalEvents events;
    events.message = [this](std::string envelope) { events_.message(std::move(envelope)); };
    events.lost = [this] { asio::post(io_, [this] { Reopen(); }); };
    auto session = relay_.OpenLocal(address_, std::move(events));
    {
      std::lock_guard const lock(mutex_);
      session_ = std::move(session);
    }
    events_.ready();
  }

  /// Another connection has the session: take it back, but not at once.
  void Reopen() {
    Stop();
    again_.expires_after(backoff_.Next());
    again_.async_wait([this](boost::system::error_code error) {
      if (!error) Open();
    });
    events_.lost({});
  }

  asio::io_context& io_;
  Relay& relay_;
  Address address_;
  LinkEvents events_;
  Backoff backoff_;
  asio::steady_timer again_;
  std::mutex mutex_;  // guards session_
  std::unique_ptr<LocalSession> session_;
};

}  // namespace

std::chrono::milliseconds Backoff::Next() {
  constexpr std::uint64_t kJitter = 4;  // a quarter more or less
  auto const pause = pause_;
  pause_ = std::min(kLongest, pause_ * 2);
  auto const quarter = static_cast<std::uint64_t>(pause.count()) / kJitter;
  auto const jitter = RandomBelow(2 * quarter + 1);
  return pause + std::chrono::milliseconds(jitter) - std::chrono::milliseconds(quarter);
}

LinkMaker LocalLink(Relay& relay, Address session) {
  return [&relay, session = std::move(session)](asio::io_context& io) {
    return std::make_unique<LocalLinkOf>(io, relay, session);
  };
}

}  // namespace trellis::rmb
