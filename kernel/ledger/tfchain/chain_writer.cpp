#include "kernel/ledger/tfchain/chain_writer.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace trellis::ledger::tfchain {
namespace {

using crypto::Bytes;
using substrate::Era;

constexpr std::chrono::seconds kInclusion(60);  // ten blocks of the public grid
// When other programs sign with the same key: each time one of them is quicker costs one.
constexpr int kTries = 20;
constexpr std::uint64_t kSignatureLifeMs = 300'000;
constexpr std::uint64_t kShortestEra = 64;
constexpr std::uint64_t kLongestEra = 4'096;  // longer ones begin at steps of several blocks
constexpr std::uint64_t kUsualPeriodMs = 3'000;

/// Extensions that this program fills in. Others must carry nothing.
constexpr std::array<std::string_view, 6> kKnown{"CheckSpecVersion", "CheckTxVersion",
                                                 "CheckGenesis",     "CheckMortality",
                                                 "CheckNonce",       "ChargeTransactionPayment"};

bool IsEmpty(substrate::Metadata const& metadata, substrate::TypeId type) {
  auto const& shape = metadata.types[type].shape;
  if (auto const* const tuple = std::get_if<substrate::Tuple>(&shape)) return tuple->types.empty();
  if (auto const* const composite = std::get_if<substrate::Composite>(&shape))
    return composite->fields.empty();
  return false;
}

Result<void> CheckExtensions(substrate::Metadata const& metadata) {
  for (auto const& extension : metadata.extensions) {
    bool const known = std::ranges::find(kKnown, extension.name) != kKnown.end();
    if (known || (IsEmpty(metadata, extension.type) && IsEmpty(metadata, extension.additional)))
      continue;
    return Fail(Code::kUnsupported, "the chain wants '{}' signed, which is not known",
                extension.name);
  }
  return {};
}

Result<substrate::TypeId> CallType(substrate::Metadata const& metadata) {
  auto const found = std::ranges::find_if(metadata.types, [](auto const& type) {
    return !type.path.empty() && type.path.back() == "RuntimeCall";
  });
  if (found == metadata.types.end()) return Fail(Code::kUnsupported, "the chain has no calls");
  return static_cast<substrate::TypeId>(found - metadata.types.begin());
}

std::optional<std::uint64_t> ConstantOf(substrate::Metadata const& metadata,
                                        std::string_view pallet, std::string_view name) {
  auto const* const constant = metadata.FindConstant(pallet, name);
  if (constant == nullptr || constant->value.size() > sizeof(std::uint64_t)) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < constant->value.size(); ++i)
    value |= std::uint64_t{constant->value[i]} << (8 * i);
  return value;
}

/// Five minutes in blocks, as other clients count them.
std::uint64_t EraPeriod(substrate::Metadata const& metadata) {
  auto const half =
      std::max<std::uint64_t>(ConstantOf(metadata, "Timestamp", "MinimumPeriod").value_or(0), 1);
  bool const told = half > 1;
  auto const blocks = kSignatureLifeMs / (2 * (told ? half : kUsualPeriodMs));
  auto const kept = ConstantOf(metadata, "System", "BlockHashCount").value_or(kLongestEra);
  auto const longest = std::bit_floor(std::min(kept, kLongestEra));
  return std::clamp(std::bit_ceil(blocks), std::min(kShortestEra, longest), longest);
}

std::string HexOf(crypto::BytesView bytes) {
  return "0x" + crypto::Hex(bytes);
}

/// What an update of a watched extrinsic says: its block, or why it will have none.
std::optional<Result<json::Value>> Inclusion(json::Value const& update) {
  auto const chosen = substrate::GetChosen(update);
  if (!chosen) return std::nullopt;
  auto const& name = chosen->name;
  if (name == "inBlock" || name == "finalized") return Result<json::Value>(*chosen->body);
  if (name == "usurped" || name == "dropped" || name == "invalid" || name == "finalityTimeout")
    return Result<json::Value>(Fail(Code::kUnavailable, "the extrinsic is {}", name));
  return std::nullopt;
}

bool IsNonceTrouble(Error const& error) {
  auto const has = [&](std::string_view text) {
    return error.message.find(text) != std::string::npos;
  };
  return has("outdated") || has("in the future") || has("Priority is too low");
}

}  // namespace

