#include "kernel/rmb/relay/queues.hpp"

#include <algorithm>

namespace trellis::rmb {

void Queues::DropFront(Queue& queue) {
  auto const size = queue.messages.front()->bytes.size();
  queue.bytes -= size;
  total_bytes_ -= size;
  queue.messages.pop_front();
}

void Queues::Push(Address const& session, QueuedPtr message, std::int64_t now) {
  auto& queue = queues_[session];
  auto const size = message->bytes.size();
  queue.messages.push_back(std::move(message));
  queue.bytes += size;
  total_bytes_ += size;
  queue.last_push = now;
  while (queue.messages.size() > limits_.messages ||
         (queue.bytes > limits_.session_bytes && queue.messages.size() > 1))
    DropFront(queue);
  while (total_bytes_ > limits_.total_bytes) {
    auto const largest = std::max_element(
        queues_.begin(), queues_.end(),
        [](auto const& a, auto const& b) { return a.second.bytes < b.second.bytes; });
    DropFront(largest->second);
  }
}

QueuedPtr Queues::Front(Address const& session, std::int64_t now) {
  auto const found = queues_.find(session);
  if (found == queues_.end()) return nullptr;
  auto& queue = found->second;
  while (!queue.messages.empty() && queue.messages.front()->expires <= now)
    DropFront(queue);
  if (!queue.messages.empty()) return queue.messages.front();
  queues_.erase(found);
  return nullptr;
}

void Queues::Pop(Address const& session, QueuedPtr const& written) {
  auto const found = queues_.find(session);
  if (found == queues_.end() || found->second.messages.empty() ||
      found->second.messages.front() != written)
    return;
  DropFront(found->second);
  if (found->second.messages.empty()) queues_.erase(found);
}

void Queues::Sweep(std::int64_t now) {
  for (auto it = queues_.begin(); it != queues_.end();) {
    if (now - it->second.last_push <= limits_.ttl_s) {
      ++it;
      continue;
    }
    total_bytes_ -= it->second.bytes;
    it = queues_.erase(it);
  }
}

}  // namespace trellis::rmb
