#include "kernel/store/checkpoints.hpp"

#include "kernel/base/log.hpp"

namespace trellis::store {
namespace {

constexpr int kManyPages = 4000;
constexpr int kMostPages = 4 * kManyPages;

}  // namespace

Checkpoints::Checkpoints(Database& database, std::string const& name)
    : database_(database),
      thread_(name + "-log", 1, mutex_,
              {[this]() -> std::size_t { return wanted_ ? 1 : 0; },
               [this]() -> WorkerThreads::Work {
                 wanted_ = false;
                 return [this] { Copy(); };
               }}) {
  database_.KeepLog();
}

Checkpoints::~Checkpoints() {
  std::unique_lock lock(mutex_);
  thread_.End(lock);
}

void Checkpoints::Look(bool alone) {
  auto const pages = database_.log_pages();
  auto const state = state_.load();
  bool const here = state == State::kIdle && alone && pages >= kManyPages;
  if (here || state == State::kCopied || pages >= kMostPages) return CopyRest();
  if (state != State::kIdle || pages < kManyPages) return;
  state_ = State::kCopying;
  std::lock_guard const lock(mutex_);
  wanted_ = true;
  thread_.Engage();
}

void Checkpoints::CopyRest() {
  std::lock_guard const lock(copying_);
  if (state_ == State::kBroken) return;
  if (state_ == State::kCopied) state_ = State::kIdle;
  Tell(database_.Checkpoint());
}

void Checkpoints::Copy() {
  std::lock_guard const lock(copying_);
  auto const done = CopyBeside();
  Tell(done);
  if (state_ == State::kCopying) state_ = State::kCopied;
}

Result<void> Checkpoints::CopyBeside() {
  if (own_ == nullptr) {
    TRELLIS_TRY(own_, Database::Open(database_.file(), Database::Mode::kReadWrite));
    own_->KeepLog();
  }
  TRELLIS_CHECK(own_->Checkpoint());
  auto synced = own_->SyncFile();
  if (synced) return {};
  // The kernel tells once and forgets: the next sync would say that all is well.
  state_ = State::kBroken;
  database_.ReportDamage(synced.error().message);
  return synced;
}

/// A log that is not copied stays as it is, and nothing is lost.
void Checkpoints::Tell(Result<void> const& done) {
  bool const before = failing_.exchange(!done.has_value());
  if (!done && !before)
    log::Warn("the log of the store cannot be copied, retrying", {{"error", done.error()}});
}

}  // namespace trellis::store
