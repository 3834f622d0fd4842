#include "plugins/gateway/acme/orders.hpp"

#include <sys/prctl.h>

#include <algorithm>
#include <utility>

namespace trellis::plugins::gateway {

namespace {

constexpr std::chrono::milliseconds kLookAgain{500};
/// An authority that is away is no failure of a domain.
constexpr std::chrono::seconds kLongestSilence{15 * 60};
constexpr std::chrono::hours kIdle{12};

}  // namespace

AcmeOrders::AcmeOrders(AcmeConfig const& config, std::string const& dir, AcmeProofs proofs,
                       Done done)
    : done_(std::move(done)),
      client_(config, dir + "/account.key", std::move(proofs), stop_),
      failures_(dir + "/failures.json") {}

AcmeOrders::~AcmeOrders() {
  Stop();
}

void AcmeOrders::Want(std::string const& domain) {
  std::lock_guard const lock(mutex_);
  if (stop_ || items_.contains(domain)) return;
  items_[domain].next = failures_.Next(domain, Clock::now());
  if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
  changed_.notify_all();
}

void AcmeOrders::Forget(std::string const& domain) {
  std::lock_guard const lock(mutex_);
  items_.erase(domain);
}

std::string AcmeOrders::Trouble(std::string const& domain) {
  std::lock_guard const lock(mutex_);
  auto const found = items_.find(domain);
  return found == items_.end() ? std::string() : found->second.trouble;
}

void AcmeOrders::Stop() {
  {
    std::lock_guard const lock(mutex_);
    stop_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

bool AcmeOrders::Sleep(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time, [&] { return stop_.load(); });
  return !stop_;
}

std::string AcmeOrders::NextDomain() {
  std::unique_lock lock(mutex_);
  auto const first =
      std::ranges::min_element(items_, {}, [](auto const& entry) { return entry.second.next; });
  auto const due =
      first == items_.end() ? Clock::now() + kIdle : std::max(first->second.next, resume_);
  if (due <= Clock::now()) return first->first;
  auto const known = items_.size();
  changed_.wait_for(lock, std::min<Clock::duration>(due - Clock::now(), kIdle),
                    [&] { return stop_ || items_.size() != known; });
  return {};
}

void AcmeOrders::Take(std::string const& domain, Result<std::string> const& pem) {
  std::lock_guard const lock(mutex_);
  bool const silent = !pem && pem.error().code == Code::kUnavailable;
  silent_ = silent ? silent_ + 1 : 0;
  if (silent) resume_ = Clock::now() + std::min(PauseAfter(silent_), kLongestSilence);
  // A file that cannot be written costs what is remembered over a restart, nothing else.
  if (pem) (void)failures_.Succeeded(domain);
  if (!pem && !silent) (void)failures_.Failed(domain, client_.asked_to_wait(), Clock::now());
  auto const item = items_.find(domain);
  if (item == items_.end()) return;
  if (pem) {
    items_.erase(item);
    return;
  }
  item->second.next = failures_.Next(domain, Clock::now());
  item->second.trouble = pem.error().message;
}

void AcmeOrders::Run() {
  (void)::prctl(PR_SET_NAME, "gw-acme");
  while (!stop_) {
    auto const domain = NextDomain();
    if (stop_ || domain.empty()) continue;
    auto const pem = client_.Order(domain, [this] { return Sleep(kLookAgain); });
    if (stop_) return;
    Take(domain, pem);
    done_(domain, pem);
  }
}

}  // namespace trellis::plugins::gateway
