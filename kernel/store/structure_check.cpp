#include "kernel/store/structure_check.hpp"

#include "kernel/base/log.hpp"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <vector>

namespace trellis::store {
namespace {
constexpr int kNice = 10;
constexpr std::size_t kChunk = std::size_t{1} << 20U;
}  // namespace

StructureCheck::StructureCheck(std::filesystem::path file, Damage& damage)
    : file_(std::move(file)), damage_(&damage) {
  damage_->SetChecking(true);
  thread_ = std::thread([this] {
    (void)::pthread_setname_np(::pthread_self(), "store-check");
    (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice);  // of this thread
    Run();
  });
}

StructureCheck::~StructureCheck() {
  {
    std::lock_guard const lock(mutex_);
    stopping_ = true;
    if (checked_ != nullptr) checked_->Interrupt();
  }
  Wait();
}

void StructureCheck::Wait() {
  if (thread_.joinable()) thread_.join();
}

bool StructureCheck::stopping() const {
  std::lock_guard const lock(mutex_);
  return stopping_;
}

void StructureCheck::Run() {
  auto const checked = Check();
  if (stopping()) return;
  if (!checked)
    return log::Error("the store is not known to be sound", {{"error", checked.error()}});
  damage_->SetChecking(false);
}

void StructureCheck::ReadAhead(Database& database) const {
  std::vector<char> chunk(kChunk);
  std::int64_t at = 0;
  while (!stopping()) {
    auto const got = database.ReadFile(chunk, at);
    if (!got || *got == 0) return;  // what cannot be read the check finds out
    at += static_cast<std::int64_t>(*got);
  }
}

Result<void> StructureCheck::Check() {
  TRELLIS_TRY(auto const database, Database::Open(file_, Database::Mode::kReadOnly, damage_));
  ReadAhead(*database);
  {
    std::lock_guard const lock(mutex_);
    if (stopping_) return {};
    checked_ = database.get();
  }
  auto checked = database->CheckStructure();
  std::lock_guard const lock(mutex_);
  checked_ = nullptr;
  return checked;
}

}  // namespace trellis::store
