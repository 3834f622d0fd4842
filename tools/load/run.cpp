#include "tools/load/run.hpp"

#include "kernel/sys/files.hpp"
#include "tools/load/canceller.hpp"
#include "tools/load/checks.hpp"
#include "tools/load/driver.hpp"
#include "tools/load/probe.hpp"
#include "tools/load/registry.hpp"
#include "tools/load/report.hpp"
#include "tools/load/requests.hpp"
#include "tools/load/schedule.hpp"
#include "tools/load/settle_watch.hpp"
#include "tools/load/watcher.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>

namespace trellis::load {
namespace {

constexpr std::size_t kPreloadChunk = 5000;

Result<Canaries> Measure(Options const& options) {
  Canaries canaries;
  canaries.verify_us = CpuCanary();
  TRELLIS_TRY(canaries.syncs_per_s, DiskCanary(options.disk));
  return canaries;
}

Driver::Plan PlanOf(Options const& options) {
  Driver::Plan plan;
  plan.mode = options.mode;
  plan.warmup_s = options.mode == Mode::kBurst ? 0 : options.warmup;
  plan.seconds = options.mode == Mode::kClosed ? options.seconds : 0;
  return plan;
}

Result<std::vector<Request>> TimedRequests(Options const& options, Workbook& workbook) {
  TRELLIS_TRY(auto const schedule, MakeSchedule(options));
  TRELLIS_TRY(auto requests, workbook.Mixed(schedule.kinds));
  for (std::size_t i = 0; i < requests.size(); ++i)
    requests[i].due_us = schedule.due_us[i];
  return requests;
}

bool StartsJob(Kind kind) {
  return kind == Kind::kDeploy || kind == Kind::kUpdate || kind == Kind::kDelete;
}

/// A run against a daemon.
class Run {
 public:
  Run(Options const& options, Watcher watcher, Registry registry)
      : options_(options),
        watcher_(std::move(watcher)),
        registry_(std::move(registry)),
        twins_(MakeTwins(options)),
        workbook_(options, twins_, watcher_.target().node_twin, &registry_, RunName()),
        driver_(options, twins_, {watcher_.target().relay_url, /*echo=*/false}) {}

  Result<json::Value> Go() {
    TRELLIS_CHECK(registry_.AddTwins(twins_));
    TRELLIS_CHECK(driver_.Connect());
    TRELLIS_CHECK(Preload());
    TRELLIS_TRY(auto const requests, TimedRequests(options_, workbook_));
    TRELLIS_CHECK(watcher_.WaitQuiet());
    Findings findings;
    findings.options = &options_;
    findings.requests = &requests;
    TRELLIS_TRY(findings.before, Measure(options_));
    // The events of one twin only; all of them would be a load of their own.
    auto const watched = options_.journal.empty() ? twins_.front().id : SettleWatch::kAllTwins;
    TRELLIS_TRY(auto const watch, SettleWatch::Start(driver_.io(), options_.control, watched));
    auto const timed = Timed(requests, findings);
    auto const fates = driver_.fates();  // the confirmation below is a run of its own
    findings.fates = &fates;
    TRELLIS_CHECK(WriteJournal(*watch, findings));
    TRELLIS_CHECK(timed);
    findings.pauses = driver_.pauses();
    AddSettleTimes(*watch, findings);
    TRELLIS_TRY(findings.after, Measure(options_));
    TRELLIS_TRY(auto const key, registry_.KeyOf(watcher_.target().node_twin));
    CheckAnswers(driver_.sample(), key, findings);
    TRELLIS_CHECK(Confirm(driver_, workbook_, findings));
    return Report(findings);
  }

 private:
  Result<void> Preload() {
    for (std::size_t done = 0; done < options_.preload;) {
      auto const count = std::min(kPreloadChunk, options_.preload - done);
      TRELLIS_TRY(auto const before, watcher_.Read());
      TRELLIS_TRY(auto const requests, workbook_.Deploys(count));
      TRELLIS_CHECK(driver_.Run(requests, workbook_.run(), Driver::Plan{}));
      auto const jobs = JobsStarted(requests, driver_.fates());
      TRELLIS_CHECK(watcher_.WaitSettled(driver_, before, jobs));
      done += jobs;  // those that met a busy node are made up for
    }
    return {};
  }

