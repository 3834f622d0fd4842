#include "tests/support/engine/fake_plugins.hpp"

#include "tests/support/patience.hpp"

#include <trellis/json.hpp>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

namespace trellis::testing {
namespace {

struct FakeData {
  std::uint64_t size = 0;
  std::uint64_t memory = 0;
  std::vector<std::string> uses;
  std::string text;
};
BOOST_DESCRIBE_STRUCT(FakeData, (), (size, memory, uses, text))

std::string_view NameOf(plugin::Op op) {
  constexpr std::array<std::string_view, 6> kNames{"",      "provision", "update", "deprovision",
                                                   "pause", "resume"};
  return kNames.at(static_cast<std::size_t>(op));
}

plugin::TypeInfo AType(std::string name, std::uint32_t rank) {
  plugin::TypeInfo type;
  type.name = std::move(name);
  type.plugin = "fake";
  type.rank = rank;
  type.available = true;
  type.has_precheck = true;
  return type;
}

}  // namespace

// ---- gate ----

Gate::Gate() : opened_fd_(::eventfd(0, EFD_CLOEXEC)) {}
Gate::~Gate() {
  ::close(opened_fd_);
}

void Gate::Open() {
  std::uint64_t const one = 1;
  (void)!::write(opened_fd_, &one, sizeof one);
}

bool Gate::Pass(plugin::CancelToken const* cancel) {
  {
    std::lock_guard const lock(mutex_);
    ++entered_;
    changed_.notify_all();
  }
  std::array<pollfd, 2> files{
      {{opened_fd_, POLLIN, 0}, {cancel != nullptr ? cancel->fd() : -1, POLLIN, 0}}};
  while (::poll(files.data(), files.size(), -1) <= 0) {
  }
  return files[0].revents != 0;
}

bool Gate::WaitEntered(int calls) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return entered_ >= calls; });
}

// ---- telling ----

FakePlugins::FakePlugins() {
  auto mount = AType("zmount", 100);
  mount.updatable = true;
  auto network = AType("network", 300);
  network.sharable = true;
  network.updatable = true;
  auto machine = AType("zmachine", 500);
  machine.pausable = true;
  machine.max_parallel = 2;
  auto fake = AType("fake", 5000);
  fake.updatable = true;
  fake.pausable = true;
  for (auto const& type : {mount, network, machine, AType("zlogs", 600), fake})
    types_.emplace(type.name, type);
}

void FakePlugins::Script(plugin::Op op, std::string const& name,
                         std::vector<Behaviour> behaviours) {
  std::lock_guard const lock(mutex_);
  auto& script = scripts_[{op, name}];
  script.insert(script.end(), behaviours.begin(), behaviours.end());
}

void FakePlugins::Always(plugin::Op op, std::string const& name, Behaviour behaviour) {
  std::lock_guard const lock(mutex_);
  always_[{op, name}] = std::move(behaviour);
}

void FakePlugins::Relent(plugin::Op op, std::string const& name) {
  std::lock_guard const lock(mutex_);
  always_.erase({op, name});
  scripts_.erase({op, name});
}

void FakePlugins::RefusePrecheck(std::string const& name, std::string text) {
  std::lock_guard const lock(mutex_);
  refusals_[name] = std::move(text);
}

void FakePlugins::Observe(std::string const& name, std::vector<plugin::InspectAnswer> answers) {
  std::lock_guard const lock(mutex_);
  observed_[name] = {answers.begin(), answers.end()};
}

void FakePlugins::Reboot() {
  std::lock_guard const lock(mutex_);
  inventory_.clear();
  created_.clear();
}

void FakePlugins::Lose(std::string const& id) {
  std::lock_guard const lock(mutex_);
  inventory_.erase(id);
}

void FakePlugins::SetVersion(std::string version) {
  std::lock_guard const lock(mutex_);
  version_ = std::move(version);
}

void FakePlugins::OnChange(std::function<void()> changed) {
  std::lock_guard const lock(mutex_);
  changed_ = std::move(changed);
}

// ---- seeing ----

std::vector<FakePlugins::Call> FakePlugins::Calls() const {
  std::lock_guard const lock(mutex_);
  return calls_;
}

