// ProcessChannel: life of the helper process.
#include "kernel/plugin/helper/process_channel.hpp"

#include "kernel/plugin/text.hpp"
#include "kernel/sys/errors.hpp"

#include <trellis/json.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <array>
#include <csignal>

namespace trellis::plugin {

namespace {

constexpr std::chrono::seconds kHelloLimit{10};
constexpr std::chrono::seconds kExitLimit{5};
constexpr int kSocketInHelper = 3;
constexpr std::chrono::milliseconds kLookWhenBusy{100};
constexpr std::chrono::seconds kLookWhenIdle{1};

Result<std::pair<sys::UniqueFd, sys::UniqueFd>> SocketPair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return sys::Fail("make", "socket pair");
  return std::pair(sys::UniqueFd(ends[0]), sys::UniqueFd(ends[1]));
}

std::int64_t After(std::chrono::nanoseconds time) {
  return MonotonicNs() + time.count();
}

/// The timer is readable each `every`, at the same moments for all helpers: they cost one wake-up.
void Arm(int timer, std::chrono::nanoseconds every) {
  constexpr std::int64_t kSecondNs = 1'000'000'000;
  auto const first = (MonotonicNs() / every.count() + 1) * every.count();
  auto const spec = [](std::int64_t ns) { return timespec{ns / kSecondNs, ns % kSecondNs}; };
  itimerspec const times{spec(every.count()), spec(first)};
  // It fails for times out of range only.
  (void)::timerfd_settime(timer, TFD_TIMER_ABSTIME, &times, nullptr);
}

}  // namespace

ProcessChannel::ProcessChannel(HelperOptions options, HelperLoop& loop, CallThreads& threads)
    : options_(std::move(options)), loop_(loop), threads_(threads) {}

ProcessChannel::~ProcessChannel() {
  Unwatch();
  if (connection_ != nullptr) connection_->Break();
  // The child ends with its connection; what is left of it is killed and reaped here.
  if (process_.has_value()) (void)process_->Wait(kExitLimit);
}

Result<std::shared_ptr<ProcessChannel>> ProcessChannel::Open(HelperOptions options,
                                                             HelperLoop& loop,
                                                             CallThreads& threads) {
  std::shared_ptr<ProcessChannel> channel(
      new ProcessChannel(std::move(options), loop, threads));  // NOLINT: private constructor
  TRELLIS_CHECK(channel->Spawn());
  TRELLIS_CHECK(channel->Hello());
  return channel;
}

Result<void> ProcessChannel::Spawn() {
  TRELLIS_TRY(auto ends, SocketPair());
  TRELLIS_TRY(auto pipe, sys::Pipe::Make());
  sys::SpawnOptions spawn;
  spawn.argv = {options_.host, options_.name};
  spawn.env = std::vector<std::string>{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"};
  for (auto const* const name : {"UBSAN_OPTIONS", "TSAN_OPTIONS"}) {
    auto const* const value = ::secure_getenv(name);
    if (value != nullptr) spawn.env->push_back(fmt::format("{}={}", name, value));
  }
  // The search for leaks traces the process, which its sandbox forbids.
  auto const* const asan = ::secure_getenv("ASAN_OPTIONS");
  spawn.env->push_back(fmt::format("ASAN_OPTIONS={}:detect_leaks=0", asan == nullptr ? "" : asan));
  spawn.fds = {{ends.second.get(), kSocketInHelper}, {pipe.write.get(), 1}, {pipe.write.get(), 2}};
  TRELLIS_TRY(process_, sys::ChildProcess::Spawn(spawn));
  pid_ = process_->pid();
  stderr_ = std::move(pipe.read);
  (void)::fcntl(stderr_.get(), F_SETFL, O_NONBLOCK);
  connection_ = std::make_unique<Connection>(std::move(ends.first), Connection::Side::kDaemon,
                                             [this](Frame frame) { OnFrame(std::move(frame)); });
  connection_->LetCallersRead([this](bool reading) { loop_.Pause(connection_->fd(), reading); });
  // Weak: a channel that is let go must not be kept alive by the loop.
  std::weak_ptr<ProcessChannel> const self = weak_from_this();
  auto const watch = [&](int fd, void (ProcessChannel::*on_ready)()) {
    return loop_.Watch(fd, [self, on_ready] {
      if (auto const channel = self.lock()) (channel.get()->*on_ready)();
    });
  };
  TRELLIS_CHECK(watch(connection_->fd(), &ProcessChannel::OnReadable));
  TRELLIS_CHECK(watch(stderr_.get(), &ProcessChannel::OnStderr));
  timer_ = sys::UniqueFd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer_) return sys::Fail("make", "timer");
  Arm(timer_.get(), kLookWhenBusy);
  TRELLIS_CHECK(watch(timer_.get(), &ProcessChannel::OnTimer));
  return watch(process_->pidfd(), &ProcessChannel::OnExit);
}

