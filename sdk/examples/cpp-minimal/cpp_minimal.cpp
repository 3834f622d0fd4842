// The smallest useful plugin in C++: the type `note` keeps a text in the plugin's durable store.
#include <trellis/sdk.hpp>

#include <memory>
#include <string>
#include <vector>

namespace {

using namespace trellis;  // NOLINT(google-build-using-namespace): a plugin is a program of its own

constexpr std::size_t kMaxText = 1024;

/// What the user writes.
struct Note {
  std::string text;

  Result<void> Valid(WorkloadGetter const&) const {
    if (text.empty()) return Invalid("text", "the note is empty");
    if (text.size() > kMaxText) return Invalid("text", "the note has more than {} bytes", kMaxText);
    return {};
  }
  void Challenge(ChallengeWriter& out) const { out.Add(text); }
  trellis::Capacity Capacity() const { return {}; }
};
BOOST_DESCRIBE_STRUCT(Note, (), (text))

/// What the user sees.
struct NoteResult {
  std::uint64_t bytes = 0;
};
BOOST_DESCRIBE_STRUCT(NoteResult, (), (bytes))

class NoteProvisioner {
 public:
  explicit NoteProvisioner(Host host) : host_(host) {}

  Result<Outcome<NoteResult>> Provision(Call&, Workload<Note> const& workload) {
    NoteResult const result{workload.data.text.size()};
    auto const kept = host_.StoreGet(workload.id);
    if (kept && *kept == workload.data.text) return Outcome<NoteResult>::NoAction(result);
    TRELLIS_CHECK(host_.StorePut(workload.id, workload.data.text));
    return Outcome<NoteResult>(result);
  }
  Result<Outcome<NoteResult>> Update(Call& call, Workload<Note> const& workload) {
    return Provision(call, workload);
  }
  Result<void> Deprovision(Call&, Workload<Note> const& workload) {
    return host_.StoreRemove(workload.id);
  }
  Result<Observed> Inspect(Call&, Workload<Note> const& workload) {
    auto const kept = host_.StoreGet(workload.id);
    if (!kept) return Observed::Absent();
    if (*kept != workload.effective().text) return Observed::Drifted("the text is another one");
    return Observed::Running();
  }
  Result<std::vector<std::string>> ListOwned(Call&) { return host_.StoreList(""); }

 private:
  Host host_;
};

class NotePlugin {
 public:
  static Result<std::unique_ptr<NotePlugin>> Create(Host host, Config const&) {
    auto plugin = std::make_unique<NotePlugin>(host);
    TRELLIS_CHECK(host.RegisterType<Note>("note", plugin->provisioner_));
    return plugin;
  }
  explicit NotePlugin(Host host) : provisioner_(host) {}

 private:
  NoteProvisioner provisioner_;
};

}  // namespace

TRELLIS_PLUGIN(NotePlugin, "cpp-minimal", "1.0.0")
