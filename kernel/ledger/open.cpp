#include "kernel/ledger/open.hpp"

#include "kernel/base/strings.hpp"
#include "kernel/ledger/embedded/embedded_ledger.hpp"
#include "kernel/ledger/etcd/etcd_ledger.hpp"
#include "kernel/ledger/tfchain/tfchain_ledger.hpp"
#include "kernel/sys/files.hpp"

#include <type_traits>
#include <utility>

namespace trellis::ledger {
namespace {

template <class L>
OpenedLedger Opened(std::unique_ptr<L> ledger) {
  OpenedLedger opened;
  if constexpr (std::is_base_of_v<HostedLedger, L>) opened.hosted = ledger.get();
  if constexpr (std::is_same_v<EmbeddedLedger, L>) opened.embedded = ledger.get();
  opened.ledger = std::move(ledger);
  return opened;
}

Result<OpenedLedger> OpenEmbedded(LedgerSettings const& settings) {
  EmbeddedOptions options;
  options.allow_private_ips = settings.allow_private_ips;
  options.keep_deleted_days = settings.keep_deleted_days;
  TRELLIS_TRY(auto ledger, EmbeddedLedger::Open(settings.path, options));
  return Opened(std::move(ledger));
}

Result<OpenedLedger> OpenEtcd(LedgerSettings const& settings) {
  auto options = settings.etcd;
  options.allow_private_ips = settings.allow_private_ips;
  options.keep_deleted_days = settings.keep_deleted_days;
  if (!settings.etcd_password_file.empty()) {
    auto const text = sys::ReadFile(settings.etcd_password_file);
    if (!text)
      return Fail(Code::kInvalid, "password of the ledger's user: {}", text.error().message);
    options.password = strings::Trim(*text);
  }
  TRELLIS_TRY(auto ledger, EtcdLedger::Open(options));
  return Opened(std::move(ledger));
}

Result<OpenedLedger> OpenTfchain(LedgerSettings const& settings,
                                 std::vector<crypto::Signer> signers) {
  TfchainOptions options;
  options.urls = settings.tfchain_urls;
  options.signers = std::move(signers);
  TRELLIS_TRY(auto ledger, TfchainLedger::Open(std::move(options)));
  return Opened(std::move(ledger));
}

}  // namespace

Result<HostedLedger*> OpenedLedger::Hosted() const {
  if (hosted != nullptr) return hosted;
  return Fail(Code::kUnsupported, "this ledger is kept by others and does not list that");
}

Result<OpenedLedger> OpenLedger(LedgerSettings const& settings,
                                std::vector<crypto::Signer> signers) {
  switch (settings.backend.value) {
    case Backend::kEtcd:
      return OpenEtcd(settings);
    case Backend::kTfchain:
      return OpenTfchain(settings, std::move(signers));
    case Backend::kEmbedded:
      break;
  }
  return OpenEmbedded(settings);
}

}  // namespace trellis::ledger
