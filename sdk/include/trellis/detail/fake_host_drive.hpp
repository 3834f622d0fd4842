// The calls that a test makes on a FakeHost: types, services, commands, providers. Not for authors.
#pragma once

#include <trellis/detail/fake_host_plugin.hpp>

namespace trellis::testing {

namespace fake {

inline trl_status RunFake(FakeHost::Service const& service, trl_bytes method, trl_bytes request,
                          trl_sink reply, trl_sink err) {
  auto const done = service(abi::View(method), abi::View(request));
  if (!done) return abi::Fail(err, done.error());
  return abi::Write(reply, *done);
}

}  // namespace fake

TRELLIS_TESTING_API trl_call MakeCall(CallOptions const& options) {
  static std::atomic<std::uint64_t> next_id = 1;
  trl_call call{};
  call.size = sizeof call;
  call.flags = options.flags;
  call.id = next_id++;
  call.deadline_ns = options.deadline_ns;
  call.contract_id = options.contract_id;
  call.twin_id = options.twin_id;
  call.attempt = 1;
  return call;
}

TRELLIS_TESTING_API Result<FakeHost::TypeEntry> FakeHost::FindType(std::string_view type) {
  std::lock_guard const lock(mutex_);
  for (auto const& plugin : plugins_) {
    auto const found = plugin->types.find(type);
    if (found != plugin->types.end())
      return TypeEntry{found->second.ops, found->second.self, found->second.rank};
  }
  return Fail(Code::kNotFound, "no plugin registered type '{}'", type);
}

TRELLIS_TESTING_API Result<void> FakeHost::Valid(std::string_view type, std::string_view data) {
  TRELLIS_TRY(auto const entry, FindType(type));
  trl_call const call = MakeCall({});
  abi::StringSink err;
  auto const status = entry.ops->valid(entry.self, &call, abi::Bytes(data), err.sink());
  return abi::Check(status, err.text);
}

TRELLIS_TESTING_API Result<std::string> FakeHost::Challenge(std::string_view type,
                                                            std::string_view data) {
  TRELLIS_TRY(auto const entry, FindType(type));
  abi::StringSink out;
  abi::StringSink err;
  auto const status = entry.ops->challenge(entry.self, abi::Bytes(data), out.sink(), err.sink());
  TRELLIS_CHECK(abi::Check(status, err.text));
  return out.text;
}

TRELLIS_TESTING_API Result<Capacity> FakeHost::CapacityOf(std::string_view type,
                                                          std::string_view data) {
  TRELLIS_TRY(auto const entry, FindType(type));
  trl_capacity raw{};
  raw.size = sizeof raw;
  abi::StringSink err;
  auto const status = entry.ops->capacity(entry.self, abi::Bytes(data), &raw, err.sink());
  TRELLIS_CHECK(abi::Check(status, err.text));
  return Capacity{
      .cru = raw.cru, .sru = raw.sru, .hru = raw.hru, .mru = raw.mru, .ipv4u = raw.ipv4u};
}

TRELLIS_TESTING_API std::int64_t FakeHost::Weight(std::string_view type, std::string_view data) {
  auto const entry = FindType(type);
  if (!entry || entry->ops->weight == nullptr) return 0;
  return entry->ops->weight(entry->self, abi::Bytes(data));
}

TRELLIS_TESTING_API Result<std::vector<std::string>> FakeHost::Dependencies(std::string_view type,
                                                                            std::string_view data) {
  TRELLIS_TRY(auto const entry, FindType(type));
  if (entry.ops->dependencies == nullptr) return std::vector<std::string>{};
  abi::StringSink out;
  abi::StringSink err;
  auto const status = entry.ops->dependencies(entry.self, abi::Bytes(data), out.sink(), err.sink());
  TRELLIS_CHECK(abi::Check(status, err.text));
  return json::Parse<std::vector<std::string>>(out.text);
}

TRELLIS_TESTING_API std::uint32_t FakeHost::Rank(std::string_view type) {
  auto const entry = FindType(type);
  return entry ? entry->rank : 0;
}

template <class Function>
TRELLIS_TESTING_API Answer FakeHost::Effect(std::string_view type, std::string_view id,
                                            std::string_view data, CallOptions const& options,
                                            Function&& function) {
  auto const entry = FindType(type);
  Answer answer;
  if (!entry) {
    answer.status = TRL_NOT_FOUND;
    answer.error = entry.error().message;
    return answer;
  }
  trl_call const call = MakeCall(options);
  auto const last_dash = id.rfind('-');
  trl_workload workload{};
  workload.size = sizeof workload;
  workload.version = options.version;
  workload.flags = options.paused ? TRL_WORKLOAD_PAUSED : 0;
  workload.handle_schema = options.handle_schema;
  workload.id = abi::Bytes(id);
  workload.name = abi::Bytes(last_dash == std::string_view::npos ? id : id.substr(last_dash + 1));
  workload.type = abi::Bytes(type);
  workload.data = abi::Bytes(data);
  workload.result = abi::Bytes(options.result);
  workload.previous = abi::Bytes(options.previous);
  workload.handle = abi::Bytes(options.handle);
  abi::StringSink result;
  abi::StringSink handle;
  abi::StringSink err;
  trl_out out{sizeof(trl_out), 0, result.sink(), handle.sink(), err.sink()};
  answer.status = function(*entry->ops, entry->self, call, workload, out);
  answer.result = std::move(result.text);
  answer.handle = std::move(handle.text);
  answer.error = std::move(err.text);
  answer.handle_schema = out.handle_schema;
  return answer;
}

TRELLIS_TESTING_API Answer FakeHost::Provision(std::string_view type, std::string_view id,
                                               std::string_view data, CallOptions const& options) {
  return Effect(type, id, data, options,
                [](auto const& ops, void* self, auto const& call, auto const& workload, auto& out) {
                  return ops.provision(self, &call, &workload, &out);
                });
}

TRELLIS_TESTING_API Answer FakeHost::Update(std::string_view type, std::string_view id,
                                            std::string_view data, CallOptions const& options) {
  return Effect(type, id, data, options,
                [](auto const& ops, void* self, auto const& call, auto const& workload,
                   auto& out) -> trl_status {
                  if (ops.update == nullptr) return TRL_UNSUPPORTED;
                  return ops.update(self, &call, &workload, &out);
                });
}

TRELLIS_TESTING_API Answer FakeHost::Deprovision(std::string_view type, std::string_view id,
                                                 std::string_view data,
                                                 CallOptions const& options) {
  return Effect(type, id, data, options,
                [](auto const& ops, void* self, auto const& call, auto const& workload, auto& out) {
                  return ops.deprovision(self, &call, &workload, out.err);
                });
}

TRELLIS_TESTING_API Answer FakeHost::Pause(std::string_view type, std::string_view id,
                                           std::string_view data, CallOptions const& options) {
  return Effect(type, id, data, options,
                [](auto const& ops, void* self, auto const& call, auto const& workload,
                   auto& out) -> trl_status {
                  if (ops.pause == nullptr) return TRL_OK;
                  return ops.pause(self, &call, &workload, out.err);
                });
}

TRELLIS_TESTING_API Answer FakeHost::Resume(std::string_view type, std::string_view id,
                                            std::string_view data, CallOptions const& options) {
  return Effect(type, id, data, options,
                [](auto const& ops, void* self, auto const& call, auto const& workload,
                   auto& out) -> trl_status {
                  if (ops.resume == nullptr) return TRL_OK;
                  return ops.resume(self, &call, &workload, out.err);
                });
}

TRELLIS_TESTING_API Answer FakeHost::Precheck(std::string_view type, std::string_view id,
                                              PrecheckOp op, std::string_view data,
                                              CallOptions const& options) {
  return Effect(type, id, data, options,
                [op](auto const& ops, void* self, auto const& call, auto const& workload,
                     auto& out) -> trl_status {
                  if (ops.precheck == nullptr) return TRL_OK;
                  return ops.precheck(self, &call, static_cast<std::int32_t>(op), &workload,
                                      out.err);
                });
}

TRELLIS_TESTING_API Result<Observed> FakeHost::Inspect(std::string_view type, std::string_view id,
                                                       std::string_view data,
                                                       CallOptions const& options) {
  trl_observed observed{sizeof(trl_observed), 0};
  abi::StringSink detail;
  auto const answer =
      Effect(type, id, data, options,
             [&](auto const& ops, void* self, auto const& call, auto const& workload, auto& out) {
               return ops.inspect(self, &call, &workload, &observed, detail.sink(), out.err);
             });
  TRELLIS_CHECK(abi::Check(answer.status, answer.error));
  return Observed{static_cast<Observed::State>(observed.state), detail.text};
}

TRELLIS_TESTING_API Result<std::vector<std::string>> FakeHost::ListOwned(std::string_view type) {
  TRELLIS_TRY(auto const entry, FindType(type));
  trl_call const call = MakeCall({});
  abi::StringSink out;
  abi::StringSink err;
  auto const status = entry.ops->list_owned(entry.self, &call, out.sink(), err.sink());
  TRELLIS_CHECK(abi::Check(status, err.text));
  return json::Parse<std::vector<std::string>>(out.text);
}

TRELLIS_TESTING_API Result<void> FakeHost::Recovered(std::string_view type,
                                                     std::vector<std::string> const& ids) {
  TRELLIS_TRY(auto const entry, FindType(type));
  if (entry.ops->recovered == nullptr) return {};
  std::vector<trl_bytes> raw;
  for (auto const& id : ids)
    raw.push_back(abi::Bytes(id));
  trl_call const call = MakeCall({});
  abi::StringSink err;
  auto const status = entry.ops->recovered(entry.self, &call, raw.data(), raw.size(), err.sink());
  return abi::Check(status, err.text);
}

TRELLIS_TESTING_API trl_status FakeHost::Route(trl_call const* call, trl_bytes id, trl_bytes method,
                                               trl_bytes request, trl_fds fds, trl_sink reply,
                                               trl_fd_sink reply_fds, trl_sink err) {
  LoadedPlugin::ServiceEntry entry;
  Service fake;
  {
    std::lock_guard const lock(mutex_);
    for (auto const& plugin : plugins_) {
      auto const found = plugin->services.find(abi::View(id));
      if (found != plugin->services.end()) entry = found->second;
    }
    auto const faked = fake_services_.find(abi::View(id));
    if (faked != fake_services_.end()) fake = faked->second;
  }
  if (entry.fn != nullptr)
    return entry.fn(entry.self, call, method, request, fds, reply, reply_fds, err);
  if (fake) return fake::RunFake(fake, method, request, reply, err);
  abi::Write(err, fmt::format("no plugin provides '{}'", abi::View(id)));
  return TRL_UNAVAILABLE;
}

TRELLIS_TESTING_API Result<ServiceReply> FakeHost::CallService(
    std::string_view id, std::string_view method, std::string_view request,
    CallOptions const& options, std::vector<std::int32_t> const& fds) {
  trl_call const call = MakeCall(options);
  abi::StringSink reply;
  abi::StringSink err;
  abi::FdSink received;
  auto const status = Route(&call, abi::Bytes(id), abi::Bytes(method), abi::Bytes(request),
                            {fds.data(), fds.size()}, reply.sink(), received.sink(), err.sink());
  TRELLIS_CHECK(abi::Check(status, err.text));
  return ServiceReply{std::move(reply.text), std::move(received.fds)};
}

TRELLIS_TESTING_API Result<std::string> FakeHost::Command(std::string_view name,
                                                          std::string_view payload,
                                                          CallOptions const& options) {
  LoadedPlugin::CommandEntry entry;
  {
    std::lock_guard const lock(mutex_);
    for (auto const& plugin : plugins_) {
      auto const found = plugin->commands.find(name);
      if (found != plugin->commands.end()) entry = found->second;
    }
  }
  if (entry.fn == nullptr) return Fail(Code::kNotFound, "no plugin has command '{}'", name);
  trl_call const call = MakeCall(options);
  abi::StringSink reply;
  abi::StringSink err;
  std::int32_t code = 0;
  auto const status =
      entry.fn(entry.self, &call, abi::Bytes(payload), reply.sink(), &code, err.sink());
  TRELLIS_CHECK(abi::Check(status, err.text));
  return reply.text;
}

TRELLIS_TESTING_API Result<std::vector<std::string>> FakeHost::Providers(std::string_view kind,
                                                                         std::string_view request) {
  std::vector<LoadedPlugin::ProviderEntry> entries;
  {
    std::lock_guard const lock(mutex_);
    for (auto const& plugin : plugins_) {
      for (auto const& provider : plugin->providers) {
        if (provider.kind == kind) entries.push_back(provider);
      }
    }
  }
  std::vector<std::string> answers;
  for (auto const& entry : entries) {
    trl_call const call = MakeCall({});
    abi::StringSink out;
    abi::StringSink err;
    auto const status = entry.fn(entry.self, &call, abi::Bytes(request), out.sink(), err.sink());
    TRELLIS_CHECK(abi::Check(status, err.text));
    answers.push_back(std::move(out.text));
  }
  return answers;
}

}  // namespace trellis::testing