Result<void> ProcessChannel::Hello() {
  CallInfo call;
  call.deadline_ns = After(kHelloLimit);
  call.grace = std::chrono::nanoseconds(0);
  HelloBody const hello{options_.name, options_.file, options_.permissions, options_.state_dir,
                        options_.run_dir};
  auto answer =
      CallForText(Method::kHello, call, FieldWriter().Text(json::Dump(hello)).Take(), "load");
  if (!answer) {
    bool const crashed = answer.error().code == Code::kCrashed;
    Kill({});
    if (!crashed) return tl::unexpected<Error>(answer.error());
    Unwatch();
    auto const ended = process_->Wait(kExitLimit);
    return Fail(Code::kCrashed, "plugin '{}' cannot be loaded: its initialisers failed ({})",
                options_.name, ended ? ended->ToString() : ended.error().message);
  }
  TRELLIS_TRY(description_, json::Parse<DescriptionBody>(*answer));
  return {};
}

void ProcessChannel::Attach(std::unique_ptr<HostBackend> backend, OnDeath on_death) {
  backend_ = std::move(backend);
  requests_ = std::make_unique<HostRequests>(*backend_, calls_);
  std::lock_guard const lock(mutex_);
  on_death_ = std::move(on_death);
}

void ProcessChannel::Unwatch() {
  if (connection_ != nullptr) loop_.Forget(connection_->fd());
  if (stderr_) loop_.Forget(stderr_.get());
  if (timer_) loop_.Forget(timer_.get());
  if (process_.has_value()) loop_.Forget(process_->pidfd());
}

// ---- what arrives, on the loop's thread ----

void ProcessChannel::OnReadable() {
  if (connection_->ReadSome()) return;
  loop_.Forget(connection_->fd());
  // A helper that closed its end or sent nonsense is of no use any more.
  Kill("its connection ended");
}

void ProcessChannel::OnFrame(Frame frame) {
  if (requests_ == nullptr) return;  // not attached: nothing to ask yet
  if (frame.kind == FrameKind::kNotice) {
    requests_->Note(frame);
    return;
  }
  auto const shared = std::make_shared<Frame>(std::move(frame));
  threads_.Post([self = shared_from_this(), shared] {
    auto answer = self->requests_->Answer(*shared);
    std::vector<int> fds;
    for (auto const& fd : answer.fds)
      fds.push_back(fd.get());
    (void)self->connection_->Return(*shared, answer.body, fds);  // else it is gone
  });
}

void ProcessChannel::OnStderr() {
  std::array<char, 4096> buffer{};
  ssize_t const got = ::read(stderr_.get(), buffer.data(), buffer.size());
  if (got <= 0) {
    if (got == 0) loop_.Forget(stderr_.get());
    return;
  }
  std::vector<std::string> complete;
  {
    std::lock_guard const lock(mutex_);
    for (char const c : std::string_view(buffer.data(), static_cast<std::size_t>(got))) {
      if (c != '\n' && line_.size() < kMaxLogBytes) {
        line_ += c;
        continue;
      }
      complete.push_back(RepairText(std::exchange(line_, {}), kMaxLogBytes));
    }
  }
  if (backend_ == nullptr) return;
  for (auto const& line : complete)
    backend_->Log(TRL_LOG_WARN, line, {});
}

void ProcessChannel::OnTimer() {
  std::uint64_t times = 0;
  if (::read(timer_.get(), &times, sizeof times) < 0) return;
  if (auto const excess = Excess(UsageOf(pid_), options_.limits); !excess.empty()) Kill(excess);
  bool const busy = calls_.size() > 0;
  if (watched_closely_.exchange(busy) != busy)
    Arm(timer_.get(), busy ? std::chrono::nanoseconds(kLookWhenBusy) : kLookWhenIdle);
}

