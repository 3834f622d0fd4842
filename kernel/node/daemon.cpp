#include "kernel/node/daemon.hpp"

#include "kernel/base/log.hpp"
#include "kernel/node/degraded_node.hpp"
#include "kernel/node/node.hpp"
#include "kernel/store/schema.hpp"

#include <chrono>
#include <thread>

namespace trellis::node {
namespace {

/// Keeps a second daemon out. One that was just killed may need a moment to let go.
Result<sys::LockFile> AcquireLock(std::filesystem::path const& file) {
  constexpr int kTries = 60;
  constexpr std::chrono::milliseconds kPause(50);
  auto lock = sys::LockFile::Acquire(file);
  for (int i = 0; i < kTries && !lock && lock.error().code == Code::kBusy; ++i) {
    std::this_thread::sleep_for(kPause);  // the kernel tells nobody when a lock becomes free
    lock = sys::LockFile::Acquire(file);
  }
  return lock;
}

Result<Ground> Prepare(NodeConfig config) {
  TRELLIS_CHECK(sys::EnsureDirectory(config.state_dir, sys::kPublicDirectory));
  TRELLIS_CHECK(sys::EnsureDirectory(config.run_dir, sys::kPublicDirectory));
  auto lock = AcquireLock(config.state_dir / "trellisd.lock");
  if (!lock) {
    return Fail(lock.error().code, "another trellisd uses '{}': stop it first ({})",
                config.state_dir.string(), lock.error().message);
  }
  TRELLIS_TRY(auto key, LoadKey(config.seed_file));
  return Ground{std::move(config), std::move(key), *std::move(lock)};
}

}  // namespace

std::string ExplainBrokenStore(NodeConfig const& config, std::string_view trouble) {
  return fmt::format(
      "the node's store cannot be used: {}; workloads keep running and nothing is deleted; see "
      "'A damaged store' in docs/operators.md for how to bring '{}' back",
      trouble, config.store_path.string());
}

Result<std::unique_ptr<Daemon>> OpenDaemon(NodeConfig config) {
  TRELLIS_TRY(auto ground, Prepare(std::move(config)));
  auto damage = std::make_unique<store::Damage>();
  auto database = store::OpenStore(ground.config.store_path, *damage);
  if (database) return Node::Open(std::move(ground), std::move(damage), *std::move(database));
  if (database.error().code == Code::kConflict)
    return tl::unexpected<Error>(std::move(database).error());
  auto why = ExplainBrokenStore(ground.config, database.error().message);
  log::Error("starting degraded", {{"reason", why}});
  return DegradedNode::Open(std::move(ground), std::move(why));
}

}  // namespace trellis::node
