#include "tests/integration/flist/image_server.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/common/posix/mounts.hpp"
#include "tests/support/patience.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>

namespace trellis::testing {

ImageServer::ImageServer(std::string const& image, std::string const& target,
                         std::string const& cache)
    : target_(target) {
  std::array<char const*, 10> const words{TRELLIS_BUILD_DIR "/bin/trellis-flistfs",
                                          "--image",
                                          image.c_str(),
                                          "--target",
                                          target.c_str(),
                                          "--cache",
                                          cache.c_str(),
                                          "--allow",
                                          "/",
                                          nullptr};
  (void)::posix_spawn(&pid_, words[0], nullptr, nullptr, const_cast<char* const*>(words.data()),
                      environ);
}

ImageServer::~ImageServer() {
  Signal(SIGKILL);
  (void)Wait();
  (void)::umount2(target_.c_str(), MNT_DETACH);
}

bool ImageServer::Await() {
  plugins::UniqueFd const table(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
  plugins::UniqueFd const process(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  auto const until = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < until) {
    auto const mount = plugins::FindMount(target_);
    struct statfs info {};
    bool const live = mount && mount->has_value() && ::statfs(target_.c_str(), &info) == 0;
    if (live && (*mount)->fs_type == "fuse.flist") return true;
    std::array<pollfd, 2> waits{pollfd{table.get(), POLLPRI, 0}, pollfd{process.get(), POLLIN, 0}};
    (void)::poll(waits.data(), waits.size(), 1000);
    if ((waits[1].revents & POLLIN) != 0) return false;
  }
  return false;
}

void ImageServer::Signal(int number) const {
  if (pid_ > 0) (void)::kill(pid_, number);
}

int ImageServer::Wait() {
  if (pid_ <= 0) return -1;
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace trellis::testing
