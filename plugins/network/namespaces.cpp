#include "plugins/network/namespaces.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <thread>

namespace trellis::plugins::network {

namespace {

// A thread that changed its namespace must never serve anything else, so each gets its own.
Result<void> OnThread(std::function<Result<void>()> const& function) {
  Result<void> done;
  std::thread([&] { done = function(); }).join();
  return done;
}

}  // namespace

bool Namespaces::Exists(std::string const& name) const {
  struct statfs info {};
  return ::statfs(Path(name).c_str(), &info) == 0 && info.f_type == NSFS_MAGIC;
}

Result<void> Namespaces::Ensure(std::string const& name) const {
  if (Exists(name)) return {};
  TRELLIS_CHECK(MakeDirs(dir_));
  auto const path = Path(name);
  TRELLIS_TRY(auto const target, OpenFile(path, O_RDONLY | O_CREAT, 0444));
  auto done = OnThread([&]() -> Result<void> {
    if (::unshare(CLONE_NEWNET) != 0) return FailErrno("create namespace '{}'", name);
    if (::mount("/proc/thread-self/ns/net", path.c_str(), "none", MS_BIND, nullptr) != 0)
      return FailErrno("mount namespace '{}'", name);
    return {};
  });
  if (!done) ::unlink(path.c_str());
  return done;
}

Result<void> Namespaces::Remove(std::string const& name) const {
  auto const path = Path(name);
  while (Exists(name)) {
    if (::umount2(path.c_str(), MNT_DETACH) != 0) return FailErrno("unmount namespace '{}'", name);
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return FailErrno("remove namespace '{}'", name);
  return {};
}

Result<UniqueFd> Namespaces::Open(std::string const& name) const {
  if (!Exists(name)) return Fail(Code::kNotFound, "there is no namespace '{}'", name);
  return OpenFile(Path(name), O_RDONLY);
}

Result<void> Namespaces::RunIn(std::string const& name,
                               std::function<Result<void>()> const& function) const {
  if (name.empty()) return function();
  TRELLIS_TRY(auto const file, Open(name));
  return OnThread([&]() -> Result<void> {
    if (::setns(file.get(), CLONE_NEWNET) != 0) return FailErrno("enter namespace '{}'", name);
    return function();
  });
}

}  // namespace trellis::plugins::network
