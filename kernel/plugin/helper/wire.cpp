#include "kernel/plugin/helper/wire.hpp"

#include <trellis/json.hpp>

#include <cstring>

namespace trellis::plugin {

namespace {

struct RawCall {
  std::uint32_t size = sizeof(trl_call);
  std::uint32_t flags = 0;
  std::uint64_t id = 0;
  std::int64_t deadline_ns = 0;
  std::uint64_t contract = 0;
  std::uint32_t twin = 0;
  std::uint32_t attempt = 1;
};
static_assert(sizeof(RawCall) == 40);

std::string const kMalformed = "the plugin's process sent a malformed answer";

std::uint64_t FromStatus(trl_status status) {
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(status));
}
trl_status ToStatus(std::int64_t value) {
  return std::in_range<trl_status>(value) ? static_cast<trl_status>(value) : TRL_FAULT;
}
template <class T>
T Narrow(std::uint64_t value) {
  return std::in_range<T>(value) ? static_cast<T>(value) : T{};
}

Error ErrorOf(trl_status status, std::string_view text) {
  return {static_cast<Code>(status), std::string(text)};
}

}  // namespace

DescriptionBody DescriptionOf(trl_plugin const& descriptor) {
  return {descriptor.version,
          descriptor.manifest,
          descriptor.threading == TRL_THREADING_PARALLEL,
          {},
          {descriptor.abi_major, descriptor.abi_minor_built, descriptor.abi_minor_required}};
}

void PutCall(FieldWriter& out, CallInfo const& call) {
  RawCall raw;
  raw.flags = call.flags;
  raw.id = call.id;
  raw.deadline_ns = call.deadline_ns;
  raw.contract = call.contract;
  raw.twin = call.twin;
  raw.attempt = call.attempt;
  out.Text({reinterpret_cast<char const*>(&raw), sizeof raw});
}

CallInfo GetCall(FieldReader& in) {
  auto const bytes = in.Text();
  RawCall raw;
  if (bytes.size() == sizeof raw) std::memcpy(&raw, bytes.data(), sizeof raw);
  CallInfo call;
  call.flags = raw.flags;
  call.id = raw.id;
  call.deadline_ns = raw.deadline_ns;
  call.contract = raw.contract;
  call.twin = raw.twin;
  call.attempt = raw.attempt;
  return call;
}

void PutRequest(FieldWriter& out, OpRequest const& request) {
  out.Int(request.version)
      .Int(request.paused ? TRL_WORKLOAD_PAUSED : 0)
      .Int(request.handle_schema)
      .Text(request.id)
      .Text(request.name)
      .Text(request.type)
      .Text(request.data)
      .Text(request.metadata)
      .Text(request.description)
      .Text(request.result)
      .Text(request.previous)
      .Text(request.handle);
}

OpRequest GetRequest(FieldReader& in) {
  OpRequest request;
  request.version = Narrow<std::uint32_t>(in.Int());
  request.paused = (in.Int() & TRL_WORKLOAD_PAUSED) != 0;
  request.handle_schema = Narrow<std::uint32_t>(in.Int());
  request.id = in.Text();
  request.name = in.Text();
  request.type = in.Text();
  request.data = in.Text();
  request.metadata = in.Text();
  request.description = in.Text();
  request.result = in.Text();
  request.previous = in.Text();
  request.handle = in.Text();
  return request;
}

std::string ErrorReturn(Error const& error) {
  return FieldWriter()
      .Int(FromStatus(static_cast<trl_status>(error.code)))
      .Text({})
      .Text(error.message)
      .Take();
}

std::string TextReturn(Result<std::string> const& answer) {
  if (!answer) return ErrorReturn(answer.error());
  return FieldWriter().Int(TRL_OK).Text(*answer).Text({}).Take();
}

std::string DoneReturn(Result<void> const& done) {
  if (!done) return ErrorReturn(done.error());
  return FieldWriter().Int(TRL_OK).Text({}).Text({}).Take();
}

Result<std::string> ReadText(std::string_view body) {
  FieldReader in(body);
  auto const status = ToStatus(in.Signed());
  auto const text = in.Text();
  auto const error = in.Text();
  TRELLIS_CHECK(in.End());
  if (status < 0) return tl::unexpected<Error>(ErrorOf(status, error));
  return std::string(text);
}

