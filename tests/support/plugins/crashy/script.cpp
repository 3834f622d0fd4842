#include "tests/support/plugins/crashy/script.hpp"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace trellis::crashy {
namespace {

/// The daemon: this process, or the one that started the helper.
pid_t Daemon(std::filesystem::path const& folder) {
  pid_t pid = ::getpid();
  std::ifstream(folder.parent_path() / "daemon.pid") >> pid;
  return pid;
}

[[noreturn]] void WaitForTheEnd() {
  for (;;)
    (void)::pause();
}

/// Tells the test that the place is reached.
void Note(std::filesystem::path const& folder, std::string_view id, std::string_view action) {
  std::ofstream(folder / fmt::format("{}.{}", id, action)) << "reached\n";
}

}  // namespace

std::string Script::Take(std::string_view id, std::string_view operation,
                         std::string_view point) const {
  std::lock_guard const lock(mutex_);
  auto const path = folder_ / id;
  std::ifstream file(path);
  if (!file) return {};
  std::string taken;
  std::ostringstream rest;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string line_operation;
    std::string line_point;
    std::string action;
    int times = 1;
    words >> line_operation >> line_point >> action >> times;
    if (taken.empty() && line_operation == operation && line_point == point) {
      taken = action;
      if (--times <= 0) continue;
    }
    rest << line_operation << ' ' << line_point << ' ' << action << ' ' << times << '\n';
  }
  if (taken.empty()) return {};
  auto const next = path.string() + ".new";
  std::ofstream(next) << rest.str();
  std::error_code ignored;
  std::filesystem::rename(next, path, ignored);
  return taken;
}

Result<void> Script::Reach(Call& call, std::string_view id, std::string_view operation,
                           std::string_view point) const {
  auto const action = Take(id, operation, point);
  if (action.empty()) return {};
  if (action == "fail") return Fail(Code::kIo, "{} fails as told", operation);
  if (action == "refuse") return Fail(Code::kInvalid, "{} refuses as told", operation);
  Note(folder_, id, action);
  if (action == "wait") {
    pollfd entry{call.cancel_fd(), POLLIN, 0};
    while (!call.Cancelled())
      (void)::poll(&entry, 1, static_cast<int>(call.Remaining().count()) + 1);
    return Fail(Code::kCancelled, "{} was cancelled", operation);
  }
  if (action == "kill") (void)::kill(Daemon(folder_), SIGKILL);
  if (action == "segv") (void)::raise(SIGSEGV);
  WaitForTheEnd();  // `hang`; a killed daemon ends this thread too
}

}  // namespace trellis::crashy
