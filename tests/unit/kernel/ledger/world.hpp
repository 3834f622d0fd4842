// A small grid for ledger tests: farmer (twin 1) with farm 1 and node 1 (twin 2), two users (twins
// 3 and 4).
#pragma once

#include "kernel/ledger/embedded/embedded_ledger.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace trellis::ledger {

class ManualClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t UnixSeconds() const override { return now; }
  [[nodiscard]] std::int64_t MonotonicNs() const override { return now * 1'000'000'000; }
  std::atomic<std::int64_t> now = 1'700'000'000;
};

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

inline Account AccountOf(std::uint8_t number) {
  Account account;
  account.bytes.fill(number);
  return account;
}

class World : public ::testing::Test {
 protected:
  void SetUp() override {
    Reopen();
    for (std::uint8_t twin = 1; twin <= 4; ++twin)
      ASSERT_EQ(Id(By(0), CreateTwin{.account = AccountOf(twin), .relay = {}, .pk = {}}), twin);
    ASSERT_EQ(Id(Admin(), CreateFarm{.name = "farm", .twin = 0, .dedicated = false}), kFarm);
    ASSERT_EQ(AddNode(kNodeTwin, kFarm), kNode);
  }

  void Reopen() {
    ledger_.reset();
    EmbeddedOptions options;
    options.clock = &clock_;
    auto opened = EmbeddedLedger::Open(path(), options);
    ASSERT_TRUE(opened) << opened.error().message;
    ledger_ = *std::move(opened);
  }

  [[nodiscard]] std::filesystem::path path() const { return dir_ / "ledger.db"; }

  std::uint64_t AddNode(std::uint32_t twin, std::uint32_t farm) {
    RegisterNode call;
    call.spec.farm_id = farm;
    return Id(By(twin), call);
  }

  /// Three addresses on the farm.
  void AddIps() {
    for (auto const* ip : {"185.69.166.10/24", "185.69.166.11/24", "185.69.166.12/24"})
      ASSERT_EQ(Name(By(kFarmer), AddFarmIp{.farm = kFarm, .ip = ip, .gateway = "185.69.166.1"}),
                "");
  }

  static CreateNodeContract Deploy(unsigned hash, std::uint32_t ips = 0) {
    return {.node = kNode,
            .hash = Hash(hash),
            .data = "{}",
            .public_ips = ips,
            .solution_provider = {}};
  }

  /// The id of a call that succeeds; 0 also when it fails.
  std::uint64_t Id(Caller const& caller, Call const& call) {
    return ledger_->Submit(caller, call).value_or(0);
  }

  /// The chain's name of the error, "" when the call succeeds.
  std::string Name(Caller const& caller, Call const& call) {
    auto const done = ledger_->Submit(caller, call);
    return done ? "" : NameOf(done.error());
  }

  static std::string NameOf(Error const& error) {
    return error.message.substr(0, error.message.find(':'));
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

  testing::TempDir dir_;
  ManualClock clock_;
  std::unique_ptr<EmbeddedLedger> ledger_;
};

}  // namespace trellis::ledger
