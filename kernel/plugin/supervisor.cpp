#include "kernel/plugin/supervisor.hpp"

#include "kernel/base/log.hpp"
#include "kernel/plugin/keeper_wire.hpp"
#include "kernel/sys/errors.hpp"
#include "kernel/sys/files.hpp"

#include <trellis/abi.h>
#include <trellis/json.hpp>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

namespace trellis::plugin {

namespace {

constexpr int kReadyFd = 3;
constexpr int kReadyTimeoutMs = 10000;

/// Starts the keeper, which puts itself into the background, and waits until it listens.
Result<void> StartKeeper(SupervisorOptions const& options) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return sys::Fail("make", "pipe");
  sys::UniqueFd const ready(ends[0]);
  sys::UniqueFd told(ends[1]);
  TRELLIS_CHECK(sys::EnsureDirectory(options.state_dir + "/log", sys::kPrivateDirectory));
  auto const log_file = options.state_dir + "/log/keeper.log";
  std::array<std::string, 7> words{options.keeper,          "--run-dir",       options.run_dir,
                                   "--state-dir",           options.state_dir, "--ready-fd",
                                   std::to_string(kReadyFd)};
  std::array<char*, 8> argv{};
  for (std::size_t i = 0; i < words.size(); ++i)
    argv[i] = words[i].data();
  std::string path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  std::array<char*, 2> environment{path.data(), nullptr};

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                   0600);
  posix_spawn_file_actions_adddup2(&actions, told.get(), kReadyFd);
  posix_spawn_file_actions_addclosefrom_np(&actions, kReadyFd + 1);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  pid_t child = -1;
  int const failed = ::posix_spawn(&child, options.keeper.c_str(), &actions, &attributes,
                                   argv.data(), environment.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return sys::FailWith(failed, "start", options.keeper);
  told.Reset();
  pollfd wait{ready.get(), POLLIN, 0};
  int const woken = ::poll(&wait, 1, kReadyTimeoutMs);
  // The child that was spawned ends as soon as the keeper proper runs in the background.
  int status = 0;
  if (woken == 0) ::kill(child, SIGKILL);
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  char byte = 0;
  if (woken <= 0 || ::read(ready.get(), &byte, 1) != 1)
    return Fail(Code::kUnavailable, "the keeper '{}' did not start, see '{}'", options.keeper,
                log_file);
  return {};
}

struct Reply {
  std::optional<json::Value> result;
  Error error;
};

}  // namespace

class Supervisor::Impl {
 public:
  Impl(SupervisorOptions options, OnEvent on_event)
      : options_(std::move(options)), on_event_(std::move(on_event)) {}
  ~Impl() {
    std::unique_lock lock(connect_mutex_);
    Disconnect();
  }
  Impl(Impl const&) = delete;
  Impl& operator=(Impl const&) = delete;

  /// `start`: also starts a keeper when there is none; else kNotFound.
  Result<void> Connect(bool start) {
    std::lock_guard const lock(connect_mutex_);
    {
      std::lock_guard const state(mutex_);
      if (socket_.valid() && !lost_) return {};
    }
    Disconnect();
    auto const path = options_.run_dir + "/keeper.sock";
    auto socket = keeper::Connect(path);
    if (!socket && socket.error().code == Code::kNotFound && start) {
      TRELLIS_CHECK(StartKeeper(options_));
      socket = keeper::Connect(path);
    }
    if (!socket) return tl::unexpected<Error>(std::move(socket).error());
    std::lock_guard const state(mutex_);
    socket_ = *std::move(socket);
    lost_ = false;
    reader_ = std::thread([this, fd = socket_.get()] { Read(fd); });
    return {};
  }

  /// Every request may be made twice, so one that a dying keeper swallowed is made again.
  Result<json::Value> Ask(boost::json::object const& request, std::span<int const> fds,
                          std::int64_t deadline_ns, bool start) {
    auto answer = AskOnce(request, fds, deadline_ns, start);
    if (answer || answer.error().code != Code::kUnavailable) return answer;
    return AskOnce(request, fds, deadline_ns, start);
  }

 private:
  Result<json::Value> AskOnce(boost::json::object request, std::span<int const> fds,
                              std::int64_t deadline_ns, bool start) {
    auto connected = Connect(start);
    if (!connected) {
      auto error = std::move(connected).error();
      if (error.code != Code::kNotFound || start) error.code = Code::kUnavailable;
      return tl::unexpected<Error>(std::move(error));
    }
    std::unique_lock lock(mutex_);
    auto const id = next_id_++;
    request["id"] = id;
    waiting_[id];
    // Sent under the lock: packets of two threads must not meet a socket that is being replaced.
    auto sent = keeper::Send(socket_.get(), boost::json::serialize(request), fds);
    if (!sent) {
      waiting_.erase(id);
      lost_ = sent.error().code == Code::kUnavailable;
      return tl::unexpected<Error>(std::move(sent).error());
    }
    auto const until = std::chrono::steady_clock::time_point(
        std::chrono::nanoseconds(std::min<std::int64_t>(deadline_ns, INT64_MAX / 2)));
    auto const ready = [&] { return waiting_.at(id).has_value() || lost_; };
    bool const answered = changed_.wait_until(lock, until, ready);
    auto reply = std::move(waiting_.at(id));
    waiting_.erase(id);
    if (!answered) return Fail(Code::kTimeout, "the keeper did not answer in time");
    if (!reply) return Fail(Code::kUnavailable, "the connection to the keeper ended");
    if (!reply->result) return tl::unexpected<Error>(std::move(reply->error));
    return *std::move(reply->result);
  }