void ProcessChannel::WatchClosely() {
  if (!watched_closely_.exchange(true)) Arm(timer_.get(), kLookWhenBusy);
}

void ProcessChannel::OnExit() {
  auto const ended = process_->Wait(std::chrono::milliseconds(0));
  if (!ended) return;
  connection_->Break();
  OnDeath tell;
  std::string how;
  {
    std::lock_guard const lock(mutex_);
    dead_ = true;
    how = killed_why_.empty() ? ended->ToString()
                              : fmt::format("{}, {}", killed_why_, ended->ToString());
    if (!stopping_) tell = std::exchange(on_death_, {});
  }
  ended_.notify_all();
  loop_.Forget(timer_.get());
  if (tell) tell(how);
  loop_.Forget(process_->pidfd());  // last: Unwatch waits for what is still watched
}

void ProcessChannel::Kill(std::string const& why) {
  {
    std::lock_guard const lock(mutex_);
    if (killed_why_.empty() && !stopping_) killed_why_ = why;
  }
  if (process_.has_value()) process_->Kill(SIGKILL);
}

// ---- life of the plugin ----

Result<std::string> ProcessChannel::MigrateConfig(CallInfo const& call, std::uint32_t from,
                                                  std::string const& config) {
  FieldWriter body;
  PutCall(body, call);
  body.Int(from).Text(config);
  return CallForText(Method::kMigrateConfig, call, body.Take(), "migrate_config");
}

Result<void> ProcessChannel::MigrateState(CallInfo const& call, std::uint32_t from,
                                          std::string const& state_dir) {
  FieldWriter body;
  PutCall(body, call);
  body.Int(from).Text(state_dir);
  return CallForDone(Method::kMigrateState, call, body.Take(), "migrate_state");
}

Result<void> ProcessChannel::Create(OpenSpec const& spec, CallInfo const& call) {
  requests_->OpenRegistration();
  FieldWriter body;
  PutCall(body, call);
  body.Text(spec.config)
      .Text(spec.state_dir)
      .Text(spec.run_dir)
      .Text(spec.node)
      .Int(spec.flags | TRL_OPEN_ISOLATED);
  auto own = call;  // what does not register in its time gets no more of it
  own.grace = std::chrono::milliseconds(1);
  auto const made = CallForDone(Method::kCreate, own, body.Take(), "create");
  requests_->CloseRegistration();
  TRELLIS_CHECK(made);
  if (auto refused = requests_->refused(); !refused.empty())
    return tl::unexpected<Error>(Error{Code::kExists, std::move(refused)});
  return {};
}

Result<void> ProcessChannel::Start(CallInfo const& call) {
  FieldWriter body;
  PutCall(body, call);
  return CallForDone(Method::kStart, call, body.Take(), "start");
}

Result<void> ProcessChannel::Stop(CallInfo const& call) {
  {
    std::lock_guard const lock(mutex_);
    stopping_ = true;
  }
  FieldWriter body;
  PutCall(body, call);
  return CallForDone(Method::kStop, call, body.Take(), "stop");
}

void ProcessChannel::Destroy() {
  {
    std::lock_guard const lock(mutex_);
    stopping_ = true;
  }
  connection_->Break();  // the helper destroys the plugin and ends
}

void ProcessChannel::End() {
  Destroy();
  auto const ended = [this] { return dead_; };
  std::unique_lock lock(mutex_);
  if (ended_.wait_for(lock, kExitLimit, ended)) return;
  if (process_.has_value()) process_->Kill(SIGKILL);
  (void)ended_.wait_for(lock, kExitLimit, ended);  // else the kernel holds it: nothing helps
}

bool ProcessChannel::dead() const {
  std::lock_guard const lock(mutex_);
  return dead_;
}

void ProcessChannel::Event(std::string_view topic, std::string_view payload) {
  if (!requests_->Subscribed(topic)) return;
  (void)connection_->Notify(Method::kEvent,
                            FieldWriter().Text(topic).Text(payload).Take());  // else it is gone
}

}  // namespace trellis::plugin
