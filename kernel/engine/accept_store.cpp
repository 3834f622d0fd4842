// Acceptance, second half: document and job in one commit.
#include "kernel/base/fail_point.hpp"
#include "kernel/engine/accept.hpp"
#include "kernel/engine/queries.hpp"
#include "kernel/engine/view.hpp"
#include "kernel/store/workload_set.hpp"

#include <algorithm>

namespace trellis::engine {
namespace {

grid::UpgradeOp const* OpFor(std::vector<grid::UpgradeOp> const& ops, std::string_view name) {
  auto const found =
      std::find_if(ops.begin(), ops.end(), [&](auto const& op) { return op.name == name; });
  return found == ops.end() ? nullptr : &*found;
}

/// What the checks saw is still so.
bool IsUnchanged(std::optional<store::DeploymentRow> const& seen,
                 std::optional<store::DeploymentRow> const& stored) {
  if (seen.has_value() != stored.has_value()) return false;
  return !seen.has_value() || (seen->hash == stored->hash && seen->version == stored->version &&
                               seen->desired == stored->desired && seen->doc == stored->doc);
}

void AddSlot(Ticket& ticket, TypeMap const& types, std::string const& type) {
  auto const found = types.find(type);
  if (found == types.end()) return;
  auto const& slot = found->second.slot;
  if (std::find(ticket.slots.begin(), ticket.slots.end(), slot) == ticket.slots.end())
    ticket.slots.push_back(slot);
}

bool IsSharable(TypeMap const& types, std::string const& type) {
  auto const found = types.find(type);
  return found != types.end() && found->second.sharable;
}

}  // namespace

Ticket Acceptor::TicketOf(Checked const& checked, Acceptance const& acceptance) {
  auto const types = context_.types.Get();
  auto const& deployment = checked.deployment();
  Ticket ticket;
  ticket.key = checked.key;
  for (std::size_t i = 0; i < deployment.workloads.size(); ++i) {
    auto const& workload = deployment.workloads[i];
    if (acceptance.create || OpFor(acceptance.ops, workload.name) != nullptr) {
      AddSlot(ticket, *types, workload.type);
      if (IsSharable(*types, workload.type)) ticket.changes.push_back(workload.name);
    }
    for (auto const& name : checked.prepared->examined[i].dependencies) {
      auto const own = deployment.Get(name);
      if (!own || IsSharable(*types, (*own)->type)) ticket.uses.push_back(name);
    }
  }
  for (auto const& op : acceptance.ops) {
    if (op.kind != grid::OpKind::kRemove) continue;
    AddSlot(ticket, *types, op.type);
    ticket.changes.push_back(op.name);
  }
  ticket.prepared = checked.prepared;
  return ticket;
}

store::DeploymentRow Acceptor::RowOf(Checked const& checked, Acceptance const& acceptance) {
  auto const now = context_.clock.UnixSeconds();
  auto row = acceptance.before.value_or(store::DeploymentRow{});
  row.key = checked.key;
  row.version = checked.deployment().version;
  row.hash = checked.hash;
  row.header = HeaderJson(checked.deployment());
  // A new deployment's document is its header and its workloads.
  row.doc = acceptance.create ? std::string() : checked.raw;
  row.validated = acceptance.validated;
  row.updated = now;
  row.message.clear();
  if (!acceptance.create) return row;
  row.created = now;
  row.desired = acceptance.paused ? store::Desired::kPaused : store::Desired::kPresent;
  return row;
}

/// A new deployment's rows, for the commit and for the job that follows it.
void Acceptor::PrepareRows(Checked const& checked, Draft& draft) {
  auto& prepared = *checked.prepared;
  prepared.created = true;
  prepared.head = draft.row;
  prepared.rows.clear();
  for (std::size_t i = 0; i < checked.deployment().workloads.size(); ++i) {
    auto const& workload = checked.deployment().workloads[i];
    auto& added = prepared.rows.emplace_back();
    added.key = checked.key;
    added.name = workload.name;
    added.type = workload.type;
    added.pos = static_cast<std::uint32_t>(i);
    added.weight = prepared.examined[i].weight;
    added.version = workload.version;
    added.data = workload.data.text;
    added.description = workload.description;
    added.metadata = workload.metadata;
    added.state = grid::kStateInit;
    added.created = draft.row.created;
  }
}

Acceptor::Draft Acceptor::Prepare(Checked const& checked, Acceptance const& acceptance) {
  Draft draft;
  draft.create = acceptance.create;
  draft.row = RowOf(checked, acceptance);
  draft.job.key = checked.key;
  draft.job.kind = store::JobKind::kApply;
  draft.job.version = checked.deployment().version;
  draft.job.created = draft.row.updated;
  if (acceptance.create) PrepareRows(checked, draft);
  return draft;
}

void Acceptor::Store(CasePtr const& item, Acceptance acceptance) {
  struct Commit {
    Acceptance acceptance;
    Draft draft;
    Ticket ticket;
  };
  auto const commit = std::make_shared<Commit>();  // shared by the writer's two calls
  commit->ticket = TicketOf(item->checked, acceptance);
  commit->draft = Prepare(item->checked, acceptance);
  commit->acceptance = std::move(acceptance);
  TRELLIS_KILL_POINT("accept.before_commit");
  context_.writer.SubmitThen(
      [acceptor = *this, item, commit](store::Database& db) mutable -> Result<void> {
        TRELLIS_CHECK(acceptor.Write(db, item->checked, commit->acceptance, commit->draft));
        commit->ticket.job = commit->draft.job.id;
        item->checked.prepared->job = commit->draft.job;
        return {};
      },
      [acceptor = *this, item, commit](Result<void> stored) mutable {
        auto& context = acceptor.context_;
        if (stored) TRELLIS_KILL_POINT("accept.after_commit");
        // Nobody waits for this thread: the answer need not wait for another one.
        bool const here = stored && context.writer.idle();
        if (here) acceptor.Finish(item, stored);
        // On the writer's thread, so that jobs are queued in the order of their acceptance.
        if (stored) {
          context.scheduler.Add(std::move(commit->ticket), /*admitted=*/true);
        } else {
          context.scheduler.Withdraw(item->checked.key);
        }
        if (here) return;
        item->resume([acceptor, item, stored = std::move(stored)]() mutable {
          acceptor.Finish(item, stored);
        });
      });
}

Result<void> Acceptor::Write(store::Database& db, Checked const& checked,
                             Acceptance const& acceptance, Draft& draft) {
  TRELLIS_TRY(auto const stored, store::FindDeployment(db, checked.key));
  if (!IsUnchanged(acceptance.before, stored))
    return Fail(Code::kBusy, "the deployment was changed at the same time, try again");
  if (acceptance.create) {
    TRELLIS_TRY(auto const counts, store::CountDeployments(db, checked.key.twin));
    if (counts.twin >= context_.options.limit_twin || counts.all >= context_.options.limit_node)
      return Fail(Code::kDenied, "too many deployments");
  } else {
    TRELLIS_CHECK(store::KeepDocument(db, checked.key, acceptance.document));
  }
  TRELLIS_CHECK(store::PutDeployment(db, draft.row));
  store::WorkloadSet workloads(checked.key);
  if (acceptance.create) workloads.BeginNew();
  std::vector<store::NameVersion> untouched;
  for (std::size_t i = 0; i < checked.deployment().workloads.size(); ++i) {
    auto const& workload = checked.deployment().workloads[i];
    if (acceptance.create || OpFor(acceptance.ops, workload.name) != nullptr) {
      TRELLIS_CHECK(WriteWorkload(db, checked, i, draft, workloads));
    } else {
      untouched.emplace_back(workload.name, workload.version);
    }
  }
  if (!untouched.empty()) TRELLIS_CHECK(workloads.Load(db));
  TRELLIS_CHECK(workloads.CompactChanges(db, untouched));
  TRELLIS_CHECK(workloads.Save(db));
  TRELLIS_TRY(draft.job.id, store::AddJob(db, draft.job));
  return {};
}

Result<void> Acceptor::WriteWorkload(store::Database& db, Checked const& checked, std::size_t index,
                                     Draft const& draft, store::WorkloadSet& workloads) {
  bool const create = draft.create;
  auto const& workload = checked.deployment().workloads[index];
  if (context_.plugins.Sharable(workload.type)) {
    TRELLIS_TRY(auto const holder, store::FindShared(db, checked.key.twin, workload.name));
    if (holder.has_value() && *holder != checked.key.contract) {
      return Fail(Code::kExists, "global workload with the same name '{}' exists: conflict",
                  workload.name);
    }
    TRELLIS_CHECK(store::PutShared(db, checked.key, workload.name, workload.type,
                                   checked.deployment().version));
  }
  if (!create) TRELLIS_CHECK(store::EraseUses(db, checked.key, workload.name));
  for (auto const& name : checked.prepared->examined[index].dependencies) {
    if (!checked.deployment().Get(name))
      TRELLIS_CHECK(store::PutUse(db, checked.key, workload.name, name));
  }
  if (!create) return {};
  auto const& row = checked.prepared->rows[index];
  workloads.Put(row);
  return workloads.AddChange(db, row, context_.options.history);
}

}  // namespace trellis::engine