std::vector<std::string> FakePlugins::CallTexts() const {
  std::vector<std::string> texts;
  for (auto const& call : Calls())
    texts.push_back(fmt::format("{} {}", NameOf(call.op), call.request.name));
  return texts;
}

void FakePlugins::ForgetCalls() {
  std::lock_guard const lock(mutex_);
  calls_.clear();
}

std::map<std::string, FakePlugins::Instance> FakePlugins::Inventory() const {
  std::lock_guard const lock(mutex_);
  return inventory_;
}

int FakePlugins::Created(std::string const& id) const {
  std::lock_guard const lock(mutex_);
  auto const found = created_.find(id);
  return found == created_.end() ? 0 : found->second;
}

int FakePlugins::Inspections() const {
  std::lock_guard const lock(mutex_);
  return inspections_;
}

int FakePlugins::MaxParallel(std::string const& type) const {
  std::lock_guard const lock(mutex_);
  auto const found = max_inside_.find(type);
  return found == max_inside_.end() ? 0 : found->second;
}

// ---- types ----

bool FakePlugins::Known(std::string_view type) const {
  return types_.contains(type);
}
bool FakePlugins::Sharable(std::string_view type) const {
  auto const found = types_.find(type);
  return found != types_.end() && found->second.sharable;
}
bool FakePlugins::Updatable(std::string_view type) const {
  auto const found = types_.find(type);
  return found != types_.end() && found->second.updatable;
}
std::optional<plugin::TypeInfo> FakePlugins::Type(std::string_view name) const {
  auto const found = types_.find(name);
  if (found == types_.end()) return std::nullopt;
  return found->second;
}
std::vector<plugin::TypeInfo> FakePlugins::Types() const {
  std::vector<plugin::TypeInfo> types;
  for (auto const& [name, type] : types_)
    types.push_back(type);
  return types;
}

Result<grid::Examined> FakePlugins::Examine(grid::Deployment const&, grid::Workload const& workload,
                                            bool) {
  TRELLIS_TRY(auto const data, json::Parse<FakeData>(workload.data.text));
  grid::Examined examined;
  examined.challenge =
      fmt::format("{}{}{}{}", data.size, data.memory, fmt::join(data.uses, ""), data.text);
  examined.capacity.sru = data.size;
  examined.capacity.mru = data.memory;
  examined.weight = static_cast<std::int64_t>(data.size);
  examined.dependencies = data.uses;
  return examined;
}

// ---- calls ----

Behaviour FakePlugins::NextBehaviour(plugin::Op op, std::string const& name) {
  std::lock_guard const lock(mutex_);
  Key const key{op, name};
  if (auto& script = scripts_[key]; !script.empty()) {
    auto behaviour = std::move(script.front());
    script.pop_front();
    return behaviour;
  }
  auto const found = always_.find(key);
  return found == always_.end() ? Behaviour{} : found->second;
}

trl_status FakePlugins::Apply(plugin::Op op, plugin::OpRequest const& request) {
  std::lock_guard const lock(mutex_);
  auto const found = inventory_.find(request.id);
  switch (op) {
    case plugin::Op::kProvision:
    case plugin::Op::kUpdate:
      if (found == inventory_.end()) ++created_[request.id];
      inventory_[request.id] = {request.type, request.data, request.paused};
      return TRL_OK;
    case plugin::Op::kDeprovision:
      inventory_.erase(request.id);
      return TRL_OK;
    case plugin::Op::kPause:
    case plugin::Op::kResume:
      if (found == inventory_.end()) return TRL_NOT_FOUND;
      found->second.paused = op == plugin::Op::kPause;
      return TRL_OK;
  }
  return TRL_FAULT;
}

plugin::OpAnswer FakePlugins::Run(plugin::Op op, plugin::OpRequest const& request,
                                  std::shared_ptr<plugin::CancelToken> cancel) {
  return Do(op, request, cancel.get(), nullptr);
}

plugin::OpAnswer FakePlugins::RunHere(plugin::Op op, plugin::OpRequest const& request,
                                      std::shared_ptr<plugin::CancelToken> cancel,
                                      plugin::LostCallback const& lost) {
  return Do(op, request, cancel.get(), &lost);
}

