#include "kernel/plugin/inline_channel.hpp"

#include "kernel/plugin/inline_call.hpp"

#include <trellis/json.hpp>

#include <array>

namespace trellis::plugin {

InlineChannel::InlineChannel(std::unique_ptr<Library> library, std::unique_ptr<HostBackend> backend,
                             CallThreads* threads, CallWatch* watch)
    : library_(std::move(library)),
      backend_(std::move(backend)),
      host_(*backend_),
      threads_(threads),
      watch_(watch) {}

InlineChannel::~InlineChannel() {
  Destroy();
}

std::string InlineChannel::Broke(std::string_view what) const {
  return fmt::format("plugin '{}' broke the contract: {}", backend_->plugin(), what);
}

InlineChannel::Reply InlineChannel::CallHere(CallInfo const& call, std::string const& what,
                                             Body const& body) {
  Reply reply;
  Wires wires;
  CallState state(call);
  trl_status raw = TRL_FAULT;
  try {
    raw = body(&state.raw, wires);
    reply.error = wires.err.text();
  } catch (std::exception const& e) {
    reply.error = RepairText(e.what(), kMaxErrorBytes);
  } catch (...) {
    reply.error = "unknown exception";
  }
  reply.status = NormalizeStatus(raw);
  if (IsUnknownSuccess(raw))
    backend_->Log(TRL_LOG_WARN, fmt::format("{} answered unknown status {}", what, raw), {});
  if (wires.out.overflown()) {
    reply.status = TRL_EXHAUSTED;
    reply.error = fmt::format("the output of {} has more than 16 MiB", what);
  } else if (wires.handle.overflown()) {
    reply.status = TRL_FAULT;
    reply.error = Broke("the handle has more than 64 KiB");
  }
  if (reply.status < 0 && reply.error.empty())
    reply.error = fmt::format("{} failed with status {}", what, raw);
  reply.output = wires.out.Take();
  reply.handle = wires.handle.Take();
  reply.handle_schema = wires.result.handle_schema;
  reply.observed = wires.observed.state;
  reply.code = wires.code;
  reply.fds = std::move(wires.fds.fds);
  return reply;
}

InlineChannel::Reply InlineChannel::Call(CallInfo const& call, std::string const& what, Body body) {
  if (threads_ == nullptr) return CallHere(call, what, body);
  if (StaysHere(call)) {
    Reply reply;
    bool const back = watch_->Run(call, [&] { reply = CallHere(call, what, body); });
    return back ? std::move(reply) : Lost(call, what);
  }
  auto const reply = std::make_shared<Reply>();
  auto inner = call;
  inner.hold.reset();  // the thread holds it
  auto const job = [self = shared_from_this(), reply, inner, what, body = std::move(body)] {
    *reply = self->CallHere(inner, what, body);
  };
  if (threads_->Run(call, job)) return std::move(*reply);
  return Lost(call, what);
}

InlineChannel::Reply InlineChannel::Lost(CallInfo const& call, std::string const& what) const {
  Reply lost;
  lost.lost = true;
  bool const cancelled = MonotonicNs() < call.deadline_ns;
  lost.status = cancelled ? TRL_CANCELLED : TRL_TIMEOUT;
  lost.error = fmt::format("plugin '{}' did not return from {} in time", backend_->plugin(), what);
  return lost;
}

Result<std::string> InlineChannel::CallForText(CallInfo const& call, std::string const& what,
                                               Body body) {
  auto reply = Call(call, what, std::move(body));
  if (reply.status < 0) return tl::unexpected<Error>(Error{ToCode(reply.status), reply.error});
  return std::move(reply.output);
}

// ---- life ----

Result<std::string> InlineChannel::MigrateConfig(CallInfo const& call, std::uint32_t from,
                                                 std::string const& config) {
  auto const& plugin = library_->descriptor();
  if (!TRL_HAS(&plugin, migrate_config))
    return Fail(Code::kUnsupported, "the plugin has no migrate_config");
  return CallForText(call, "migrate_config", [this, from, config](trl_call const*, Wires& wires) {
    auto const migrate = MayThrow(library_->descriptor().migrate_config);
    return migrate(from, abi::Bytes(config), wires.out.sink(), wires.err.sink());
  });
}

Result<void> InlineChannel::MigrateState(CallInfo const& call, std::uint32_t from,
                                         std::string const& state_dir) {
  auto const& plugin = library_->descriptor();
  if (!TRL_HAS(&plugin, migrate_state))
    return Fail(Code::kUnsupported, "the plugin has no migrate_state");
  TRELLIS_CHECK(
      CallForText(call, "migrate_state", [this, from, state_dir](trl_call const*, Wires& wires) {
        auto const migrate = MayThrow(library_->descriptor().migrate_state);
        return migrate(from, abi::Bytes(state_dir), wires.err.sink());
      }));
  return {};
}

Result<void> InlineChannel::Create(OpenSpec const& spec, CallInfo const& call) {
  spec_ = spec;
  host_.OpenRegistration();
  auto const made = CallForText(call, "create", [this](trl_call const*, Wires& wires) {
    trl_open open{};
    open.size = sizeof open;
    open.flags = spec_.flags;
    open.config = abi::Bytes(spec_.config);
    open.state_dir = abi::Bytes(spec_.state_dir);
    open.run_dir = abi::Bytes(spec_.run_dir);
    open.node = abi::Bytes(spec_.node);
    void* self = nullptr;
    auto const create = MayThrow(library_->descriptor().create);
    auto const status = create(host_.table(), &open, &self, wires.err.sink());
    if (status >= 0) self_ = self;
    return status;
  });
  host_.CloseRegistration();
  if (!made) return tl::unexpected<Error>(made.error());
  if (auto refused = host_.refused(); !refused.empty())
    return tl::unexpected<Error>(Error{Code::kExists, std::move(refused)});
  return {};
}

Result<void> InlineChannel::Start(CallInfo const& call) {
  TRELLIS_CHECK(CallForText(call, "start", [this](trl_call const* raw, Wires& wires) {
    return MayThrow(library_->descriptor().start)(self_, raw, wires.err.sink());
  }));
  return {};
}

Result<void> InlineChannel::Stop(CallInfo const& call) {
  auto const done = CallForText(call, "stop", [this](trl_call const* raw, Wires& wires) {
    return MayThrow(library_->descriptor().stop)(self_, raw, wires.err.sink());
  });
  host_.Shut();
  if (!done) return tl::unexpected<Error>(done.error());
  return {};
}

void InlineChannel::Destroy() {
  host_.Shut();
  void* const self = std::exchange(self_, nullptr);
  if (self == nullptr) return;
  try {
    MayThrow(library_->descriptor().destroy)(self);
  } catch (...) {
    backend_->Log(TRL_LOG_ERROR, "destroy threw", {});
  }
}

// ---- services, commands, providers, events ----

Result<ServiceAnswer> InlineChannel::Service(CallInfo const& call, std::string const& id,
                                             std::string_view method, std::string_view request,
                                             std::span<int const> fds) {
  auto const* code = host_.Service(id);
  if (code == nullptr) return Fail(Code::kUnavailable, "service '{}' is not there", id);
  TRELLIS_TRY(auto files, DuplicateFds(fds));
  auto const shared = std::make_shared<std::vector<sys::UniqueFd>>(std::move(files));
  auto body = [run = MayThrow(code->run), self = code->self, name = std::string(method),
               text = std::string(request), shared](trl_call const* raw, Wires& wires) {
    std::vector<std::int32_t> numbers;
    for (auto const& fd : *shared)
      numbers.push_back(fd.get());
    return run(self, raw, abi::Bytes(name), abi::Bytes(text), {numbers.data(), numbers.size()},
               wires.out.sink(), wires.fds.sink(), wires.err.sink());
  };
  auto reply = Call(call, fmt::format("{} of service '{}'", method, id), std::move(body));
  if (reply.status < 0) return tl::unexpected<Error>(Error{ToCode(reply.status), reply.error});
  return ServiceAnswer{std::move(reply.output), std::move(reply.fds)};
}

CommandReply InlineChannel::Command(CallInfo const& call, std::string const& name,
                                    std::string_view payload) {
  auto const* code = host_.Command(name);
  if (code == nullptr) return Fail(Code::kNotFound, "no command '{}'", name);
  auto body = [run = MayThrow(code->run), self = code->self, text = std::string(payload)](
                  trl_call const* raw, Wires& wires) {
    return run(self, raw, abi::Bytes(text), wires.out.sink(), &wires.code, wires.err.sink());
  };
  auto reply = Call(call, fmt::format("command '{}'", name), std::move(body));
  if (reply.status >= 0) return std::move(reply.output);
  return tl::unexpected<CommandFailure>(
      CommandFailure({ToCode(reply.status), std::move(reply.error)}, reply.code));
}

Result<std::string> InlineChannel::Provider(CallInfo const& call, std::string const& kind,
                                            std::string const& name, std::string_view request) {
  auto const* code = host_.Provider(kind, name);
  if (code == nullptr) return Fail(Code::kNotFound, "no provider '{}' of '{}'", name, kind);
  auto body = [run = MayThrow(code->run), self = code->self, text = std::string(request)](
                  trl_call const* raw, Wires& wires) {
    return run(self, raw, abi::Bytes(text), wires.out.sink(), wires.err.sink());
  };
  return CallForText(call, fmt::format("provider '{}' of '{}'", name, kind), std::move(body));
}

Result<std::string> InlineChannel::Health(CallInfo const& call) {
  auto const& plugin = library_->descriptor();
  if (!TRL_HAS(&plugin, health)) return R"({"checks":[]})";
  return CallForText(call, "health", [this](trl_call const* raw, Wires& wires) {
    auto const health = MayThrow(library_->descriptor().health);
    return health(self_, raw, wires.out.sink(), wires.err.sink());
  });
}

void InlineChannel::Event(std::string_view topic, std::string_view payload) {
  host_.DeliverEvent(topic, payload);
}

}  // namespace trellis::plugin
