#include "kernel/plugin/helper/host_requests.hpp"

#include "kernel/plugin/helper/wire.hpp"
#include "kernel/plugin/text.hpp"

#include <algorithm>
#include <bit>

namespace trellis::plugin {

namespace {

constexpr std::size_t kMaxKeyBytes = 255;
constexpr std::size_t kMaxValueBytes = std::size_t{1} << 20U;
constexpr std::size_t kMaxIdBytes = 512;
constexpr std::size_t kMaxTopicBytes = 255;
constexpr std::size_t kMaxEventBytes = std::size_t{64} << 10U;
constexpr std::size_t kMaxSubscriptions = 64;
constexpr std::size_t kMaxTypes = 64;

std::vector<int> Numbers(std::vector<sys::UniqueFd> const& fds) {
  std::vector<int> numbers;
  for (auto const& fd : fds)
    numbers.push_back(fd.get());
  return numbers;
}

FrameAnswer Text(Result<std::string> const& answer) {
  return {TextReturn(answer), {}};
}

Result<std::string> Empty(Result<void> const& done) {
  if (!done) return tl::unexpected<Error>(done.error());
  return std::string();
}

Result<std::string> Name(std::string_view text, std::string_view what) {
  if (text.empty() || text.size() > kMaxNameBytes || RepairText(text, kMaxNameBytes) != text)
    return Fail(Code::kInvalid, "the {} is not a name of 1 to 255 bytes", what);
  return std::string(text);
}

std::uint32_t Small(std::uint64_t value) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, UINT32_MAX));
}

}  // namespace

// ---- registration ----

void HostRequests::OpenRegistration() {
  std::lock_guard const lock(mutex_);
  refused_.clear();
  subscriptions_.clear();
  creating_ = true;
}

std::string HostRequests::refused() const {
  std::lock_guard const lock(mutex_);
  return refused_;
}

bool HostRequests::Subscribed(std::string_view topic) const {
  std::lock_guard const lock(mutex_);
  return std::any_of(subscriptions_.begin(), subscriptions_.end(),
                     [&](auto const& prefix) { return topic.starts_with(prefix); });
}

Result<void> HostRequests::AddType(TypeRegistration body) {
  TypeInfo type;
  TRELLIS_TRY(type.name, Name(body.name, "type"));
  type.plugin = backend_.plugin();
  type.sharable = body.sharable;
  type.updatable = body.updatable;
  type.has_precheck = body.has_precheck;
  type.pausable = body.pausable;
  type.rank = body.rank;
  type.max_parallel = std::max(body.max_parallel, 1U);
  type.after = std::move(body.after);
  return backend_.AddType(std::move(type));
}

Result<void> HostRequests::AddCommand(CommandRegistration body) {
  CommandInfo command;
  TRELLIS_TRY(command.name, Name(body.name, "command"));
  command.auth = body.auth;
  command.flags = body.flags;
  command.max_payload = body.max_payload;
  command.timeout_ms = body.timeout_ms;
  command.max_parallel = body.max_parallel;
  return backend_.AddCommand(std::move(command), std::move(body.aliases));
}

Result<void> HostRequests::Register(std::string_view what, std::string_view body) {
  if (what == "subscription") {
    TRELLIS_TRY(auto prefix, json::Parse<std::string>(body));
    std::lock_guard const lock(mutex_);
    if (subscriptions_.size() >= kMaxSubscriptions || prefix.size() > kMaxTopicBytes)
      return Fail(Code::kExhausted, "more than {} subscriptions", kMaxSubscriptions);
    subscriptions_.push_back(std::move(prefix));
    return {};
  }
  if (!creating_) return Fail(Code::kDenied, "a plugin registers only inside create");
  if (what == "type") {
    TRELLIS_TRY(auto type, json::Parse<TypeRegistration>(body));
    return AddType(std::move(type));
  }
  if (what == "service") {
    TRELLIS_TRY(auto const id, json::Parse<std::string>(body));
    TRELLIS_TRY(auto const name, Name(id, "service"));
    return backend_.AddService(name);
  }
  if (what == "command") {
    TRELLIS_TRY(auto command, json::Parse<CommandRegistration>(body));
    return AddCommand(std::move(command));
  }
  if (what != "provider") return Fail(Code::kInvalid, "unknown registration '{}'", what);
  TRELLIS_TRY(auto const provider, json::Parse<ProviderRegistration>(body));
  return backend_.AddProvider(provider.kind, provider.name, provider.options);
}