Result<void> ReadDone(std::string_view body) {
  TRELLIS_CHECK(ReadText(body));
  return {};
}

std::string PutExamination(Examination const& seen) {
  FieldWriter out;
  out.Int(FromStatus(seen.status))
      .Text(seen.challenge)
      .Int(seen.capacity.cru)
      .Int(seen.capacity.sru)
      .Int(seen.capacity.hru)
      .Int(seen.capacity.mru)
      .Int(seen.capacity.ipv4u)
      .Signed(seen.weight)
      .Text(json::Dump(seen.dependencies))
      .Text(seen.error);
  return out.Take();
}

Examination GetExamination(std::string_view body) {
  FieldReader in(body);
  Examination seen;
  seen.status = ToStatus(in.Signed());
  seen.challenge = in.Text();
  seen.capacity.cru = in.Int();
  seen.capacity.sru = in.Int();
  seen.capacity.hru = in.Int();
  seen.capacity.mru = in.Int();
  seen.capacity.ipv4u = in.Int();
  seen.weight = in.Signed();
  auto names = json::Parse<std::vector<std::string>>(in.Text());
  seen.error = in.Text();
  if (!in.End() || !names) {
    seen = {};
    seen.status = TRL_CRASHED;
    seen.error = kMalformed;
    return seen;
  }
  seen.dependencies = *std::move(names);
  return seen;
}

std::string PutOpAnswer(OpAnswer const& answer) {
  return FieldWriter()
      .Int(FromStatus(answer.status))
      .Int(answer.handle_schema)
      .Text(answer.result)
      .Text(answer.handle)
      .Text(answer.error)
      .Take();
}

OpAnswer GetOpAnswer(std::string_view body) {
  FieldReader in(body);
  OpAnswer answer;
  answer.status = ToStatus(in.Signed());
  answer.handle_schema = Narrow<std::uint32_t>(in.Int());
  answer.result = in.Text();
  answer.handle = in.Text();
  answer.error = in.Text();
  if (!in.End()) {
    answer = {};
    answer.status = TRL_CRASHED;
    answer.error = kMalformed;
  }
  return answer;
}

std::string PutInspection(Result<InspectAnswer> const& answer) {
  FieldWriter out;
  if (answer) {
    out.Int(TRL_OK).Signed(answer->state).Text(answer->detail).Text({});
  } else {
    out.Int(FromStatus(static_cast<trl_status>(answer.error().code)))
        .Signed(TRL_OBSERVED_UNKNOWN)
        .Text({})
        .Text(answer.error().message);
  }
  return out.Take();
}

Result<InspectAnswer> GetInspection(std::string_view body) {
  FieldReader in(body);
  auto const status = ToStatus(in.Signed());
  auto const state = in.Signed();
  auto const detail = in.Text();
  auto const error = in.Text();
  TRELLIS_CHECK(in.End());
  if (status < 0) return tl::unexpected<Error>(ErrorOf(status, error));
  bool const known = state >= TRL_OBSERVED_UNKNOWN && state <= TRL_OBSERVED_FAILED;
  return InspectAnswer{known ? static_cast<std::int32_t>(state) : TRL_OBSERVED_UNKNOWN,
                       std::string(detail)};
}

std::string PutCommandReply(CommandReply const& reply) {
  FieldWriter out;
  if (reply) {
    out.Int(TRL_OK).Text(*reply).Signed(0).Text({});
  } else {
    out.Int(FromStatus(static_cast<trl_status>(reply.error().error.code)))
        .Text({})
        .Signed(reply.error().code)
        .Text(reply.error().error.message);
  }
  return out.Take();
}

CommandReply GetCommandReply(std::string_view body) {
  FieldReader in(body);
  auto const status = ToStatus(in.Signed());
  auto const text = in.Text();
  auto const code = in.Signed();
  auto const error = in.Text();
  if (!in.End()) return tl::unexpected<CommandFailure>(Error{Code::kCrashed, kMalformed});
  if (status >= 0) return std::string(text);
  auto const wire = std::in_range<std::int32_t>(code) ? static_cast<std::int32_t>(code) : 0;
  return tl::unexpected<CommandFailure>(CommandFailure(ErrorOf(status, error), wire));
}

}  // namespace trellis::plugin
