#include "kernel/ledger/facade/facade.hpp"

#include "kernel/base/log.hpp"
#include "kernel/ledger/facade/session.hpp"
#include "kernel/sys/tcp_listen.hpp"

#include <pthread.h>

#include <set>
#include <thread>

namespace trellis::ledger {

namespace asio = boost::asio;
using boost::system::error_code;
using facade::Chain;
using facade::Included;
using facade::Session;
using tcp = asio::ip::tcp;

namespace {

constexpr std::size_t kAppliers = 4;
constexpr std::uint64_t kMaxCatchUp = 64;  // blocks told one by one; older ones are skipped
constexpr std::chrono::milliseconds kWaitSlice{5'000};

std::thread Named(std::string const& name, std::function<void()> run) {
  return std::thread([name, run = std::move(run)] {
    (void)::pthread_setname_np(::pthread_self(), name.c_str());
    run();
  });
}

}  // namespace

class Facade::Impl final : public facade::SessionOwner {
 public:
  Impl(FacadeOptions options, std::unique_ptr<Chain> chain, sys::InterruptFlag interrupt)
      : options_(std::move(options)),
        chain_(std::move(chain)),
        interrupt_(std::move(interrupt)),
        acceptor_(io_),
        finality_(io_),
        apply_work_(asio::make_work_guard(apply_io_)) {}

  Result<void> Listen() {
    TRELLIS_CHECK(sys::ListenTcp(acceptor_, options_.host, options_.port,
                                 {"ledger.facade.listen", "the chain endpoint "}));
    url_ = fmt::format("ws://{}:{}", options_.host, acceptor_.local_endpoint().port());
    Accept();
    threads_.push_back(Named("chain", [this] { io_.run(); }));
    threads_.push_back(Named("chain-head", [this] { FollowHead(); }));
    return {};
  }

  ~Impl() override {
    stopping_ = true;
    interrupt_.Set();
    apply_io_.stop();
    asio::post(io_, [this] {
      error_code ignored;
      acceptor_.close(ignored);
      finality_.cancel();
      auto const sessions = std::move(sessions_);
      sessions_.clear();
      for (auto const& session : sessions)
        session->Close();
      io_.stop();
    });
    for (auto& thread : threads_)
      thread.join();
    for (auto& thread : appliers_)
      thread.join();
  }

  [[nodiscard]] std::string const& url() const { return url_; }

  // ---- SessionOwner, on the thread `chain` ----
  Chain& chain() override { return *chain_; }
  Result<std::uint64_t> Head() override {
    TRELLIS_TRY(auto const height, chain_->Height());
    OnHeight(height);
    return height;
  }
  [[nodiscard]] std::uint64_t finalized() const override { return finalized_; }
  [[nodiscard]] bool full() const override { return sessions_.size() >= options_.max_sessions; }
  void Add(std::shared_ptr<Session> session) override { sessions_.insert(std::move(session)); }
  void Remove(Session* session) override { sessions_.erase(session->shared_from_this()); }
  void Submit(crypto::Bytes extrinsic, std::function<void(Result<Included>)> done) override {
    // Before its block: the first one that is looked at is told to nobody.
    if (!head_known_) (void)Head();  // without the ledger the extrinsic fails too
    while (appliers_.size() < kAppliers)
      appliers_.push_back(
          Named(fmt::format("chain-{}", appliers_.size()), [this] { apply_io_.run(); }));
    asio::post(apply_io_, [this, extrinsic = std::move(extrinsic), done = std::move(done)] {
      asio::post(io_, [done, included = chain_->Submit(extrinsic)] { done(included); });
    });
  }

 private:
  void Accept() {
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
      if (!acceptor_.is_open()) return;
      if (!error) Session::Start(std::move(socket), *this);
      Accept();
    });
  }

  /// Thread `chain-head`: any process may have written.
  void FollowHead() {
    auto waiter = sys::WakeWaiter::Open(chain_->ledger().wake_path());
    if (!waiter)
      return log::Error("the chain endpoint tells no blocks", {{"reason", waiter.error()}});
    bool away = false;
    while (!stopping_) {
      auto const height = chain_->Height();
      if (height) {
        asio::post(io_, [this, number = *height] { OnHeight(number); });
      } else if (!away) {
        log::Warn("the chain endpoint waits for the ledger", {{"reason", height.error()}});
      }
      away = !height;
      if (auto const waited = waiter->Wait(kWaitSlice, interrupt_.fd()); !waited)
        return log::Error("the chain endpoint tells no more blocks", {{"reason", waited.error()}});
    }
  }

  void OnHeight(std::uint64_t height) {
    if (!head_known_) {
      head_known_ = true;
      head_ = height;
      finalized_ = height;
    }
    if (height <= head_) return;
    auto const first = std::max(head_ + 1, height - std::min(height, kMaxCatchUp));
    for (auto number = first; number <= height; ++number)
      Tell(number, &Session::OnBlock);
    head_ = height;
    bool const idle = pending_.empty();
    pending_.push_back({height, std::chrono::steady_clock::now() + options_.finality});
    if (idle) AwaitFinality();
  }

  void AwaitFinality() {
    finality_.expires_at(pending_.front().at);
    finality_.async_wait([this](error_code error) {
      if (error) return;
      auto const height = pending_.front().height;
      pending_.pop_front();
      auto const first = std::max(finalized_ + 1, height - std::min(height, kMaxCatchUp));
      finalized_ = height;
      for (auto number = first; number <= height; ++number)
        Tell(number, &Session::OnFinal);
      if (!pending_.empty()) AwaitFinality();
    });
  }

  void Tell(std::uint64_t number, void (Session::*tell)(embedded::Block const&)) {
    if (sessions_.empty()) return;
    auto const block = chain_->BlockAt(number);
    if (!block) return;               // not kept any more
    auto const sessions = sessions_;  // a slow reader leaves the set meanwhile
    for (auto const& session : sessions)
      (*session.*tell)(*block);
  }

  struct Pending {
    std::uint64_t height;
    std::chrono::steady_clock::time_point at;
  };

  FacadeOptions options_;
  std::unique_ptr<Chain> chain_;
  sys::InterruptFlag interrupt_;
  std::atomic<bool> stopping_ = false;
  asio::io_context io_{1};
  asio::io_context apply_io_{kAppliers};
  tcp::acceptor acceptor_;
  asio::steady_timer finality_;
  asio::executor_work_guard<asio::io_context::executor_type> apply_work_;
  std::string url_;
  bool head_known_ = false;  // false until the ledger was there once
  std::uint64_t head_ = 0;   // the newest block told to sessions
  std::uint64_t finalized_ = 0;
  std::deque<Pending> pending_;  // blocks on their way to be final
  std::set<std::shared_ptr<Session>> sessions_;
  std::vector<std::thread> threads_;
  std::vector<std::thread> appliers_;  // used on the thread `chain` until that is gone
};

Facade::Facade(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Facade::~Facade() = default;

Result<std::unique_ptr<Facade>> Facade::Start(FacadeOptions options, EmbeddedLedger& ledger) {
  TRELLIS_TRY(auto chain, Chain::Make(ledger, options.admin_twins, options.runtime));
  TRELLIS_TRY(auto interrupt, sys::InterruptFlag::Make());
  auto impl = std::make_unique<Impl>(std::move(options), std::move(chain), std::move(interrupt));
  TRELLIS_CHECK(impl->Listen());
  return std::unique_ptr<Facade>(new Facade(std::move(impl)));
}

std::string Facade::url() const {
  return impl_->url();
}

}  // namespace trellis::ledger