// ---- requests ----

FrameAnswer HostRequests::Answer(Frame const& call) {
  if (call.method == Method::kCallService) return CallService(call);
  if (call.method == Method::kProcessEnsure) return EnsureProcess(call);
  return Text(Ask(call));
}

FrameAnswer HostRequests::CallService(Frame const& call) {
  FieldReader in(call.body);
  auto info = calls_.Inherit(GetCall(in));
  info.grace = std::chrono::nanoseconds(0);
  auto const id = in.Text();
  auto const method = in.Text();
  auto const request = in.Text();
  if (auto const end = in.End(); !end) return {ErrorReturn(end.error()), {}};
  auto const fds = Numbers(call.fds);
  auto answer = backend_.CallService(info, id, method, request, fds);
  if (!answer) return {ErrorReturn(answer.error()), {}};
  return {TextReturn(std::move(answer->body)), std::move(answer->fds)};
}

FrameAnswer HostRequests::EnsureProcess(Frame const& call) {
  FieldReader in(call.body);
  auto const info = calls_.Inherit(GetCall(in));
  auto const name = in.Text();
  auto const spec = in.Text();
  auto const run = [&]() -> Result<std::string> {
    TRELLIS_CHECK(in.End());
    auto const fds = Numbers(call.fds);
    return backend_.EnsureProcess(name, spec, fds, info);
  };
  return Text(run());
}

Result<std::string> HostRequests::Deployment(Frame const& call) {
  FieldReader in(call.body);
  auto const said = GetCall(in);
  std::vector<std::string_view> names;
  while (in.left() > 0 && !in.failed() && names.size() < kMaxTypes)
    names.push_back(in.Text());
  TRELLIS_CHECK(in.End());
  bool const one_name = call.method != Method::kDeploymentGet || names.size() == 1;
  if (!one_name) return Fail(Code::kDecode, "malformed frame body");
  auto const incoming = calls_.WithView(said.id, [&](DeploymentView const& view) {
    if (call.method == Method::kDeploymentInfo) return view.Info();
    if (call.method == Method::kDeploymentGet) return view.Get(names[0]);
    return view.ByType(names);
  });
  if (incoming.has_value()) return *incoming;
  auto& kernel = backend_.kernel();
  if (call.method == Method::kDeploymentInfo)
    return kernel.DeploymentInfo(said.twin, said.contract);
  if (call.method == Method::kDeploymentGet)
    return kernel.Workload(said.twin, said.contract, names[0]);
  bool const everyone = said.contract == 0 && backend_.HasPermission("deployment.all");
  return kernel.WorkloadsByType(everyone ? 0 : said.twin, said.contract, names);
}

Result<std::string> HostRequests::Store(Frame const& call) {
  FieldReader in(call.body);
  auto const key = in.Text();
  auto const value = call.method == Method::kStorePut ? in.Text() : std::string_view();
  TRELLIS_CHECK(in.End());
  auto& kernel = backend_.kernel();
  if (call.method == Method::kStoreList) {
    TRELLIS_TRY(auto const keys, kernel.KvList(backend_.plugin(), key));
    return json::Dump(keys);
  }
  if (key.empty() || key.size() > kMaxKeyBytes)
    return Fail(Code::kInvalid, "a key has 1 to {} bytes", kMaxKeyBytes);
  if (value.size() > kMaxValueBytes)
    return Fail(Code::kExhausted, "the value of '{}' has more than 1 MiB", key);
  if (call.method == Method::kStoreGet) return kernel.KvGet(backend_.plugin(), key);
  if (call.method == Method::kStorePut) return Empty(kernel.KvPut(backend_.plugin(), key, value));
  return Empty(kernel.KvRemove(backend_.plugin(), key));
}

