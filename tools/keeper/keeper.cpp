#include "tools/keeper/keeper.hpp"

#include "kernel/sys/errors.hpp"
#include "kernel/sys/files.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace trellis::keeper {

namespace {

constexpr std::int64_t kFirstDelayMs = 200;
constexpr std::int64_t kMaxDelayMs = 10000;
constexpr std::int64_t kSteadyMs = 60000;  // a life this long starts the delays anew
constexpr int kSignalStatus = 128;

std::int64_t NowMs() {
  timespec now{};
  (void)::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

std::string_view ToText(bool running, bool waiting) {
  if (running) return "running";
  return waiting ? "waiting" : "stopped";
}

}  // namespace

Keeper::Keeper(sys::LockFile lock, sys::UniqueFd listener, sys::UniqueFd signals,
               std::string state_dir, std::string socket_path)
    : lock_(std::move(lock)),
      listener_(std::move(listener)),
      signals_(std::move(signals)),
      state_dir_(std::move(state_dir)),
      socket_path_(std::move(socket_path)) {}

Result<std::unique_ptr<Keeper>> Keeper::Open(std::string const& run_dir,
                                             std::string const& state_dir) {
  TRELLIS_TRY(auto lock, sys::LockFile::Acquire(run_dir + "/keeper.lock"));
  auto socket_path = run_dir + "/keeper.sock";
  TRELLIS_TRY(auto listener, Listen(socket_path));
  sigset_t watched;
  sigemptyset(&watched);
  sigaddset(&watched, SIGCHLD);
  (void)::sigprocmask(SIG_BLOCK, &watched, nullptr);
  (void)::signal(SIGPIPE, SIG_IGN);
  // Orphans of the data processes come here, so that they are reaped wherever PID 1 does not.
  (void)::prctl(PR_SET_CHILD_SUBREAPER, 1);
  sys::UniqueFd signals(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals) return sys::Fail("watch", "child processes");
  return std::unique_ptr<Keeper>(new Keeper(std::move(lock), std::move(listener),
                                            std::move(signals), state_dir, std::move(socket_path)));
}

void Keeper::Run() {
  while (quitting_.empty() || !processes_.empty()) {
    std::vector<pollfd> files{{listener_.get(), POLLIN, 0}, {signals_.get(), POLLIN, 0}};
    std::vector<std::uint64_t> ids;
    for (auto const& [id, fd] : clients_) {
      files.push_back({fd.get(), POLLIN, 0});
      ids.push_back(id);
    }
    std::size_t const first_log = files.size();
    std::vector<std::string> names;
    for (auto const& [name, process] : processes_) {
      if (!process.pipe.valid()) continue;
      files.push_back({process.pipe.get(), POLLIN, 0});
      names.push_back(name);
    }
    (void)::poll(files.data(), files.size(), PollTimeout());
    // Logs first: the last words of a process are read before its end is handled.
    for (std::size_t i = 0; i < names.size(); ++i) {
      auto& process = processes_.at(names[i]);
      if (files[first_log + i].revents != 0 && !process.log.Drain(process.pipe.get()))
        process.pipe = sys::UniqueFd();
    }
    if (files[1].revents != 0) Reap();
    if (files[0].revents != 0) Accept();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (files[2 + i].revents != 0) Serve(ids[i]);
    }
    for (auto const id : std::exchange(gone_, {}))
      clients_.erase(id);
    Tick();
  }
  // Nobody may reach this keeper any more once it said that it ends.
  (void)::unlink(socket_path_.c_str());
  listener_ = sys::UniqueFd();
  for (auto const& asker : quitting_)
    Answer(asker, json::Value(boost::json::object()));
}

int Keeper::PollTimeout() const {
  constexpr std::int64_t kLongest = 3'600'000;
  std::int64_t wait = -1;
  for (auto const& [name, process] : processes_) {
    if (process.state != State::kWaiting && process.state != State::kStopping) continue;
    auto const left = std::clamp<std::int64_t>(process.due_ms - NowMs(), 0, kLongest);
    wait = wait < 0 ? left : std::min(wait, left);
  }
  return static_cast<int>(wait);
}

// ---- clients ----

void Keeper::Accept() {
  sys::UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!client || clients_.size() >= kMaxClients) return;
  ucred peer{};
  socklen_t size = sizeof peer;
  bool const known = ::getsockopt(client.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  if (!known || peer.uid != ::geteuid()) return;
  int const bytes = static_cast<int>(kMaxMessage);
  (void)::setsockopt(client.get(), SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);
  clients_.emplace(next_client_++, std::move(client));
}

void Keeper::Serve(std::uint64_t client) {
  auto const found = clients_.find(client);
  if (found == clients_.end()) return;
  auto message = Receive(found->second.get());
  if (message) {
    Handle(client, *std::move(message));
  } else if (message.error().code != Code::kBusy) {
    gone_.push_back(client);
  }
}

