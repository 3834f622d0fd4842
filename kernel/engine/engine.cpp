#include "kernel/engine/engine.hpp"

#include "kernel/base/log.hpp"
#include "kernel/engine/accept.hpp"
#include "kernel/engine/job_runner.hpp"
#include "kernel/engine/ledger_watch.hpp"
#include "kernel/engine/outbox.hpp"
#include "kernel/engine/queries.hpp"
#include "kernel/engine/upkeep.hpp"
#include "kernel/store/schema.hpp"
#include "kernel/sys/sysinfo.hpp"

#include <pthread.h>

#include <algorithm>

namespace trellis::engine {
namespace {

constexpr std::chrono::seconds kStoreTrouble(
    5);  // a job that could not reach the store tries again after this

struct Boot {
  std::int64_t generation = 0;
  bool rebooted = false;
  bool crashed = false;
};

/// Reads and renews the notes about the last start.
Result<Boot> NoteStart(store::Writer& writer, std::string const& boot_id) {
  Boot boot;
  TRELLIS_CHECK(writer.Commit([&](store::Database& db) -> Result<void> {
    TRELLIS_TRY(auto const generation, store::GetMeta(db, "generation"));
    TRELLIS_TRY(auto const last_boot, store::GetMeta(db, "boot_id"));
    TRELLIS_TRY(auto const clean, store::GetMeta(db, "clean_shutdown"));
    boot.generation = (generation.empty() ? 0 : std::stoll(generation)) + 1;
    boot.rebooted = !last_boot.empty() && last_boot != boot_id;
    boot.crashed = !last_boot.empty() && last_boot == boot_id && clean != "1";
    TRELLIS_CHECK(store::SetMeta(db, "generation", std::to_string(boot.generation)));
    TRELLIS_CHECK(store::SetMeta(db, "boot_id", boot_id));
    return store::SetMeta(db, "clean_shutdown", "0");
  }));
  return boot;
}

Ticket MakeTicket(store::JobRow const& job, plugin::Plugins const& plugins,
                  std::vector<store::WorkloadRow> const& rows) {
  Ticket ticket;
  ticket.job = job.id;
  ticket.key = job.key;
  ticket.kind = job.kind;
  ticket.target = job.target;
  if (job.not_before > 0)
    ticket.not_before = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  for (auto const& row : rows) {
    auto const type = plugins.Type(row.type);
    if (type.has_value() && type->sharable) ticket.changes.push_back(row.name);
  }
  return ticket;
}

}  // namespace

Engine::Engine(EngineOptions options, store::Writer& writer, store::Readers& readers,
               plugin::Plugins& plugins, ledger::Ledger& ledger, Clock& clock,
               std::int64_t generation)
    : options_(std::move(options)),
      scheduler_(options_.workers),
      capacity_(plugins, clock, options_.reserve_memory),
      context_{options_, writer,  readers,    plugins,    ledger,
               clock,    events_, scheduler_, generation, &capacity_} {}

Result<std::unique_ptr<Engine>> Engine::Start(EngineOptions options, store::Writer& writer,
                                              store::Readers& readers, plugin::Plugins& plugins,
                                              ledger::Ledger& ledger, Clock& clock,
                                              KernelServicesOverStore& services) {
  TRELLIS_TRY(auto const boot_id, sys::BootId(options.boot_id_path));
  TRELLIS_TRY(auto const boot, NoteStart(writer, boot_id));
  std::unique_ptr<Engine> engine(
      new Engine(std::move(options), writer, readers, plugins, ledger, clock, boot.generation));
  TRELLIS_CHECK(engine->Recover(boot.rebooted, boot.crashed));
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

Result<void> Engine::Recover(bool rebooted, bool crashed) {
  std::vector<store::JobRow> jobs;
  std::vector<store::DeploymentRow> restore;
  TRELLIS_CHECK(context_.writer.Commit([&](store::Database& db) -> Result<void> {
    jobs.clear();
    restore.clear();
    TRELLIS_TRY(jobs, store::ListJobs(db, std::nullopt));
    for (auto const& job : jobs) {
      TRELLIS_TRY(auto const steps, store::ListSteps(db, job.id));
      auto const open = std::find_if(steps.begin(), steps.end(), [](auto const& step) {
        return step.state == store::StepState::kIntent;
      });
      if (!crashed || open == steps.end()) continue;
      auto step = *open;
      ++step.crashes;
      TRELLIS_CHECK(store::PutStep(db, step));
    }
    if (!rebooted) return {};
    TRELLIS_TRY(auto const deployments, store::ListDeployments(db, std::nullopt));
    for (auto const& row : deployments) {
      if (row.desired == store::Desired::kAbsent) continue;
      store::JobRow job;
      job.key = row.key;
      job.kind = store::JobKind::kRestore;
      job.version = row.version;
      job.created = context_.clock.UnixSeconds();
      TRELLIS_TRY(job.id, store::AddJob(db, job));
      jobs.push_back(job);
      restore.push_back(row);
    }
    return {};
  }));
  for (auto const& job : jobs) {
    TRELLIS_TRY(auto const rows, context_.readers.Run([&](store::Database& db) {
      return store::ListWorkloads(db, job.key);
    }));
    auto ticket = MakeTicket(job, context_.plugins, rows);
    TRELLIS_TRY(ticket.uses, context_.readers.Run([&](store::Database& db) {
      return store::ListUses(db, job.key);
    }));
    scheduler_.Add(std::move(ticket));
  }
  if (rebooted || crashed || !jobs.empty()) {
    log::Info(
        "recovering",
        {{"jobs", jobs.size()}, {"restored_deployments", restore.size()}, {"crashed", crashed}});
  }
  return {};
}

void Engine::StartThreads() {
  upkeep_ = std::make_unique<Upkeep>(
      context_, [this](store::JobRow job) { return Queue(std::move(job), {}, {}); });
  LedgerOrders orders;
  orders.remove = [this](auto key, auto const& reason, Also const& also) {
    return Remove(key, reason, also);
  };
  orders.pause = [this](auto key, Also const& also) { return Pause(key, also); };
  orders.resume = [this](auto key, Also const& also) { return Resume(key, also); };
  ledger_watch_ = std::make_unique<LedgerWatch>(context_, std::move(orders));
  outbox_ = std::make_unique<Outbox>(context_);
  for (std::size_t i = 0; i < options_.workers; ++i) {
    workers_.emplace_back([this, i](std::stop_token stop) {
      (void)::pthread_setname_np(::pthread_self(), fmt::format("job-{}", i).c_str());
      Work(std::move(stop));
    });
  }
  upkeep_->Start();
  ledger_watch_->Start();
  outbox_->Start();
}

Engine::~Engine() {
  if (services_ != nullptr) services_->Connect({}, {});
  ledger_watch_.reset();
  outbox_.reset();
  upkeep_.reset();
  for (auto& worker : workers_)
    worker.request_stop();
  scheduler_.CancelAll();
  workers_.clear();
  (void)context_.writer.Commit([](store::Database& db) {
    return store::SetMeta(db, "clean_shutdown", "1");
  });  // else it counts as a crash
}

void Engine::Work(std::stop_token stop) {
  while (auto ticket = scheduler_.Next(stop)) {
    RunTicket(*ticket);
  }
}

void Engine::RunTicket(Ticket const& ticket) {
  std::string const kind(store::ToText(ticket.kind));
  context_.events.Publish({ticket.key.twin, ticket.key.contract, {}, {}, "started", kind, 0});
  auto const end = JobRunner(context_).Run(ticket);
  scheduler_.Done(ticket);
  std::chrono::seconds wait = kStoreTrouble;
  std::string error;
  if (end && !end->retry_after.has_value()) {
    ++jobs_done_;
    context_.events.Publish({ticket.key.twin,
                             ticket.key.contract,
                             {},
                             {},
                             "settled",
                             std::string(store::ToText(ticket.kind)),
                             0});
    return;
  }
  if (end) {
    wait = *end->retry_after;
    error = end->error;
  } else {
    error = end.error().message;
    log::Error("job could not be carried out, retrying",
               {{"job", ticket.job}, {"kind", store::ToText(ticket.kind)}, {"error", error}});
  }
  auto const now = context_.clock.UnixSeconds();
  (void)context_.writer.Commit(
      [&](store::Database& db) -> Result<void> {  // the ticket retries even when this note fails
        TRELLIS_TRY(auto const jobs, store::ListJobs(db, ticket.key));
        for (auto job : jobs) {
          if (job.id != ticket.job) continue;
          ++job.attempts;
          job.not_before = now + wait.count();
          job.error = error;
          return store::UpdateJob(db, job);
        }
        return {};
      });
  auto again = ticket;
  again.cancel = plugin::CancelToken::Make();
  again.not_before = std::chrono::steady_clock::now() + wait;
  scheduler_.Add(std::move(again));
}

Result<void> Engine::Queue(store::JobRow job, Also const& change, Also const& also) {
  if (scheduler_.Has(job.key, job.kind, job.target))
    return also ? context_.writer.Commit(also) : Result<void>();
  job.created = context_.clock.UnixSeconds();
  bool stored = false;
  std::vector<std::int64_t> dropped;
  std::vector<store::WorkloadRow> rows;
  std::vector<std::string> uses;
  TRELLIS_CHECK(context_.writer.Commit([&](store::Database& db) -> Result<void> {
    TRELLIS_TRY(auto const deployment, store::FindDeployment(db, job.key));
    stored = deployment.has_value();
    if (also) TRELLIS_CHECK(also(db));
    if (!stored) return {};
    if (change) TRELLIS_CHECK(change(db));
    TRELLIS_TRY(rows, store::ListWorkloads(db, job.key));
    TRELLIS_TRY(uses, store::ListUses(db, job.key));
    TRELLIS_TRY(job.id, store::AddJob(db, job));
    if (job.kind == store::JobKind::kRemove && job.target.empty()) {
      TRELLIS_TRY(dropped, store::EraseUnstartedJobs(db, job.key, job.id));
    }
    return {};
  }));
  if (!stored) return {};
  scheduler_.Drop(dropped);
  if (job.kind == store::JobKind::kRemove) scheduler_.CancelRunning(job.key);
  auto ticket = MakeTicket(job, context_.plugins, rows);
  ticket.uses = std::move(uses);
  scheduler_.Add(std::move(ticket));
  return {};
}

Result<void> Engine::Remove(store::DeploymentKey key, std::string const& reason, Also const& also) {
  store::JobRow job;
  job.key = key;
  job.kind = store::JobKind::kRemove;
  job.reason = reason;
  auto const absent = [key](store::Database& db) {
    return store::SetDesired(db, key, store::Desired::kAbsent);
  };
  return Queue(std::move(job), absent, also);
}

Result<void> Engine::SetDesired(store::DeploymentKey key, store::Desired desired,
                                Also const& also) {
  store::JobRow job;
  job.key = key;
  job.kind = desired == store::Desired::kPaused ? store::JobKind::kPause : store::JobKind::kResume;
  auto const change = [key, desired](store::Database& db) -> Result<void> {
    TRELLIS_TRY(auto const head, store::FindHead(db, key));
    if (!head.has_value() || head->desired == store::Desired::kAbsent) return {};
    return store::SetDesired(db, key, desired);
  };
  return Queue(std::move(job), change, also);
}

Result<void> Engine::Pause(store::DeploymentKey key, Also const& also) {
  return SetDesired(key, store::Desired::kPaused, also);
}
Result<void> Engine::Resume(store::DeploymentKey key, Also const& also) {
  return SetDesired(key, store::Desired::kPresent, also);
}

Answer Engine::Accept(std::uint32_t sender, std::string_view document, AcceptMode mode) {
  auto answer = Acceptor(context_).Accept(sender, document, mode);
  if (answer) ++accepted_;
  return answer;
}
Answer Engine::Deploy(std::uint32_t sender, std::string_view document) {
  return Accept(sender, document, AcceptMode::kDeploy);
}
Answer Engine::Update(std::uint32_t sender, std::string_view document) {
  return Accept(sender, document, AcceptMode::kUpdate);
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

}  // namespace trellis::engine
