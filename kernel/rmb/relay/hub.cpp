#include "kernel/rmb/relay/hub.hpp"

#include "kernel/rmb/relay/connection.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace trellis::rmb {
namespace {

Connection& ConnectionOf(Tracked& tracked) {
  return static_cast<Connection&>(tracked);
}

}  // namespace

void Hub::Add(Connection& connection) {
  strangers_.push_back(connection);
  if (++stranger_count_ <= kMaxStrangers) return;
  ConnectionOf(strangers_.front()).Abandon();
}

bool Hub::Admit(std::uint32_t twin) {
  if (session_count_ < parts_.options.max_sessions) return true;
  auto const less = [](auto const& a, auto const& b) { return a.second < b.second; };
  auto const largest = std::max_element(sessions_of_.begin(), sessions_of_.end(), less);
  if (largest == sessions_of_.end()) return false;
  auto const own = sessions_of_.find(twin);
  auto const count = own == sessions_of_.end() ? 0 : own->second;
  if (largest->second <= count + 1) return false;
  auto const oldest = std::find_if(sessions_.begin(), sessions_.end(), [&](Tracked& tracked) {
    auto const& connection = ConnectionOf(tracked);
    return connection.is_session() && connection.session().twin == largest->first;
  });
  ConnectionOf(*oldest).Close(CloseCode::kTryLater);
  return true;
}

void Hub::SessionOpened(Connection& connection, std::uint32_t twin) {
  --stranger_count_;
  ++session_count_;
  ++sessions_of_[twin];
  static_cast<Tracked&>(connection).unlink();
  sessions_.push_back(connection);
}

void Hub::SessionClosed(std::uint32_t twin) {
  --session_count_;
  auto const found = sessions_of_.find(twin);
  if (--found->second == 0) sessions_of_.erase(found);
}

void Hub::TellUnread(Address const& session) {
  auto const* const mailbox = parts_.queues.Find({session.twin, session.connection});
  if (mailbox == nullptr || mailbox->reader == nullptr) parts_.delivery.Closed(session);
}

void Hub::MarkDirty(std::shared_ptr<Connection> connection) {
  if (dirty_.empty()) boost::asio::post(*parts_.io, [this] { FlushDirty(); });
  dirty_.push_back(std::move(connection));
}

void Hub::FlushDirty() {
  auto const dirty = std::exchange(dirty_, {});
  for (auto const& connection : dirty)
    connection->Flush();
}

void Hub::Hold(std::size_t before, std::size_t after) {
  held_ += after - before;
  if (held_ > kMaxHeld) CloseLargest();
}

void Hub::CloseLargest() {
  Connection* largest = nullptr;
  for (auto* const tracks : {&strangers_, &sessions_}) {
    for (auto& tracked : *tracks) {
      auto& connection = ConnectionOf(tracked);
      if (largest == nullptr || connection.held_bytes() > largest->held_bytes())
        largest = &connection;
    }
  }
  if (largest != nullptr) largest->Abandon();
}

void Hub::Sweep() {
  auto const time = now();
  for (auto* const tracks : {&strangers_, &sessions_}) {
    for (auto it = tracks->begin(); it != tracks->end();) {
      auto& connection = ConnectionOf(*it);
      ++it;  // the connection may leave
      connection.CheckTime(time);
    }
  }
}

void Hub::CloseAll() {
  for (auto* const tracks : {&strangers_, &sessions_}) {
    while (!tracks->empty())
      ConnectionOf(tracks->front()).Abandon();
  }
  dirty_.clear();
}

Hub::~Hub() = default;

}  // namespace trellis::rmb
