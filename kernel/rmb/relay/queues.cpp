#include "kernel/rmb/relay/queues.hpp"

#include <algorithm>
#include <bit>
#include <functional>

namespace trellis::rmb {
namespace {

std::size_t Cost(Letter const& message) {
  return message.bytes.size() + kMessageOverhead;
}

/// The first message that may be dropped: not one that is on the socket in part.
Letters::iterator FirstWhole(Mailbox& mailbox) {
  auto const first = mailbox.messages.begin();
  return mailbox.front_sent > 0 && first != mailbox.messages.end() ? std::next(first) : first;
}

/// The twin with the most bytes in the mailbox.
std::uint32_t LargestSource(Mailbox const& mailbox) {
  std::unordered_map<std::uint32_t, std::size_t> bytes;
  std::uint32_t largest = 0;
  for (auto const& message : mailbox.messages) {
    auto const sum = bytes[message.source] += Cost(message);
    if (sum >= bytes[largest]) largest = message.source;
  }
  return largest;
}

}  // namespace

std::size_t Queues::Hash::operator()(AddressView const& address) const {
  constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15U;
  std::size_t hash = address.twin * kSpread;
  if (address.connection.has_value())
    hash ^= std::hash<std::string_view>()(*address.connection) + kSpread + (hash << 6U);
  return hash;
}

std::size_t Queues::Hash::operator()(Address const& address) const {
  return (*this)(AddressView{address.twin, address.connection});
}

Queues::~Queues() {
  for (auto& size_class : by_size_)
    size_class.clear();
}

Mailbox* Queues::Find(AddressView const& session) {
  auto const found = boxes_.find(session);
  return found == boxes_.end() ? nullptr : &found->second;
}

Mailbox& Queues::Ensure(AddressView const& session) {
  if (auto* const mailbox = Find(session); mailbox != nullptr) return *mailbox;
  auto& mailbox = boxes_[session.ToAddress()];
  mailbox.session = session.ToAddress();
  return mailbox;
}

Mailbox& Queues::Open(Address const& session, Reader& reader) {
  auto& mailbox = Ensure({session.twin, session.connection});
  if (auto* old = std::exchange(mailbox.reader, &reader); old != nullptr)
    old->Lost(Loss::kReplaced);
  mailbox.front_sent = 0;
  return mailbox;
}

void Queues::Close(Mailbox& mailbox) {
  mailbox.reader = nullptr;
  mailbox.front_sent = 0;
  EraseIfUnused(mailbox);
}

void Queues::EraseIfUnused(Mailbox& mailbox) {
  if (mailbox.reader == nullptr && mailbox.messages.empty())
    boxes_.erase(boxes_.find(mailbox.session));
}

void Queues::Resize(Mailbox& mailbox, std::size_t bytes) {
  auto const before = std::bit_width(mailbox.bytes);
  auto const after = std::bit_width(bytes);
  total_bytes_ += bytes - mailbox.bytes;
  mailbox.bytes = bytes;
  if (before == after) return;
  if (before > 0) {
    auto& members = by_size_.at(static_cast<std::size_t>(before));
    members.erase(members.iterator_to(mailbox));
  }
  if (after > 0) by_size_.at(static_cast<std::size_t>(after)).push_back(mailbox);
}

Letters::iterator Queues::Remove(Mailbox& mailbox, Letters::iterator message) {
  if (message == mailbox.messages.begin()) mailbox.front_sent = 0;
  auto const size = mailbox.bytes - Cost(*message);
  auto const next = mailbox.messages.erase(message);
  Resize(mailbox, size);
  if (mailbox.messages.empty()) mailbox.mixed = false;
  return next;
}

void Queues::Push(AddressView const& session, Letters messages, std::int64_t now) {
  auto& mailbox = Ensure(session);
  mailbox.last_push = now;
  auto size = mailbox.bytes;
  for (auto const& message : messages) {
    size += Cost(message);
    mailbox.mixed = mailbox.mixed ||
                    (!mailbox.messages.empty() && mailbox.messages.back().source != message.source);
  }
  mailbox.messages.splice(mailbox.messages.end(), messages);
  Resize(mailbox, size);
  Shrink(mailbox, limits_.messages, limits_.session_bytes);
  while (total_bytes_ > limits_.total_bytes) {
    auto const largest = std::find_if(by_size_.rbegin(), by_size_.rend(),
                                      [](auto const& members) { return !members.empty(); });
    auto& victim = largest->front();
    DropOldest(victim);
    if (&victim != &mailbox) EraseIfUnused(victim);
  }
  if (mailbox.reader != nullptr) return mailbox.reader->Wake();
  EraseIfUnused(mailbox);
}

/// Down to the limits. A queue that one twin fills loses its oldest; in one of several twins, the
/// twin with the most pays for all, and a tenth more, so that the next pushes need no search.
void Queues::Shrink(Mailbox& mailbox, std::size_t messages, std::size_t bytes) {
  constexpr std::size_t kSlack = 10;
  auto const over = [&](std::size_t most, std::size_t most_bytes) {
    return mailbox.messages.size() > most ||
           (mailbox.bytes > most_bytes && mailbox.messages.size() > 1);
  };
  while (!mailbox.mixed && over(messages, bytes))
    DropOldest(mailbox);
  if (!over(messages, bytes)) return;
  auto const source = LargestSource(mailbox);
  for (auto it = FirstWhole(mailbox); it != mailbox.messages.end() &&
                                      over(messages - messages / kSlack, bytes - bytes / kSlack);) {
    bool const drop = it->source == source;
    if (drop) ++dropped_;
    it = drop ? Remove(mailbox, it) : std::next(it);
  }
  while (over(messages, bytes))
    DropOldest(mailbox);
}

void Queues::DropOldest(Mailbox& mailbox) {
  auto oldest = FirstWhole(mailbox);
  if (oldest == mailbox.messages.end()) {  // all that is left is on the socket in part
    std::exchange(mailbox.reader, nullptr)->Lost(Loss::kTooSlow);
    oldest = mailbox.messages.begin();
  }
  ++dropped_;
  Remove(mailbox, oldest);
}

Letter* Queues::Front(Mailbox& mailbox, std::int64_t now) {
  while (!mailbox.messages.empty()) {
    auto const first = mailbox.messages.begin();
    if (first->expires > now || mailbox.front_sent > 0) return &*first;
    if (!first->entry.empty()) expired_.emplace_back(mailbox.session, first->entry);
    Remove(mailbox, first);
  }
  return nullptr;
}

Letters Queues::Pop(Mailbox& mailbox) {
  Letters taken;
  auto const size = mailbox.bytes - Cost(mailbox.messages.front());
  taken.splice(taken.end(), mailbox.messages, mailbox.messages.begin());
  mailbox.front_sent = 0;
  Resize(mailbox, size);
  if (mailbox.messages.empty()) mailbox.mixed = false;
  return taken;
}

void Queues::DropStored(AddressView const& session) {
  auto* const mailbox = Find(session);
  if (mailbox == nullptr) return;
  for (auto it = mailbox->messages.begin(); it != mailbox->messages.end();)
    it = it->entry.empty() ? std::next(it) : Remove(*mailbox, it);
  EraseIfUnused(*mailbox);
}

void Queues::Evict(AddressView const& session) {
  auto* const mailbox = Find(session);
  if (mailbox == nullptr || mailbox->reader == nullptr) return;
  std::exchange(mailbox->reader, nullptr)->Lost(Loss::kReplaced);
  mailbox->front_sent = 0;
  DropStored(session);
}

void Queues::Sweep(std::int64_t now) {
  for (auto it = boxes_.begin(); it != boxes_.end();) {
    auto& mailbox = it->second;
    ++it;  // the mailbox may go
    if (now - mailbox.last_push <= limits_.ttl_s || mailbox.messages.empty()) continue;
    for (auto message = FirstWhole(mailbox); message != mailbox.messages.end();)
      message = Remove(mailbox, message);
    EraseIfUnused(mailbox);
  }
}

}  // namespace trellis::rmb
