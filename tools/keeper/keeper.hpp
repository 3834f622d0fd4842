// The table of data processes and the loop that serves it. One thread.
#pragma once

#include "kernel/plugin/keeper_wire.hpp"
#include "kernel/sys/files.hpp"
#include "tools/keeper/log_file.hpp"
#include "tools/keeper/process.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace trellis::keeper {

inline constexpr std::size_t kMaxProcesses = 4096;
inline constexpr std::size_t kMaxClients = 16;

class Keeper {
 public:
  /// Listens on <run_dir>/keeper.sock. kBusy when another keeper serves this directory.
  static Result<std::unique_ptr<Keeper>> Open(std::string const& run_dir,
                                              std::string const& state_dir);
  /// Serves until a client asks to quit. The processes of the table are stopped then, and only
  /// then.
  void Run();

 private:
  /// Who waits for an answer: client and request id.
  struct Asker {
    std::uint64_t client;
    std::int64_t id;
  };
  struct Plan {
    ProcessSpec spec;
    std::string identity;
    std::vector<sys::UniqueFd> fds;
  };
  enum class State : std::uint8_t { kRunning, kWaiting, kStopping, kStopped };
  struct Process {
    std::string name;
    Plan plan;
    State state = State::kStopped;
    pid_t pid = 0;
    std::int64_t started_ms = 0;  // monotonic
    std::int64_t started_unix = 0;
    std::int64_t due_ms = 0;  // waiting: start again; stopping: kill
    std::int64_t delay_ms = 0;
    std::uint32_t restarts = 0;
    int status = 0;
    bool remove = false;       // gone once stopped
    std::optional<Plan> next;  // to start once stopped
    std::vector<Asker> ensuring;
    std::vector<Asker> stopping;
    sys::UniqueFd pipe;
    LogFile log;
  };

  Keeper(sys::LockFile lock, sys::UniqueFd listener, sys::UniqueFd signals, std::string state_dir,
         std::string socket_path);

  void Accept();
  void Serve(std::uint64_t client);
  void Handle(std::uint64_t client, Message message);
  void Ensure(Asker asker, std::string const& name, json::Value const& spec,
              std::vector<sys::UniqueFd> fds);
  void Stop(Asker asker, std::string const& name);
  void List(Asker asker, std::string const& prefix);
  void Quit(Asker asker);

  Result<void> Start(Process& process);
  void BeginStop(Process& process);
  void Reap();
  void Ended(Process& process, int status);
  void AfterStop(Process& process);
  void WaitForRestart(Process& process);
  void Tick();
  [[nodiscard]] int PollTimeout() const;

  void Answer(Asker const& asker, json::Value result);
  void Refuse(Asker const& asker, Error const& error);
  void AnswerStarted(Process& process, bool changed);
  void Announce(char const* topic, Process const& process);
  void Send(std::uint64_t client, json::Value const& message);

  sys::LockFile lock_;
  sys::UniqueFd listener_;
  sys::UniqueFd signals_;
  std::string state_dir_;
  std::string socket_path_;
  std::map<std::uint64_t, sys::UniqueFd> clients_;
  std::vector<std::uint64_t> gone_;  // clients to drop after this round
  std::uint64_t next_client_ = 1;
  std::map<std::string, Process> processes_;
  std::vector<Asker> quitting_;
};

}  // namespace trellis::keeper
