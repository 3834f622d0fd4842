#include "kernel/rmb/relay/redis_delivery.hpp"

#include "kernel/base/random.hpp"
#include "kernel/base/strings.hpp"
#include "kernel/rmb/relay/redis_scripts.hpp"
#include "kernel/rmb/relay/router.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <iterator>

namespace trellis::rmb {

namespace {

constexpr std::chrono::seconds kTick(3);
constexpr char const* kAliveSeconds = "10";
constexpr char const* kOwnSeconds = "90";
constexpr std::uint64_t kRenewTicks = 10;
constexpr std::uint64_t kSweepTicks = 20;
constexpr std::size_t kRenewAtOnce = 1000;
constexpr char const* kSweepAtOnce = "1000";
constexpr std::size_t kReadAhead = 256;  // messages in flight for one session
constexpr std::size_t kReadAheadBytes = std::size_t{8} << 20U;
constexpr char const* kReadAtOnce = "64";
constexpr std::size_t kDoneAtOnce = 256;

bool HasRoom(Mailbox const& mailbox) {
  return mailbox.messages.size() < kReadAhead && mailbox.bytes < kReadAheadBytes;
}

AddressView ViewOf(Address const& address) {
  return {address.twin, address.connection};
}

/// An entry of a stream: id, and a list of names and values.
std::optional<Letter> ToLetter(RespValue const& entry) {
  if (entry.items.size() != 2) return std::nullopt;
  Letter letter;
  letter.entry = entry.items[0].text;
  auto const& fields = entry.items[1].items;
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
    auto const& value = fields[i + 1].text;
    if (fields[i].text == "m") letter.bytes = value;
    if (fields[i].text == "e")
      letter.expires = strings::ParseNumber<std::int64_t>(value).value_or(0);
    if (fields[i].text == "s")
      letter.source = strings::ParseNumber<std::uint32_t>(value).value_or(0);
  }
  return letter;
}

}  // namespace

std::string SessionText(AddressView const& session) {
  auto text = std::to_string(session.twin);
  if (session.connection.has_value()) text.append(":").append(*session.connection);
  return text;
}

RedisDelivery::RedisDelivery(Parts parts, RedisOptions const& redis, QueueLimits const& limits)
    : parts_(parts),
      redis_(redis),
      limits_(limits),
      relay_(RandomUuid()),
      timer_(parts.io),
      commands_(parts.io, redis, "", {[this] { OnConnected(); }, [] {}, [](std::string const&) {}}),
      listener_(parts.io, redis, redis.prefix + "c:" + relay_,
                {[this] { OnConnected(); }, [] {},
                 [this](std::string const& text) { OnMessage(text); }}) {
  Tick();
}

RedisDelivery::~RedisDelivery() = default;

void RedisDelivery::Run(char const* script, std::vector<std::string> arguments,
                        RedisClient::Done done) {
  std::vector<std::string> command{"EVAL", std::string(scripts::kDropOldest) + script, "1",
                                   redis_.prefix};
  for (auto& argument : arguments)
    command.push_back(std::move(argument));
  commands_.Send(command, std::move(done));
}

void RedisDelivery::Push(AddressView const& to, Letters message, PushOptions options, Done done) {
  auto& letter = message.front();
  auto const size = letter.bytes.size();
  std::vector<std::string> arguments{SessionText(to),
                                     std::move(letter.bytes),
                                     std::to_string(letter.expires),
                                     std::to_string(letter.source),
                                     std::to_string(parts_.clock.UnixSeconds()),
                                     std::to_string(limits_.messages),
                                     std::to_string(limits_.session_bytes),
                                     std::to_string(limits_.total_bytes),
                                     options.fail_fast ? "1" : "0"};
  Run(scripts::kPush, std::move(arguments),
      [this, size, done = std::move(done)](RedisClient::Answer const& answer) {
        bool const offline = answer && answer->text == "offline";
        bool const queued = answer && answer->text == "queued";
        if (queued) {
          ++parts_.counters.rx;
          parts_.counters.rx_bytes += size;
        }
        if (done) done(queued ? Pushed::kQueued : offline ? Pushed::kOffline : Pushed::kFailed);
      });
}

void RedisDelivery::Opened(Mailbox& mailbox) {
  auto const text = SessionText(ViewOf(mailbox.session));
  SendDone(text);  // of a connection that had the session here before
  parts_.queues.DropStored(ViewOf(mailbox.session));
  Session session;
  session.address = mailbox.session;
  session.generation = ++generation_;
  sessions_.insert_or_assign(text, std::move(session));
  Run(scripts::kOpen, {relay_, kOwnSeconds, text}, {});
  Read(text);
}

void RedisDelivery::Closed(Address const& session) {
  auto const text = SessionText(ViewOf(session));
  SendDone(text);
  sessions_.erase(text);
  Run(scripts::kClose, {relay_, text}, {});
  parts_.queues.DropStored(ViewOf(session));
}

/// Both connections are needed: who only commands would not hear of news.
void RedisDelivery::OnConnected() {
  if (!commands_.connected() || !listener_.connected()) return;
  commands_.Send({"SET", redis_.prefix + "alive:" + relay_, "1", "EX", kAliveSeconds}, {});
  for (auto& [text, session] : sessions_) {
    Run(scripts::kOpen, {relay_, kOwnSeconds, text}, {});
    session.news = true;
    session.reading = false;
    session.generation = ++generation_;
    Read(text);
  }
}

