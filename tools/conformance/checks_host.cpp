// Hosts other than the usual one: shorter, longer, without extensions, lying; sinks that end.
#include "tools/conformance/host_wrap.hpp"
#include "tools/conformance/subject.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

namespace trellis::conformance {

namespace {

constexpr int kLyingRounds = 50;

/// A copy of `table` whose next byte belongs to nobody.
trl_host* AtPageEnd(trl_host const& table) {
  auto const page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* const memory =
      ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED || ::mprotect(static_cast<char*>(memory) + page, page, PROT_NONE) != 0)
    return nullptr;
  char* const place = static_cast<char*>(memory) + page - sizeof(trl_host);
  std::memcpy(place, &table, sizeof(trl_host));
  return reinterpret_cast<trl_host*>(place);
}

void CreateWith(Subject& subject, Setting const& setting, Probe& probe, trl_host const& table,
                char const* how) {
  std::string err;
  auto const status = subject.Create(setting.samples.ConfigText(), err, &table);
  if (status < 0)
    probe.Fail(
        fmt::format("create with {} answered {}: {}", how, StatusName(status), err),
        "the plugin reads no further than `size` of trl_host and works without what is not there");
  subject.Destroy();
}

void WorksWithOtherHosts(Setting const& setting, Probe& probe) {
  Subject subject(setting, probe);
  auto* const exact = AtPageEnd(subject.table());
  probe.Expect(exact != nullptr, "no memory", "memory");
  exact->size = sizeof(trl_host);
  CreateWith(subject, setting, probe, *exact, "a host table of exactly 88 bytes");
  struct {
    trl_host table;
    void* later[4];
  } longer{subject.table(), {}};
  longer.table.size = sizeof longer;
  longer.table.abi_minor = 7;
  CreateWith(subject, setting, probe, longer.table, "the longer host table of a later version");
}

void EveryEffect(Subject& subject) {
  for (auto const& type : subject.types()) {
    std::int32_t state = 0;
    Way way;
    (void)subject.Provision(type, way);
    way.previous = type.data;
    if (TRL_HAS(type.ops, update)) (void)subject.Update(type, way);
    (void)subject.Inspect(type, state, way);
    (void)subject.ListOwned(type);
    if (TRL_HAS(type.ops, pause)) (void)subject.Pause(type, way);
    if (TRL_HAS(type.ops, resume)) (void)subject.Resume(type, way);
    (void)subject.Deprovision(type, way);
  }
}

void BearsNoExtensions(Setting const& setting, Probe& probe) {
  Subject subject(setting, probe);
  SetHostMood(HostMood::kNoExtensions);
  std::string err;
  auto const status = subject.Create(setting.samples.ConfigText(), err);
  probe.Expect(status >= 0 || !err.empty(),
               fmt::format("create answered {} without a text", StatusName(status)),
               "without an extension create works, or says which one is missing");
  if (status >= 0) subject.Destroy();
}

void EffectsBearNoExtensions(Setting const& setting, Probe& probe) {
  Subject subject(setting, probe);
  subject.MustCreate();
  subject.NeedSamples();
  subject.MustStart();
  SetHostMood(HostMood::kNoExtensions);
  EveryEffect(subject);  // the answers are judged there
}

void BearsALyingHost(Setting const& setting, Probe& probe) {
  Subject subject(setting, probe);
  subject.MustCreate();
  subject.NeedSamples();
  subject.MustStart();
  SetHostMood(HostMood::kLying);
  for (int round = 0; round < kLyingRounds; ++round)
    EveryEffect(subject);
}

void StopsWritingWhenTheSinkIsFull(Setting const& setting, Probe& probe) {
  Subject subject(setting, probe);
  subject.MustCreate();
  subject.NeedSamples();
  for (auto const& type : subject.types()) {
    Sink whole;
    Sink err;
    probe.At("challenge of '{}'", type.name);
    (void)type.ops->challenge(type.self, abi::Bytes(type.data), whole.sink(), err.sink());
    for (std::size_t room = 0; room < std::min<std::size_t>(whole.text.size(), 16); ++room) {
      Sink full(room);
      auto const status =
          type.ops->challenge(type.self, abi::Bytes(type.data), full.sink(), err.sink());
      probe.Expect(
          !full.went_on(),
          fmt::format("challenge of '{}' went on writing after the sink had refused", type.name),
          "after a negative status from write the plugin writes no more");
      probe.Expect(status < 0,
                   fmt::format("challenge of '{}' answered {} though the sink had refused",
                               type.name, StatusName(status)),
                   "the status that write returned");
    }
  }
  subject.Destroy();
}

}  // namespace

std::vector<Check> HostChecks() {
  return {
      {"C10", "shorter and longer host tables work", Needs::kCreate, WorksWithOtherHosts},
      {"C11", "create bears a host without extensions", Needs::kCreate, BearsNoExtensions},
      {"C12", "a full sink ends the writing", Needs::kCreate, StopsWritingWhenTheSinkIsFull},
      {"C13", "effects bear a host without extensions", Needs::kEffects, EffectsBearNoExtensions},
      {"C14", "effects bear a host that lies", Needs::kEffects, BearsALyingHost},
  };
}

}  // namespace trellis::conformance