void Keeper::Handle(std::uint64_t client, Message message) {
  auto const value = json::ParseValue(message.text);
  if (!value || !value->is_object()) {
    gone_.push_back(client);
    return;
  }
  auto const& object = value->get_object();
  auto const text = [&](char const* key) {
    auto const* found = object.if_contains(key);
    return found != nullptr && found->is_string() ? std::string(found->get_string())
                                                  : std::string();
  };
  Asker asker{client, 0};
  if (auto const* id = object.if_contains("id")) (void)json::Decode(*id, asker.id);
  auto const op = text("op");
  if (op == "ensure") {
    auto const* spec = object.if_contains("spec");
    Ensure(asker, text("name"), spec == nullptr ? json::Value() : *spec, std::move(message.fds));
  } else if (op == "stop") {
    Stop(asker, text("name"));
  } else if (op == "list") {
    List(asker, text("name"));
  } else if (op == "quit") {
    Quit(asker);
  } else {
    Refuse(asker, {Code::kUnsupported, "unknown operation '" + op + "'"});
  }
}

void Keeper::Send(std::uint64_t client, json::Value const& message) {
  auto const found = clients_.find(client);
  if (found == clients_.end()) return;
  // A client that does not read loses its connection, and learns the state from `list` afterwards.
  if (!keeper::Send(found->second.get(), boost::json::serialize(message), {}))
    gone_.push_back(client);
}

void Keeper::Answer(Asker const& asker, json::Value result) {
  Send(asker.client, boost::json::object{{"id", asker.id}, {"result", std::move(result)}});
}

void Keeper::Refuse(Asker const& asker, Error const& error) {
  Send(asker.client, boost::json::object{{"id", asker.id},
                                         {"code", static_cast<std::int32_t>(error.code)},
                                         {"error", error.message}});
}

void Keeper::AnswerStarted(Process& process, bool changed) {
  for (auto const& asker : std::exchange(process.ensuring, {}))
    Answer(asker,
           boost::json::object{
               {"pid", process.pid}, {"started_unix", process.started_unix}, {"changed", changed}});
}

void Keeper::Announce(char const* topic, Process const& process) {
  boost::json::object const event{
      {"event", topic}, {"name", process.name}, {"pid", process.pid}, {"status", process.status}};
  for (auto const& [client, fd] : clients_)
    Send(client, event);
}

// ---- requests ----

void Keeper::Ensure(Asker asker, std::string const& name, json::Value const& spec,
                    std::vector<sys::UniqueFd> fds) {
  auto parsed = ParseSpec(spec);
  if (!parsed) return Refuse(asker, parsed.error());
  if (name.empty() || name.find("..") != std::string::npos)
    return Refuse(asker, {Code::kInvalid, "'" + name + "' is not a process name"});
  if (!quitting_.empty()) return Refuse(asker, {Code::kUnavailable, "the keeper is ending"});
  if (!processes_.contains(name) && processes_.size() >= kMaxProcesses)
    return Refuse(asker, {Code::kExhausted, "too many data processes"});
  Plan plan{*std::move(parsed), {}, std::move(fds)};
  plan.identity = IdentityOf(plan.spec);
  auto& process = processes_[name];
  process.name = name;
  process.ensuring.push_back(asker);
  bool const same = process.plan.identity == plan.identity;
  if (process.state == State::kRunning && same) return AnswerStarted(process, /*changed=*/false);
  if (process.state == State::kRunning || process.state == State::kStopping) {
    process.next = std::move(plan);
    process.remove = false;
    if (process.state == State::kRunning) BeginStop(process);
    return;
  }
  process.plan = std::move(plan);
  process.delay_ms = 0;
  if (auto const started = Start(process); !started) {
    for (auto const& waiting : std::exchange(process.ensuring, {}))
      Refuse(waiting, started.error());
    processes_.erase(name);
    return;
  }
  AnswerStarted(process, /*changed=*/true);
}

void Keeper::Stop(Asker asker, std::string const& name) {
  auto const found = processes_.find(name);
  if (found == processes_.end()) return Answer(asker, json::Value(boost::json::object()));
  auto& process = found->second;
  process.stopping.push_back(asker);
  process.remove = true;
  process.next.reset();
  for (auto const& waiting : std::exchange(process.ensuring, {}))
    Refuse(waiting, {Code::kCancelled, "the process was stopped meanwhile"});
  if (process.state == State::kRunning) BeginStop(process);
  if (process.state == State::kWaiting || process.state == State::kStopped) AfterStop(process);
}

