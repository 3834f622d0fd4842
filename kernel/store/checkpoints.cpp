#include "kernel/store/checkpoints.hpp"

#include "kernel/base/log.hpp"

namespace trellis::store {
namespace {

constexpr int kManyPages = 4000;
constexpr int kTooManyPages = 4 * kManyPages;  // the thread does not keep up

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
  bool const many = pages >= kManyPages && state_ == State::kIdle;
  if (state_ == State::kCopied || pages >= kTooManyPages || (many && alone)) {
    if (state_ == State::kCopied) state_ = State::kIdle;
    // The log stays as it is; what it says is not lost.
    if (auto const done = database_.Checkpoint(); !done)
      log::Warn("the log of the store could not be copied", {{"error", done.error()}});
    return;
  }
  if (!many) return;
  state_ = State::kCopying;
  std::lock_guard const lock(mutex_);
  wanted_ = true;
  thread_.Engage();
}

void Checkpoints::Copy() {
  if (auto const done = CopyAll(); !done)
    log::Warn("the log of the store could not be copied", {{"error", done.error()}});
  state_ = State::kCopied;
}

Result<void> Checkpoints::CopyAll() {
  if (own_ == nullptr) {
    TRELLIS_TRY(own_, Database::Open(database_.file(), Database::Mode::kReadWrite));
    own_->KeepLog();
  }
  TRELLIS_CHECK(own_->Checkpoint());
  return own_->SyncFile();
}

}  // namespace trellis::store
