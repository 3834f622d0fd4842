// A ledger in front of another one, for tests that change what one function answers.
#pragma once

#include "kernel/ledger/ledger.hpp"

namespace trellis::testing {

class LedgerProxy : public ledger::Ledger {
 public:
  /// `inner` is borrowed.
  explicit LedgerProxy(ledger::Ledger& inner) : inner_(inner) {}

  Result<ledger::Twin> GetTwin(std::uint32_t id) override { return inner_.GetTwin(id); }
  Result<std::uint32_t> TwinByAccount(ledger::Account const& account) override {
    return inner_.TwinByAccount(account);
  }
  Result<ledger::Contract> GetContract(std::uint64_t id) override { return inner_.GetContract(id); }
  Result<ledger::NodeContracts> ListNodeContracts(std::uint32_t node) override {
    return inner_.ListNodeContracts(node);
  }
  Result<std::optional<std::uint64_t>> RentContract(std::uint32_t node) override {
    return inner_.RentContract(node);
  }
  Result<std::uint64_t> NameContract(std::string_view name) override {
    return inner_.NameContract(name);
  }
  Result<std::uint64_t> ContractByHash(std::uint32_t node, std::string_view hash) override {
    return inner_.ContractByHash(node, hash);
  }
  Result<ledger::Farm> GetFarm(std::uint32_t id) override { return inner_.GetFarm(id); }
  Result<ledger::Node> GetNode(std::uint32_t id) override { return inner_.GetNode(id); }
  Result<std::uint32_t> NodeByTwin(std::uint32_t twin) override { return inner_.NodeByTwin(twin); }
  Result<std::vector<std::uint32_t>> ListNodes(std::uint32_t farm) override {
    return inner_.ListNodes(farm);
  }
  Result<ledger::Head> GetHead() override { return inner_.GetHead(); }
  Result<ledger::EventPage> EventsAfter(std::uint64_t cursor, std::size_t limit) override {
    return inner_.EventsAfter(cursor, limit);
  }
  Result<bool> Wait(std::uint64_t cursor, std::chrono::milliseconds timeout) override {
    return inner_.Wait(cursor, timeout);
  }
  void Interrupt() override { inner_.Interrupt(); }
  Result<std::uint64_t> Submit(ledger::Caller const& caller, ledger::Call const& call) override {
    return inner_.Submit(caller, call);
  }
  Result<std::vector<std::uint64_t>> SubmitAll(ledger::Caller const& caller,
                                               std::vector<ledger::Call> const& calls) override {
    return inner_.SubmitAll(caller, calls);
  }
  [[nodiscard]] ledger::Abilities abilities() const override { return inner_.abilities(); }

 private:
  ledger::Ledger& inner_;
};

}  // namespace trellis::testing
