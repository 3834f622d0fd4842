// A small grid for ledger tests: farmer (twin 1) with farm 1 and node 1 (twin 2), two users (twins
// 3 and 4).
#pragma once

#include "kernel/crypto/keys.hpp"
#include "kernel/ledger/ledger.hpp"
#include "tests/support/manual_clock.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace trellis::ledger {

using testing::ManualClock;

inline constexpr std::uint32_t kFarmer = 1;
inline constexpr std::uint32_t kNodeTwin = 2;
inline constexpr std::uint32_t kAlice = 3;
inline constexpr std::uint32_t kBob = 4;
inline constexpr std::uint32_t kFarm = 1;
inline constexpr std::uint32_t kNode = 1;

inline Caller By(std::uint32_t twin) {
  return {.twin = twin, .admin = false, .request_id = ""};
}
inline Caller Admin() {
  return {.twin = kFarmer, .admin = true, .request_id = ""};
}

/// 32 hex characters that differ for different numbers.
inline std::string Hash(unsigned number) {
  return fmt::format("{:032x}", number);
}

/// Twin `number` of the grid signs with this key, where a ledger wants signatures.
inline crypto::Signer SignerOf(std::uint8_t number) {
  std::array<std::uint8_t, 32> seed{};
  seed.fill(number);
  return crypto::Signer::FromSeed(crypto::KeyType::kEd25519, seed);
}

inline Account AccountOf(std::uint8_t number) {
  Account account;
  account.bytes = SignerOf(number).public_key();
  return account;
}

inline CreateNodeContract Deploy(unsigned hash, std::uint32_t ips = 0) {
  return {
      .node = kNode, .hash = Hash(hash), .data = "{}", .public_ips = ips, .solution_provider = {}};
}

/// The chain's name of an error.
inline std::string NameOf(Error const& error) {
  return error.message.substr(0, error.message.find(':'));
}

/// Helpers over a ledger of type L, for a fixture to inherit from.
template <class L>
class LedgerGrid {
 protected:
  void BuildGrid() {
    for (std::uint8_t twin = 1; twin <= 4; ++twin)
      ASSERT_EQ(Id(By(0), CreateTwin{.account = AccountOf(twin), .relay = {}, .pk = {}}), twin);
    ASSERT_EQ(Id(Admin(), CreateFarm{.name = "farm", .twin = 0, .dedicated = false}), kFarm);
    ASSERT_EQ(AddNode(kNodeTwin, kFarm), kNode);
  }

  std::uint64_t AddNode(std::uint32_t twin, std::uint32_t farm) {
    RegisterNode call;
    call.spec.farm_id = farm;
    return Id(By(twin), call);
  }

  /// A contract of Alice on a node of Bob's.
  std::uint64_t DeployOnAnotherNode() {
    auto call = Deploy(1);
    call.node = ToId(AddNode(kBob, kFarm));
    return Id(By(kAlice), call);
  }

  /// Three addresses on the farm.
  void AddIps() {
    for (auto const* ip : {"185.69.166.10/24", "185.69.166.11/24", "185.69.166.12/24"})
      ASSERT_EQ(Name(By(kFarmer), AddFarmIp{.farm = kFarm, .ip = ip, .gateway = "185.69.166.1"}),
                "");
  }

  /// The id of a call that succeeds; 0 also when it fails.
  std::uint64_t Id(Caller const& caller, Call const& call) {
    auto const done = ledger_->Submit(caller, call);
    EXPECT_TRUE(done) << done.error().message;
    return done.value_or(0);
  }

  /// The chain's name of the error, "" when the call succeeds.
  std::string Name(Caller const& caller, Call const& call) {
    auto const done = ledger_->Submit(caller, call);
    return done ? "" : NameOf(done.error());
  }

  std::vector<std::string> KindsAfter(std::uint64_t cursor) {
    std::vector<std::string> kinds;
    auto const page = ledger_->EventsAfter(cursor, 1000);
    if (!page) return {page.error().message};
    for (auto const& event : page->events)
      kinds.push_back(event.kind.ToString());
    return kinds;
  }

  std::uint64_t LastSeq() { return ledger_->GetHead().value().last_seq; }

  ManualClock clock_;
  std::unique_ptr<L> ledger_;
};

}  // namespace trellis::ledger
