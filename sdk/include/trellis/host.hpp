// The host as a plugin sees it: log, services of other plugins, and the typed extensions.
//
// Host is a small copyable handle; it and everything it hands out may be used from any thread of
// the plugin between Create and the return of Stop.
#pragma once

#include <trellis/abi.h>
#include <trellis/json.hpp>
#include <trellis/result.hpp>
#include <trellis/workload.hpp>

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trellis {

/// An owned descriptor received from a service.
class ReceivedFd {
 public:
  ReceivedFd() = default;
  explicit ReceivedFd(int fd) : fd_(fd) {}
  ~ReceivedFd() {
    if (fd_ >= 0) ::close(fd_);
  }
  ReceivedFd(ReceivedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ReceivedFd& operator=(ReceivedFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ReceivedFd(ReceivedFd const&) = delete;
  ReceivedFd& operator=(ReceivedFd const&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

namespace abi {

inline trl_bytes Bytes(std::string_view text) {
  return {text.data(), text.size()};
}
inline std::string_view View(trl_bytes bytes) {
  return bytes.size == 0 ? std::string_view() : std::string_view(bytes.data, bytes.size);
}

/// A sink that appends to a string of at most `limit` bytes.
class StringSink {
 public:
  static constexpr std::size_t kLimit = std::size_t{16} << 20;
  [[nodiscard]] trl_sink sink() { return {this, &Write}; }
  std::string text;

 private:
  static trl_status Write(void* ctx, trl_bytes chunk) noexcept try {
    auto& self = *static_cast<StringSink*>(ctx);
    if (self.text.size() + chunk.size > kLimit) return TRL_EXHAUSTED;
    self.text.append(View(chunk));
    return TRL_OK;
  } catch (...) {
    return TRL_FAULT;
  }
};

/// Receives duplicated descriptors.
class FdSink {
 public:
  [[nodiscard]] trl_fd_sink sink() { return {this, &Put}; }
  std::vector<ReceivedFd> fds;

 private:
  static trl_status Put(void* ctx, std::int32_t fd) noexcept;
};

inline trl_status Write(trl_sink const& sink, std::string_view text) {
  if (text.empty() || sink.write == nullptr) return TRL_OK;
  return sink.write(sink.ctx, Bytes(text));
}

/// Status and text of a failed host call as an Error; success for >= 0.
inline Result<void> Check(trl_status status, std::string text) {
  if (status >= 0) return {};
  if (text.empty()) text = "host call failed with status " + std::to_string(status);
  return tl::unexpected<Error>(Error{static_cast<Code>(status), std::move(text)});
}

/// Writes the error text and returns its status.
inline trl_status Fail(trl_sink const& err, Error const& error) {
  Write(err, error.message);
  return static_cast<trl_status>(error.code);
}

}  // namespace abi

/// The call a plugin is serving: deadline, cancellation, whose workload. Borrowed until the call
/// returns.
class Call {
 public:
  Call(trl_host const* host, trl_call const* raw) : host_(host), raw_(raw) {}

  [[nodiscard]] std::uint32_t twin_id() const { return raw_->twin_id; }
  [[nodiscard]] std::uint64_t contract_id() const { return raw_->contract_id; }
  [[nodiscard]] std::uint64_t id() const { return raw_->id; }
  [[nodiscard]] std::uint32_t attempt() const { return raw_->attempt; }
  [[nodiscard]] bool replay() const { return (raw_->flags & TRL_CALL_REPLAY) != 0; }
  [[nodiscard]] bool retry() const { return (raw_->flags & TRL_CALL_RETRY) != 0; }
  [[nodiscard]] bool Cancelled() const { return host_->cancelled(host_->ctx, raw_) != 0; }
  /// Readable when cancelled; -1 = none; owned by the host.
  [[nodiscard]] int cancel_fd() const { return host_->cancel_fd(host_->ctx, raw_); }
  /// Time left until the deadline, at least 0; a day when there is none.
  [[nodiscard]] std::chrono::milliseconds Remaining() const {
    if (raw_->deadline_ns == INT64_MAX) return std::chrono::hours(24);
    auto const now = std::chrono::steady_clock::now().time_since_epoch();
    auto const left = std::chrono::nanoseconds(raw_->deadline_ns) - now;
    return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(left),
                    std::chrono::milliseconds(0));
  }
  /// kCancelled once the call was cancelled or its deadline passed.
  [[nodiscard]] Result<void> Checkpoint() const {
    if (Cancelled()) return Fail(Code::kCancelled, "the operation was cancelled");
    return {};
  }
  void Progress(std::uint32_t permille, std::string_view text) const {
    host_->progress(host_->ctx, raw_, permille, abi::Bytes(text));
  }
  [[nodiscard]] trl_call const* raw() const { return raw_; }

 private:
  trl_host const* host_;
  trl_call const* raw_;
};

struct ServiceReply {
  std::string body;
  std::vector<ReceivedFd> fds;
};

/// A service handler: method and request JSON in, reply JSON out. `fds_out` borrowed descriptors to
/// hand back.
using ServiceHandler = std::function<Result<std::string>(
    Call&, std::string_view method, std::string_view request, std::span<std::int32_t const> fds,
    std::vector<std::int32_t>& fds_out)>;
/// Command and provider handlers: payload JSON in, reply JSON out.
using CommandHandler = std::function<Result<std::string>(Call&, std::string_view payload)>;
using EventHandler = std::function<void(std::string_view topic, std::string_view payload)>;

/// Methods of a service with typed bodies: `table.Add<Request, Reply>("create", [this](Call&,
/// Request const&) {…});`
class ServiceTable {
 public:
  template <class Request, class Reply, class Function>
  ServiceTable& Add(std::string method, Function function) {
    methods_[std::move(method)] = [function = std::move(function)](
                                      Call& call, std::string_view text) -> Result<std::string> {
      TRELLIS_TRY(auto const request,
                  json::Parse<Request>(text.empty() ? std::string_view("{}") : text));
      TRELLIS_TRY(Reply const reply, function(call, request));
      return json::Dump(reply);
    };
    return *this;
  }
  Result<std::string> operator()(Call& call, std::string_view method, std::string_view request,
                                 std::span<std::int32_t const>, std::vector<std::int32_t>&) const {
    auto const found = methods_.find(std::string(method));
    if (found == methods_.end()) return Fail(Code::kUnsupported, "unknown method '{}'", method);
    return found->second(call, request);
  }

 private:
  std::map<std::string, std::function<Result<std::string>(Call&, std::string_view)>> methods_;
};

/// A supervised data process (trellis.process/1): outlives plugin and daemon. `restart`:
/// always|on-failure|never.
struct ProcessCgroup {
  std::uint64_t memory = 0;
  std::uint32_t cpu = 0;
};
BOOST_DESCRIBE_STRUCT(ProcessCgroup, (), (memory, cpu))
struct ProcessSpec {
  std::vector<std::string> argv;  ///< absolute program path first
  std::map<std::string, std::string>
      env;  ///< exactly this environment; secrets go here, never in argv
  std::string cwd;
  std::string user;   ///< "" = root
  std::string netns;  ///< absolute path, "" = the host's
  std::optional<ProcessCgroup> cgroup;
  std::uint32_t nofile = 0;  ///< 0 = inherited
  std::string restart = "always";
  std::uint32_t stop_timeout_s = 10;
  bool log = true;
  std::vector<std::string> listen_fds;  ///< names of the passed descriptors
};
BOOST_DESCRIBE_STRUCT(ProcessSpec, (),
                      (argv, env, cwd, user, netns, cgroup, nofile, restart, stop_timeout_s, log,
                       listen_fds))
struct ProcessStarted {
  std::int32_t pid = 0;
  std::int64_t started_unix = 0;
  bool changed = false;
};
BOOST_DESCRIBE_STRUCT(ProcessStarted, (), (pid, started_unix, changed))
struct ProcessInfo {
  std::string name;
  std::int32_t pid = 0;
  std::string state;  ///< running|waiting|stopped
  std::uint32_t restarts = 0;
  std::int64_t started_unix = 0;
  std::int32_t status = 0;
};
BOOST_DESCRIBE_STRUCT(ProcessInfo, (), (name, pid, state, restarts, started_unix, status))

/// trellis.contract/1
struct ContractPublicIp {
  std::string ip;
  std::string gateway;
};
BOOST_DESCRIBE_STRUCT(ContractPublicIp, (), (ip, gateway))
struct ContractView {
  std::uint64_t contract_id = 0;
  std::uint32_t twin_id = 0;
  std::uint32_t node_id = 0;
  std::string hash;
  std::string state;
  std::vector<ContractPublicIp> public_ips;
};
BOOST_DESCRIBE_STRUCT(ContractView, (), (contract_id, twin_id, node_id, hash, state, public_ips))

struct TypeOptions {
  std::uint32_t rank = 0;          ///< 0 = 5000
  std::uint32_t max_parallel = 0;  ///< 0 = 4
  std::vector<std::string_view> after;
};

struct CommandOptions {
  std::string name;
  std::vector<std::string> aliases;
  std::int32_t auth = TRL_AUTH_ANY;
  std::uint32_t flags = 0;
  std::uint32_t max_payload = 0;
  std::uint32_t timeout_ms = 0;
  std::uint32_t max_parallel = 0;
};

enum class LogLevel : std::int32_t { kTrace, kDebug, kInfo, kWarn, kError };

namespace detail {
struct Instance;
}

/// The plugin's configuration: its `[plugin.<name>.config]` table with all defaults filled in.
class Config {
 public:
  explicit Config(std::string_view text) : text_(text.empty() ? "{}" : text) {}
  [[nodiscard]] std::string_view text() const { return text_; }
  template <class T>
  [[nodiscard]] Result<T> As() const {
    return json::Parse<T>(text_);
  }

 private:
  std::string text_;
};

class Host {
 public:
  explicit Host(detail::Instance* instance) : instance_(instance) {}

  /// Directories of the plugin: absolute, existing, no final slash. state_dir persists, run_dir
  /// does not.
  [[nodiscard]] std::string const& state_dir() const;
  [[nodiscard]] std::string const& run_dir() const;
  /// {"node_id","farm_id","twin_id","public_key","region","boot_id","public_config"} at start.
  [[nodiscard]] std::string const& node() const;
  /// Hosted in a helper process.
  [[nodiscard]] bool isolated() const;

  using Fields = std::initializer_list<std::pair<std::string_view, json::Value>>;
  void Log(LogLevel level, std::string_view text, Fields fields = {}) const;
  void Debug(std::string_view text, Fields fields = {}) const {
    Log(LogLevel::kDebug, text, fields);
  }
  void Info(std::string_view text, Fields fields = {}) const { Log(LogLevel::kInfo, text, fields); }
  void Warn(std::string_view text, Fields fields = {}) const { Log(LogLevel::kWarn, text, fields); }
  void Error(std::string_view text, Fields fields = {}) const {
    Log(LogLevel::kError, text, fields);
  }

  // ---- only inside Create ----
  /// Declares a workload type. `provisioner` is borrowed and must live as long as the plugin
  /// object.
  template <class Data, class Prov>
  Result<void> RegisterType(std::string_view name, Prov& provisioner,
                            TypeOptions const& options = {}) const;
  /// A type whose workloads may be named by other deployments of the same twin.
  template <class Data, class Prov>
  Result<void> RegisterSharableType(std::string_view name, Prov& provisioner,
                                    TypeOptions const& options = {}) const;
  Result<void> RegisterService(std::string_view id, ServiceHandler handler) const;
  Result<void> AddCommand(CommandOptions const& options, CommandHandler handler) const;
  /// `kind`: features, pools, gpu, health, info, perf, consumption, capacity. `options` JSON or "".
  Result<void> AddProvider(std::string_view kind, std::string_view name, std::string_view options,
                           CommandHandler handler) const;

  // ---- services of other plugins ----
  Result<ServiceReply> CallService(Call const& call, std::string_view id, std::string_view method,
                                   std::string_view request,
                                   std::span<std::int32_t const> fds = {}) const;
  /// Typed form: JSON body out of `request`, reply decoded.
  template <class Reply, class Request>
  Result<Reply> CallService(Call const& call, std::string_view id, std::string_view method,
                            Request const& request) const {
    TRELLIS_TRY(auto const reply,
                CallService(call, id, method, std::string_view(json::Dump(request))));
    return json::Parse<Reply>(reply.body);
  }

  // ---- trellis.deployment/1 ----
  Result<WorkloadView> GetWorkload(Call const& call, std::string_view name) const;
  Result<std::vector<WorkloadView>> WorkloadsByType(Call const& call,
                                                    std::span<std::string_view const> types) const;
  /// A sharable workload of the same twin in any active deployment.
  Result<WorkloadView> SharedWorkload(Call const& call, std::string_view type,
                                      std::string_view name) const;
  Result<WorkloadView> CurrentWorkload(std::string_view workload_id) const;
  // ---- trellis.contract/1 ----
  Result<ContractView> Contract(Call const& call) const;
  [[nodiscard]] bool NodeRented(Call const& call) const;
  // ---- trellis.store/1: durable, private; key <= 255 bytes, value <= 1 MiB ----
  Result<std::string> StoreGet(std::string_view key) const;  ///< kNotFound
  Result<void> StorePut(std::string_view key, std::string_view value) const;
  Result<void> StoreRemove(std::string_view key) const;
  Result<std::vector<std::string>> StoreList(std::string_view prefix) const;
  // ---- trellis.process/1 ----
  Result<ProcessStarted> EnsureProcess(Call const& call, std::string_view name,
                                       ProcessSpec const& spec,
                                       std::span<std::int32_t const> fds = {}) const;
  Result<void> StopProcess(Call const& call, std::string_view name) const;
  Result<std::vector<ProcessInfo>> ListProcesses(std::string_view prefix) const;
  // ---- trellis.event/1, trellis.schedule/1 ----
  Result<void> Publish(std::string_view topic, std::string_view payload) const;
  Result<void> Subscribe(std::string_view prefix, EventHandler handler) const;
  /// Runs `task` on the plugin's queue after `delay`, then every `period` (0 = once). 0 = refused.
  std::uint64_t After(std::chrono::milliseconds delay, std::chrono::milliseconds period,
                      std::function<void()> task) const;
  void CancelTask(std::uint64_t task) const;
  // ---- trellis.engine/1: asynchronous ----
  Result<void> ReportFailed(std::string_view workload_id, std::string_view reason) const;
  Result<void> ReportObserved(std::string_view workload_id, Observed const& observed) const;

  [[nodiscard]] trl_host const* raw() const;

 private:
  template <class Ext>
  Ext const* Extension(char const* id) const;
  detail::Instance* instance_;
};

/// A call of the plugin's own (scheduled task, event), for services and processes: deadline from
/// now.
class OwnCall {
 public:
  OwnCall(Host const& host, std::chrono::milliseconds limit, std::uint32_t twin_id = 0,
          std::uint64_t contract_id = 0)
      : raw_{}, call_(host.raw(), &raw_) {
    raw_.size = sizeof raw_;
    raw_.attempt = 1;
    raw_.twin_id = twin_id;
    raw_.contract_id = contract_id;
    std::chrono::nanoseconds const at = std::chrono::steady_clock::now().time_since_epoch() + limit;
    raw_.deadline_ns = at.count();
  }
  OwnCall(OwnCall const&) = delete;
  OwnCall& operator=(OwnCall const&) = delete;
  [[nodiscard]] Call& call() { return call_; }

 private:
  trl_call raw_;
  Call call_;
};

}  // namespace trellis

#include <trellis/detail/host_impl.hpp>  // IWYU pragma: export