  Result<void> Timed(std::vector<Request> const& requests, Findings& findings) {
    TRELLIS_TRY(auto const before, watcher_.Read());
    Canceller canceller(registry_, twins_);
    Result<void> looked = Fail(Code::kInvalid, "the requests ran out in the warm-up");
    auto plan = PlanOf(options_);
    plan.measure = [&] {
      auto moment = watcher_.Look();
      looked = moment ? Result<void>() : Result<void>(tl::unexpected<Error>(moment.error()));
      if (moment) findings.begin = *std::move(moment);
    };
    plan.cancel = [&](std::size_t index, std::function<void()> done) {
      canceller.Cancel(requests[index].session, requests[index].contract, std::move(done));
    };
    auto const ran = driver_.Run(requests, workbook_.run(), std::move(plan));
    TRELLIS_CHECK(canceller.failure());
    TRELLIS_CHECK(ran);
    TRELLIS_CHECK(looked);
    TRELLIS_CHECK(watcher_.WaitSettled(driver_, before, JobsStarted(requests, driver_.fates())));
    TRELLIS_TRY(findings.end, watcher_.Look());
    return {};
  }

  void AddSettleTimes(SettleWatch const& watch, Findings& findings) {
    for (std::size_t i = 0; i < findings.requests->size(); ++i) {
      auto const& request = (*findings.requests)[i];
      auto const& fate = (*findings.fates)[i];
      double const at = watch.SettledAt(request.contract);
      if (StartsJob(request.kind) && at > fate.due_us &&
          fate.due_us >= findings.begin.generator.time_us)
        findings.settle_us.push_back(at - fate.due_us);
    }
  }

  /// Lines `accepted <twin> <contract>` and `settled <twin> <contract>`.
  Result<void> WriteJournal(SettleWatch const& watch, Findings const& findings) {
    if (options_.journal.empty()) return {};
    std::string text;
    for (std::size_t i = 0; i < findings.requests->size(); ++i) {
      auto const& request = (*findings.requests)[i];
      auto const& fate = (*findings.fates)[i];
      auto const twin = twins_[request.session].id;
      if (request.kind == Kind::kDeploy && fate.answered_us > 0 && fate.code == kNoCode)
        text += fmt::format("accepted {} {}\n", twin, request.contract);
      if (watch.SettledAt(request.contract) > 0)
        text += fmt::format("settled {} {}\n", twin, request.contract);
    }
    return sys::WriteFileAtomic(options_.journal, text);
  }

  Options const& options_;
  Watcher watcher_;
  Registry registry_;
  std::vector<Twin> twins_;
  Workbook workbook_;
  Driver driver_;
};

}  // namespace

std::vector<Twin> MakeTwins(Options const& options) {
  std::vector<Twin> twins;
  for (std::uint32_t i = 0; i < options.twins; ++i)
    twins.push_back(Twin::Make(i, options.key));
  return twins;
}

std::string RunName() {
  auto const now = std::chrono::system_clock::now().time_since_epoch();
  return fmt::format("{:x}.{:x}", std::chrono::nanoseconds(now).count() / 1000, ::getpid());
}

Result<json::Value> RunLoad(Options const& options) {
  TRELLIS_TRY(auto watcher, Watcher::Connect(options.control));
  TRELLIS_TRY(auto registry, Registry::Open(options.ledger, watcher.target().node_id));
  Run run(options, std::move(watcher), std::move(registry));
  return run.Go();
}

Result<json::Value> RunNull(Options const& options) {
  constexpr std::uint32_t kNobody = 77;
  auto const twins = MakeTwins(options);
  Workbook workbook(options, twins, kNobody, nullptr, RunName());
  Driver driver(options, twins, {options.null_url, /*echo=*/true});
  TRELLIS_CHECK(driver.Connect());
  TRELLIS_TRY(auto const requests, TimedRequests(options, workbook));
  Findings findings;
  findings.options = &options;
  findings.requests = &requests;
  TRELLIS_TRY(findings.before, Measure(options));
  Result<void> looked = Fail(Code::kInvalid, "the requests ran out in the warm-up");
  auto plan = PlanOf(options);
  plan.measure = [&] {
    auto usage = LookAt(0);
    if (usage) findings.begin.generator = *usage;
    looked = usage ? Result<void>() : Result<void>(tl::unexpected<Error>(usage.error()));
  };
  TRELLIS_CHECK(driver.Run(requests, workbook.run(), std::move(plan)));
  TRELLIS_CHECK(looked);
  TRELLIS_TRY(findings.end.generator, LookAt(0));
  findings.fates = &driver.fates();
  TRELLIS_TRY(findings.after, Measure(options));
  return Report(findings);
}

}  // namespace trellis::load
