// A ledger shown as a chain: farmer (twin 1) with farm 1 and node 1 (twin 2), users Alice (sr25519,
// twin 3) and Bob (ed25519, twin 4).
#pragma once

#include "kernel/ledger/facade/chain.hpp"
#include "kernel/ledger/substrate/storage_key.hpp"
#include "tests/unit/kernel/ledger/world.hpp"

#include <gtest/gtest.h>

namespace trellis::ledger::facade {

using boost::json::array;
using boost::json::object;
using crypto::KeyType;
using crypto::Signer;
using substrate::Era;

inline Signer SignerOf(KeyType type, std::uint8_t number) {
  std::array<std::uint8_t, 32> seed{};
  seed.fill(number);
  return Signer::FromSeed(type, seed);
}

/// What may be wrong with an extrinsic.
struct Signing {
  std::optional<std::uint32_t> nonce{};  ///< default: the next one
  Era era{};
  std::uint32_t spec_version = kSpecVersion;
  std::uint8_t genesis_xor = 0;
};

class ChainWorld : public ::testing::Test {
 protected:
  void SetUp() override {
    EmbeddedOptions options;
    options.clock = &clock_;
    auto opened = EmbeddedLedger::Open(dir_ / "ledger.db", options);
    ASSERT_TRUE(opened) << opened.error().message;
    ledger_ = *std::move(opened);
    auto made = Chain::Make(*ledger_, {});
    ASSERT_TRUE(made) << made.error().message;
    chain_ = *std::move(made);
    for (auto const* signer : {&farmer_, &node_, &alice_, &bob_}) {
      CreateTwin call;
      call.account.bytes = signer->public_key();
      ASSERT_TRUE(ledger_->Submit({}, call));
    }
    ASSERT_TRUE(
        ledger_->Submit(Admin(), CreateFarm{.name = "farm", .twin = 0, .dedicated = false}));
    RegisterNode node;
    node.spec.farm_id = kFarm;
    ASSERT_TRUE(ledger_->Submit(By(kNodeTwin), node));
  }

  static json::Value Call(std::string_view pallet, std::string_view call, object args) {
    return object{{pallet, object{{call, std::move(args)}}}};
  }
  static json::Value CreateContract(unsigned hash, std::uint32_t node = kNode) {
    return Call("SmartContractModule", "create_node_contract",
                {{"node_id", node},
                 {"deployment_hash", Hash(hash)},
                 {"deployment_data", "{}"},
                 {"public_ips", 0},
                 {"solution_provider_id", nullptr}});
  }
  static json::Value Cancel(std::uint64_t id) {
    return Call("SmartContractModule", "cancel_contract", {{"contract_id", id}});
  }
  static json::Value Batch(std::string_view kind, array calls) {
    return Call("Utility", kind, {{"calls", std::move(calls)}});
  }

  crypto::Bytes Signed(Signer const& signer, crypto::Bytes call, Signing const& signing = {}) {
    substrate::Extrinsic extrinsic;
    extrinsic.signer.bytes = signer.public_key();
    extrinsic.key_type = signer.type();
    extrinsic.terms.era = signing.era;
    extrinsic.terms.nonce = signing.nonce.value_or(chain_->NextNonce(extrinsic.signer).value());
    extrinsic.call = std::move(call);
    substrate::ChainTerms terms{.spec_version = signing.spec_version,
                                .tx_version = kTxVersion,
                                .genesis = chain_->genesis(),
                                .birth = chain_->genesis()};
    terms.genesis[0] ^= signing.genesis_xor;
    if (!signing.era.immortal())
      terms.birth = chain_->BlockAt(signing.era.Birth(chain_->Height().value())).value().hash;
    extrinsic.signature =
        signer.Sign(substrate::SignedPayload(extrinsic.call, extrinsic.terms, terms));
    return substrate::EncodeExtrinsic(extrinsic);
  }
  crypto::Bytes Signed(Signer const& signer, json::Value const& call, Signing const& signing = {}) {
    return Signed(signer, chain_->runtime().codec.Encode(chain_->runtime().call, call).value(),
                  signing);
  }

  /// Why the extrinsic is not included; "" when it is.
  std::string Refused(crypto::Bytes const& extrinsic) {
    auto const included = chain_->Submit(extrinsic);
    return included ? "" : included.error().message;
  }

  /// The names of the events of the call's block, with the error's name behind ExtrinsicFailed.
  std::vector<std::string> EventsOf(Signer const& signer, json::Value const& call) {
    auto const included = chain_->Submit(Signed(signer, call));
    if (!included) return {included.error().message};
    return EventsOf(included->block);
  }
  std::vector<std::string> EventsOf(substrate::Hash const& block) {
    auto const& runtime = chain_->runtime();
    auto const key = substrate::StoragePrefix("System", "Events");
    auto const bytes = chain_->Storage(key, block);
    if (!bytes || !*bytes) return {"no events"};
    auto const records = runtime.codec.Decode(runtime.events, **bytes);
    if (!records) return {records.error().message};
    std::vector<std::string> names;
    for (auto const& record : records->as_array())
      names.push_back(NameOf(record.at("event")));
    return names;
  }
  std::string NameOf(json::Value const& event) {
    auto const pallet = substrate::GetChosen(event).value();
    auto const inner = substrate::GetChosen(*pallet.body).value();
    std::string name(inner.name);
    if (name == "ExtrinsicFailed") name += " " + ErrorName(inner.body->at("dispatch_error"));
    if (name == "BatchInterrupted") name += " " + ErrorName(inner.body->at("error"));
    return name;
  }
  std::string ErrorName(json::Value const& error) {
    auto const chosen = substrate::GetChosen(error).value();
    if (chosen.name != "Module") return std::string(chosen.name);
    auto const& metadata = chain_->runtime().metadata;
    auto const* const pallet = metadata.FindPallet(
        static_cast<std::uint8_t>(chosen.body->at("index").to_number<std::uint64_t>()));
    auto const number = static_cast<std::uint8_t>(chosen.body->at("error").as_string()[0]);
    auto const* const found = metadata.FindVariant(pallet->errors, number);
    return pallet->name + "." + (found == nullptr ? "?" : found->name);
  }

  json::Value StorageValue(std::string_view pallet, std::string_view item,
                           std::vector<json::Value> const& keys) {
    auto const& metadata = chain_->runtime().metadata;
    auto const* const definition = metadata.FindStorage(pallet, item);
    auto const key =
        substrate::StorageKey(metadata, *metadata.FindPallet(pallet), *definition, keys);
    auto const bytes = chain_->Storage(key.value(), std::nullopt);
    if (!bytes || !*bytes) return nullptr;
    return chain_->runtime().codec.Decode(definition->value, **bytes).value();
  }

  testing::TempDir dir_;
  ManualClock clock_;
  std::unique_ptr<EmbeddedLedger> ledger_;
  std::unique_ptr<Chain> chain_;
  Signer farmer_ = SignerOf(KeyType::kSr25519, 1);
  Signer node_ = SignerOf(KeyType::kEd25519, 2);
  Signer alice_ = SignerOf(KeyType::kSr25519, 3);
  Signer bob_ = SignerOf(KeyType::kEd25519, 4);
};

}  // namespace trellis::ledger::facade
