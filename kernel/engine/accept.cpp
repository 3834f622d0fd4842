#include "kernel/engine/accept.hpp"

#include "kernel/engine/contract_check.hpp"
#include "kernel/engine/queries.hpp"
#include "kernel/engine/view.hpp"
#include "kernel/grid/signatures.hpp"
#include "kernel/grid/upgrade.hpp"
#include "kernel/grid/validate.hpp"

#include <algorithm>

namespace trellis::engine {
namespace {

constexpr std::uint64_t kMaxContract = std::uint64_t{1} << 63;

tl::unexpected<Refusal> Refused(int code, std::string message, std::string reason = {}) {
  return tl::unexpected<Refusal>(Refusal{code, std::move(message), std::move(reason)});
}

/// An error of a check, its bracketed reason code split off.
tl::unexpected<Refusal> Refused(int code, Error const& error) {
  auto split = grid::SplitReason(error.message);
  if (error.code == Code::kUnavailable) code = 503;
  return Refused(code, std::move(split.sentence), std::move(split.reason));
}

tl::unexpected<Refusal> UpgradeRefused(Error const& error) {
  auto split = grid::SplitReason(error.message);
  int const code = error.code == Code::kUnavailable ? 503 : 409;
  return Refused(code, split.sentence + ": upgrade validation error", std::move(split.reason));
}

}  // namespace

tl::expected<Acceptor::Checked, Refusal> Acceptor::Check(std::uint32_t sender,
                                                         std::string_view document) {
  auto parsed = grid::ParseDeployment(document);
  if (!parsed) return Refused(400, parsed.error());
  Checked checked;
  checked.deployment = *std::move(parsed);
  checked.raw = document;
  checked.key = {checked.deployment.twin_id, checked.deployment.contract_id};
  if (checked.key.contract >= kMaxContract)
    return Refused(400, fmt::format("contract id {} is too large", checked.key.contract), "decode");
  auto validated = grid::Validate(checked.deployment, context_.plugins);
  if (!validated) return Refused(400, validated.error());
  checked.hash = validated->hash_text();
  checked.validated = *std::move(validated);
  if (sender != 0) {
    if (auto const own = grid::CheckSender(checked.deployment, sender); !own)
      return Refused(401, own.error());
  }
  return checked;
}

tl::expected<void, Refusal> Acceptor::CheckSignatures(Checked const& checked) {
  auto const twin = context_.ledger.GetTwin(checked.key.twin);
  if (!twin) {
    bool const unknown = twin.error().code == Code::kNotFound;
    return Refused(unknown ? 401 : 503,
                   fmt::format("twin {}: {}", checked.key.twin, twin.error().message),
                   unknown ? "unknown_twin" : "");
  }
  if (!twin->verified)
    return Refused(401, fmt::format("user with twin id {} is not verified", checked.key.twin));
  auto const lookup = [&](std::uint32_t id) -> Result<crypto::PublicKey> {
    TRELLIS_TRY(auto const found, context_.ledger.GetTwin(id));
    return found.account.bytes;
  };
  auto const verified = grid::Verify(checked.deployment, checked.validated.hash, lookup);
  if (!verified) return Refused(401, verified.error());
  return {};
}

tl::expected<Acceptor::Acceptance, Refusal> Acceptor::CompareDeploy(Checked const& checked) {
  Acceptance acceptance;
  auto found = context_.readers.Run(
      [&](store::Database& db) { return store::FindDeployment(db, checked.key); });
  if (!found) return Trouble(found.error());
  acceptance.before = *std::move(found);
  if (auto const first = grid::CheckFirstVersion(checked.deployment); !first)
    return Refused(400, first.error());
  if (acceptance.before.has_value()) {
    bool const same = acceptance.before->version == 0 && acceptance.before->hash == checked.hash &&
                      acceptance.before->desired != store::Desired::kAbsent;
    if (!same) return Refused(409, "exists", "exists");
    acceptance.repeated = true;
  }
  return acceptance;
}

tl::expected<Acceptor::Acceptance, Refusal> Acceptor::CompareUpdate(Checked const& checked) {
  Acceptance acceptance;
  auto found = context_.readers.Run(
      [&](store::Database& db) { return store::FindDeployment(db, checked.key); });
  if (!found) return Trouble(found.error());
  acceptance.before = *std::move(found);
  if (!acceptance.before.has_value() || acceptance.before->desired == store::Desired::kAbsent) {
    return Refused(404, "deployment not found: deployment does not exist", "not_found");
  }
  if (acceptance.before->version == checked.deployment.version &&
      acceptance.before->hash == checked.hash) {
    acceptance.repeated = true;
    return acceptance;
  }
  auto const old = grid::ParseDeployment(acceptance.before->doc);
  if (!old) return Trouble(old.error());
  auto upgrade = grid::PlanUpgrade(*old, checked.deployment, context_.plugins);
  if (!upgrade) return UpgradeRefused(upgrade.error());
  if (auto const updatable = CheckUpdatable(checked, upgrade->ops); !updatable)
    return UpgradeRefused(updatable.error());
  acceptance.ops = std::move(upgrade->ops);
  return acceptance;
}

Result<void> Acceptor::CheckUpdatable(Checked const& checked,
                                      std::vector<grid::UpgradeOp> const& ops) {
  TRELLIS_TRY(auto const rows, context_.readers.Run([&](store::Database& db) {
    return store::ListWorkloads(db, checked.key);
  }));
  return grid::CheckUpdatable(ops, context_.plugins, [&](std::string_view name) {
    return std::any_of(rows.begin(), rows.end(), [&](auto const& row) {
      return row.name == name && row.state == grid::kStateError;
    });
  });
}

tl::expected<void, Refusal> Acceptor::CompareLedger(Checked const& checked,
                                                    Acceptance& acceptance) {
  auto const answer =
      CheckContract(context_.ledger, context_.options.node_id, checked.key, checked.hash);
  acceptance.validated = answer.verdict == ContractVerdict::kMatches;
  acceptance.paused = answer.grace;
  bool const final =
      answer.verdict == ContractVerdict::kDiffers || answer.verdict == ContractVerdict::kNotFound;
  if (!final || !context_.options.strong_ledger) return {};
  bool const hash = answer.text.starts_with("contract hash");
  return Refused(answer.verdict == ContractVerdict::kNotFound ? 404 : 409, answer.text,
                 hash ? "hash_mismatch" : "contract");
}

tl::expected<void, Refusal> Acceptor::CheckLimits(Checked const& checked, bool deploy) {
  auto const depth = context_.scheduler.DepthOf(checked.key);
  auto const& options = context_.options;
  if (depth.deployment >= options.queue_deployment || depth.twin >= options.queue_twin ||
      depth.all >= options.queue_total) {
    return Refused(429, "node is busy, try again later", "busy");
  }
  if (!deploy) return {};
  auto const counts = context_.readers.Run(
      [&](store::Database& db) { return store::CountDeployments(db, checked.key.twin); });
  if (!counts) return Trouble(counts.error());
  if (counts->twin >= options.limit_twin || counts->all >= options.limit_node)
    return Refused(409, "too many deployments", "limit");
  return {};
}

Answer Acceptor::Accept(std::uint32_t sender, std::string_view document, AcceptMode mode) {
  auto const checked = Check(sender, document);
  if (!checked) return tl::unexpected<Refusal>(checked.error());
  if (auto const signatures = CheckSignatures(*checked); !signatures)
    return tl::unexpected<Refusal>(signatures.error());
  auto acceptance = mode == AcceptMode::kDeploy ? CompareDeploy(*checked) : CompareUpdate(*checked);
  if (!acceptance) return tl::unexpected<Refusal>(acceptance.error());
  if (acceptance->repeated) return "null";
  if (auto const matches = CompareLedger(*checked, *acceptance); !matches)
    return tl::unexpected<Refusal>(matches.error());
  if (auto const room = CheckLimits(*checked, mode == AcceptMode::kDeploy); !room)
    return tl::unexpected<Refusal>(room.error());
  return Store(*checked, *acceptance);
}

Answer Acceptor::Store(Checked const& checked, Acceptance const& acceptance) {
  store::JobRow job;
  job.key = checked.key;
  job.kind = store::JobKind::kApply;
  job.version = checked.deployment.version;
  job.doc = checked.raw;
  job.created = context_.clock.UnixSeconds();
  auto const stored = context_.writer.Commit(
      [&](store::Database& db) { return Write(db, checked, acceptance, job); });
  if (!stored) {
    if (stored.error().code == Code::kConflict || stored.error().code == Code::kExists)
      return Refused(409, stored.error().message, "exists");
    return Trouble(stored.error());
  }
  Ticket ticket;
  ticket.job = job.id;
  ticket.key = job.key;
  ticket.kind = job.kind;
  for (std::size_t i = 0; i < checked.deployment.workloads.size(); ++i) {
    auto const& workload = checked.deployment.workloads[i];
    if (context_.plugins.Sharable(workload.type)) ticket.changes.push_back(workload.name);
    for (auto const& name : checked.validated.examined[i].dependencies)
      ticket.uses.push_back(name);
  }
  for (auto const& op : acceptance.ops) {
    if (op.kind == grid::OpKind::kRemove) ticket.changes.push_back(op.name);
  }
  context_.scheduler.Add(std::move(ticket));
  return "null";
}

Result<void> Acceptor::Write(store::Database& db, Checked const& checked,
                             Acceptance const& acceptance, store::JobRow& job) {
  TRELLIS_TRY(auto const now_stored, store::FindDeployment(db, checked.key));
  bool const same =
      now_stored.has_value() == acceptance.before.has_value() &&
      (!now_stored.has_value() || (now_stored->hash == acceptance.before->hash &&
                                   now_stored->version == acceptance.before->version &&
                                   now_stored->desired == acceptance.before->desired));
  if (!same) return Fail(Code::kConflict, "the deployment was changed at the same time, try again");
  store::DeploymentRow row = now_stored.value_or(store::DeploymentRow{});
  bool const create = !now_stored.has_value();
  row.key = checked.key;
  row.version = checked.deployment.version;
  row.hash = checked.hash;
  row.header = HeaderJson(checked.deployment);
  row.doc = checked.raw;
  row.validated = acceptance.validated;
  row.updated = job.created;
  row.message.clear();
  if (create) {
    row.created = job.created;
    row.desired = acceptance.paused ? store::Desired::kPaused : store::Desired::kPresent;
  }
  TRELLIS_CHECK(store::PutDeployment(db, row));
  std::vector<store::NameVersion> untouched;
  for (std::size_t i = 0; i < checked.deployment.workloads.size(); ++i) {
    auto const& workload = checked.deployment.workloads[i];
    auto const op =
        std::find_if(acceptance.ops.begin(), acceptance.ops.end(),
                     [&](auto const& candidate) { return candidate.name == workload.name; });
    if (create || op != acceptance.ops.end()) TRELLIS_CHECK(WriteAdded(db, checked, i, create));
    if (!create && op == acceptance.ops.end())
      untouched.emplace_back(workload.name, workload.version);
  }
  TRELLIS_CHECK(store::CompactChanges(db, checked.key, untouched));
  TRELLIS_TRY(job.id, store::AddJob(db, job));
  return {};
}

Result<void> Acceptor::WriteAdded(store::Database& db, Checked const& checked, std::size_t index,
                                  bool create) {
  auto const& workload = checked.deployment.workloads[index];
  if (context_.plugins.Sharable(workload.type)) {
    TRELLIS_TRY(auto const holder, store::FindShared(db, checked.key.twin, workload.name));
    if (holder.has_value() && *holder != checked.key.contract) {
      return Fail(Code::kConflict, "global workload with the same name '{}' exists: conflict",
                  workload.name);
    }
    TRELLIS_CHECK(store::PutShared(db, checked.key, workload.name, workload.type,
                                   checked.deployment.version));
  }
  TRELLIS_CHECK(store::EraseUses(db, checked.key, workload.name));
  for (auto const& name : checked.validated.examined[index].dependencies) {
    if (!checked.deployment.Get(name))
      TRELLIS_CHECK(store::PutUse(db, checked.key, workload.name, name));
  }
  if (!create) return {};
  store::WorkloadRow row;
  row.key = checked.key;
  row.name = workload.name;
  row.type = workload.type;
  row.pos = static_cast<std::uint32_t>(index);
  row.weight = checked.validated.examined[index].weight;
  row.version = workload.version;
  row.data = workload.data.text;
  row.description = workload.description;
  row.metadata = workload.metadata;
  row.state = "init";
  row.created = context_.clock.UnixSeconds();
  TRELLIS_CHECK(store::PutWorkload(db, row));
  return store::AddChange(db, row, WorkloadJson(row));
}

tl::expected<Examination, Refusal> Acceptor::Examine(std::string_view document) {
  auto const checked = Check(/*sender=*/0, document);
  if (!checked) return tl::unexpected<Refusal>(checked.error());
  Examination out;
  out.hash = checked->hash;
  out.challenge = grid::Challenge(checked->deployment,
                                  std::span<grid::Examined const>(checked->validated.examined));
  for (auto const& examined : checked->validated.examined)
    out.capacity += examined.capacity;
  return out;
}

}  // namespace trellis::engine
