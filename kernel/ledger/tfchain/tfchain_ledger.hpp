// The public grid's ledger: TFChain through one of its nodes.
#pragma once

#include "kernel/crypto/keys.hpp"
#include "kernel/ledger/ledger.hpp"
#include "kernel/ledger/tfchain/chain_reader.hpp"
#include "kernel/ledger/tfchain/chain_writer.hpp"

#include <trellis/result.hpp>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace trellis::ledger {

struct TfchainOptions {
  /// Nodes of the chain, such as `wss://tfchain.grid.tf/ws`: when one is lost, the next is asked.
  std::vector<std::string> urls{};
  /// Who may write: a caller's twin must be that of one of these keys.
  std::vector<crypto::Signer> signers{};
  std::chrono::milliseconds patience{2'000};        ///< of a call while there is no connection
  std::chrono::milliseconds longest_pause{10'000};  ///< between attempts to connect
};

/// See Ledger; it has none of the Abilities. Event numbers are block and place in it; events are
/// those of final blocks; writes return when their block is there, which may be before it is final.
class TfchainLedger final : public Ledger {
 public:
  /// Connects in the background: reads fail with kUnavailable until then.
  static Result<std::unique_ptr<TfchainLedger>> Open(TfchainOptions options);
  /// No Wait may be running.
  ~TfchainLedger() override = default;

  Result<Twin> GetTwin(std::uint32_t id) override;
  Result<std::uint32_t> TwinByAccount(Account const& account) override;
  Result<Contract> GetContract(std::uint64_t id) override;
  Result<NodeContracts> ListNodeContracts(std::uint32_t node) override;
  Result<std::optional<std::uint64_t>> RentContract(std::uint32_t node) override;
  Result<std::uint64_t> NameContract(std::string_view name) override;
  Result<std::uint64_t> ContractByHash(std::uint32_t node, std::string_view hash) override;
  Result<Farm> GetFarm(std::uint32_t id) override;
  Result<Node> GetNode(std::uint32_t id) override;
  Result<std::uint32_t> NodeByTwin(std::uint32_t twin) override;
  Result<std::vector<std::uint32_t>> ListNodes(std::uint32_t farm) override;
  Result<Head> GetHead() override;
  Result<EventPage> EventsAfter(std::uint64_t cursor, std::size_t limit) override;
  Result<bool> Wait(std::uint64_t cursor, std::chrono::milliseconds timeout) override;
  void Interrupt() override;
  Result<std::uint64_t> Submit(Caller const& caller, Call const& call) override;
  Result<std::vector<std::uint64_t>> SubmitAll(Caller const& caller,
                                               std::vector<Call> const& calls) override;
  [[nodiscard]] Abilities abilities() const override;

 private:
  explicit TfchainLedger(TfchainOptions options) : options_(std::move(options)) {}
  /// The value, or kNotFound when the chain has none.
  Result<json::Value> Need(std::string_view pallet, std::string_view item,
                           std::vector<json::Value> const& keys, std::string_view missing);
  /// A number that is 0 for none.
  Result<std::uint64_t> NeedNumber(std::string_view pallet, std::string_view item,
                                   std::vector<json::Value> const& keys, std::string_view missing);
  Result<void> ReadBlockEvents(std::uint64_t number, std::uint64_t after, EventPage& page);
  Result<crypto::Signer const*> SignerOf(Caller const& caller, std::vector<Call> const& calls);
  Result<std::vector<Event>> Run(crypto::Signer const& signer, json::Value const& call);
  Result<json::Value> MakeCall(Call const& call);

  TfchainOptions options_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::uint64_t finalized_ = 0;  // newest final block that the node told of
  bool interrupted_ = false;
  std::unique_ptr<tfchain::ChainReader> reader_;  // calls back until it is gone
  std::unique_ptr<tfchain::ChainWriter> writer_;
};

}  // namespace trellis::ledger
