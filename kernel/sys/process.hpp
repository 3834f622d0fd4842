// Child processes by posix_spawn, and one-shot tools.
#pragma once

#include "kernel/sys/fd.hpp"

#include <trellis/result.hpp>

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::sys {

struct FdMapping {
  int parent = -1;  ///< borrowed until Spawn returns
  int child = -1;
};

struct SpawnOptions {
  std::vector<std::string> argv{};                ///< argv[0] without '/' is looked up in PATH
  std::optional<std::vector<std::string>> env{};  ///< `NAME=value`; empty = the parent's
  std::vector<FdMapping>
      fds{};  ///< standard input is /dev/null unless mapped; 1 and 2 are inherited
  std::filesystem::path cwd{};  ///< "" = the parent's
  bool own_group = false;       ///< own process group, so that Kill reaches its children too
};

struct ExitStatus {
  int code = 0;    ///< when signal is 0
  int signal = 0;  ///< that killed it, 0 = it exited
  [[nodiscard]] bool ok() const { return code == 0 && signal == 0; }
  [[nodiscard]] std::string ToString() const;
};

/// A running child. Killed (SIGKILL) and reaped on destruction unless it was waited for or
/// released. One thread.
class ChildProcess {
 public:
  /// kNotFound when there is no such program.
  static Result<ChildProcess> Spawn(SpawnOptions const& options);
  ~ChildProcess();
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ChildProcess(ChildProcess const&) = delete;
  ChildProcess& operator=(ChildProcess const&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Readable when the child has ended; for poll.
  [[nodiscard]] int pidfd() const { return pidfd_.get(); }
  /// Waits and reaps; kTimeout when it still runs (it stays running).
  Result<ExitStatus> Wait(std::chrono::milliseconds timeout);
  /// To the whole group with own_group. Nothing when it has ended.
  void Kill(int signal) const;
  /// Lets it run on; the caller or PID 1 reaps it.
  pid_t Release();

 private:
  ChildProcess(pid_t pid, UniqueFd pidfd, bool own_group)
      : pid_(pid), pidfd_(std::move(pidfd)), own_group_(own_group) {}
  pid_t pid_ = -1;  // -1: reaped or released
  UniqueFd pidfd_;
  bool own_group_ = false;
};

/// A pipe; both ends CLOEXEC.
struct Pipe {
  UniqueFd read{};
  UniqueFd write{};
  static Result<Pipe> Make();
};

inline constexpr std::size_t kMaxToolOutput = std::size_t{4} << 20U;

/// Runs a tool to its end and gives its standard output. kTimeout (it is killed), kExhausted (more
/// than kMaxToolOutput), kNotFound (no such tool), kIo with the tail of its standard error when it
/// fails.
Result<std::string> RunTool(std::vector<std::string> argv, std::chrono::milliseconds timeout);

}  // namespace trellis::sys
