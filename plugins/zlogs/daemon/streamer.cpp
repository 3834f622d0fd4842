#include "plugins/zlogs/daemon/streamer.hpp"

#include <cstdio>

namespace trellis::plugins::zlogs {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kIdleEvery{1};
constexpr double kMostChance = 1.0;

/// Standard error is the process's log.
void Tell(std::string_view text) {
  fmt::print(stderr, "{}\n", text);
}

}  // namespace

Streamer::Streamer(Parts const& parts)
    : parts_(parts),
      peer_{&parts.loop, &parts.output, &parts.settings},
      backoff_(seconds(parts.settings.backoff_max_s)),
      pace_(parts.settings.rate, Loop::Clock::now()),
      status_(parts.file.Read()),
      dropped_before_(status_.dropped) {
  status_.state = "connecting";
  status_.error.clear();
}

void Streamer::Changed() {
  parts_.reader.Refresh();
}

void Streamer::Run() {
  Save();
  auto& loop = parts_.loop;
  while (!loop.stopped()) {
    if (!sink_) {
      if (loop.stopping()) break;  // the next streamer goes on where this one was
      Connect();
      continue;
    }
    if (auto const done = Step(); !done) Lost(done.error());
    if (loop.stopping() && !parts_.reader.pending()) break;
  }
  sink_.reset();
  Save();
}

void Streamer::Connect() {
  auto made =
      parts_.output.kind == Output::Kind::kRedis ? ConnectRedis(peer_) : ConnectWebsocket(peer_);
  if (!made) return Lost(made.error());
  sink_ = *std::move(made);
  connected_at_ = Loop::Clock::now();
  status_.state = "connected";
  status_.error.clear();
  Tell(fmt::format("connected to {}", parts_.output.Shown()));
  Save();
}

void Streamer::Lost(Error const& error) {
  parts_.reader.Abandon();
  auto const worked =
      sink_ ? duration_cast<milliseconds>(Loop::Clock::now() - connected_at_) : milliseconds(0);
  if (sink_) ++status_.reconnects;
  sink_.reset();
  if (status_.error != error.message || status_.state == "connected")
    Tell(fmt::format("no connection to {}: {}", parts_.output.Shown(), error.message));
  status_.state = "connecting";
  status_.error = error.message;
  std::uniform_real_distribution<double> chance(0, kMostChance);
  auto const delay = error.code == Code::kDenied ? backoff_.Longest(chance(random_))
                                                 : backoff_.Next(chance(random_), worked);
  auto const end = Loop::Clock::now() + delay;
  while (Loop::Clock::now() < end && !parts_.loop.stopping()) {
    Save();
    auto const look = std::min(end, Loop::Clock::now() + look_every_);
    (void)parts_.loop.RunUntil(look, [this] { return parts_.loop.stopping(); });
    parts_.reader.Refresh();
  }
}

Result<void> Streamer::Step() {
  if (!parts_.reader.pending()) {
    WaitForLog();
    return sink_->Idle();
  }
  Coalesce();
  return SendOne();
}

void Streamer::WaitForLog() {
  auto const limit = std::min<milliseconds>(kIdleEvery, look_every_);
  bool const woken = parts_.loop.RunFor(limit, [this] {
    return parts_.reader.pending() || sink_->broken() || parts_.loop.stopping();
  });
  if (woken) return;
  parts_.reader.Refresh();
  Save();
}

void Streamer::Coalesce() {
  milliseconds const limit(parts_.settings.coalesce_ms);
  (void)parts_.loop.RunFor(limit, [this] {
    return parts_.reader.behind() >= parts_.settings.chunk || sink_->broken() ||
           parts_.loop.stopping();
  });
}

Result<void> Streamer::SendOne() {
  std::uint64_t const chunk = parts_.settings.chunk;
  auto const until = Loop::Clock::now() + pace_.Wait(chunk, Loop::Clock::now());
  (void)parts_.loop.RunUntil(until, [this] { return sink_->broken(); });
  auto const bytes = parts_.reader.Take(chunk);
  if (bytes.empty()) return {};
  bool const plain = parts_.settings.compression == "none";
  auto const payload = plain && IsUtf8(bytes) ? Payload::kText : Payload::kBinary;
  std::string member;
  if (!plain) {
    TRELLIS_TRY(member, gzip_.Member(bytes));
  }
  auto sent = sink_->Send(plain ? bytes : member, payload);
  if (!sent) return sent;
  parts_.reader.Accept();
  pace_.Spend(bytes.size());
  status_.bytes += bytes.size();
  ++status_.chunks;
  parts_.reader.Refresh();
  Save();
  return {};
}

void Streamer::Save() {
  status_.position = parts_.reader.position();
  status_.behind = parts_.reader.behind();
  status_.dropped = dropped_before_ + parts_.reader.dropped();
  auto status = status_;
  if (auto const& problem = parts_.reader.problem(); !problem.empty())
    status.error = status.error.empty() ? problem : problem + "; " + status.error;
  // A disk that is full costs repeated chunks after a restart, not the stream.
  (void)parts_.file.Write(std::move(status));
}

}  // namespace trellis::plugins::zlogs
