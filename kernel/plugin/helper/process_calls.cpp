// ProcessChannel: calls into the plugin.
#include "kernel/plugin/helper/process_channel.hpp"
#include "kernel/plugin/text.hpp"

#include <trellis/json.hpp>

namespace trellis::plugin {

namespace {

std::int64_t Later(std::int64_t at, std::chrono::nanoseconds more) {
  return at > INT64_MAX - more.count() ? INT64_MAX : at + more.count();
}

OpAnswer Failed(Error const& error) {
  OpAnswer answer;
  answer.status = static_cast<trl_status>(error.code);
  answer.error = error.message;
  return answer;
}

Method MethodOf(Op op) {
  switch (op) {
    case Op::kProvision:
      return Method::kProvision;
    case Op::kUpdate:
      return Method::kUpdate;
    case Op::kDeprovision:
      return Method::kDeprovision;
    case Op::kPause:
      return Method::kPause;
    case Op::kResume:
      return Method::kResume;
  }
  return Method::kProvision;
}

std::string_view NameOf(Op op) {
  switch (op) {
    case Op::kProvision:
      return "provision";
    case Op::kUpdate:
      return "update";
    case Op::kDeprovision:
      return "deprovision";
    case Op::kPause:
      return "pause";
    case Op::kResume:
      return "resume";
  }
  return "effect";
}

}  // namespace

Result<Frame> ProcessChannel::Call(Method method, CallInfo const& call, std::string const& body,
                                   std::string_view what, std::span<int const> fds) {
  ActiveCalls::Scope const scope(calls_, call);
  WatchClosely();
  auto const crashed = [&] {
    return Fail(Code::kCrashed, "plugin '{}' crashed during {}", options_.name, what);
  };
  auto const pending = connection_->Begin(method, body, fds, call.hold);
  if (!pending) {
    if (pending.error().code == Code::kCrashed) return crashed();
    return tl::unexpected<Error>(pending.error());
  }
  int const cancel_fd = call.cancel == nullptr ? -1 : call.cancel->fd();
  auto waited = connection_->Wait(**pending, cancel_fd, call.deadline_ns);
  bool const cancelled = waited == Connection::Waited::kCancelled;
  if (cancelled || waited == Connection::Waited::kTimeout) {
    (void)connection_->Notify(Method::kCancel, FieldWriter().Int(call.id).Take());  // else gone
    if (!cancelled && call.cancel != nullptr) call.cancel->Cancel();
    waited = connection_->Wait(**pending, -1, Later(MonotonicNs(), call.grace));
  }
  if (waited == Connection::Waited::kAnswered) return connection_->Take(**pending);
  if (waited == Connection::Waited::kBroken) return crashed();
  // Nested calls and commands have no grace: their caller goes on, the answer is dropped when it
  // comes. Any other call that does not return costs the process.
  if (call.grace > std::chrono::nanoseconds(0)) {
    Kill(fmt::format("{} did not return in time", what));
    return Fail(Code::kCrashed, "plugin '{}' did not return from {} in time and was killed",
                options_.name, what);
  }
  return Fail(cancelled ? Code::kCancelled : Code::kTimeout,
              "plugin '{}' did not return from {} in time", options_.name, what);
}

Result<std::string> ProcessChannel::CallForText(Method method, CallInfo const& call,
                                                std::string const& body, std::string_view what) {
  TRELLIS_TRY(auto const frame, Call(method, call, body, what));
  return ReadText(frame.body);
}

Result<void> ProcessChannel::CallForDone(Method method, CallInfo const& call,
                                         std::string const& body, std::string_view what) {
  TRELLIS_CHECK(CallForText(method, call, body, what));
  return {};
}

Examination ProcessChannel::Examine(CallInfo const& call, std::string const& type,
                                    std::string const& data, bool check_valid) {
  FieldWriter body;
  PutCall(body, call);
  body.Text(type).Text(data).Int(check_valid ? 1 : 0).Int(call.incoming != nullptr ? 1 : 0);
  auto const frame = Call(Method::kExamine, call, body.Take(), "valid");
  if (frame) return GetExamination(frame->body);
  Examination seen;
  seen.status = static_cast<trl_status>(frame.error().code);
  seen.error = frame.error().message;
  return seen;
}

OpAnswer ProcessChannel::Run(Op op, CallInfo const& call, OpRequest const& request) {
  FieldWriter body;
  PutCall(body, call);
  PutRequest(body, request);
  auto const frame = Call(MethodOf(op), call, body.Take(), NameOf(op));
  return frame ? GetOpAnswer(frame->body) : Failed(frame.error());
}

OpAnswer ProcessChannel::Precheck(Op op, CallInfo const& call, OpRequest const& request) {
  FieldWriter body;
  PutCall(body, call);
  body.Int(static_cast<std::uint64_t>(op));
  PutRequest(body, request);
  auto const frame = Call(Method::kPrecheck, call, body.Take(), "precheck");
  return frame ? GetOpAnswer(frame->body) : Failed(frame.error());
}

Result<InspectAnswer> ProcessChannel::Inspect(CallInfo const& call, OpRequest const& request) {
  FieldWriter body;
  PutCall(body, call);
  PutRequest(body, request);
  TRELLIS_TRY(auto const frame, Call(Method::kInspect, call, body.Take(), "inspect"));
  return GetInspection(frame.body);
}

Result<std::vector<std::string>> ProcessChannel::ListOwned(CallInfo const& call,
                                                           std::string const& type) {
  FieldWriter body;
  PutCall(body, call);
  body.Text(type);
  TRELLIS_TRY(auto const text, CallForText(Method::kListOwned, call, body.Take(), "list_owned"));
  return json::Parse<std::vector<std::string>>(text);
}

Result<void> ProcessChannel::Recovered(CallInfo const& call, std::string const& type,
                                       std::vector<std::string> const& ids) {
  FieldWriter body;
  PutCall(body, call);
  body.Text(type).Text(json::Dump(ids));
  return CallForDone(Method::kRecovered, call, body.Take(), "recovered");
}

Result<ServiceAnswer> ProcessChannel::Service(CallInfo const& call, std::string const& id,
                                              std::string_view method, std::string_view request,
                                              std::span<int const> fds) {
  FieldWriter body;
  PutCall(body, call);
  body.Text(id).Text(method).Text(request);
  TRELLIS_TRY(auto frame, Call(Method::kService, call, body.Take(),
                               fmt::format("{} of service '{}'", method, id), fds));
  TRELLIS_TRY(auto text, ReadText(frame.body));
  return ServiceAnswer{std::move(text), std::move(frame.fds)};
}

CommandReply ProcessChannel::Command(CallInfo const& call, std::string const& name,
                                     std::string_view payload) {
  FieldWriter body;
  PutCall(body, call);
  body.Text(name).Text(payload);
  auto const frame = Call(Method::kCommand, call, body.Take(), fmt::format("command '{}'", name));
  if (frame) return GetCommandReply(frame->body);
  return tl::unexpected<CommandFailure>(frame.error());
}

Result<std::string> ProcessChannel::Provider(CallInfo const& call, std::string const& kind,
                                             std::string const& name, std::string_view request) {
  FieldWriter body;
  PutCall(body, call);
  body.Text(kind).Text(name).Text(request);
  return CallForText(Method::kProvider, call, body.Take(),
                     fmt::format("provider '{}' of '{}'", name, kind));
}

Result<std::string> ProcessChannel::Health(CallInfo const& call) {
  FieldWriter body;
  PutCall(body, call);
  return CallForText(Method::kHealth, call, body.Take(), "health");
}

}  // namespace trellis::plugin
