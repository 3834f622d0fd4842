// Orders certificates one after the other on a thread of its own, and tries
// again later. Thread-safe.
#pragma once

#include "plugins/gateway/acme/client.hpp"
#include "plugins/gateway/acme/failures.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace trellis::plugins::gateway {

class AcmeOrders {
 public:
  /// A certificate, or why there is none yet.
  using Done = std::function<void(std::string const& domain, Result<std::string> const& pem)>;

  /// Keeps the account's key, and what failed, in `dir`. All functions are called from the thread.
  AcmeOrders(AcmeConfig const& config, std::string const& dir, AcmeProofs proofs, Done done);
  ~AcmeOrders();
  AcmeOrders(AcmeOrders const&) = delete;
  AcmeOrders& operator=(AcmeOrders const&) = delete;

  /// Orders, unless it is on the way or waits for its next try.
  void Want(std::string const& domain);
  void Forget(std::string const& domain);
  /// Why the domain has no certificate yet; "" when it was not tried, or is not wanted.
  std::string Trouble(std::string const& domain);
  /// Ends what runs. No function is called after it.
  void Stop();

 private:
  using Clock = OrderFailures::Clock;
  struct Item {
    Clock::time_point next;
    std::string trouble;
  };
  void Run();
  void Take(std::string const& domain, Result<std::string> const& pem);
  bool Sleep(std::chrono::milliseconds time);
  /// Waits for the domain whose turn it is; "" when it is to end, or to ask again.
  std::string NextDomain();

  Done done_;
  std::atomic<bool> stop_ = false;
  AcmeClient client_;  // of the thread
  std::mutex mutex_;   // guards what follows
  std::condition_variable changed_;
  OrderFailures failures_;
  std::map<std::string, Item> items_;
  unsigned silent_ = 0;       // times in a row that the authority was not reached
  Clock::time_point resume_;  // before it nobody has a turn
  std::thread thread_;        // from the first order on
};

}  // namespace trellis::plugins::gateway
