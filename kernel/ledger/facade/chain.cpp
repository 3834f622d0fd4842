#include "kernel/ledger/facade/chain.hpp"

#include "kernel/ledger/embedded/tables.hpp"
#include "kernel/ledger/substrate/objects.hpp"
#include "kernel/ledger/substrate/storage_key.hpp"

#include <algorithm>

namespace trellis::ledger::facade {
namespace {

using boost::json::object;
using embedded::Block;
using store::Database;
using substrate::BytesView;
using substrate::Encoder;
using substrate::Hash;

// More events than one write makes, imports aside.
constexpr std::size_t kMaxBlockEvents = 10'000;
constexpr std::uint64_t kMillisecondsPerSecond = 1'000;
constexpr std::uint8_t kUnsignedV4 = 4;

json::Value TimeOf(Block const& block) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(block.at, 0)) * kMillisecondsPerSecond;
}

json::Value AccountInfo(std::uint32_t nonce) {
  return object{{"nonce", nonce},
                {"consumers", 0},
                {"providers", 1},
                {"sufficients", 0},
                {"data", object{{"free", kBalance}, {"reserved", 0}, {"frozen", 0}, {"flags", 0}}}};
}

}  // namespace

Chain::Chain(EmbeddedLedger& ledger, std::vector<std::uint32_t> admin_twins,
             std::shared_ptr<Runtime const> runtime, Hash genesis)
    : ledger_(ledger),
      admin_twins_(std::move(admin_twins)),
      runtime_(std::move(runtime)),
      genesis_(genesis) {}

Result<std::unique_ptr<Chain>> Chain::Make(EmbeddedLedger& ledger,
                                           std::vector<std::uint32_t> admin_twins,
                                           std::shared_ptr<Runtime const> runtime) {
  if (runtime == nullptr) {
    TRELLIS_TRY(runtime, Runtime::Make());
  }
  std::unique_ptr<Chain> chain(
      new Chain(ledger, std::move(admin_twins), std::move(runtime), ledger.genesis().bytes));
  chain->FillItems();
  return chain;
}

void Chain::FillItems() {
  using Own = Item::Own;
  constexpr std::array kOwn{std::pair{"Account", Own::kAccount}, std::pair{"Number", Own::kNumber},
                            std::pair{"Now", Own::kTime}, std::pair{"Events", Own::kEvents}};
  for (auto const& pallet : runtime_->metadata.pallets) {
    for (auto const& item : pallet.storage) {
      auto& added = items_[substrate::StoragePrefix(pallet.prefix, item.name)];
      added.definition = &item;
      added.read = ReaderOf(pallet.name, item.name);
      for (auto const& [name, own] : kOwn)
        if (item.name == name) added.own = own;
    }
  }
}

Result<std::uint64_t> Chain::Height() {
  return ledger_.Snapshot([](Database& db) { return embedded::ReadHeight(db); });
}

Result<Block> Chain::BlockAt(std::uint64_t height) {
  return ledger_.Snapshot([&](Database& db) { return embedded::ReadBlock(db, height); });
}

Result<Block> Chain::BlockOf(Hash const& hash) {
  return ledger_.Snapshot([&](Database& db) -> Result<Block> {
    TRELLIS_TRY(auto const height, embedded::FindBlock(db, hash));
    return embedded::ReadBlock(db, height);
  });
}

Result<std::vector<crypto::Bytes>> Chain::ExtrinsicsOf(Block const& block) {
  json::Value const call = object{{"Timestamp", object{{"set", object{{"now", TimeOf(block)}}}}}};
  TRELLIS_TRY(auto const set_time, runtime_->codec.Encode(runtime_->call, call));
  Encoder inherent;
  inherent.Blob(Encoder().U8(kUnsignedV4).Raw(set_time).bytes());
  std::vector<crypto::Bytes> extrinsics{inherent.Take()};
  if (!block.extrinsic.empty()) extrinsics.push_back(block.extrinsic);
  return extrinsics;
}

Result<std::uint32_t> Chain::NextNonce(Account const& account) {
  return ledger_.Snapshot([&](Database& db) { return embedded::ReadNonce(db, account); });
}

Result<json::Value> Chain::EventsOf(Block const& block) {
  std::vector<Event> events;
  if (block.last_seq > block.first_seq) {
    auto const count = std::min<std::uint64_t>(block.last_seq - block.first_seq, kMaxBlockEvents);
    TRELLIS_TRY(auto page, ledger_.EventsAfter(block.first_seq, count));
    events = std::move(page.events);
  }
  auto const farm_of = [&](std::uint32_t node) {
    auto const found = ledger_.GetNode(node);
    return found ? found->farm_id : 0;
  };
  return EventRecords(*runtime_, block, events, farm_of);
}

Result<json::Value> Chain::Value(Item const& item, Keys const& keys,
                                 std::optional<Hash> const& at) {
  using Own = Item::Own;
  if (item.own == Own::kNone) {
    if (item.read == nullptr) return json::Value(nullptr);
    return item.read(ledger_, keys);
  }
  if (item.own == Own::kAccount) {
    TRELLIS_TRY(auto const account, substrate::ReadAccount(keys[0]));
    TRELLIS_TRY(auto const nonce, NextNonce(account));
    return AccountInfo(nonce);
  }
  TRELLIS_TRY(auto const height, Height());
  auto const block = at ? BlockOf(*at) : BlockAt(height);
  TRELLIS_CHECK(block);
  if (item.own == Own::kNumber) return json::Value(block->header.number);
  if (item.own == Own::kTime) return TimeOf(*block);
  return EventsOf(*block);
}

Result<std::optional<crypto::Bytes>> Chain::Storage(BytesView key, std::optional<Hash> const& at) {
  if (at) TRELLIS_CHECK(BlockOf(*at));
  std::optional<crypto::Bytes> none;
  if (key.size() < substrate::kStoragePrefix) return none;
  auto const prefix = key.first(substrate::kStoragePrefix);
  auto const found = items_.find(crypto::Bytes(prefix.begin(), prefix.end()));
  if (found == items_.end()) return none;
  auto const& item = found->second;
  auto const keys = substrate::ReadStorageKeys(runtime_->metadata, *item.definition,
                                               key.subspan(substrate::kStoragePrefix));
  if (!keys) return none;
  auto const value = Value(item, *keys, at);
  if (!value && value.error().code == Code::kNotFound) return none;
  TRELLIS_CHECK(value);
  if (value->is_null()) return none;
  TRELLIS_TRY(auto bytes, runtime_->codec.Encode(item.definition->value, *value));
  return std::optional(std::move(bytes));
}

}  // namespace trellis::ledger::facade