  /// Needs connect_mutex_.
  void Disconnect() {
    std::thread ending;
    {
      std::lock_guard const lock(mutex_);
      if (socket_.valid()) (void)::shutdown(socket_.get(), SHUT_RDWR);
      ending = std::move(reader_);
    }
    if (ending.joinable()) ending.join();
    std::lock_guard const lock(mutex_);
    socket_ = sys::UniqueFd();
  }

  void Read(int fd) {
    (void)::prctl(PR_SET_NAME, "keeper");
    while (auto message = keeper::Receive(fd))
      Handle(message->text);
    std::lock_guard const lock(mutex_);
    lost_ = true;
    changed_.notify_all();
  }

  void Handle(std::string const& text) {
    auto const value = json::ParseValue(text);
    if (!value || !value->is_object()) return;
    auto const& object = value->get_object();
    if (object.contains("event")) return HandleEvent(object);
    auto const* id = object.if_contains("id");
    if (id == nullptr || !id->is_int64()) return;
    Reply reply;
    if (auto const* result = object.if_contains("result")) {
      reply.result = *result;
    } else {
      std::int32_t code = TRL_FAULT;
      if (auto const* number = object.if_contains("code")) (void)json::Decode(*number, code);
      if (auto const* error = object.if_contains("error"))
        (void)json::Decode(*error, reply.error.message);
      reply.error.code = static_cast<Code>(code);
    }
    std::lock_guard const lock(mutex_);
    auto const found = waiting_.find(id->get_int64());
    if (found == waiting_.end()) return;
    found->second = std::move(reply);
    changed_.notify_all();
  }

  void HandleEvent(boost::json::object object) {
    auto const text = [&](char const* key) {
      auto const* found = object.if_contains(key);
      return found != nullptr && found->is_string() ? std::string(found->get_string())
                                                    : std::string();
    };
    auto const topic = text("event");
    auto const full = text("name");
    auto const slash = full.find('/');
    if (slash == std::string::npos) return;
    object.erase("event");
    object["name"] = full.substr(slash + 1);
    on_event_(full.substr(0, slash), topic, boost::json::serialize(object));
  }

  SupervisorOptions const options_;
  OnEvent const on_event_;
  std::mutex connect_mutex_;  // one connects at a time; taken before mutex_
  std::mutex mutex_;          // guards everything below
  std::condition_variable changed_;
  sys::UniqueFd socket_;
  bool lost_ = false;
  std::thread reader_;
  std::int64_t next_id_ = 1;
  std::map<std::int64_t, std::optional<Reply>> waiting_;
};

Supervisor::Supervisor(SupervisorOptions options, OnEvent on_event)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(on_event))) {}
Supervisor::~Supervisor() = default;

Result<std::string> Supervisor::Ensure(std::string_view plugin, std::string_view name,
                                       std::string_view spec, std::span<int const> fds,
                                       std::int64_t deadline_ns) {
  TRELLIS_TRY(auto body, json::ParseValue(spec));
  boost::json::object request{{"op", "ensure"}, {"name", fmt::format("{}/{}", plugin, name)}};
  request["spec"] = std::move(body);
  TRELLIS_TRY(auto const answer, impl_->Ask(request, fds, deadline_ns, /*start=*/true));
  return boost::json::serialize(answer);
}

Result<void> Supervisor::Stop(std::string_view plugin, std::string_view name,
                              std::int64_t deadline_ns) {
  boost::json::object request{{"op", "stop"}, {"name", fmt::format("{}/{}", plugin, name)}};
  auto const done = impl_->Ask(request, {}, deadline_ns, /*start=*/false);
  if (!done && done.error().code != Code::kNotFound) return tl::unexpected<Error>(done.error());
  return {};
}

Result<std::string> Supervisor::List(std::string_view plugin, std::string_view prefix,
                                     std::int64_t deadline_ns) {
  boost::json::object request{{"op", "list"}, {"name", fmt::format("{}/{}", plugin, prefix)}};
  auto answer = impl_->Ask(request, {}, deadline_ns, /*start=*/false);
  if (!answer && answer.error().code == Code::kNotFound) return std::string("[]");
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (!answer->is_array()) return Fail(Code::kInternal, "the keeper's list is not a list");
  for (auto& entry : answer->get_array()) {
    auto* const full = entry.is_object() ? entry.get_object().if_contains("name") : nullptr;
    if (full == nullptr || !full->is_string()) continue;
    std::string const text(full->get_string());
    *full = text.substr(plugin.size() + 1);
  }
  return boost::json::serialize(*answer);
}

Result<void> Supervisor::Attach() {
  auto const done = impl_->Connect(/*start=*/false);
  if (!done && done.error().code != Code::kNotFound) return tl::unexpected<Error>(done.error());
  return {};
}

Result<void> Supervisor::Quit(std::int64_t deadline_ns) {
  auto const done = impl_->Ask({{"op", "quit"}}, {}, deadline_ns, /*start=*/false);
  if (!done && done.error().code != Code::kNotFound) return tl::unexpected<Error>(done.error());
  return {};
}

}  // namespace trellis::plugin
