// A host with the storage plugin on one real pool in a loop-mounted file.
#pragma once

#include "tests/support/fake_host.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace trellis::testing {

inline constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

class PoolTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kPoolSize = 400 * kMiB;

  void SetUp() override;
  void TearDown() override;  ///< unmounts the pool and checks that nothing is left
  void LoadStorage();

  [[nodiscard]] std::string mount_point() const { return pool_ + "/mnt"; }
  [[nodiscard]] std::string disk_path(std::string const& id) const {
    return mount_point() + "/vdisks/" + id;
  }

  FakeHost host_;
  std::string pool_ = host_.dir() + "/pool";
};

/// Loop devices of this machine that have a file below `dir`.
std::size_t CountLoops(std::string const& dir);
/// How many are left when the kernel has let go of what nobody uses any more.
std::size_t CountSettledLoops(std::string const& dir);

}  // namespace trellis::testing
