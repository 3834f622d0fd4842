#include "kernel/rmb/relay/federation.hpp"

#include "kernel/base/random.hpp"
#include "kernel/rmb/relay/domains.hpp"
#include "kernel/rmb/relay/http_link.hpp"
#include "kernel/rmb/relay/ranking.hpp"

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>

namespace trellis::rmb {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::chrono::seconds kRetryPause(3);
constexpr std::chrono::seconds kKeepWorker(10);
constexpr std::chrono::milliseconds kPassPause(100);
constexpr int kPasses = 3;
constexpr std::size_t kWorkersOfLine = 8;
constexpr std::size_t kMaxWorkers = 512;
constexpr std::size_t kMaxLines = 2048;
constexpr std::size_t kShareOfLine = 4;  // one line may hold this part of all that waits
constexpr std::size_t kResolverThreads = 4;

/// The messages for one set of relays.
struct Line {
  explicit Line(asio::io_context& io) : news(io) {}
  std::vector<std::string> domains;
  std::deque<OutboundMessage> queue;
  std::size_t bytes = 0;    // of the queue
  std::size_t workers = 0;  // coroutines that deliver
  std::size_t idle = 0;     // of them
  asio::steady_timer news;  // cancelled when there is something to deliver
};
using LinePtr = std::shared_ptr<Line>;  // shared by the table and its workers

std::string KeyOf(std::vector<std::string> const& domains) {
  std::vector<std::string> names;
  for (auto const& domain : domains)
    names.push_back(NormaliseDomain(domain));
  std::sort(names.begin(), names.end());
  return fmt::format("{}", fmt::join(names, "_"));
}

}  // namespace

class Federation::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& io, FederationOptions const& options, Clock const& clock, Report report)
      : io_(io),
        options_(options),
        clock_(clock),
        report_(std::move(report)),
        ranking_(options.ranker_period_s, clock) {
    error_code
        ignored;  // without certificates of authorities no https relay is reached, others are
    tls_.set_default_verify_paths(ignored);
    tls_.set_verify_mode(asio::ssl::verify_peer, ignored);
    FairLimits limits;
    limits.threads = kResolverThreads;
    resolvers_ = std::make_shared<FairPool>("dns", limits);
  }

  Result<void> Send(OutboundMessage message) {
    auto const size = message.bytes.size();
    auto const full =
        Fail(Code::kExhausted, "too many messages wait for other relays, try again later");
    if (waiting_ >= options_.waiting || waiting_bytes_ + size > options_.waiting_bytes) return full;
    auto& line = lines_[KeyOf(message.domains)];
    if (line == nullptr) {
      if (lines_.size() > kMaxLines) {
        lines_.erase(KeyOf(message.domains));
        return full;
      }
      line = std::make_shared<Line>(io_);
      line->domains = message.domains;
    }
    bool const too_much = line->queue.size() >= options_.waiting / kShareOfLine ||
                          line->bytes + size > options_.waiting_bytes / kShareOfLine;
    if (too_much && !line->queue.empty()) return full;
    ++waiting_;
    waiting_bytes_ += size;
    line->bytes += size;
    line->queue.push_back(std::move(message));
    Employ(line);
    return {};
  }

  void Close() { closed_ = true; }
  [[nodiscard]] std::string MetricsText() const { return ranking_.MetricsText(); }

 private:
  enum class Verdict : std::uint8_t { kDone, kRejected, kFailed };

  /// Lets an idle worker go on, or hires one.
  void Employ(LinePtr const& line) {
    if (line->idle > 0) {
      line->news.cancel();
      return;
    }
    bool const enough = line->workers > 0 && workers_ >= kMaxWorkers;
    if (enough || line->workers >= kWorkersOfLine) return;
    ++line->workers;
    ++workers_;
    asio::co_spawn(
        io_, [self = shared_from_this(), line] { return self->Work(line); }, asio::detached);
  }

  asio::awaitable<void> Work(LinePtr line);
  asio::awaitable<bool> WaitForNews(Line& line);
  asio::awaitable<void> Deliver(OutboundMessage message, HttpLink& link);
  asio::awaitable<Verdict> TryAll(OutboundMessage const& message, HttpLink& link);
  asio::awaitable<Verdict> Try(std::string const& domain, std::string const& bytes, HttpLink& link);
  asio::awaitable<void> Sleep(std::chrono::milliseconds time) {
    asio::steady_timer timer(io_, time);
    co_await timer.async_wait(asio::use_awaitable);
  }
  void Refuse(OutboundMessage const& message, std::string text) {
    if (!closed_ && message.is_request) report_(message.sender, message.uid, std::move(text));
  }

  asio::io_context& io_;
  FederationOptions options_;
  Clock const& clock_;
  Report report_;
  Ranking ranking_;
  asio::ssl::context tls_{asio::ssl::context::tls_client};
  std::shared_ptr<FairPool> resolvers_;  // shared by all links
  std::map<std::string, LinePtr> lines_;
  std::size_t waiting_ = 0;  // messages not yet delivered or given up
  std::size_t waiting_bytes_ = 0;
  std::size_t workers_ = 0;
  bool closed_ = false;
};

