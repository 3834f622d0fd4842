#include "kernel/engine/accept.hpp"

#include "kernel/engine/contract_check.hpp"
#include "kernel/engine/queries.hpp"
#include "kernel/engine/signers.hpp"
#include "kernel/grid/signatures.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>

namespace trellis::engine {
namespace {

constexpr std::uint64_t kMaxContract = std::uint64_t{1} << 63;
constexpr int kTries = 3;  // when the deployment changes between the look and the commit

/// An error of a check, its bracketed reason code split off.
tl::unexpected<Refusal> RefusedFor(int code, Error const& error) {
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

tl::unexpected<Refusal> Refused(int code, std::string message, std::string reason) {
  return tl::unexpected<Refusal>(Refusal{code, std::move(message), std::move(reason)});
}

tl::expected<Acceptor::Checked, Refusal> Acceptor::Check(std::uint32_t sender,
                                                         std::string_view document) {
  auto parsed = grid::ParseDeployment(document);
  if (!parsed) return RefusedFor(400, parsed.error());
  Checked checked;
  checked.key = {parsed->twin_id, parsed->contract_id};
  if (checked.key.contract >= kMaxContract)
    return Refused(400, fmt::format("contract id {} is too large", checked.key.contract), "decode");
  auto validated = grid::Validate(*parsed, context_.plugins);
  if (!validated) return RefusedFor(400, validated.error());
  if (sender != 0) {
    if (auto const own = grid::CheckSender(*parsed, sender); !own)
      return RefusedFor(401, own.error());
  }
  checked.raw = document;
  checked.digest = validated->hash;
  checked.hash = validated->hash_text();
  checked.prepared = std::make_shared<Prepared>();
  checked.prepared->target = *std::move(parsed);
  checked.prepared->examined = std::move(validated->examined);
  return checked;
}

tl::expected<void, Refusal> Acceptor::CheckSignatures(Checked const& checked) {
  auto const twin = context_.signers.Get(checked.key.twin);
  if (!twin) {
    bool const unknown = twin.error().code == Code::kNotFound;
    return Refused(unknown ? 401 : 503,
                   fmt::format("twin {}: {}", checked.key.twin, twin.error().message),
                   unknown ? "unknown_twin" : "");
  }
  if (!twin->verified)
    return Refused(401, fmt::format("user with twin id {} is not verified", checked.key.twin));
  auto const lookup = [&](std::uint32_t id) -> Result<crypto::PublicKey> {
    if (id == twin->id) return twin->account.bytes;
    TRELLIS_TRY(auto const found, context_.signers.Get(id));
    return found.account.bytes;
  };
  auto const verified =
      grid::Verify(checked.deployment(), checked.digest, lookup, &context_.signers.keys());
  if (!verified) return RefusedFor(401, verified.error());
  return {};
}

tl::expected<Acceptor::Acceptance, Refusal> Acceptor::CompareDeploy(Checked const& checked) {
  Acceptance acceptance;
  acceptance.create = true;
  auto const found =
      context_.readers.Run([&](store::Database& db) { return store::FindHead(db, checked.key); });
  if (!found) return Trouble(found.error());
  if (auto const first = grid::CheckFirstVersion(checked.deployment()); !first)
    return RefusedFor(400, first.error());
  if (!found->has_value()) return acceptance;
  // Version 0 is stored: nothing was accepted since.
  auto const& head = **found;
  bool const same =
      head.version == 0 && head.hash == checked.hash && head.desired != store::Desired::kAbsent;
  if (!same) return Refused(409, "exists", "exists");
  acceptance.repeated = true;
  return acceptance;
}

tl::expected<Acceptor::Acceptance, Refusal> Acceptor::CompareUpdate(Checked const& checked) {
  Acceptance acceptance;
  auto const read = context_.readers.Run([&](store::Database& db) -> Result<void> {
    TRELLIS_TRY(acceptance.before, store::FindDeployment(db, checked.key));
    if (!acceptance.before.has_value()) return {};
    TRELLIS_TRY(acceptance.document, store::ReadDocument(db, *acceptance.before));
    return {};
  });
  if (!read) return Trouble(read.error());
  auto const& before = acceptance.before;
  if (!before.has_value() || before->desired == store::Desired::kAbsent)
    return Refused(404, "deployment not found: deployment does not exist", "not_found");
  if (before->version == checked.deployment().version && before->hash == checked.hash) {
    acceptance.repeated = true;
    return acceptance;
  }
  auto const old = grid::ParseDeployment(acceptance.document);
  if (!old) return Trouble(old.error());
  auto ops = grid::CompareVersions(*old, checked.deployment());
  if (!ops) return UpgradeRefused(ops.error());
  if (auto const updatable = CheckUpdatable(checked, *ops); !updatable)
    return UpgradeRefused(updatable.error());
  acceptance.ops = *std::move(ops);
  return acceptance;
}

Result<void> Acceptor::CheckUpdatable(Checked const& checked,
                                      std::vector<grid::UpgradeOp> const& ops) {
  return grid::CheckUpdatable(ops, context_.plugins, [&](std::string_view name) {
    auto const row = context_.readers.Run(
        [&](store::Database& db) { return store::FindWorkload(db, checked.key, name); });
    return row && row->has_value() && (*row)->state == grid::kStateError;
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
  bool const strong = context_.options.strong_ledger && context_.ledger.abilities().strong;
  if (!final || !strong) return {};
  bool const hash = answer.text.starts_with("contract hash");
  return Refused(answer.verdict == ContractVerdict::kNotFound ? 404 : 409, answer.text,
                 hash ? "hash_mismatch" : "contract");
}

void Acceptor::Try(CasePtr const& item) {
  auto const& checked = item->checked;
  ++item->tries;
  auto acceptance =
      item->mode == AcceptMode::kDeploy ? CompareDeploy(checked) : CompareUpdate(checked);
  if (!acceptance) return item->done(tl::unexpected<Refusal>(acceptance.error()));
  if (acceptance->repeated) {
    ++context_.meters.accepted;
    return item->done("null");
  }
  if (auto const matches = CompareLedger(checked, *acceptance); !matches)
    return item->done(tl::unexpected<Refusal>(matches.error()));
  if (!context_.scheduler.Admit(checked.key))
    return item->done(Refused(429, "node is busy, try again later", "busy"));
  Store(item, *std::move(acceptance));
}

void Acceptor::Finish(CasePtr const& item, Result<void> const& stored) {
  if (stored) {
    ++context_.meters.accepted;
    return item->done("null");
  }
  auto const& error = stored.error();
  if (error.code == Code::kBusy && item->tries < kTries) return Try(item);
  item->done([&]() -> Answer {
    if (error.code == Code::kBusy) return Refused(409, error.message, "conflict");
    if (error.code == Code::kExists) return Refused(409, error.message, "exists");
    if (error.code == Code::kDenied) return Refused(409, error.message, "limit");
    return Trouble(error);
  }());
}

void Acceptor::Accept(std::uint32_t sender, std::string_view document, AcceptMode mode,
                      Resume resume, AnswerCallback done) {
  auto checked = Check(sender, document);
  if (!checked) return done(tl::unexpected<Refusal>(checked.error()));
  if (auto const signatures = CheckSignatures(*checked); !signatures)
    return done(tl::unexpected<Refusal>(signatures.error()));
  auto const item = std::make_shared<Case>();
  item->checked = *std::move(checked);
  item->mode = mode;
  item->resume = std::move(resume);
  item->done = std::move(done);
  Try(item);
}

Answer Acceptor::Accept(std::uint32_t sender, std::string_view document, AcceptMode mode) {
  struct Mailbox {
    std::mutex mutex;  // guards the two below
    std::condition_variable changed;
    std::deque<std::function<void()>> work;
    std::optional<Answer> answer;
  };
  auto const box = std::make_shared<Mailbox>();  // shared with the thread that fills it last
  Accept(
      sender, document, mode,
      [box](std::function<void()> work) {
        std::lock_guard const lock(box->mutex);
        box->work.push_back(std::move(work));
        box->changed.notify_one();
      },
      [box](Answer answer) {
        std::lock_guard const lock(box->mutex);
        box->answer = std::move(answer);
        box->changed.notify_one();
      });
  std::unique_lock lock(box->mutex);
  while (true) {
    box->changed.wait(lock, [&] { return box->answer.has_value() || !box->work.empty(); });
    if (box->answer.has_value()) return *std::move(box->answer);
    auto const work = std::move(box->work.front());
    box->work.pop_front();
    lock.unlock();
    work();
    lock.lock();
  }
}

tl::expected<Examination, Refusal> Acceptor::Examine(std::string_view document) {
  auto const checked = Check(/*sender=*/0, document);
  if (!checked) return tl::unexpected<Refusal>(checked.error());
  Examination out;
  out.hash = checked->hash;
  out.challenge = grid::Challenge(checked->deployment(),
                                  std::span<grid::Examined const>(checked->prepared->examined));
  for (auto const& examined : checked->prepared->examined)
    out.capacity += examined.capacity;
  return out;
}

}  // namespace trellis::engine