Result<std::uint32_t> ChainWriter::NextNonce(crypto::Signer const& signer) {
  TRELLIS_TRY(auto const answer,
              reader_.rpc().Call("system_accountNextIndex",
                                 {json::Value(crypto::Ss58Address(signer.public_key()))}));
  if (answer.is_int64() && std::in_range<std::uint32_t>(answer.get_int64()))
    return static_cast<std::uint32_t>(answer.get_int64());
  return Fail(Code::kDecode, "the node answered no nonce");
}

Result<Bytes> ChainWriter::Sign(ChainRuntime const& runtime, crypto::Signer const& signer,
                                Bytes call) {
  substrate::ChainTerms chain{.spec_version = runtime.spec_version,
                              .tx_version = runtime.tx_version,
                              .genesis = {},
                              .birth = {}};
  TRELLIS_TRY(chain.genesis, reader_.Genesis());
  // A final block cannot be replaced by another one of its number.
  TRELLIS_TRY(auto const block, reader_.FinalizedBlock());
  chain.birth = block.hash;
  substrate::Extrinsic extrinsic;
  extrinsic.signer.bytes = signer.public_key();
  extrinsic.key_type = signer.type();
  extrinsic.terms.era = Era::From(block.number, EraPeriod(runtime.metadata));
  if (block.number == 0) {  // nothing to count from yet
    extrinsic.terms.era = {};
    chain.birth = chain.genesis;
  }
  TRELLIS_TRY(extrinsic.terms.nonce, NextNonce(signer));
  extrinsic.call = std::move(call);
  extrinsic.signature =
      signer.Sign(substrate::SignedPayload(extrinsic.call, extrinsic.terms, chain));
  return substrate::EncodeExtrinsic(extrinsic);
}

Result<std::vector<json::Value>> ChainWriter::EventsOf(Bytes const& extrinsic, Hash const& block) {
  TRELLIS_TRY(auto const all, reader_.Extrinsics(block));
  auto const found = std::ranges::find(all, extrinsic);
  if (found == all.end()) return Fail(Code::kUnavailable, "the block does not hold the extrinsic");
  auto const index = static_cast<std::uint64_t>(found - all.begin());
  TRELLIS_TRY(auto const runtime, reader_.RuntimeAt(block));
  TRELLIS_TRY(auto const records, reader_.Events(*runtime, block));
  std::vector<json::Value> events;
  for (auto const& record : records.as_array()) {
    TRELLIS_TRY(auto const* const phase, substrate::GetMember(record, "phase"));
    TRELLIS_TRY(auto const chosen, substrate::GetChosen(*phase));
    if (chosen.name != "ApplyExtrinsic" || *chosen.body != index) continue;
    TRELLIS_TRY(auto const* const event, substrate::GetMember(record, "event"));
    events.push_back(*event);
  }
  return events;
}

Result<Hash> ChainWriter::Include(Bytes const& extrinsic) {
  TRELLIS_TRY(auto const block,
              reader_.rpc().Watch("author_submitAndWatchExtrinsic", {json::Value(HexOf(extrinsic))},
                                  Inclusion, kInclusion));
  if (!block.is_string()) return Fail(Code::kDecode, "the node answered no block");
  TRELLIS_TRY(auto const raw, crypto::FromHex0x(std::string_view(block.get_string())));
  return crypto::Exactly<32>(raw);
}

Result<std::vector<json::Value>> ChainWriter::Submit(crypto::Signer const& signer,
                                                     json::Value const& call) {
  std::lock_guard const lock(turn_);
  for (int i = 1;; ++i) {
    TRELLIS_TRY(auto const runtime, reader_.Runtime());
    TRELLIS_CHECK(CheckExtensions(runtime->metadata));
    TRELLIS_TRY(auto const type, CallType(runtime->metadata));
    TRELLIS_TRY(auto bytes, runtime->codec.Encode(type, call));
    TRELLIS_TRY(auto const extrinsic, Sign(*runtime, signer, std::move(bytes)));
    auto const block = Include(extrinsic);
    if (block) return EventsOf(extrinsic, *block);
    // Another program took the nonce, or the runtime was upgraded since.
    TRELLIS_TRY(auto const still, reader_.Runtime());
    bool const again = IsNonceTrouble(block.error()) || still != runtime;
    if (block.error().code != Code::kInvalid || !again || i == kTries)
      return tl::unexpected<Error>(block.error());
  }
}

}  // namespace trellis::ledger::tfchain