asio::awaitable<void> Federation::Impl::Work(LinePtr line) {
  HttpLink link(io_, tls_, resolvers_);
  while (!closed_) {
    if (line->queue.empty() && !co_await WaitForNews(*line)) break;
    auto message = std::move(line->queue.front());
    line->queue.pop_front();
    auto const size = message.bytes.size();
    line->bytes -= size;
    co_await Deliver(std::move(message), link);
    --waiting_;
    waiting_bytes_ -= size;
  }
  --workers_;
  if (--line->workers == 0 && line->queue.empty()) lines_.erase(KeyOf(line->domains));
}

/// False: nothing came for a long time.
asio::awaitable<bool> Federation::Impl::WaitForNews(Line& line) {
  auto const until = std::chrono::steady_clock::now() + kKeepWorker;
  while (line.queue.empty() && std::chrono::steady_clock::now() < until) {
    ++line.idle;
    if (line.idle == 1) line.news.expires_at(until);
    error_code ended;  // either way: look at the queue
    co_await line.news.async_wait(asio::redirect_error(asio::use_awaitable, ended));
    --line.idle;
  }
  co_return !line.queue.empty();
}

asio::awaitable<void> Federation::Impl::Deliver(OutboundMessage message, HttpLink& link) {
  while (!closed_) {
    if (message.expires <= clock_.UnixSeconds()) co_return Refuse(message, "message has expired");
    auto const verdict = co_await TryAll(message, link);
    if (verdict == Verdict::kDone) co_return;
    if (verdict == Verdict::kRejected)
      co_return Refuse(message, "remote relay rejected permanently: destination offline");
    co_await Sleep(kRetryPause);
  }
}

asio::awaitable<Federation::Impl::Verdict> Federation::Impl::TryAll(OutboundMessage const& message,
                                                                    HttpLink& link) {
  for (int pass = 0; pass < kPasses; ++pass) {
    for (auto const& domain : ranking_.Order(message.domains)) {
      auto const verdict = co_await Try(domain, message.bytes, link);
      if (verdict != Verdict::kFailed || closed_) co_return verdict;
    }
    if (pass + 1 == kPasses) break;
    auto const pause = kPassPause * (1 << pass);
    auto const more = RandomBelow(static_cast<std::uint64_t>(pause.count() / 2 + 1));
    co_await Sleep(pause + std::chrono::milliseconds(more));
  }
  co_return Verdict::kFailed;
}

asio::awaitable<Federation::Impl::Verdict> Federation::Impl::Try(std::string const& domain,
                                                                 std::string const& bytes,
                                                                 HttpLink& link) {
  constexpr unsigned kAccepted = 202;
  auto const status = co_await link.Post(TargetOf(domain, options_.insecure_domains), bytes);
  if (status == kAccepted) {
    ranking_.Succeeded(domain);
    co_return Verdict::kDone;
  }
  if (status >= 400 && status < 500) {
    ranking_.Rejected(domain);
    co_return Verdict::kRejected;
  }
  ranking_.Failed(domain);
  co_return Verdict::kFailed;
}

Federation::Federation(asio::io_context& io, FederationOptions const& options, Clock const& clock,
                       Report report)
    : impl_(std::make_shared<Impl>(io, options, clock, std::move(report))) {}
Federation::~Federation() {
  impl_->Close();
}
Result<void> Federation::Send(OutboundMessage message) {
  return impl_->Send(std::move(message));
}
std::string Federation::MetricsText() const {
  return impl_->MetricsText();
}

}  // namespace trellis::rmb
