#include "plugins/flist/daemon/flist_fs.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/flist/daemon/fetchers.hpp"
#include "plugins/flist/daemon/operations.hpp"
#include "plugins/flist/rfs/mount_source.hpp"

#include <cap-ng.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statfs.h>

#include <array>

namespace trellis::plugins::flist {

namespace {

constexpr unsigned kWorkers = 4;

struct EndSession {
  void operator()(fuse_session* session) const { fuse_session_destroy(session); }
};
using Session = std::unique_ptr<fuse_session, EndSession>;

struct EndConfig {
  void operator()(fuse_loop_config* config) const { fuse_loop_cfg_destroy(config); }
};
using LoopConfig = std::unique_ptr<fuse_loop_config, EndConfig>;

Result<Session> MakeSession(Fetchers& fetchers) {
  std::array words{std::string("trellis-flistfs"), std::string("-o"),
                   fmt::format("ro,noatime,allow_other,default_permissions,fsname={},subtype=flist",
                               MountSourceOf(::getpid()))};
  std::array<char*, 3> argv{words[0].data(), words[1].data(), words[2].data()};
  fuse_args args{static_cast<int>(argv.size()), argv.data(), 0};
  auto const operations = ImageOperations();
  Session session(fuse_session_new(&args, &operations, sizeof operations, &fetchers));
  fuse_opt_free_args(&args);
  if (!session) return Fail(Code::kInternal, "cannot make a session of the file system");
  return session;
}

// The mount of a server that was killed stays and answers ENOTCONN.
void DetachStale(std::string const& target) {
  struct statfs info {};
  while (::statfs(target.c_str(), &info) != 0 && errno == ENOTCONN) {
    if (::umount2(target.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0) return;
  }
}

Result<void> Confine() {
  ::capng_clear(CAPNG_SELECT_ALL);
  // The bounding set needs a right itself, so it goes first.
  if (::capng_apply(CAPNG_SELECT_BOUNDS) != 0 || ::capng_apply(CAPNG_SELECT_CAPS) != 0 ||
      ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return Fail(Code::kIo, "cannot drop capabilities");
  return {};
}

Result<void> Loop(fuse_session* session) {
  LoopConfig const config(fuse_loop_cfg_create());
  if (!config) return Fail(Code::kExhausted, "out of memory");
  fuse_loop_cfg_set_max_threads(config.get(), kWorkers);
  fuse_loop_cfg_set_idle_threads(config.get(), kWorkers);
  int const ended = fuse_session_loop_mt(session, config.get());
  if (ended < 0) return Fail(Code::kIo, "the kernel's requests ended: {}", -ended);
  return {};  // unmounted, or a signal
}

}  // namespace

Result<void> ServeImage(std::shared_ptr<ImageFiles> files, ServeOptions const& options) {
  DetachStale(options.target);
  Fetchers fetchers(std::move(files));
  TRELLIS_TRY(auto const session, MakeSession(fetchers));
  if (fuse_session_mount(session.get(), options.target.c_str()) != 0)
    return Fail(Code::kIo, "cannot mount on '{}'", options.target);
  auto done = options.confine ? Confine() : Result<void>();
  if (done && fuse_set_signal_handlers(session.get()) != 0)
    done = Fail(Code::kIo, "cannot handle signals");
  if (done) done = Loop(session.get());
  fuse_remove_signal_handlers(session.get());
  if (!options.confine) fuse_session_unmount(session.get());
  fetchers.Close();  // before the session goes
  return done;
}

}  // namespace trellis::plugins::flist