void Keeper::List(Asker asker, std::string const& prefix) {
  boost::json::array list;
  for (auto const& [name, process] : processes_) {
    if (!name.starts_with(prefix)) continue;
    bool const running = process.state == State::kRunning || process.state == State::kStopping;
    list.push_back(boost::json::object{{"name", name},
                                       {"pid", process.pid},
                                       {"state", ToText(running, process.state == State::kWaiting)},
                                       {"restarts", process.restarts},
                                       {"started_unix", process.started_unix},
                                       {"status", process.status}});
  }
  Answer(asker, std::move(list));
}

void Keeper::Quit(Asker asker) {
  quitting_.push_back(asker);
  std::vector<std::string> names;
  for (auto const& [name, process] : processes_)
    names.push_back(name);
  for (auto const& name : names) {
    auto& process = processes_.at(name);
    process.remove = true;
    process.next.reset();
    if (process.state == State::kRunning) {
      BeginStop(process);
    } else if (process.state != State::kStopping) {
      AfterStop(process);
    }
  }
}

// ---- processes ----

Result<void> Keeper::Start(Process& process) {
  auto const& spec = process.plan.spec;
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return sys::Fail("make", "pipe");
  sys::UniqueFd out(ends[0]);
  sys::UniqueFd in(ends[1]);
  if (!spec.log) {
    TRELLIS_TRY(in, sys::OpenFile("/dev/null", O_WRONLY));
  }
  TRELLIS_TRY(process.pid, StartProcess(process.name, spec, process.plan.fds, in.get()));
  process.pipe = sys::UniqueFd();
  if (spec.log) {
    (void)::fcntl(out.get(), F_SETFL, O_NONBLOCK);
    process.pipe = std::move(out);
    process.log = LogFile(state_dir_ + "/log/" + process.name + ".log");
  }
  process.state = State::kRunning;
  process.status = 0;
  process.started_ms = NowMs();
  process.started_unix = ::time(nullptr);
  Announce("process.started", process);
  return {};
}

void Keeper::BeginStop(Process& process) {
  process.state = State::kStopping;
  process.due_ms = NowMs() + std::int64_t{process.plan.spec.stop_timeout_s} * 1000;
  (void)::kill(-process.pid, SIGTERM);
}

void Keeper::Reap() {
  signalfd_siginfo ignored{};
  while (::read(signals_.get(), &ignored, sizeof ignored) > 0) {
  }
  while (true) {
    siginfo_t child{};
    // Not reaped yet, so that its process group cannot be someone else's by now.
    if (::waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) != 0 || child.si_pid == 0) return;
    auto const found = std::find_if(processes_.begin(), processes_.end(), [&](auto const& entry) {
      auto const state = entry.second.state;
      return entry.second.pid == child.si_pid &&
             (state == State::kRunning || state == State::kStopping);
    });
    if (found != processes_.end()) KillEverything(found->first, child.si_pid);
    int status = 0;
    (void)::waitpid(child.si_pid, &status, 0);
    if (found == processes_.end()) continue;
    Ended(found->second,
          WIFEXITED(status) ? WEXITSTATUS(status) : kSignalStatus + WTERMSIG(status));
  }
}

void Keeper::Ended(Process& process, int status) {
  process.status = status;
  if (process.pipe.valid()) (void)process.log.Drain(process.pipe.get());
  Announce("process.exited", process);
  if (process.state == State::kStopping) return AfterStop(process);
  auto const& restart = process.plan.spec.restart;
  if (restart == "always" || (restart == "on-failure" && status != 0)) {
    if (NowMs() - process.started_ms >= kSteadyMs) process.delay_ms = 0;
    return WaitForRestart(process);
  }
  process.state = State::kStopped;
}

void Keeper::WaitForRestart(Process& process) {
  process.state = State::kWaiting;
  process.delay_ms =
      process.delay_ms == 0 ? kFirstDelayMs : std::min(process.delay_ms * 2, kMaxDelayMs);
  process.due_ms = NowMs() + process.delay_ms;
}

void Keeper::AfterStop(Process& process) {
  process.state = State::kStopped;
  for (auto const& asker : std::exchange(process.stopping, {}))
    Answer(asker, json::Value(boost::json::object()));
  if (process.next) {
    process.plan = *std::move(process.next);
    process.next.reset();
    process.delay_ms = 0;
    auto const started = Start(process);
    if (started) return AnswerStarted(process, /*changed=*/true);
    for (auto const& waiting : std::exchange(process.ensuring, {}))
      Refuse(waiting, started.error());
    process.remove = true;
  }
  if (!process.remove) return;
  auto const name = process.name;
  processes_.erase(name);
}

void Keeper::Tick() {
  std::int64_t const now = NowMs();
  for (auto& [name, process] : processes_) {
    if (process.due_ms > now) continue;
    if (process.state == State::kStopping) {
      KillEverything(name, process.pid);
      process.due_ms = now + kMaxDelayMs;
    } else if (process.state == State::kWaiting) {
      ++process.restarts;
      if (!Start(process)) WaitForRestart(process);
    }
  }
}

}  // namespace trellis::keeper
