// The plugin @NAME@: one workload type, `@NAME@`, that keeps a text in the node's durable store.
// Replace the text by what your workload is about; the shape stays.
#include <trellis/sdk.hpp>

#include <memory>
#include <string>
#include <vector>

#include "manifest.hpp"

namespace {

using namespace trellis;

/// `[plugin.@NAME@.config]`; the schema in manifest.hpp says the same.
struct Settings {
  std::uint32_t max_bytes = 1024;
};
BOOST_DESCRIBE_STRUCT(Settings, (), (max_bytes))

/// What the user writes; spelled like the JSON keys.
struct @CLASS@Data {
  std::string text;

  /// Pure and quick: called from any thread, at any time. The word in brackets is for programs.
  Result<void> Valid(WorkloadGetter const&) const {
    if (text.empty()) return Invalid("text", "the text is empty");
    return {};
  }
  /// What the user signs: every member that matters, in an order that never changes.
  void Challenge(ChallengeWriter& out) const { out.Add(text); }
  trellis::Capacity Capacity() const { return {}; }
};
BOOST_DESCRIBE_STRUCT(@CLASS@Data, (), (text))

/// What the user gets back.
struct @CLASS@Result {
  std::uint64_t bytes = 0;
};
BOOST_DESCRIBE_STRUCT(@CLASS@Result, (), (bytes))

/// Makes and removes workloads. Every operation may be called again after any partial run.
class @CLASS@Provisioner {
 public:
  explicit @CLASS@Provisioner(Host host) : host_(host) {}

  Result<void> Configure(Config const& config) {
    TRELLIS_TRY(settings_, config.As<Settings>());
    return {};
  }

  Result<Outcome<@CLASS@Result>> Provision(Call&, Workload<@CLASS@Data> const& workload) {
    auto const& text = workload.data.text;
    if (text.size() > settings_.max_bytes)
      return Fail(Code::kExhausted, "the text has {} bytes, this node takes {}", text.size(),
                  settings_.max_bytes);
    @CLASS@Result const result{text.size()};
    auto const kept = host_.StoreGet(workload.id);
    if (kept && *kept == text) return Outcome<@CLASS@Result>::NoAction(result);
    TRELLIS_CHECK(host_.StorePut(workload.id, text));
    return Outcome<@CLASS@Result>(result);
  }
  /// Because of this member workloads of the type can be updated.
  Result<Outcome<@CLASS@Result>> Update(Call& call, Workload<@CLASS@Data> const& workload) {
    return Provision(call, workload);
  }
  Result<void> Deprovision(Call&, Workload<@CLASS@Data> const& workload) {
    return host_.StoreRemove(workload.id);  // of an unknown workload: fine
  }
  Result<Observed> Inspect(Call&, Workload<@CLASS@Data> const& workload) {
    auto const kept = host_.StoreGet(workload.id);
    if (!kept) return Observed::Absent();
    if (*kept != workload.effective().text) return Observed::Drifted("the text is another one");
    return Observed::Running();
  }
  /// Every workload that something is kept for: from the real system, not from memory.
  Result<std::vector<std::string>> ListOwned(Call&) { return host_.StoreList(""); }

 private:
  Host host_;
  Settings settings_;
};

class @CLASS@Plugin {
 public:
  static constexpr char const* kManifest = k@CLASS@Manifest;

  static Result<std::unique_ptr<@CLASS@Plugin>> Create(Host host, Config const& config) {
    auto plugin = std::make_unique<@CLASS@Plugin>(host);
    TRELLIS_CHECK(plugin->provisioner_.Configure(config));
    TRELLIS_CHECK(host.RegisterType<@CLASS@Data>("@NAME@", plugin->provisioner_));
    return plugin;
  }
  explicit @CLASS@Plugin(Host host) : provisioner_(host) {}

 private:
  @CLASS@Provisioner provisioner_;
};

}  // namespace

TRELLIS_PLUGIN(@CLASS@Plugin, "@NAME@", "0.1.0")
