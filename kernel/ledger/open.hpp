// Which ledger, and where it is.
#pragma once

#include "kernel/crypto/keys.hpp"
#include "kernel/ledger/etcd/options.hpp"
#include "kernel/ledger/hosted_ledger.hpp"

#include <trellis/result.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::ledger {

enum class Backend : std::uint8_t { kEmbedded, kEtcd, kTfchain };
inline constexpr std::array<std::string_view, 3> kBackendNames{"embedded", "etcd", "tfchain"};
using BackendText = TextEnum<Backend, kBackendNames>;

struct LedgerSettings {
  BackendText backend{};
  std::filesystem::path path{};  ///< embedded: the file
  EtcdOptions etcd{};            ///< etcd: without user's password, which is in a file
  std::filesystem::path etcd_password_file{};  ///< one line; "" = none
  std::vector<std::string> tfchain_urls{};     ///< tfchain: nodes of the chain, `wss://host/path`
  bool allow_private_ips = true;
  std::int64_t keep_deleted_days = 30;
};

class EmbeddedLedger;

struct OpenedLedger {
  std::unique_ptr<Ledger> ledger{};
  // The same object, where it is more than a Ledger; else null.
  HostedLedger* hosted = nullptr;
  EmbeddedLedger* embedded = nullptr;

  Ledger* operator->() const { return ledger.get(); }
  Ledger& operator*() const { return *ledger; }
  /// kUnsupported: the ledger does not tell what tools may ask of one that this software keeps.
  [[nodiscard]] Result<HostedLedger*> Hosted() const;
};

/// `signers`: whose twins may write, where a ledger wants signatures (tfchain). Errors as those of
/// the adapters' Open; kInvalid: unreadable password.
Result<OpenedLedger> OpenLedger(LedgerSettings const& settings,
                                std::vector<crypto::Signer> signers = {});

}  // namespace trellis::ledger
