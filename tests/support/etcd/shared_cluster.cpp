#include "tests/support/etcd/shared_cluster.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

namespace trellis::ledger {
namespace {

class ClusterEnvironment : public ::testing::Environment {
 public:
  void SetUp() override {
    auto started = EtcdCluster::Start();
    if (!started) {
      std::fprintf(stderr, "%s\n", started.error().message.c_str());
      std::exit(1);
    }
    cluster = *std::move(started);
  }
  void TearDown() override { cluster.reset(); }

  std::unique_ptr<EtcdCluster> cluster;
};

auto* const environment =
    static_cast<ClusterEnvironment*>(::testing::AddGlobalTestEnvironment(new ClusterEnvironment));

}  // namespace

EtcdCluster& SharedCluster() {
  return *environment->cluster;
}

}  // namespace trellis::ledger
