#include "tools/plugin-host/session.hpp"

#include "kernel/plugin/helper/wire.hpp"
#include "kernel/sys/memory.hpp"
#include "tools/plugin-host/sandbox.hpp"

#include <trellis/json.hpp>

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

namespace trellis::plugin_host {

using plugin::CallInfo;
using plugin::CancelToken;
using plugin::FieldReader;
using plugin::Frame;
using plugin::FrameKind;
using plugin::Method;
using plugin::Op;

namespace {

constexpr int kIdleMs = 10'000;  // then a thread ends that nobody needs

Op OpOf(Method method) {
  switch (method) {
    case Method::kUpdate:
      return Op::kUpdate;
    case Method::kDeprovision:
      return Op::kDeprovision;
    case Method::kPause:
      return Op::kPause;
    case Method::kResume:
      return Op::kResume;
    default:
      return Op::kProvision;
  }
}

}  // namespace

Session::Session(sys::UniqueFd socket, std::string name)
    : name_(std::move(name)),
      connection_(std::move(socket), plugin::Connection::Side::kHelper,
                  [this](Frame frame) { OnFrame(std::move(frame)); }) {}

int Session::Run() {
  // The greeting confines the process, and threads inherit what is given up then: until it is
  // answered there is this one alone.
  while (!confined_) {
    if (!ReadOnce()) return 0;
    for (auto const& call : std::exchange(arrived_, {}))
      Serve(*call);
  }
  if (!WatchForThreads()) return 1;
  threads_.Post([this] { Lead(); });
  ended_.acquire();
  // A daemon that was killed leaves calls in the middle: they end here, the next helper repeats
  // them. After an orderly stop the plugin ends orderly too.
  if (!stopped_) ::_exit(0);
  channel_->Destroy();
  return 0;
}

bool Session::ReadOnce() {
  pollfd file{connection_.fd(), POLLIN, 0};
  if (::poll(&file, 1, -1) < 0) return true;  // interrupted
  return connection_.ReadSome().has_value();
}

// Several threads wait for the socket and one of them is woken, once, until it says that the next
// one may be: no thread has to wake another one.

bool Session::WatchForThreads() {
  readable_ = sys::UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{};
  event.events = EPOLLIN | EPOLLONESHOT;
  return readable_ && ::epoll_ctl(readable_.get(), EPOLL_CTL_ADD, connection_.fd(), &event) == 0;
}

void Session::LetNextRead() {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLONESHOT;
  // Cannot fail for what is there.
  (void)::epoll_ctl(readable_.get(), EPOLL_CTL_MOD, connection_.fd(), &event);
}

void Session::Lead() {
  while (true) {
    ++waiting_;
    epoll_event event{};
    int const ready = ::epoll_wait(readable_.get(), &event, 1, kIdleMs);
    auto const others = --waiting_;
    if (ready < 0) continue;  // interrupted
    if (ready == 0) {
      if (others > 0) return;  // the last one stays
      if (!rested_.exchange(true)) sys::GiveBackStart();
      continue;
    }
    auto const read = connection_.ReadSome();
    auto const calls = std::exchange(arrived_, {});
    LetNextRead();  // at the end too: that wakes them one after the other
    if (!read) return ended_.release();
    if (calls.empty()) continue;
    rested_ = false;
    if (others == 0) threads_.Post([this] { Lead(); });
    for (std::size_t i = 1; i < calls.size(); ++i)
      threads_.Post([this, shared = calls[i]] { Serve(*shared); });
    Serve(*calls.front());
  }
}

void Session::OnFrame(Frame frame) {
  if (frame.kind == FrameKind::kNotice) {
    Notice(frame);
    return;
  }
  if (frame.method == Method::kPing) {
    (void)connection_.Return(frame, plugin::DoneReturn({}), {});  // else the daemon is gone
    return;
  }
  if (frame.method == Method::kHello) {
    // Threads inherit what is given up here, so none may be there yet.
    if (!confined_) confined_ = Confine(frame.body);
  } else {
    // Here and not on the call's thread: its cancellation may be the next frame.
    FieldReader in(frame.body);
    auto const call = plugin::GetCall(in);
    std::lock_guard const lock(mutex_);
    running_[call.id] = CancelToken::Make();
  }
  arrived_.push_back(std::make_shared<Frame>(std::move(frame)));
}

void Session::Serve(Frame const& frame) {
  auto const answer = Make(frame);
  std::vector<int> fds;
  for (auto const& fd : answer.fds)
    fds.push_back(fd.get());
  (void)connection_.Return(frame, answer.body, fds);  // else the daemon is gone
}

void Session::Notice(Frame const& frame) {
  FieldReader in(frame.body);
  if (frame.method == Method::kCancel) {
    Cancel(in.Int());
  } else if (frame.method == Method::kEvent && channel_ != nullptr) {
    auto const topic = in.Text();
    channel_->Event(topic, in.Text());
  }
}

void Session::Cancel(std::uint64_t call) {
  std::lock_guard const lock(mutex_);
  if (auto const found = running_.find(call); found != running_.end()) found->second->Cancel();
}

Session::Answer Session::Make(Frame const& frame) {
  FieldReader in(frame.body);
  if (frame.method == Method::kHello) return {plugin::TextReturn(Hello(in.Text())), {}};
  auto call = plugin::GetCall(in);
  {
    std::lock_guard const lock(mutex_);
    call.cancel = running_[call.id];
  }
  Answer answer;
  if (channel_ == nullptr) {
    answer = {plugin::ErrorReturn({Code::kUnavailable, "the plugin is not loaded"}), {}};
  } else if (frame.method == Method::kCreate) {
    answer = {plugin::DoneReturn(Create(call, in)), {}};
  } else if (frame.method == Method::kMigrateConfig || frame.method == Method::kMigrateState) {
    answer = MakeMigration(frame, call, in);
  } else if (!created_) {
    answer = {plugin::ErrorReturn({Code::kUnavailable, "the plugin is not created"}), {}};
  } else {
    plugin::RemoteView const view(*host_, call);
    auto seen = call;
    seen.incoming = &view;
    answer = MakeLife(frame, seen, in);
  }
  std::lock_guard const lock(mutex_);
  running_.erase(call.id);
  return answer;
}

// ---- life ----

Result<std::vector<std::string>> Session::Confine(std::string_view body) {
  FieldReader in(body);
  TRELLIS_TRY(auto hello, json::Parse<plugin::HelloBody>(in.Text()));
  TRELLIS_TRY(auto rights, plugin::HelperRights::Of(hello.permissions));
  return EnterSandbox({std::move(rights), std::move(hello.file), std::move(hello.state_dir),
                       std::move(hello.run_dir)});
}

Result<std::string> Session::Hello(std::string_view body) {
  TRELLIS_TRY(auto hello, json::Parse<plugin::HelloBody>(body));
  TRELLIS_TRY(auto const gaps, *confined_);
  TRELLIS_TRY(auto library, plugin::Library::Open(hello.file, plugin::Library::Trial::kNo));
  auto description = plugin::DescriptionOf(library->descriptor());
  description.gaps = gaps;
  auto backend =
      std::make_unique<plugin::RemoteBackend>(connection_, name_, std::move(hello.permissions));
  host_ = backend.get();
  channel_ = std::make_shared<plugin::InlineChannel>(std::move(library), std::move(backend),
                                                     nullptr, nullptr);
  return json::Dump(description);
}

Result<void> Session::Create(CallInfo const& call, FieldReader& in) {
  plugin::OpenSpec spec;
  spec.config = in.Text();
  spec.state_dir = in.Text();
  spec.run_dir = in.Text();
  spec.node = in.Text();
  spec.flags = static_cast<std::uint32_t>(in.Int());
  TRELLIS_CHECK(in.End());
  created_ = true;
  return channel_->Create(spec, call);
}

Session::Answer Session::MakeMigration(Frame const& frame, CallInfo const& call, FieldReader& in) {
  auto const from = static_cast<std::uint32_t>(in.Int());
  std::string const text(in.Text());
  if (frame.method == Method::kMigrateConfig)
    return {plugin::TextReturn(channel_->MigrateConfig(call, from, text)), {}};
  return {plugin::DoneReturn(channel_->MigrateState(call, from, text)), {}};
}

Session::Answer Session::MakeLife(Frame const& frame, CallInfo const& call, FieldReader& in) {
  switch (frame.method) {
    case Method::kStart:
      return {plugin::DoneReturn(channel_->Start(call)), {}};
    case Method::kStop: {
      auto const done = channel_->Stop(call);
      stopped_ = done.has_value();
      return {plugin::DoneReturn(done), {}};
    }
    case Method::kHealth:
      return {plugin::TextReturn(channel_->Health(call)), {}};
    case Method::kProvision:
    case Method::kUpdate:
    case Method::kDeprovision:
    case Method::kPause:
    case Method::kResume:
    case Method::kPrecheck:
    case Method::kInspect:
      return MakeEffect(frame, call, in);
    default:
      return MakeQuestion(frame, call, in);
  }
}

// ---- workloads ----

Session::Answer Session::MakeEffect(Frame const& frame, CallInfo const& call, FieldReader& in) {
  if (frame.method == Method::kPrecheck) {
    auto const op =
        in.Int() == static_cast<std::uint64_t>(Op::kUpdate) ? Op::kUpdate : Op::kProvision;
    return {plugin::PutOpAnswer(channel_->Precheck(op, call, plugin::GetRequest(in))), {}};
  }
  auto const request = plugin::GetRequest(in);
  if (frame.method == Method::kInspect)
    return {plugin::PutInspection(channel_->Inspect(call, request)), {}};
  return {plugin::PutOpAnswer(channel_->Run(OpOf(frame.method), call, request)), {}};
}

Session::Answer Session::MakeQuestion(Frame const& frame, CallInfo const& call, FieldReader& in) {
  std::string const first(in.Text());
  switch (frame.method) {
    case Method::kExamine: {
      std::string const data(in.Text());
      bool const check_valid = in.Int() != 0;
      return {plugin::PutExamination(channel_->Examine(call, first, data, check_valid)), {}};
    }
    case Method::kListOwned: {
      auto const ids = channel_->ListOwned(call, first);
      if (!ids) return {plugin::ErrorReturn(ids.error()), {}};
      return {plugin::TextReturn(json::Dump(*ids)), {}};
    }
    case Method::kRecovered: {
      auto const ids = json::Parse<std::vector<std::string>>(in.Text());
      if (!ids) return {plugin::ErrorReturn(ids.error()), {}};
      return {plugin::DoneReturn(channel_->Recovered(call, first, *ids)), {}};
    }
    case Method::kService: {
      auto const method = in.Text();
      std::vector<int> fds;
      for (auto const& fd : frame.fds)
        fds.push_back(fd.get());
      auto answer = channel_->Service(call, first, method, in.Text(), fds);
      if (!answer) return {plugin::ErrorReturn(answer.error()), {}};
      return {plugin::TextReturn(std::move(answer->body)), std::move(answer->fds)};
    }
    case Method::kCommand:
      return {plugin::PutCommandReply(channel_->Command(call, first, in.Text())), {}};
    case Method::kProvider: {
      std::string const name(in.Text());
      return {plugin::TextReturn(channel_->Provider(call, first, name, in.Text())), {}};
    }
    default:
      return {plugin::ErrorReturn({Code::kUnsupported, "unknown call"}), {}};
  }
}

}  // namespace trellis::plugin_host
