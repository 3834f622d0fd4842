// What a workload type is made of: the shapes that a Data class and a Provisioner class use.
//
//   struct Disk {                                          // WorkloadData: pure, any thread
//     std::uint64_t size = 0;
//     Result<void> Valid(WorkloadGetter const&) const;     // Invalid("code", "sentence") to refuse
//     void Challenge(ChallengeWriter& out) const;          // exact bytes of the type, from decoded
//     values trellis::Capacity Capacity() const;
//     // optional: std::int64_t Weight() const; std::vector<std::string> Dependencies() const;
//   };
//   class DiskProvisioner {                                // Provisioner: every effect converges
//     Result<Outcome<R>> Provision(Call&, Workload<Disk> const&);
//     Result<void> Deprovision(Call&, Workload<Disk> const&);
//     Result<Observed> Inspect(Call&, Workload<Disk> const&);
//     Result<std::vector<std::string>> ListOwned(Call&);
//     // optional: Result<Outcome<R>> Update(…); Result<void> Pause(…), Resume(…);
//     //           Result<void> Precheck(Call&, PrecheckOp, Workload<Disk> const&);
//     //           Result<void> Recovered(Call&, std::span<std::string_view const> ids);
//   };
#pragma once

#include <trellis/abi.h>
#include <trellis/capacity.hpp>
#include <trellis/json.hpp>
#include <trellis/net.hpp>
#include <trellis/result.hpp>

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trellis {

/// Collects the challenge bytes of one workload: no separators, decimal integers, `true`/`false`,
/// lower-case hex,
/// `<nil>` for an absent address.
class ChallengeWriter {
 public:
  explicit ChallengeWriter(std::string& out) : out_(&out) {}

  void Add(std::string_view text) { out_->append(text); }
  void Add(std::string const& text) { out_->append(text); }
  void Add(char const* text) { out_->append(text); }
  void Add(std::same_as<bool> auto flag) { out_->append(flag ? "true" : "false"); }
  template <std::integral T>
  requires(!std::same_as<T, bool> && !std::same_as<T, char>) void Add(T number) {
    fmt::format_to(std::back_inserter(*out_), "{}", number);
  }
  void Add(IpAddress const& ip) { out_->append(ip.empty() ? "<nil>" : ip.ToString()); }
  void Add(IpNet const& net) { out_->append(net.empty() ? "<nil>" : net.ToString()); }
  void Add(HexBytes const& bytes) { out_->append(bytes.ToString()); }

 private:
  std::string* out_;
};

/// A stored or incoming workload as others may see it.
struct WorkloadResultView {
  std::int64_t created = 0;
  std::string state;
  std::string message;
  json::Raw data;
};
BOOST_DESCRIBE_STRUCT(WorkloadResultView, (), (created, state, message, data))

struct WorkloadView {
  std::string id;
  std::uint32_t version = 0;
  std::string name;
  std::string type;
  json::Raw data;
  WorkloadResultView result;

  /// `ok` or `paused`.
  [[nodiscard]] bool IsOkay() const { return result.state == "ok" || result.state == "paused"; }
};
BOOST_DESCRIBE_STRUCT(WorkloadView, (), (id, version, name, type, data, result))

/// The other workloads of the deployment that `Valid` looks at.
class WorkloadGetter {
 public:
  virtual ~WorkloadGetter() = default;
  /// kNotFound when the deployment has no workload of that name.
  [[nodiscard]] virtual Result<WorkloadView> Get(std::string_view name) const = 0;
  /// In document order; empty when none.
  [[nodiscard]] virtual Result<std::vector<WorkloadView>> ByType(
      std::span<std::string_view const> types) const = 0;
};

/// One workload in an effect. Text members are borrowed until the call returns.
template <class Data>
struct Workload {
  std::string_view id;  ///< twin-contract-name
  std::string_view name;
  std::string_view type;
  std::string_view metadata;
  std::string_view description;
  std::uint32_t version = 0;
  bool paused = false;           ///< bring it up not usable
  Data data;                     ///< wanted
  std::optional<Data> previous;  ///< in effect: update, inspect, deprovision
  std::string_view result;       ///< JSON of the stored result, "" if none
  std::string_view handle;       ///< what Provision or Update returned, maybe of an older plugin
  std::uint32_t handle_schema = 0;

  /// `previous` where there is one, else `data`.
  [[nodiscard]] Data const& effective() const { return previous.has_value() ? *previous : data; }
};

/// A result whose JSON is `null`.
struct NoResult {
  static Result<void> FromJson(NoResult&, json::Value const&) { return {}; }
  [[nodiscard]] json::Value ToJson() const { return nullptr; }
};

/// What Provision and Update answer on success.
template <class R>
struct Outcome {
  enum class Kind : std::uint8_t { kDone, kNoAction, kUnchanged };

  Outcome(R value)
      : result(std::move(value)) {}  // NOLINT(google-explicit-constructor): `return result;`
  /// Already as wanted, nothing touched.
  static Outcome NoAction(R value) {
    Outcome out(std::move(value));
    out.kind = Kind::kNoAction;
    return out;
  }
  /// Update only: refused or failed, the old configuration still works.
  static Outcome Unchanged(std::string reason) {
    Outcome out{R{}};
    out.kind = Kind::kUnchanged;
    out.reason = std::move(reason);
    return out;
  }

  R result;
  Kind kind = Kind::kDone;
  std::string reason;
  std::string handle;  ///< opaque, <= 64 KiB, given back later
  std::uint32_t handle_schema = 0;
};

/// What Inspect found.
struct Observed {
  enum class State : std::int32_t {
    kUnknown = TRL_OBSERVED_UNKNOWN,
    kRunning = TRL_OBSERVED_RUNNING,
    kPaused = TRL_OBSERVED_PAUSED,
    kAbsent = TRL_OBSERVED_ABSENT,
    kDrifted = TRL_OBSERVED_DRIFTED,
    kFailed = TRL_OBSERVED_FAILED,
  };
  State state = State::kUnknown;
  std::string detail;  ///< the first difference, for people

  static Observed Running() { return {State::kRunning, {}}; }
  static Observed Paused() { return {State::kPaused, {}}; }
  static Observed Absent() { return {State::kAbsent, {}}; }
  static Observed Drifted(std::string detail) { return {State::kDrifted, std::move(detail)}; }
  static Observed Failed(std::string detail) { return {State::kFailed, std::move(detail)}; }
};

enum class PrecheckOp : std::int32_t { kProvision = 1, kUpdate = 2 };

class Call;

template <class D>
concept WorkloadData = json::Described<D> &&
    requires(D const& data, WorkloadGetter const& getter, ChallengeWriter& out) {
  { data.Valid(getter) } -> std::same_as<Result<void>>;
  {data.Challenge(out)};
  { data.Capacity() } -> std::same_as<trellis::Capacity>;
};

template <class P, class D>
concept Provisioner = requires(P& provisioner, Call& call, Workload<D> const& workload) {
  provisioner.Provision(call, workload);
  { provisioner.Deprovision(call, workload) } -> std::same_as<Result<void>>;
  { provisioner.Inspect(call, workload) } -> std::same_as<Result<Observed>>;
  { provisioner.ListOwned(call) } -> std::same_as<Result<std::vector<std::string>>>;
};

}  // namespace trellis
