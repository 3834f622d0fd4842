// A ledger in memory: twins and node contracts, and it can be away.
#pragma once

#include "kernel/ledger/ledger.hpp"

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace trellis::testing {

class FakeLedger final : public ledger::Ledger {
 public:
  static constexpr std::uint32_t kNode = 1;

  void PutTwin(ledger::Twin twin) {
    std::lock_guard const lock(mutex_);
    twins_[twin.id] = std::move(twin);
  }
  /// Creates or replaces the node contract.
  void PutContract(ledger::Contract contract) {
    std::lock_guard const lock(mutex_);
    contracts_[contract.contract_id] = std::move(contract);
  }
  void EraseContract(std::uint64_t id) {
    std::lock_guard const lock(mutex_);
    contracts_.erase(id);
  }
  [[nodiscard]] ledger::Contract ContractOf(std::uint64_t id) {
    std::lock_guard const lock(mutex_);
    return contracts_[id];
  }
  void SetAway(bool away) {
    std::lock_guard const lock(mutex_);
    away_ = away;
  }
  void TakeNoReports() { takes_reports_ = false; }
  /// For the next engine: the last one interrupted it for good.
  void Revive() {
    std::lock_guard const lock(mutex_);
    interrupted_ = false;
  }
  void SetStrong(bool strong) {
    std::lock_guard const lock(mutex_);
    strong_ = strong;
  }

  Result<ledger::Twin> GetTwin(std::uint32_t id) override {
    std::lock_guard const lock(mutex_);
    auto const found = twins_.find(id);
    if (found == twins_.end()) return Fail(Code::kNotFound, "no twin {}", id);
    return found->second;
  }
  Result<ledger::Contract> GetContract(std::uint64_t id) override {
    std::lock_guard const lock(mutex_);
    if (away_) return Fail(Code::kUnavailable, "the ledger is away");
    auto const found = contracts_.find(id);
    if (found == contracts_.end()) return Fail(Code::kNotFound, "no contract {}", id);
    return found->second;
  }
  Result<ledger::NodeContracts> ListNodeContracts(std::uint32_t) override {
    std::lock_guard const lock(mutex_);
    if (away_) return Fail(Code::kUnavailable, "the ledger is away");
    ledger::NodeContracts list;
    for (auto const& [id, contract] : contracts_)
      list.ids.push_back(id);
    return list;
  }
  [[nodiscard]] ledger::Abilities abilities() const override {
    std::lock_guard const lock(mutex_);
    ledger::Abilities abilities;
    abilities.strong = strong_;
    return abilities;
  }

  Result<std::uint32_t> TwinByAccount(ledger::Account const&) override { return Nothing(); }
  Result<std::optional<std::uint64_t>> RentContract(std::uint32_t) override {
    return std::optional<std::uint64_t>();
  }
  Result<std::uint64_t> NameContract(std::string_view) override { return Nothing(); }
  Result<std::uint64_t> ContractByHash(std::uint32_t, std::string_view) override {
    return Nothing();
  }
  Result<ledger::Farm> GetFarm(std::uint32_t) override { return Nothing(); }
  Result<ledger::Node> GetNode(std::uint32_t) override { return Nothing(); }
  Result<std::uint32_t> NodeByTwin(std::uint32_t) override { return Nothing(); }
  Result<std::vector<std::uint32_t>> ListNodes(std::uint32_t) override {
    return std::vector<std::uint32_t>();
  }
  Result<ledger::Head> GetHead() override { return ledger::Head{}; }
  Result<ledger::EventPage> EventsAfter(std::uint64_t cursor, std::size_t) override {
    return ledger::EventPage{{}, cursor};
  }
  Result<bool> Wait(std::uint64_t, std::chrono::milliseconds timeout) override {
    std::unique_lock lock(mutex_);
    (void)changed_.wait_for(lock, timeout, [this] { return interrupted_; });
    return false;
  }
  void Interrupt() override {
    std::lock_guard const lock(mutex_);
    interrupted_ = true;
    changed_.notify_all();
  }
  Result<std::uint64_t> Submit(ledger::Caller const&, ledger::Call const&) override {
    if (!takes_reports_) return Fail(Code::kUnavailable, "the ledger takes no reports");
    ++reports_;
    return 0;
  }
  [[nodiscard]] int reports() const { return reports_; }
  Result<std::vector<std::uint64_t>> SubmitAll(ledger::Caller const&,
                                               std::vector<ledger::Call> const&) override {
    return Nothing();
  }

 private:
  static tl::unexpected<Error> Nothing() { return Fail(Code::kNotFound, "not in this ledger"); }

  std::atomic<int> reports_{0};
  std::atomic<bool> takes_reports_{true};
  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable changed_;
  std::map<std::uint32_t, ledger::Twin> twins_;
  std::map<std::uint64_t, ledger::Contract> contracts_;
  bool away_ = false;
  bool strong_ = true;
  bool interrupted_ = false;
};

}  // namespace trellis::testing