plugin::OpAnswer FakePlugins::Do(plugin::Op op, plugin::OpRequest const& request,
                                 plugin::CancelToken const* cancel,
                                 plugin::LostCallback const* lost) {
  {
    std::lock_guard const lock(mutex_);
    calls_.push_back({op, request});
    auto& most = max_inside_[request.type];
    most = std::max(most, ++inside_[request.type]);
  }
  auto const behaviour = NextBehaviour(op, request.name);
  plugin::OpAnswer answer;
  answer.status = behaviour.status;
  answer.error = behaviour.text;
  answer.lost = behaviour.lost;
  if (behaviour.lost && behaviour.gate != nullptr) {
    std::thread(*lost).join();  // as the one who watches it
    (void)behaviour.gate->Pass(nullptr);
    return answer;
  }
  bool const passed = behaviour.gate == nullptr || behaviour.gate->Pass(cancel);
  if (behaviour.during) behaviour.during();
  if (!passed) {
    answer.status = TRL_CANCELLED;
    answer.error = "cancelled";
  } else if (behaviour.effect) {
    auto const applied = Apply(op, request);
    if (answer.status == TRL_OK && applied != TRL_OK) {
      answer.status = applied;
      answer.error = "not there";
    }
  }
  if (answer.status >= 0) answer.result = fmt::format(R"({{"made":"{}"}})", request.name);
  std::function<void()> changed;
  {
    std::lock_guard const lock(mutex_);
    --inside_[request.type];
    changed = changed_;
  }
  if (changed) changed();
  return answer;
}

plugin::OpAnswer FakePlugins::Precheck(plugin::Op, plugin::OpRequest const& request) {
  std::lock_guard const lock(mutex_);
  plugin::OpAnswer answer;
  answer.status = TRL_OK;
  if (auto const found = refusals_.find(request.name); found != refusals_.end()) {
    answer.status = TRL_INVALID;
    answer.error = found->second;
  }
  return answer;
}

Result<plugin::InspectAnswer> FakePlugins::Inspect(plugin::OpRequest const& request) {
  auto answer = See(request);
  std::function<void()> changed;
  {
    std::lock_guard const lock(mutex_);
    ++inspections_;
    changed = changed_;
  }
  if (changed) changed();
  return answer;
}

plugin::InspectAnswer FakePlugins::See(plugin::OpRequest const& request) {
  std::lock_guard const lock(mutex_);
  if (auto& answers = observed_[request.name]; !answers.empty()) {
    auto answer = answers.front();
    answers.pop_front();
    return answer;
  }
  auto const found = inventory_.find(request.id);
  if (found == inventory_.end()) return plugin::InspectAnswer{TRL_OBSERVED_ABSENT, "not there"};
  auto const& expected = request.previous.empty() ? request.data : request.previous;
  if (found->second.data != expected)
    return plugin::InspectAnswer{TRL_OBSERVED_DRIFTED, "configured otherwise"};
  return plugin::InspectAnswer{found->second.paused ? TRL_OBSERVED_PAUSED : TRL_OBSERVED_RUNNING,
                               {}};
}

Result<std::vector<std::string>> FakePlugins::ListOwned(std::string_view type) {
  std::lock_guard const lock(mutex_);
  std::vector<std::string> ids;
  for (auto const& [id, instance] : inventory_) {
    if (instance.type == type) ids.push_back(id);
  }
  return ids;
}

// ---- the rest ----

plugin::CommandReply FakePlugins::RunCommand(std::string_view, std::uint32_t, std::string_view) {
  return tl::unexpected<plugin::CommandFailure>(Error{Code::kNotFound, "no commands"});
}

std::vector<plugin::Provided> FakePlugins::Provide(std::string_view kind, std::string_view) {
  if (kind != "capacity") return {};
  return {{"fake", "pools", R"({"cru":0,"mru":0,"sru":1000,"hru":1000})"}};
}

Result<std::string> FakePlugins::CallService(std::string_view, std::string_view, std::string_view,
                                             std::vector<int>*) {
  return Fail(Code::kUnavailable, "no services");
}

std::vector<plugin::PluginStatus> FakePlugins::Status() const {
  std::lock_guard const lock(mutex_);
  plugin::PluginStatus status;
  status.name = "fake";
  status.version = version_;
  status.state = "running";
  return {status};
}

}  // namespace trellis::testing
