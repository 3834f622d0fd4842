// The pure operations: valid, challenge, capacity, dependencies, weight.
#include "tools/conformance/hostile.hpp"
#include "tools/conformance/subject.hpp"

#include <atomic>
#include <thread>

namespace trellis::conformance {

namespace {

constexpr int kRuns = 100;
constexpr int kThreads = 8;

struct Pure {
  trl_status valid = 0;
  trl_status challenge = 0;
  trl_status capacity = 0;
  std::string valid_err;
  std::string challenge_err;
  std::string capacity_err;
  std::string bytes;
};

Pure Ask(Type const& type, std::string_view data, Probe* probe) {
  auto const call = PlainCall();
  auto const say = [&](char const* what) {
    if (probe != nullptr)
      probe->At("{} of '{}' with {}", what, type.name, Shown(std::string(data)));
  };
  Pure pure;
  Sink valid_err;
  Sink challenge_err;
  Sink capacity_err;
  Sink out;
  say("valid");
  pure.valid = type.ops->valid(type.self, &call, abi::Bytes(data), valid_err.sink());
  say("challenge");
  pure.challenge =
      type.ops->challenge(type.self, abi::Bytes(data), out.sink(), challenge_err.sink());
  say("capacity");
  trl_capacity capacity{};
  capacity.size = sizeof capacity;
  pure.capacity = type.ops->capacity(type.self, abi::Bytes(data), &capacity, capacity_err.sink());
  pure.valid_err = valid_err.text;
  pure.challenge_err = challenge_err.text;
  pure.capacity_err = capacity_err.text;
  pure.bytes = out.text;
  return pure;
}

void AskOptional(Type const& type, std::string_view data, Probe& probe) {
  if (TRL_HAS(type.ops, dependencies)) {
    Sink out;
    Sink err;
    probe.At("dependencies of '{}' with {}", type.name, Shown(std::string(data)));
    auto const status = type.ops->dependencies(type.self, abi::Bytes(data), out.sink(), err.sink());
    probe.Expect(status < 0 || json::Parse<std::vector<std::string>>(out.text).has_value(),
                 fmt::format("dependencies of '{}' wrote {}", type.name, out.text),
                 "a JSON array of workload names");
  }
  if (TRL_HAS(type.ops, weight)) {
    probe.At("weight of '{}' with {}", type.name, Shown(std::string(data)));
    (void)type.ops->weight(type.self, abi::Bytes(data));
  }
}

void CheckAnswer(std::string const& what, trl_status status, std::string const& err, Probe& probe) {
  probe.Expect(status == TRL_OK || (status < 0 && IsPluginStatus(status)),
               fmt::format("{} answered {}", what, StatusName(status)),
               "OK or a negative status of abi.h");
  probe.Expect(status == TRL_OK || !err.empty(),
               fmt::format("{} answered {} without a text", what, StatusName(status)),
               "one sentence in err for every negative status");
}

void BearsHostileData(Setting const& setting, Probe& probe) {
  Subject subject(setting, probe);
  subject.MustCreate();
  for (auto const& type : subject.types()) {
    for (auto const& data : HostileData(type.data)) {
      auto const pure = Ask(type, data, &probe);
      AskOptional(type, data, probe);
      auto const with = fmt::format(" of '{}' with {}", type.name, Shown(data));
      CheckAnswer("valid" + with, pure.valid, pure.valid_err, probe);
      CheckAnswer("challenge" + with, pure.challenge, pure.challenge_err, probe);
      CheckAnswer("capacity" + with, pure.capacity, pure.capacity_err, probe);
    }
  }
  subject.Destroy();
}

void ChallengeIsStable(Setting const& setting, Probe& probe) {
  Subject subject(setting, probe);
  subject.MustCreate();
  subject.NeedSamples();
  for (auto const& type : subject.types()) {
    auto const first = Ask(type, type.data, &probe);
    probe.Expect(first.challenge == TRL_OK,
                 fmt::format("challenge of '{}' answered {} for the sample: {}", type.name,
                             StatusName(first.challenge), first.challenge_err),
                 "the sample is valid data");
    std::atomic<int> others = 0;
    auto const again = [&] {
      for (int run = 0; run < kRuns; ++run)
        others += Ask(type, type.data, nullptr).bytes == first.bytes ? 0 : 1;
    };
    probe.At("challenge of '{}', {} times on one thread, then on {}", type.name, kRuns, kThreads);
    again();
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (int i = 0; i < kThreads; ++i)
      threads.emplace_back(again);
    threads.clear();
    probe.Expect(others == 0,
                 fmt::format("challenge of '{}' wrote other bytes for the same data {} times",
                             type.name, others.load()),
                 "the same bytes for the same data, always and from any thread: users sign them");
  }
  subject.Destroy();
}

void CapacityReportsDecode(Setting const& setting, Probe& probe) {
  Subject subject(setting, probe);
  subject.MustCreate();
  for (auto const& type : subject.types()) {
    for (auto const& data : UndecodableData(type.data)) {
      auto const pure = Ask(type, data, &probe);
      probe.Expect(pure.capacity == TRL_DECODE,
                   fmt::format("capacity of '{}' answered {} for {}", type.name,
                               StatusName(pure.capacity), Shown(data)),
                   "DECODE for data that is not one JSON object");
    }
  }
  subject.Destroy();
}

}  // namespace

std::vector<Check> DataChecks() {
  return {
      {"C07", "hostile data gets an answer", Needs::kCreate, BearsHostileData},
      {"C08", "the challenge is the same every time", Needs::kCreate, ChallengeIsStable},
      {"C09", "capacity of undecodable data is DECODE", Needs::kCreate, CapacityReportsDecode},
  };
}

}  // namespace trellis::conformance