Result<std::string> HostRequests::Kernel(Frame const& call) {
  FieldReader in(call.body);
  auto& kernel = backend_.kernel();
  switch (call.method) {
    case Method::kDeploymentShared: {
      auto const twin = Small(in.Int());
      auto const type = in.Text();
      auto const name = in.Text();
      TRELLIS_CHECK(in.End());
      return kernel.Shared(twin, type, name);
    }
    case Method::kDeploymentCurrent:
      return kernel.Current(in.Text());
    case Method::kContract:
      return kernel.Contract(in.Int());
    case Method::kTwin:
      return kernel.Twin(Small(in.Int()));
    case Method::kNameOwner:
      return kernel.NameOwner(in.Text());
    case Method::kNodeRented:
      return kernel.NodeRented(Small(in.Int())) ? "true" : "false";
    case Method::kEngineFail:
    case Method::kEngineObserved: {
      auto const id = in.Text();
      if (id.size() > kMaxIdBytes) return Fail(Code::kInvalid, "the workload id is too long");
      if (call.method == Method::kEngineFail)
        return Empty(kernel.ReportFailed(id, RepairText(in.Text(), kMaxErrorBytes)));
      auto const state = in.Signed();
      bool const known = state >= TRL_OBSERVED_UNKNOWN && state <= TRL_OBSERVED_FAILED;
      return Empty(
          kernel.ReportObserved(id, known ? static_cast<std::int32_t>(state) : TRL_OBSERVED_UNKNOWN,
                                RepairText(in.Text(), kMaxErrorBytes)));
    }
    default:
      return Fail(Code::kUnsupported, "unknown request {}", static_cast<int>(call.method));
  }
}

Result<std::string> HostRequests::Ask(Frame const& call) {
  FieldReader in(call.body);
  switch (call.method) {
    case Method::kRegister: {
      auto const what = in.Text();
      auto const done = Register(what, in.Text());
      // What is not granted is missing; the plugin decides whether it works without.
      if (!done && creating_ && done.error().code != Code::kDenied) {
        std::lock_guard const lock(mutex_);
        if (refused_.empty()) refused_ = done.error().message;
      }
      return Empty(done);
    }
    case Method::kMetric: {
      auto const kind = in.Signed();
      auto const name = in.Text();
      auto const help = in.Text();
      auto const labels = in.Text();
      TRELLIS_CHECK(in.End());
      if (!std::in_range<std::int32_t>(kind)) return Fail(Code::kInvalid, "unknown metric kind");
      auto const id = backend_.DefineMetric(static_cast<std::int32_t>(kind), name, help, labels);
      std::lock_guard const lock(mutex_);
      metrics_.insert(id);
      return json::Dump(id);
    }
    case Method::kPublish: {
      auto const topic = in.Text();
      auto const payload = in.Text();
      TRELLIS_CHECK(in.End());
      if (topic.empty() || topic.size() > kMaxTopicBytes || payload.size() > kMaxEventBytes)
        return Fail(Code::kInvalid, "the event's topic or payload is too large");
      return Empty(backend_.Publish(topic, payload));
    }
    case Method::kProcessStop: {
      auto const info = calls_.Inherit(GetCall(in));
      return Empty(backend_.StopProcess(in.Text(), info));
    }
    case Method::kProcessList:
      return backend_.ListProcesses(in.Text());
    case Method::kDeploymentInfo:
    case Method::kDeploymentGet:
    case Method::kDeploymentByType:
      return Deployment(call);
    case Method::kStoreGet:
    case Method::kStorePut:
    case Method::kStoreRemove:
    case Method::kStoreList:
      return Store(call);
    default:
      return Kernel(call);
  }
}

void HostRequests::Note(Frame const& notice) {
  FieldReader in(notice.body);
  if (notice.method == Method::kLog) {
    auto const level = std::clamp<std::int64_t>(in.Signed(), TRL_LOG_TRACE, TRL_LOG_ERROR);
    auto const text = in.Text();
    auto const fields = in.Text();
    backend_.Log(static_cast<std::int32_t>(level), RepairText(text, kMaxLogBytes),
                 RepairText(fields, kMaxLogBytes));
  } else if (notice.method == Method::kProgress) {
    auto const info = GetCall(in);
    auto const permille = Small(in.Int());
    backend_.Progress(info, std::min(permille, 1000U), RepairText(in.Text(), kMaxErrorBytes));
  } else if (notice.method == Method::kMetric) {
    auto const metric = in.Int();
    auto const value = std::bit_cast<double>(in.Int());
    std::unique_lock lock(mutex_);
    bool const own = metrics_.contains(metric);
    lock.unlock();
    if (own) backend_.RecordMetric(metric, value);
  }
}

}  // namespace trellis::plugin
