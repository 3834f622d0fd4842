#include "kernel/engine/engine.hpp"

#include "kernel/base/fail_point.hpp"
#include "kernel/base/log.hpp"
#include "kernel/engine/accept.hpp"
#include "kernel/engine/job_run.hpp"
#include "kernel/engine/ledger_watch.hpp"
#include "kernel/engine/outbox.hpp"
#include "kernel/engine/queries.hpp"
#include "kernel/engine/upkeep.hpp"
#include "kernel/store/schema.hpp"
#include "kernel/sys/sysinfo.hpp"

#include <algorithm>

namespace trellis::engine {

namespace {

/// The same is queued already, or it is about a workload that is gone, or broken anyway.
Result<bool> IsNeedless(store::Database& db, store::JobRow const& job) {
  TRELLIS_TRY(auto const equal, store::FindEqualJob(db, job.key, job.kind, job.target));
  if (equal.has_value() || job.target.empty()) return equal.has_value();
  TRELLIS_TRY(auto const row, store::FindWorkload(db, job.key, job.target));
  return !row.has_value() || (job.kind == store::JobKind::kFail && row->state == "error");
}

}  // namespace

Engine::Engine(EngineOptions options, Parts const& parts, Boot const& boot)
    : options_(std::move(options)),
      types_(parts.plugins),
      scheduler_(parts.clock, {options_.workers, options_.queue_deployment, options_.queue_twin,
                               options_.queue_total}),
      capacity_(parts.plugins, parts.clock, options_.reserve_memory),
      signers_(parts.ledger, parts.clock),
      context_{options_,    parts.writer, parts.readers,   parts.plugins, parts.ledger,
               parts.clock, events_,      scheduler_,      types_,        meters_,
               capacity_,   signers_,     boot.generation, boot.crashed} {
  context_.wedged = [this] { Wedged(); };
  context_.replace_worker = [this](Worker& worker) { crew_->Replace(worker); };
}

Result<std::unique_ptr<Engine>> Engine::Start(EngineOptions options, store::Writer& writer,
                                              store::Readers& readers, plugin::Plugins& plugins,
                                              ledger::Ledger& ledger, Clock& clock,
                                              KernelServicesOverStore& services) {
  TRELLIS_TRY(auto const boot_id, sys::BootId(options.boot_id_path));
  TRELLIS_TRY(auto const boot, Recover(writer, plugins, boot_id, clock.UnixSeconds()));
  std::unique_ptr<Engine> engine(
      new Engine(std::move(options), {writer, readers, plugins, ledger, clock}, boot));
  TRELLIS_CHECK(engine->QueueJournal());
  if (boot.rebooted || boot.crashed) {
    log::Info("recovering", {{"jobs", engine->QueueDepth().all},
                             {"rebooted", boot.rebooted},
                             {"crashed", boot.crashed}});
  }
  engine->services_ = &services;
  auto* const self = engine.get();
  services.Connect(
      [self](std::string_view id, std::string_view reason) {
        return self->upkeep_->ReportFailed(id, reason);
      },
      [self](std::string_view id, std::int32_t, std::string_view) {
        return self->upkeep_->ReportObserved(id);
      });
  engine->StartThreads();
  return engine;
}

Result<void> Engine::QueueJournal() {
  TRELLIS_TRY(auto tickets, LoadTickets(context_));
  for (auto& ticket : tickets)
    scheduler_.Add(std::move(ticket));
  return {};
}

void Engine::StartThreads() {
  upkeep_ = std::make_unique<Upkeep>(
      context_, [this](store::JobRow job) { return Queue(std::move(job), {}); },
      [this] { waiters_.Tell(); });
  LedgerOrders orders;
  orders.remove = [this](auto key, auto const& reason, Also const& also) {
    return Remove(key, reason, also);
  };
  orders.pause = [this](auto key, Also const& also) { return Pause(key, also); };
  orders.resume = [this](auto key, Also const& also) { return Resume(key, also); };
  ledger_watch_ = std::make_unique<LedgerWatch>(context_, std::move(orders));
  outbox_ = std::make_unique<Outbox>(context_);
  crew_ = std::make_unique<Crew>([this](Worker& worker) { Work(worker); });
  for (std::size_t i = 0; i < options_.workers; ++i)
    crew_->Add();
  upkeep_->Start();
  ledger_watch_->Start();
  outbox_->Start();
}

void Engine::Drain() {
  waiters_.Close();
  scheduler_.Stop();
  TRELLIS_KILL_POINT("shutdown.drain");
  crew_->Wait();  // not reset: a worker that gets lost now is still replaced
}

Engine::~Engine() {
  if (services_ != nullptr) services_->Connect({}, {});
  ledger_watch_.reset();
  outbox_.reset();
  upkeep_.reset();
  Drain();
  (void)context_.writer.Commit([](store::Database& db) {
    return store::SetMeta(db, "clean_shutdown", "1");
  });  // else it counts as a crash; everything submitted before it is told to its job now
}

void Engine::Work(Worker& worker) {
  while (auto turn = scheduler_.Next(worker)) {
    auto job = std::move(turn->job);
    if (job == nullptr) job = std::make_shared<JobRun>(context_, *std::move(turn));
    job->Advance(worker);
    if (worker.lost) return;  // there may be no engine any more
  }
}

// ---- operations that never come back ----

void Engine::OnExhausted(std::function<void()> exhausted) {
  std::lock_guard const lock(exhausted_mutex_);
  exhausted_ = std::move(exhausted);
}

void Engine::Wedged() {
  auto const count = scheduler_.wedged();
  if (count <= options_.max_wedged && count < options_.workers) return;
  std::function<void()> exhausted;
  {
    std::lock_guard const lock(exhausted_mutex_);
    exhausted = std::exchange(exhausted_, {});
  }
  log::Error("too many operations do not come back", {{"operations", count}});
  if (exhausted) exhausted();
}

// ---- jobs that the node itself asks for ----

Result<void> Engine::Queue(store::JobRow job, Also const& also) {
  job.created = context_.clock.UnixSeconds();
  bool const whole = job.kind == store::JobKind::kRemove && job.target.empty();
  struct Queued {
    bool added = false;
    std::vector<std::int64_t> dropped;
    Reach reach;
  };
  Queued queued;
  std::promise<Result<void>> stored;
  auto const write = [&](store::Database& db) -> Result<void> {
    TRELLIS_TRY(auto const head, store::FindHead(db, job.key));
    if (also) TRELLIS_CHECK(also(db));
    if (!head.has_value()) return {};
    bool const leaving = head->desired == store::Desired::kAbsent;
    if (leaving && job.kind != store::JobKind::kRemove) return {};
    TRELLIS_TRY(bool const needless, IsNeedless(db, job));
    if (needless) return {};
    job.version = head->version;
    TRELLIS_TRY(job.id, store::AddJob(db, job));
    if (whole) {
      TRELLIS_TRY(queued.dropped, store::EraseUnstartedJobs(db, job.key, job.id));
    }
    TRELLIS_TRY(queued.reach, ReachOf(db, job.key));
    queued.added = true;
    return {};
  };
  TRELLIS_KILL_POINT("accept.before_commit");
  context_.writer.SubmitThen(write, [&](Result<void> done) {
    if (done && queued.added) {  // on the writer's thread: in the order of the commits
      TRELLIS_KILL_POINT("accept.after_commit");
      scheduler_.Drop(job.key, queued.dropped);
      if (whole) scheduler_.CancelRunning(job.key);  // what runs before it, not itself
      scheduler_.Add(MakeTicket(job, *types_.Get(), std::move(queued.reach), context_.clock));
    }
    stored.set_value(std::move(done));
  });
  return stored.get_future().get();
}

Result<void> Engine::Remove(store::DeploymentKey key, std::string const& reason, Also const& also) {
  store::JobRow job;
  job.key = key;
  job.kind = store::JobKind::kRemove;
  job.reason = reason;
  return Queue(std::move(job), [&](store::Database& db) -> Result<void> {
    TRELLIS_CHECK(store::SetDesired(db, key, store::Desired::kAbsent));
    return also ? also(db) : Result<void>();
  });
}

Result<void> Engine::SetDesired(store::DeploymentKey key, store::Desired desired,
                                Also const& also) {
  store::JobRow job;
  job.key = key;
  job.kind = desired == store::Desired::kPaused ? store::JobKind::kPause : store::JobKind::kResume;
  return Queue(std::move(job), [&](store::Database& db) -> Result<void> {
    TRELLIS_TRY(auto const head, store::FindHead(db, key));
    if (head.has_value() && head->desired != store::Desired::kAbsent)
      TRELLIS_CHECK(store::SetDesired(db, key, desired));
    return also ? also(db) : Result<void>();
  });
}

Result<void> Engine::Pause(store::DeploymentKey key, Also const& also) {
  return SetDesired(key, store::Desired::kPaused, also);
}
Result<void> Engine::Resume(store::DeploymentKey key, Also const& also) {
  return SetDesired(key, store::Desired::kPresent, also);
}

// ---- the rest is done elsewhere ----

Answer Engine::Deploy(std::uint32_t sender, std::string_view document) {
  return Acceptor(context_).Accept(sender, document, AcceptMode::kDeploy);
}
Answer Engine::Update(std::uint32_t sender, std::string_view document) {
  return Acceptor(context_).Accept(sender, document, AcceptMode::kUpdate);
}
void Engine::Deploy(std::uint32_t sender, std::string_view document, engine::Resume resume,
                    AnswerCallback done) {
  Acceptor(context_).Accept(sender, document, AcceptMode::kDeploy, std::move(resume),
                            std::move(done));
}
void Engine::Update(std::uint32_t sender, std::string_view document, engine::Resume resume,
                    AnswerCallback done) {
  Acceptor(context_).Accept(sender, document, AcceptMode::kUpdate, std::move(resume),
                            std::move(done));
}
tl::expected<Examination, Refusal> Engine::Examine(std::string_view document) {
  return Acceptor(context_).Examine(document);
}
Answer Engine::Get(std::uint32_t twin, std::uint64_t contract) {
  return Queries(context_).Get({twin, contract});
}
Answer Engine::List(std::uint32_t twin) {
  return Queries(context_).List(twin);
}
Answer Engine::Changes(std::uint32_t twin, std::uint64_t contract) {
  return Queries(context_).Changes({twin, contract});
}
Result<Statistics> Engine::Count() {
  return Queries(context_).Count();
}

void Engine::OnTwinChange(std::function<void(std::uint32_t)> listener) {
  ledger_watch_->OnTwinChange(std::move(listener));
}

}  // namespace trellis::engine
