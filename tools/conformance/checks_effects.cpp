// The effects converge: whatever ran before, the same call may come again.
#include "tools/conformance/subject.hpp"

#include <atomic>
#include <future>
#include <thread>

namespace trellis::conformance {

namespace {

constexpr int kValidators = 8;
constexpr int kRounds = 20;

bool IsDone(Effect const& effect) {
  return effect.status == TRL_OK || effect.status == TRL_NO_ACTION;
}

void ExpectDone(Probe& probe, Effect const& effect, std::string const& what,
                std::string_view wants) {
  probe.Expect(IsDone(effect),
               fmt::format("{} answered {}: {}", what, StatusName(effect.status), effect.err),
               wants);
}

/// Each type of a started plugin in turn.
template <class Function>
void ForEachType(Setting const& setting, Probe& probe, Function&& function) {
  Subject subject(setting, probe);
  subject.MustCreate();
  subject.NeedSamples();
  subject.MustStart();
  for (auto const& type : subject.types())
    function(subject, type, fmt::format(" of '{}'", type.name));
  std::string err;
  (void)subject.Stop(err);
  subject.Destroy();
}

std::string ChallengeOf(Type const& type) {
  auto const call = PlainCall();
  Sink out;
  Sink err;
  (void)type.ops->valid(type.self, &call, abi::Bytes(type.data), err.sink());
  (void)type.ops->challenge(type.self, abi::Bytes(type.data), out.sink(), err.sink());
  return out.text;
}

/// Provisions the sample; its handle and schema for what follows.
Way Up(Subject& subject, Type const& type, Probe& probe) {
  auto const effect = subject.Provision(type);
  ExpectDone(probe, effect, fmt::format("provision of '{}'", type.name), "OK for the sample");
  probe.Expect(json::ParseValue(effect.result).has_value(),
               fmt::format("provision of '{}' wrote the result {}", type.name,
                           effect.result.empty() ? "(nothing)" : effect.result),
               "one JSON value, with OK and with NO_ACTION");
  Way way;
  way.previous = type.data;
  way.handle = effect.handle;
  way.handle_schema = effect.handle_schema;
  return way;
}

void ProvisionsTwice(Setting const& setting, Probe& probe) {
  ForEachType(setting, probe, [&](Subject& subject, Type const& type, std::string const& of) {
    (void)Up(subject, type, probe);
    auto const again = subject.Provision(type);
    ExpectDone(probe, again, "the second provision" + of,
               "OK or NO_ACTION: provision converges to one instance");
    probe.Expect(json::ParseValue(again.result).has_value(),
                 "the second provision" + of + " wrote no JSON result",
                 "the result is always written, also with NO_ACTION");
  });
}

void DeprovisionsTheUnknown(Setting const& setting, Probe& probe) {
  ForEachType(setting, probe, [&](Subject& subject, Type const& type, std::string const& of) {
    Way way;
    way.id = "7-9-never";
    ExpectDone(probe, subject.Deprovision(type, way), "deprovision" + of + " with an unknown id",
               "OK: there is nothing, as wanted");
  });
}

void DeprovisionsTwice(Setting const& setting, Probe& probe) {
  ForEachType(setting, probe, [&](Subject& subject, Type const& type, std::string const& of) {
    auto const way = Up(subject, type, probe);
    ExpectDone(probe, subject.Deprovision(type, way), "deprovision" + of, "OK");
    ExpectDone(probe, subject.Deprovision(type, way), "the second deprovision" + of,
               "OK: there is nothing, as wanted");
  });
}

void InspectsTheAbsent(Setting const& setting, Probe& probe) {
  ForEachType(setting, probe, [&](Subject& subject, Type const& type, std::string const& of) {
    Way way;
    way.id = "7-9-never";
    std::int32_t state = 0;
    auto const effect = subject.Inspect(type, state, way);
    probe.Expect(effect.status == TRL_OK && state == TRL_OBSERVED_ABSENT,
                 fmt::format("inspect{} of an unknown id answered {} with state {}", of,
                             StatusName(effect.status), state),
                 "OK with state ABSENT (3): an absent resource is no error");
  });
}

void ListsWhatItOwns(Setting const& setting, Probe& probe) {
  ForEachType(setting, probe, [&](Subject& subject, Type const& type, std::string const& of) {
    auto const way = Up(subject, type, probe);
    for (auto const& id : subject.OwnedIds(type))
      probe.Expect(id == way.id, fmt::format("list_owned{} names '{}'", of, id),
                   "only what was provisioned");
    (void)subject.Deprovision(type, way);
    auto const left = subject.OwnedIds(type);
    probe.Expect(left.empty(),
                 fmt::format("list_owned{} still names '{}' after deprovision", of,
                             left.empty() ? "" : left[0]),
                 "nothing once everything is deprovisioned");
  });
}

void TakesOlderHandles(Setting const& setting, Probe& probe) {
  ForEachType(setting, probe, [&](Subject& subject, Type const& type, std::string const& of) {
    auto way = Up(subject, type, probe);
    way.handle_schema = way.handle_schema == 0 ? 0 : way.handle_schema - 1;
    std::int32_t state = 0;
    auto const seen = subject.Inspect(type, state, way);
    ExpectDone(probe, seen, "inspect" + of + " with a handle of an older schema",
               "handles of older versions are read");
    ExpectDone(probe, subject.Deprovision(type, way),
               "deprovision" + of + " with a handle of an older schema",
               "handles of older versions are read");
    way.handle.clear();
    ExpectDone(probe, subject.Deprovision(type, way), "deprovision" + of + " without a handle",
               "OK: the id is enough");
  });
}

void UpdatesTwice(Setting const& setting, Probe& probe) {
  ForEachType(setting, probe, [&](Subject& subject, Type const& type, std::string const& of) {
    if (!TRL_HAS(type.ops, update)) return;
    auto const way = Up(subject, type, probe);
    for (auto const* which : {"update", "the second update"}) {
      auto const effect = subject.Update(type, way);
      ExpectDone(probe, effect, which + of + " to the same data",
                 "OK or NO_ACTION: update converges");
    }
  });
}

void PausesOnlyWhatIsThere(Setting const& setting, Probe& probe) {
  ForEachType(setting, probe, [&](Subject& subject, Type const& type, std::string const& of) {
    Way way;
    way.id = "7-9-never";
    if (TRL_HAS(type.ops, pause)) {
      auto const effect = subject.Pause(type, way);
      probe.Expect(
          effect.status == TRL_NOT_FOUND,
          fmt::format("pause{} of an unknown id answered {}", of, StatusName(effect.status)),
          "NOT_FOUND, so that it is brought up again");
    }
    if (TRL_HAS(type.ops, resume)) {
      auto const effect = subject.Resume(type, way);
      probe.Expect(
          effect.status == TRL_NOT_FOUND,
          fmt::format("resume{} of an unknown id answered {}", of, StatusName(effect.status)),
          "NOT_FOUND, so that it is brought up again");
    }
  });
}

void HeedsCancellation(Setting const& setting, Probe& probe) {
  ForEachType(setting, probe, [&](Subject& subject, Type const& type, std::string const& of) {
    subject.host().Cancel(true);
    auto running = std::async(std::launch::async, [&] { return subject.Provision(type).status; });
    if (running.wait_for(setting.patience) != std::future_status::ready)
      probe.Fail(
          fmt::format("provision{} ran on for {} s after it was cancelled", of,
                      setting.patience.count()),
          "a cancelled operation returns soon: look at cancelled() or cancel_fd() now and then");
    subject.host().Cancel(false);
  });
}

/// valid and challenge come from any thread at any time, also during an effect.
void ValidatesMeanwhile(Setting const& setting, Probe& probe) {
  ForEachType(setting, probe, [&](Subject& subject, Type const& type, std::string const&) {
    auto const bytes = ChallengeOf(type);
    std::atomic<bool> stop = false;
    std::atomic<int> others = 0;
    std::vector<std::jthread> threads;
    threads.reserve(kValidators);
    for (int i = 0; i < kValidators; ++i) {
      threads.emplace_back([&] {
        while (!stop)
          others += ChallengeOf(type) == bytes ? 0 : 1;
      });
    }
    for (int round = 0; round < kRounds; ++round) {
      auto const way = Up(subject, type, probe);
      (void)subject.Deprovision(type, way);
    }
    stop = true;
    threads.clear();
    probe.Expect(
        others == 0,
        fmt::format("while '{}' was provisioned its challenge was another one", type.name),
        "valid, challenge and capacity are pure: any thread, any time, whatever else runs");
  });
}

}  // namespace

std::vector<Check> EffectChecks() {
  return {
      {"C18", "provision may come twice", Needs::kEffects, ProvisionsTwice},
      {"C19", "deprovision of an unknown id is fine", Needs::kEffects, DeprovisionsTheUnknown},
      {"C20", "deprovision may come twice", Needs::kEffects, DeprovisionsTwice},
      {"C21", "inspect of an unknown id says absent", Needs::kEffects, InspectsTheAbsent},
      {"C22", "list_owned names what there is", Needs::kEffects, ListsWhatItOwns},
      {"C23", "handles of older versions are taken", Needs::kEffects, TakesOlderHandles},
      {"C24", "update may come twice", Needs::kEffects, UpdatesTwice},
      {"C25", "pause and resume of an unknown id are NOT_FOUND", Needs::kEffects,
       PausesOnlyWhatIsThere},
      {"C26", "a cancelled operation ends", Needs::kEffects, HeedsCancellation},
      {"C27", "data is validated while an effect runs", Needs::kEffects, ValidatesMeanwhile},
  };
}

}  // namespace trellis::conformance