/// For a while this relay counted as dead: nobody told it of news.
void RedisDelivery::ReadAll() {
  for (auto& [text, session] : sessions_) {
    session.news = true;
    Read(text);
  }
}

void RedisDelivery::OnMessage(std::string const& text) {
  auto const session = sessions_.find(text.empty() ? text : text.substr(1));
  if (session == sessions_.end()) return;
  if (text.front() == 'w') {
    session->second.news = true;
    return Read(session->first);
  }
  auto const address = session->second.address;
  sessions_.erase(session);
  parts_.queues.Evict(ViewOf(address));
}

void RedisDelivery::Read(std::string const& text) {
  auto const found = sessions_.find(text);
  if (found == sessions_.end() || found->second.reading || !found->second.news) return;
  auto& session = found->second;
  auto const* const mailbox = parts_.queues.Find(ViewOf(session.address));
  if (mailbox == nullptr || !HasRoom(*mailbox)) return;
  session.reading = true;
  session.news = false;  // until it is said again, or the answer is full
  auto const from = session.last == "-" ? "-" : "(" + session.last;
  commands_.Send({"XRANGE", redis_.prefix + "q:" + text, from, "+", "COUNT", kReadAtOnce},
                 [this, text, generation = session.generation](RedisClient::Answer const& answer) {
                   OnEntries(text, generation, answer);
                 });
}

void RedisDelivery::OnEntries(std::string const& text, std::uint64_t generation,
                              RedisClient::Answer const& answer) {
  auto const found = sessions_.find(text);
  if (found == sessions_.end() || found->second.generation != generation) return;
  auto& session = found->second;
  session.reading = false;
  if (!answer || answer->is_error()) {
    session.news = true;  // read again once connected
    return;
  }
  auto const now = parts_.clock.UnixSeconds();
  for (auto const& entry : answer->items) {
    auto letter = ToLetter(entry);
    if (!letter.has_value()) continue;
    session.last = letter->entry;
    session.news = true;  // there may be more
    if (letter->expires <= now) {
      session.done.push_back(letter->entry);
      done_.push_back(text);
      continue;
    }
    Letters one;
    one.push_back(*std::move(letter));
    parts_.queues.Push(ViewOf(session.address), std::move(one), now);
  }
  FlushDone();
  Read(text);
}

void RedisDelivery::Written(Mailbox& mailbox, Letters message) {
  if (message.front().entry.empty()) return;
  auto const text = SessionText(ViewOf(mailbox.session));
  auto const found = sessions_.find(text);
  if (found == sessions_.end()) return;
  if (done_.empty()) boost::asio::post(parts_.io, [this] { FlushDone(); });
  if (found->second.done.empty()) done_.push_back(text);
  found->second.done.push_back(std::move(message.front().entry));
}

void RedisDelivery::SendDone(std::string const& text) {
  auto const found = sessions_.find(text);
  if (found == sessions_.end()) return;
  auto ids = std::exchange(found->second.done, {});
  for (std::size_t at = 0; at < ids.size(); at += kDoneAtOnce) {
    auto const end = std::min(at + kDoneAtOnce, ids.size());
    std::vector<std::string> some(std::make_move_iterator(ids.begin() + static_cast<long>(at)),
                                  std::make_move_iterator(ids.begin() + static_cast<long>(end)));
    std::vector<std::string> arguments{text};
    arguments.insert(arguments.end(), some.begin(), some.end());
    Run(scripts::kDone, std::move(arguments),
        [this, text, some = std::move(some)](RedisClient::Answer const& answer) {
          auto const session = sessions_.find(text);
          if (answer || session == sessions_.end()) return;
          auto& again = session->second.done;  // with the next tick
          again.insert(again.end(), some.begin(), some.end());
          done_.push_back(text);
        });
  }
}

void RedisDelivery::FlushDone() {
  auto const done = std::exchange(done_, {});
  for (auto const& text : done) {
    SendDone(text);
    Read(text);  // there is room now
  }
}

void RedisDelivery::Tick() {
  timer_.expires_after(kTick);
  timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    ++ticks_;
    commands_.Send({"SET", redis_.prefix + "alive:" + relay_, "1", "EX", kAliveSeconds, "GET"},
                   [this](RedisClient::Answer const& answer) {
                     if (answer && answer->is_null()) ReadAll();
                   });
    for (auto& [address, entry] : parts_.queues.TakeExpired()) {
      auto const text = SessionText(ViewOf(address));
      auto const found = sessions_.find(text);
      if (found == sessions_.end()) continue;
      found->second.done.push_back(std::move(entry));
      done_.push_back(text);
    }
    FlushDone();
    if (ticks_ % kRenewTicks == 0) Renew();
    if (ticks_ % kSweepTicks == 0) {
      auto const old = parts_.clock.UnixSeconds() - limits_.ttl_s;
      Run(scripts::kSweep, {std::to_string(old), kSweepAtOnce}, {});
    }
    Tick();
  });
}

void RedisDelivery::Renew() {
  std::vector<std::string> arguments{relay_, kOwnSeconds};
  auto const send = [&] {
    Run(scripts::kRenew, std::exchange(arguments, {relay_, kOwnSeconds}),
        [this](RedisClient::Answer const& answer) {
          if (!answer) return;
          for (auto const& lost : answer->items)
            OnMessage("d" + lost.text);  // the word of it was lost
        });
  };
  for (auto const& [text, session] : sessions_) {
    arguments.push_back(text);
    if (arguments.size() > kRenewAtOnce) send();
  }
  if (arguments.size() > 2) send();
}

}  // namespace trellis::rmb
