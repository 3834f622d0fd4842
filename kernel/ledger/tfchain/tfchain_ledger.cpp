#include "kernel/ledger/tfchain/tfchain_ledger.hpp"

#include "kernel/base/log.hpp"
#include "kernel/ledger/rules/refusal.hpp"
#include "kernel/ledger/substrate/objects.hpp"
#include "kernel/ledger/tfchain/chain_calls.hpp"

#include <algorithm>

namespace trellis::ledger {
namespace {

using boost::json::array;
using boost::json::object;
using rules::Refuse;

constexpr std::int64_t kMillisecondsPerSecond = 1'000;
// Event numbers: block above, place in the block (from 1) below; all bits below = the whole block.
constexpr unsigned kPlaceBits = 16;
constexpr std::uint64_t kWholeBlock = (std::uint64_t{1} << kPlaceBits) - 1;
// Comparing everything is cheaper than reading more blocks than these.
constexpr std::uint64_t kMaxReplay = 10'000;
// Blocks of one page: an EventsAfter ends within seconds also when nothing happened.
constexpr std::uint64_t kMaxPageBlocks = 200;
// A subscription that dies silently (its node hangs) delays nobody by more than this.
constexpr std::chrono::milliseconds kLookInterval{5000};

std::uint64_t BlockOf(std::uint64_t cursor) {
  return cursor >> kPlaceBits;
}
bool IsWhole(std::uint64_t cursor) {
  return (cursor & kWholeBlock) == kWholeBlock;
}
std::uint64_t CursorBehind(std::uint64_t block) {
  return block << kPlaceBits | kWholeBlock;
}

Result<std::vector<std::uint64_t>> ReadIds(json::Value const& value) {
  if (!value.is_array()) return Fail(Code::kDecode, "ids are not a list");
  std::vector<std::uint64_t> ids;
  for (auto const& id : value.get_array()) {
    if (!id.is_uint64()) return Fail(Code::kDecode, "an id is not a number");
    ids.push_back(id.get_uint64());
  }
  std::ranges::sort(ids);
  return ids;
}

}  // namespace

Result<std::unique_ptr<TfchainLedger>> TfchainLedger::Open(TfchainOptions options) {
  std::unique_ptr<TfchainLedger> ledger(new TfchainLedger(std::move(options)));
  tfchain::RpcOptions rpc;
  rpc.urls = ledger->options_.urls;
  rpc.patience = ledger->options_.patience;
  rpc.longest_pause = ledger->options_.longest_pause;
  TRELLIS_TRY(ledger->reader_, tfchain::ChainReader::Start(
                                   std::move(rpc), [raw = ledger.get()](std::uint64_t finalized) {
                                     std::lock_guard const lock(raw->mutex_);
                                     raw->finalized_ = std::max(raw->finalized_, finalized);
                                     raw->changed_.notify_all();
                                   }));
  ledger->writer_ = std::make_unique<tfchain::ChainWriter>(*ledger->reader_);
  return ledger;
}

Abilities TfchainLedger::abilities() const {
  return {.strong = false,
          .counts = false,
          .request_ids = false,
          .administers = false,
          .tells_failing_call = false};
}

Result<json::Value> TfchainLedger::Need(std::string_view pallet, std::string_view item,
                                        std::vector<json::Value> const& keys,
                                        std::string_view missing) {
  TRELLIS_TRY(auto value, reader_->Value(pallet, item, keys));
  if (!value) return Refuse(missing, "the chain has none");
  return *std::move(value);
}

Result<std::uint64_t> TfchainLedger::NeedNumber(std::string_view pallet, std::string_view item,
                                                std::vector<json::Value> const& keys,
                                                std::string_view missing) {
  TRELLIS_TRY(auto const value, Need(pallet, item, keys, missing));
  if (!value.is_uint64()) return Fail(Code::kDecode, "'{}' is not a number", item);
  if (value.get_uint64() == 0) return Refuse(missing, "the chain has none");
  return value.get_uint64();
}

Result<Twin> TfchainLedger::GetTwin(std::uint32_t id) {
  TRELLIS_TRY(auto const value, Need("TfgridModule", "Twins", {id}, "TwinNotExists"));
  return substrate::ReadTwin(value);
}

Result<std::uint32_t> TfchainLedger::TwinByAccount(Account const& account) {
  TRELLIS_TRY(auto const id, NeedNumber("TfgridModule", "TwinIdByAccountID",
                                        {substrate::ToChain(account)}, "TwinNotExists"));
  return ToId(id);
}

Result<Contract> TfchainLedger::GetContract(std::uint64_t id) {
  TRELLIS_TRY(auto const value,
              Need("SmartContractModule", "Contracts", {id}, "ContractNotExists"));
  TRELLIS_TRY(auto contract, substrate::ReadContract(value));
  if (contract.state == ContractState::kDeleted)
    return Refuse("ContractNotExists", "contract {} is deleted", id);
  return contract;
}

Result<NodeContracts> TfchainLedger::ListNodeContracts(std::uint32_t node) {
  TRELLIS_TRY(auto const block, reader_->BestBlock());
  TRELLIS_TRY(auto const value,
              reader_->Value("SmartContractModule", "ActiveNodeContracts", {node}, block.hash));
  NodeContracts contracts;
  contracts.height = block.number;
  TRELLIS_TRY(contracts.ids, ReadIds(value.value_or(array())));
  return contracts;
}

Result<std::optional<std::uint64_t>> TfchainLedger::RentContract(std::uint32_t node) {
  auto const id =
      NeedNumber("SmartContractModule", "ActiveRentContractForNode", {node}, "ContractNotExists");
  if (!id && id.error().code == Code::kNotFound) return std::optional<std::uint64_t>();
  TRELLIS_CHECK(id);
  return std::optional(*id);
}

Result<std::uint64_t> TfchainLedger::NameContract(std::string_view name) {
  return NeedNumber("SmartContractModule", "ContractIDByNameRegistration",
                    {boost::json::string(name)}, "ContractNotExists");
}

Result<std::uint64_t> TfchainLedger::ContractByHash(std::uint32_t node, std::string_view hash) {
  if (hash.size() != kHashBytes)
    return Refuse("ContractNotExists", "no contract has a hash of {} characters", hash.size());
  return NeedNumber("SmartContractModule", "ContractIDByNodeIDAndHash",
                    {node, boost::json::string(hash)}, "ContractNotExists");
}

Result<Farm> TfchainLedger::GetFarm(std::uint32_t id) {
  TRELLIS_TRY(auto const value, Need("TfgridModule", "Farms", {id}, "FarmNotExists"));
  return substrate::ReadFarm(value);
}

Result<Node> TfchainLedger::GetNode(std::uint32_t id) {
  TRELLIS_TRY(auto const value, Need("TfgridModule", "Nodes", {id}, "NodeNotExists"));
  TRELLIS_TRY(auto node, substrate::ReadNode(value));
  TRELLIS_TRY(auto const power, reader_->Value("TfgridModule", "NodePower", {id}));
  if (power) {
    TRELLIS_TRY(node.power, substrate::ReadNodePower(*power));
  }
  return node;
}

Result<std::uint32_t> TfchainLedger::NodeByTwin(std::uint32_t twin) {
  TRELLIS_TRY(auto const id, NeedNumber("TfgridModule", "NodeIdByTwinID", {twin}, "NodeNotExists"));
  return ToId(id);
}

Result<std::vector<std::uint32_t>> TfchainLedger::ListNodes(std::uint32_t farm) {
  TRELLIS_TRY(auto const value, reader_->Value("TfgridModule", "NodesByFarmID", {farm}));
  TRELLIS_TRY(auto const ids, ReadIds(value.value_or(array())));
  std::vector<std::uint32_t> nodes;
  nodes.reserve(ids.size());
  for (auto const id : ids)
    nodes.push_back(ToId(id));
  return nodes;
}

Result<Head> TfchainLedger::GetHead() {
  Head head;
  TRELLIS_TRY(auto const best, reader_->BestBlock());
  TRELLIS_TRY(auto const now, reader_->Value("Timestamp", "Now", {}, best.hash));
  if (now && now->is_uint64())
    head.time = static_cast<std::int64_t>(now->get_uint64()) / kMillisecondsPerSecond;
  head.height = best.number;
  TRELLIS_TRY(auto const final_block, reader_->FinalizedBlock());
  head.last_seq = CursorBehind(final_block.number);
  return head;
}

Result<void> TfchainLedger::ReadBlockEvents(std::uint64_t number, std::uint64_t after,
                                            EventPage& page) {
  TRELLIS_TRY(auto const hash, reader_->HashOf(number));
  TRELLIS_TRY(auto const runtime, reader_->RuntimeAt(hash));
  TRELLIS_TRY(auto const records, reader_->Events(*runtime, hash));
  std::uint64_t place = 0;
  for (auto const& record : records.as_array()) {
    TRELLIS_TRY(auto const* const value, substrate::GetMember(record, "event"));
    TRELLIS_TRY(auto event, tfchain::ToEvent(*value));
    if (!event || ++place >= kWholeBlock) continue;
    event->seq = number << kPlaceBits | place;
    event->height = number;
    if (event->seq > after) page.events.push_back(*std::move(event));
  }
  return {};
}

namespace {

/// Never go past a block that was not understood as if nothing had been in it.
tl::unexpected<Error> Unreadable(std::uint64_t number, Error const& error) {
  if (error.code == Code::kUnavailable || error.code == Code::kUnsupported)
    return tl::unexpected<Error>(error);
  if (error.code != Code::kNotFound)  // that is one which the node does not keep any more
    log::Error("events of a block cannot be read, everything must be compared",
               {{"block", number}, {"error", error}});
  return Refuse("CursorTooOld", "events of block {}: {}", number, error.message);
}

}  // namespace

Result<EventPage> TfchainLedger::EventsAfter(std::uint64_t cursor, std::size_t limit) {
  TRELLIS_TRY(auto const final_block, reader_->FinalizedBlock());
  EventPage page;
  page.next = cursor;
  auto const first = std::max<std::uint64_t>(BlockOf(cursor) + (IsWhole(cursor) ? 1 : 0), 1);
  if (BlockOf(cursor) > final_block.number)
    return Refuse("CursorTooOld", "the chain has no block {}", BlockOf(cursor));
  if (final_block.number > first + kMaxReplay)
    return Refuse("CursorTooOld", "the last block read is {}, the chain is at {}", BlockOf(cursor),
                  final_block.number);
  for (auto number = first; number <= final_block.number; ++number) {
    if (auto const read = ReadBlockEvents(number, cursor, page); !read) {
      if (!page.events.empty()) return page;  // the next call tells
      return Unreadable(number, read.error());
    }
    page.next = CursorBehind(number);
    if (page.events.size() >= limit) {
      page.events.resize(limit);
      page.next = page.events.back().seq;
      return page;
    }
    if (number - first >= kMaxPageBlocks) return page;
  }
  return page;
}

Result<bool> TfchainLedger::Wait(std::uint64_t cursor, std::chrono::milliseconds timeout) {
  // A cursor inside a block may have more of that block before it.
  auto const from = BlockOf(cursor) + (IsWhole(cursor) || BlockOf(cursor) == 0 ? 1 : 0);
  auto const deadline = std::chrono::steady_clock::now() + timeout;
  auto const awaited = [&] { return interrupted_ || finalized_ >= from; };
  std::unique_lock lock(mutex_);
  for (;;) {
    auto const now = std::chrono::steady_clock::now();
    if (changed_.wait_until(lock, std::min(deadline, now + kLookInterval), awaited)) break;
    if (std::chrono::steady_clock::now() >= deadline) break;
    lock.unlock();
    auto const newest = reader_->FinalizedBlock();
    lock.lock();
    if (newest) finalized_ = std::max(finalized_, newest->number);
  }
  return finalized_ >= from;
}

void TfchainLedger::Interrupt() {
  std::lock_guard const lock(mutex_);
  interrupted_ = true;
  changed_.notify_all();
}

Result<crypto::Signer const*> TfchainLedger::SignerOf(Caller const& caller,
                                                      std::vector<Call> const& calls) {
  if (!caller.request_id.empty())
    return Fail(Code::kUnsupported, "the chain does not know request ids");
  for (auto const& call : calls) {
    auto const* const create = std::get_if<CreateTwin>(&call);
    if (create == nullptr) continue;
    for (auto const& signer : options_.signers)
      if (signer.public_key() == create->account.bytes) return &signer;
    return Fail(Code::kDenied, "the key of the new twin is not at hand");
  }
  TRELLIS_TRY(auto const twin, GetTwin(caller.twin));
  for (auto const& signer : options_.signers)
    if (signer.public_key() == twin.account.bytes) return &signer;
  return Fail(Code::kDenied, "the key of twin {} is not at hand", caller.twin);
}

Result<json::Value> TfchainLedger::MakeCall(Call const& call) {
  return tfchain::ToChainCall(call, [this](std::uint32_t node) -> Result<std::uint32_t> {
    TRELLIS_TRY(auto const found, GetNode(node));
    return found.farm_id;
  });
}

Result<std::vector<Event>> TfchainLedger::Run(crypto::Signer const& signer,
                                              json::Value const& call) {
  TRELLIS_TRY(auto const values, writer_->Submit(signer, call));
  TRELLIS_TRY(auto const runtime, reader_->Runtime());
  std::vector<Event> events;
  for (auto const& value : values) {
    TRELLIS_TRY(auto const pallet, substrate::GetChosen(value));
    auto const chosen = substrate::GetChosen(*pallet.body);
    if (chosen && pallet.name == "System" && chosen->name == "ExtrinsicFailed") {
      TRELLIS_TRY(auto const* const error, substrate::GetMember(*chosen->body, "dispatch_error"));
      return Refuse(tfchain::ErrorName(*runtime, *error), "the chain refused");
    }
    TRELLIS_TRY(auto event, tfchain::ToEvent(value));
    if (event) events.push_back(*std::move(event));
  }
  return events;
}

Result<std::uint64_t> TfchainLedger::Submit(Caller const& caller, Call const& call) {
  TRELLIS_TRY(auto const* const signer, SignerOf(caller, {call}));
  TRELLIS_TRY(auto const made, MakeCall(call));
  TRELLIS_TRY(auto const events, Run(*signer, made));
  for (auto const& event : events)
    if (auto const id = tfchain::NewId(event); id != 0) return id;
  return 0;
}

Result<std::vector<std::uint64_t>> TfchainLedger::SubmitAll(Caller const& caller,
                                                            std::vector<Call> const& calls) {
  if (calls.size() > kMaxBatch)
    return Refuse("TooManyCalls", "more than {} calls in one batch", kMaxBatch);
  TRELLIS_TRY(auto const* const signer, SignerOf(caller, calls));
  array inner;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    auto made = MakeCall(calls[i]);
    if (!made) return tl::unexpected<Error>(std::move(made.error()).With("call {}", i));
    inner.push_back(*std::move(made));
  }
  TRELLIS_TRY(auto const events,
              Run(*signer,
                  object{{"Utility", object{{"batch_all", object{{"calls", std::move(inner)}}}}}}));
  std::vector<std::uint64_t> ids{0};
  for (auto const& event : events) {
    if (event.kind == EventKind::kItemCompleted) ids.push_back(0);
    if (auto const id = tfchain::NewId(event); id != 0) ids.back() = id;
  }
  ids.pop_back();
  return ids;
}

}  // namespace trellis::ledger
