// One deployment is updated again and again; at the probes it is measured what asking for it and
// updating it costs, which must not depend on how much there was before.
#include "tools/load/driver.hpp"
#include "tools/load/run.hpp"
#include "tools/load/watcher.hpp"

namespace trellis::load {
namespace {

constexpr std::size_t kQuestions = 2000;
constexpr std::size_t kUpdates = 100;  // measured at a probe
constexpr std::size_t kUnsettled = 8;  // updates accepted before waiting for their jobs

class Chain {
 public:
  Chain(Options const& options, Watcher watcher, Registry registry)
      : options_(options),
        watcher_(std::move(watcher)),
        registry_(std::move(registry)),
        twins_(MakeTwins(options)),
        workbook_(options, twins_, watcher_.target().node_twin, &registry_, RunName()),
        driver_(options, twins_, {watcher_.target().relay_url, /*echo=*/false}) {}

  Result<json::Value> Go() {
    TRELLIS_CHECK(registry_.AddTwins(twins_));
    TRELLIS_CHECK(driver_.Connect());
    TRELLIS_TRY(auto const deploy, workbook_.Deploys(1));
    TRELLIS_CHECK(RunAll(deploy));
    boost::json::array reports;
    for (auto const probe : options_.probes) {
      while (updates_ < probe)
        TRELLIS_CHECK(Update());
      TRELLIS_TRY(auto report, Probe());
      reports.push_back(std::move(report));
    }
    return json::Value(std::move(reports));
  }

 private:
  /// Sends, and waits for answers and jobs.
  Result<void> RunAll(std::vector<Request> const& requests) {
    TRELLIS_TRY(auto const before, watcher_.Read());
    TRELLIS_CHECK(driver_.Run(requests, workbook_.run(), Driver::Plan{}));
    for (auto const& fate : driver_.fates()) {
      if (fate.code != kNoCode)
        return Fail(Code::kUnavailable, "the node answered {} after {} updates", fate.code,
                    updates_);
    }
    return watcher_.WaitSettled(driver_, before, JobsStarted(requests, driver_.fates()));
  }

  Result<void> Update() {
    TRELLIS_TRY(auto const requests, workbook_.NextVersion());
    TRELLIS_CHECK(driver_.Run(requests, workbook_.run(), Driver::Plan{}));
    if (driver_.fates().front().code != kNoCode)
      return Fail(Code::kUnavailable, "update {} was answered {}", updates_,
                  driver_.fates().front().code);
    if (++updates_ % kUnsettled != 0) return {};
    TRELLIS_TRY(auto const now, watcher_.Read());
    return watcher_.WaitSettled(driver_, now, 0);
  }

  Result<double> CostOf(Kind kind) {
    TRELLIS_TRY(auto const requests, workbook_.Mixed(std::vector<Kind>(kQuestions, kind)));
    TRELLIS_CHECK(watcher_.WaitQuiet());
    TRELLIS_TRY(auto const before, CpuUs(watcher_.target().pid));
    TRELLIS_CHECK(RunAll(requests));
    TRELLIS_TRY(auto const after, CpuUs(watcher_.target().pid));
    return (after - before) / static_cast<double>(kQuestions);
  }

  Result<boost::json::object> Probe() {
    boost::json::object report{{"updates", updates_}};
    TRELLIS_TRY(report["get_cpu_us"], CostOf(Kind::kGet));
    TRELLIS_TRY(report["changes_cpu_us"], CostOf(Kind::kChanges));
    TRELLIS_TRY(auto const before, CpuUs(watcher_.target().pid));
    for (std::size_t i = 0; i < kUpdates; ++i)
      TRELLIS_CHECK(Update());
    TRELLIS_TRY(auto const now, watcher_.Read());
    TRELLIS_CHECK(watcher_.WaitSettled(driver_, now, 0));
    TRELLIS_TRY(auto const after, CpuUs(watcher_.target().pid));
    report["update_cpu_us"] = (after - before) / static_cast<double>(kUpdates);
    return report;
  }

  Options const& options_;
  Watcher watcher_;
  Registry registry_;
  std::vector<Twin> twins_;
  Workbook workbook_;
  Driver driver_;
  std::size_t updates_ = 0;
};

}  // namespace

Result<json::Value> RunChain(Options const& options) {
  auto alone = options;
  alone.connections = 1;
  TRELLIS_TRY(auto watcher, Watcher::Connect(alone.control));
  TRELLIS_TRY(auto registry, Registry::Open(alone.ledger, watcher.target().node_id));
  Chain chain(alone, std::move(watcher), std::move(registry));
  return chain.Go();
}

}  // namespace trellis::load
