// InlineChannel: the operations of workload types.
#include "kernel/plugin/inline_call.hpp"

#include <trellis/json.hpp>

namespace trellis::plugin {

namespace {

/// Borrows from `request`.
trl_workload ToRaw(OpRequest const& request) {
  trl_workload raw{};
  raw.size = sizeof raw;
  raw.version = request.version;
  raw.flags = request.paused ? TRL_WORKLOAD_PAUSED : 0;
  raw.handle_schema = request.handle_schema;
  raw.id = abi::Bytes(request.id);
  raw.name = abi::Bytes(request.name);
  raw.type = abi::Bytes(request.type);
  raw.data = abi::Bytes(request.data);
  raw.metadata = abi::Bytes(request.metadata);
  raw.description = abi::Bytes(request.description);
  raw.result = abi::Bytes(request.result);
  raw.previous = abi::Bytes(request.previous);
  raw.handle = abi::Bytes(request.handle);
  return raw;
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

bool IsWorkloadId(std::string_view id) {
  auto const digits = [](std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  auto const first = id.find('-');
  auto const second = first == std::string_view::npos ? first : id.find('-', first + 1);
  if (second == std::string_view::npos || second + 1 >= id.size()) return false;
  return digits(id.substr(0, first)) && digits(id.substr(first + 1, second - first - 1));
}

OpAnswer Failed(trl_status status, std::string error) {
  OpAnswer answer;
  answer.status = status;
  answer.error = std::move(error);
  return answer;
}

}  // namespace

Result<TypeCode const*> InlineChannel::Type(std::string const& name) const {
  auto const* type = host_.Type(name);
  if (type == nullptr || self_ == nullptr)
    return Fail(Code::kUnavailable, "plugin '{}' has no type '{}'", backend_->plugin(), name);
  return type;
}

Examination InlineChannel::Examine(CallInfo const& call, std::string const& type,
                                   std::string const& data, bool check_valid) {
  Examination seen;
  auto const found = Type(type);
  if (!found) {
    seen.status = static_cast<trl_status>(found.error().code);
    seen.error = found.error().message;
    return seen;
  }
  auto const& ops = (*found)->ops;
  void* const self = (*found)->self;
  auto const bytes = abi::Bytes(data);
  // False: `step` failed and `seen` says how.
  auto const run = [&](std::string const& what, Body const& body, std::string* out) {
    auto reply = CallHere(call, what, body);
    if (reply.status < 0) {
      seen.status = reply.status;
      seen.error = std::move(reply.error);
      return false;
    }
    if (out != nullptr) *out = std::move(reply.output);
    return true;
  };
  auto const valid = [&](trl_call const* raw, Wires& wires) {
    return MayThrow(ops.valid)(self, raw, bytes, wires.err.sink());
  };
  if (check_valid && !run("valid", valid, nullptr)) return seen;
  auto const challenge = [&](trl_call const*, Wires& wires) {
    return MayThrow(ops.challenge)(self, bytes, wires.out.sink(), wires.err.sink());
  };
  if (!run("challenge", challenge, &seen.challenge)) return seen;
  auto const capacity = [&](trl_call const*, Wires& wires) {
    trl_capacity reserved{};
    reserved.size = sizeof reserved;
    auto const status = MayThrow(ops.capacity)(self, bytes, &reserved, wires.err.sink());
    seen.capacity = {.cru = reserved.cru,
                     .sru = reserved.sru,
                     .hru = reserved.hru,
                     .mru = reserved.mru,
                     .ipv4u = reserved.ipv4u};
    return status;
  };
  if (!run("capacity", capacity, nullptr)) return seen;
  if (ops.weight != nullptr) {
    auto const weight = [&](trl_call const*, Wires&) -> trl_status {
      seen.weight = MayThrow(ops.weight)(self, bytes);
      return TRL_OK;
    };
    if (!run("weight", weight, nullptr)) return seen;
  }
  if (ops.dependencies == nullptr) return seen;
  std::string names;
  auto const dependencies = [&](trl_call const*, Wires& wires) {
    return MayThrow(ops.dependencies)(self, bytes, wires.out.sink(), wires.err.sink());
  };
  if (!run("dependencies", dependencies, &names)) return seen;
  auto list = json::Parse<std::vector<std::string>>(names.empty() ? "[]" : names);
  if (list) {
    seen.dependencies = *std::move(list);
  } else {
    seen.status = TRL_FAULT;
    seen.error = Broke("the dependencies are not a list of names");
  }
  return seen;
}

OpAnswer InlineChannel::Run(Op op, CallInfo const& call, OpRequest const& request) {
  auto const found = Type(request.type);
  if (!found) return Failed(TRL_UNAVAILABLE, found.error().message);
  auto const& ops = (*found)->ops;
  if (op == Op::kUpdate && ops.update == nullptr)
    return Failed(TRL_UNSUPPORTED, fmt::format("type '{}' cannot be updated", request.type));
  if ((op == Op::kPause && ops.pause == nullptr) || (op == Op::kResume && ops.resume == nullptr))
    return Failed(TRL_OK, {});  // only the state flips
  return Effect(op, call, request, **found);
}

OpAnswer InlineChannel::Effect(Op op, CallInfo const& call, OpRequest const& request,
                               TypeCode const& type) {
  auto const invoke = [op, code = &type](OpRequest const& asked, trl_call const* raw,
                                         Wires& wires) -> trl_status {
    auto const& ops = code->ops;
    trl_workload const workload = ToRaw(asked);
    switch (op) {
      case Op::kProvision:
        return MayThrow(ops.provision)(code->self, raw, &workload, &wires.result);
      case Op::kUpdate:
        return MayThrow(ops.update)(code->self, raw, &workload, &wires.result);
      case Op::kDeprovision:
        return MayThrow(ops.deprovision)(code->self, raw, &workload, wires.err.sink());
      case Op::kPause:
        return MayThrow(ops.pause)(code->self, raw, &workload, wires.err.sink());
      case Op::kResume:
        return MayThrow(ops.resume)(code->self, raw, &workload, wires.err.sink());
    }
    return TRL_FAULT;
  };
  std::string const what(NameOf(op));
  // On another thread the call may outlive its caller, and needs a copy of what it was asked.
  auto reply =
      StaysHere(call)
          ? Call(call, what,
                 [&](trl_call const* raw, Wires& wires) { return invoke(request, raw, wires); })
          : Call(call, what, [invoke, request](trl_call const* raw, Wires& wires) {
              return invoke(request, raw, wires);
            });
  if (reply.lost) {
    auto lost = Failed(reply.status, std::move(reply.error));
    lost.lost = true;
    return lost;
  }
  OpAnswer answer = Failed(reply.status, reply.error);
  answer.result = std::move(reply.output);
  answer.handle = std::move(reply.handle);
  answer.handle_schema = reply.handle_schema;
  bool const writes = op == Op::kProvision || op == Op::kUpdate;
  if (reply.status == TRL_UNCHANGED && (op == Op::kProvision || op == Op::kDeprovision))
    return Failed(TRL_FAULT, Broke(fmt::format("{} answered 'unchanged'", NameOf(op))));
  if (writes && !answer.result.empty() && !IsJson(answer.result)) {
    if (reply.status >= 0) return Failed(TRL_FAULT, Broke("the result is not one JSON value"));
    answer.result.clear();
  }
  return answer;
}

OpAnswer InlineChannel::Precheck(Op op, CallInfo const& call, OpRequest const& request) {
  auto const found = Type(request.type);
  if (!found) return Failed(TRL_UNAVAILABLE, found.error().message);
  auto const* code = *found;
  if (code->ops.precheck == nullptr) return Failed(TRL_OK, {});
  auto reply = Call(call, "precheck", [=](trl_call const* raw, Wires& wires) {
    trl_workload const workload = ToRaw(request);
    return MayThrow(code->ops.precheck)(code->self, raw, static_cast<std::int32_t>(op), &workload,
                                        wires.err.sink());
  });
  return Failed(reply.status, std::move(reply.error));
}

Result<InspectAnswer> InlineChannel::Inspect(CallInfo const& call, OpRequest const& request) {
  TRELLIS_TRY(auto const* const code, Type(request.type));
  auto reply = Call(call, "inspect", [=](trl_call const* raw, Wires& wires) {
    trl_workload const workload = ToRaw(request);
    return MayThrow(code->ops.inspect)(code->self, raw, &workload, &wires.observed,
                                       wires.out.sink(), wires.err.sink());
  });
  if (reply.status < 0) return tl::unexpected<Error>(Error{ToCode(reply.status), reply.error});
  bool const known =
      reply.observed >= TRL_OBSERVED_UNKNOWN && reply.observed <= TRL_OBSERVED_FAILED;
  return InspectAnswer{known ? reply.observed : TRL_OBSERVED_UNKNOWN,
                       RepairText(reply.output, kMaxErrorBytes)};
}

Result<std::vector<std::string>> InlineChannel::ListOwned(CallInfo const& call,
                                                          std::string const& type) {
  TRELLIS_TRY(auto const* const code, Type(type));
  TRELLIS_TRY(
      auto const text, CallForText(call, "list_owned", [=](trl_call const* raw, Wires& wires) {
        return MayThrow(code->ops.list_owned)(code->self, raw, wires.out.sink(), wires.err.sink());
      }));
  auto ids = json::Parse<std::vector<std::string>>(text);
  if (!ids || !std::all_of(ids->begin(), ids->end(), IsWorkloadId))
    return Fail(Code::kDecode, "{}", Broke("list_owned is not a JSON array of workload ids"));
  return *std::move(ids);
}

Result<void> InlineChannel::Recovered(CallInfo const& call, std::string const& type,
                                      std::vector<std::string> const& ids) {
  TRELLIS_TRY(auto const* const code, Type(type));
  if (code->ops.recovered == nullptr) return {};
  TRELLIS_CHECK(CallForText(call, "recovered", [=](trl_call const* raw, Wires& wires) {
    std::vector<trl_bytes> known;
    for (auto const& id : ids)
      known.push_back(abi::Bytes(id));
    return MayThrow(code->ops.recovered)(code->self, raw, known.data(), known.size(),
                                         wires.err.sink());
  }));
  return {};
}

}  // namespace trellis::plugin
