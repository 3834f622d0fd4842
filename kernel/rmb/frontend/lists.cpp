#include "kernel/rmb/frontend/lists.hpp"

#include <algorithm>

namespace trellis::rmb {
namespace {

constexpr std::size_t kKeyOverhead = 256;
constexpr std::size_t kElementOverhead = 64;

std::size_t Cost(std::string const& element) {
  return element.size() + kElementOverhead;
}

}  // namespace

bool Lists::Allows(std::string_view name) const {
  if (name == kRequests || name == kReplies) return true;
  if (name.starts_with(kSystem) || name.starts_with(kBacklog)) return false;
  if (name.starts_with(kPrefix) && name.size() > kPrefix.size()) return true;
  auto const found = values_.find(name);
  return found != values_.end() && found->second.reply;
}

Result<Lists::Values::iterator> Lists::Ensure(std::string const& name, std::size_t bytes) {
  auto const found = values_.find(name);
  auto const more = bytes + (found == values_.end() ? kKeyOverhead + name.size() : 0);
  if (bytes_ + more > limits_.bytes) return Fail(Code::kExhausted, "the message lists are full");
  if (found != values_.end()) {
    bytes_ += bytes;
    return found;
  }
  if (values_.size() >= limits_.keys) return Fail(Code::kExhausted, "too many message lists");
  bytes_ += more;
  return values_.try_emplace(name).first;
}

Lists::Values::iterator Lists::Erase(Values::iterator value) {
  for (auto const& element : value->second.list)
    bytes_ -= Cost(element);
  bytes_ -= value->second.text.value_or("").size();
  bytes_ -= kKeyOverhead + value->first.size();
  return values_.erase(value);
}

void Lists::EraseIfEmpty(Values::iterator value) {
  auto const& held = value->second;
  if (held.list.empty() && !held.text.has_value() && !held.reply) Erase(value);
}

Result<void> Lists::Expect(std::string const& name, std::int64_t now) {
  if (name.starts_with(kPrefix))
    return Fail(Code::kInvalid, "answers cannot go to a list whose name begins with '{}'", kPrefix);
  TRELLIS_TRY(auto const value, Ensure(name, 0));
  value->second.reply = true;
  value->second.until = std::max(value->second.until, now + limits_.reply_life_s);
  return {};
}

Result<std::size_t> Lists::Push(std::string const& name, End end, std::string element,
                                std::int64_t now) {
  TRELLIS_TRY(auto const value, Ensure(name, Cost(element)));
  auto& held = value->second;
  if (held.reply) held.until = now + limits_.reply_life_s;
  if (end == End::kLeft) held.list.push_front(std::move(element));
  if (end == End::kRight) held.list.push_back(std::move(element));
  // The end that is read is the other one: what waits longest goes first.
  auto const oldest = end == End::kLeft ? End::kRight : End::kLeft;
  while (held.list.size() > limits_.length)
    (void)Take(value, oldest);
  return held.list.size();
}

std::string Lists::Take(Values::iterator value, End end) {
  auto& list = value->second.list;
  auto element = std::move(end == End::kLeft ? list.front() : list.back());
  if (end == End::kLeft) list.pop_front();
  if (end == End::kRight) list.pop_back();
  bytes_ -= Cost(element);
  return element;
}

std::optional<std::string> Lists::Pop(std::string const& name, End end) {
  auto const value = values_.find(name);
  if (value == values_.end() || value->second.list.empty()) return std::nullopt;
  auto element = Take(value, end);
  EraseIfEmpty(value);
  return element;
}

std::size_t Lists::Length(std::string const& name) const {
  auto const value = values_.find(name);
  return value == values_.end() ? 0 : value->second.list.size();
}

void Lists::Trim(std::string const& name, std::int64_t first, std::int64_t last) {
  auto const value = values_.find(name);
  if (value == values_.end()) return;
  auto const size = static_cast<std::int64_t>(value->second.list.size());
  if (first < 0) first = std::max<std::int64_t>(0, size + first);
  if (last < 0) last = size + last;
  auto const keep_to = std::min(last, size - 1);
  auto const cut_left = std::clamp<std::int64_t>(first, 0, size);
  for (std::int64_t i = size - 1; i > keep_to && !value->second.list.empty(); --i)
    (void)Take(value, End::kRight);
  for (std::int64_t i = 0; i < cut_left && !value->second.list.empty(); ++i)
    (void)Take(value, End::kLeft);
  EraseIfEmpty(value);
}

Result<void> Lists::Set(std::string const& name, std::string text,
                        std::optional<std::int64_t> until) {
  (void)Remove(name);
  TRELLIS_TRY(auto const value, Ensure(name, text.size()));
  value->second.text = std::move(text);
  value->second.until = until.value_or(0);
  return {};
}

std::optional<std::string> Lists::Get(std::string const& name) const {
  auto const value = values_.find(name);
  if (value == values_.end()) return std::nullopt;
  return value->second.text;
}

bool Lists::Remove(std::string const& name) {
  auto const value = values_.find(name);
  if (value == values_.end()) return false;
  Erase(value);
  return true;
}

bool Lists::Expire(std::string const& name, std::int64_t until) {
  auto const value = values_.find(name);
  if (value == values_.end()) return false;
  value->second.until = until;
  return true;
}

std::optional<std::int64_t> Lists::ExpiryOf(std::string const& name) const {
  auto const value = values_.find(name);
  if (value == values_.end()) return std::nullopt;
  return value->second.until;
}

void Lists::Sweep(std::int64_t now) {
  for (auto value = values_.begin(); value != values_.end();)
    value =
        value->second.until != 0 && value->second.until <= now ? Erase(value) : std::next(value);
}

}  // namespace trellis::rmb
