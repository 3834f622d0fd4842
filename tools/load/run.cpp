#include "tools/load/run.hpp"

#include "tools/load/canceller.hpp"
#include "tools/load/checks.hpp"
#include "tools/load/control.hpp"
#include "tools/load/driver.hpp"
#include "tools/load/probe.hpp"
#include "tools/load/registry.hpp"
#include "tools/load/report.hpp"
#include "tools/load/requests.hpp"
#include "tools/load/schedule.hpp"
#include "tools/load/settle_watch.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>

namespace trellis::load {
namespace {

constexpr std::size_t kPreloadChunk = 5000;
constexpr double kQuietSeconds = 120;
constexpr double kSettleSeconds = 300;
constexpr std::chrono::milliseconds kAskCounters(20);

std::vector<Twin> MakeTwins(Options const& options) {
  std::vector<Twin> twins;
  for (std::uint32_t i = 0; i < options.twins; ++i)
    twins.push_back(Twin::Make(i, options.key));
  return twins;
}

/// Unlike that of every other run on the same ledger.
std::string RunName() {
  auto const now = std::chrono::system_clock::now().time_since_epoch();
  return fmt::format("{:x}.{:x}", std::chrono::nanoseconds(now).count() / 1000, ::getpid());
}

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

/// A run against a daemon.
class Run {
 public:
  Run(Options const& options, Control control, Target target, Registry registry)
      : options_(options),
        control_(std::move(control)),
        target_(std::move(target)),
        registry_(std::move(registry)),
        twins_(MakeTwins(options)),
        workbook_(options, twins_, target_.node_twin, &registry_, RunName()),
        driver_(options, twins_, {target_.relay_url, /*echo=*/false}) {}

  Result<json::Value> Go() {
    TRELLIS_CHECK(registry_.AddTwins(twins_));
    TRELLIS_CHECK(driver_.Connect());
    TRELLIS_CHECK(Preload());
    TRELLIS_TRY(auto const requests, TimedRequests(options_, workbook_));
    TRELLIS_CHECK(WaitQuiet(target_.pid, kQuietSeconds));
    Findings findings;
    findings.options = &options_;
    findings.requests = &requests;
    TRELLIS_TRY(findings.before, Measure(options_));
    TRELLIS_TRY(auto const watch,
                SettleWatch::Start(driver_.io(), options_.control, twins_.front().id));
    TRELLIS_CHECK(Timed(requests, findings));
    auto const fates = driver_.fates();  // the confirmation below is a run of its own
    findings.fates = &fates;
    findings.pauses = driver_.pauses();
    AddSettleTimes(*watch, findings);
    TRELLIS_TRY(findings.after, Measure(options_));
    TRELLIS_TRY(auto const key, registry_.KeyOf(target_.node_twin));
    CheckAnswers(driver_.sample(), key, findings);
    TRELLIS_CHECK(Confirm(driver_, workbook_, findings));
    return Report(findings);
  }

 private:
  Result<Moment> Look() {
    Moment moment;
    TRELLIS_TRY(moment.generator, LookAt(0));
    TRELLIS_TRY(moment.daemon, LookAt(target_.pid));
    TRELLIS_TRY(moment.counters, control_.Read());
    return moment;
  }

  /// Runs the event loop until `jobs` more jobs than `from` are done and none waits.
  Result<void> WaitSettled(Counters const& from, std::size_t jobs) {
    double const end = NowUs() + kSettleSeconds * 1e6;
    while (NowUs() < end) {
      TRELLIS_TRY(auto const now, control_.Read());
      if (now.jobs_done - from.jobs_done >= jobs && now.queued + now.running == 0) return {};
      driver_.io().restart();
      driver_.io().run_for(kAskCounters);
    }
    return Fail(Code::kTimeout, "not settled after {} s", kSettleSeconds);
  }

  /// Jobs that the answered requests of the last Run started.
  std::size_t JobsStarted(std::vector<Request> const& requests) {
    std::size_t jobs = 0;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      auto const kind = requests[i].kind;
      bool const works = kind == Kind::kDeploy || kind == Kind::kUpdate || kind == Kind::kDelete;
      jobs += works && driver_.fates()[i].code == kNoCode && driver_.fates()[i].answered_us > 0;
    }
    return jobs;
  }

  Result<void> Preload() {
    for (std::size_t done = 0; done < options_.preload;) {
      auto const count = std::min(kPreloadChunk, options_.preload - done);
      TRELLIS_TRY(auto const before, control_.Read());
      TRELLIS_TRY(auto const requests, workbook_.Deploys(count));
      TRELLIS_CHECK(driver_.Run(requests, workbook_.run(), Driver::Plan{}));
      auto const jobs = JobsStarted(requests);
      if (jobs != count)
        return Fail(Code::kUnavailable, "only {} of {} deployments to preload were accepted", jobs,
                    count);
      TRELLIS_CHECK(WaitSettled(before, jobs));
      done += count;
    }
    return {};
  }

  Result<void> Timed(std::vector<Request> const& requests, Findings& findings) {
    TRELLIS_TRY(auto const before, control_.Read());
    Canceller canceller(registry_, twins_);
    Result<void> looked = Fail(Code::kInvalid, "the requests ran out in the warm-up");
    auto plan = PlanOf(options_);
    plan.measure = [&] {
      auto moment = Look();
      if (!moment) {
        looked = tl::unexpected<Error>(moment.error());
        return;
      }
      findings.begin = *moment;
      looked = {};
    };
    plan.cancel = [&](std::size_t index, std::function<void()> done) {
      canceller.Cancel(requests[index].session, requests[index].contract, std::move(done));
    };
    auto const ran = driver_.Run(requests, workbook_.run(), std::move(plan));
    TRELLIS_CHECK(canceller.failure());
    TRELLIS_CHECK(ran);
    TRELLIS_CHECK(looked);
    TRELLIS_CHECK(WaitSettled(before, JobsStarted(requests)));
    TRELLIS_TRY(findings.end, Look());
    return {};
  }

  void AddSettleTimes(SettleWatch const& watch, Findings& findings) {
    for (std::size_t i = 0; i < findings.requests->size(); ++i) {
      auto const& request = (*findings.requests)[i];
      auto const& fate = (*findings.fates)[i];
      double const at = watch.SettledAt(request.contract);
      bool const works = request.kind == Kind::kDeploy || request.kind == Kind::kUpdate ||
                         request.kind == Kind::kDelete;
      if (works && at > fate.due_us && fate.due_us >= findings.begin.generator.time_us)
        findings.settle_us.push_back(at - fate.due_us);
    }
  }

  Options const& options_;
  Control control_;
  Target target_;
  Registry registry_;
  std::vector<Twin> twins_;
  Workbook workbook_;
  Driver driver_;
};

}  // namespace

Result<json::Value> RunLoad(Options const& options) {
  TRELLIS_TRY(auto control, Control::Connect(options.control));
  TRELLIS_TRY(auto target, control.Status());
  TRELLIS_TRY(auto registry, Registry::Open(options.ledger, target.node_id));
  Run run(options, std::move(control), std::move(target), std::move(registry));
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
