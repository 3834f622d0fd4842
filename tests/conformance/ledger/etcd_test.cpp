// The etcd ledger passes the suite of all ledgers, on three members that the cases share.
#include "kernel/ledger/etcd/etcd_ledger.hpp"
#include "tests/conformance/ledger/suite.hpp"
#include "tests/support/etcd/shared_cluster.hpp"

namespace trellis::ledger {
namespace {

class EtcdPlace final : public Place {
 public:
  Result<std::unique_ptr<Ledger>> Open(Clock const& clock, Options const& options) override {
    auto etcd = options_;
    etcd.clock = &clock;
    etcd.allow_private_ips = options.allow_private_ips;
    TRELLIS_TRY(auto ledger, EtcdLedger::Open(etcd));
    return std::unique_ptr<Ledger>(std::move(ledger));
  }

 private:
  EtcdOptions options_ = SharedCluster().NewLedger();
};

constexpr Adapter kEtcd{.name = "etcd", .make = []() -> std::unique_ptr<Place> {
                          return std::make_unique<EtcdPlace>();
                        }};

INSTANTIATE_TEST_SUITE_P(Etcd, LedgerSuite, ::testing::Values(&kEtcd));

}  // namespace
}  // namespace trellis::ledger
