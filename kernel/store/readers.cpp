#include "kernel/store/readers.hpp"

namespace trellis::store {
namespace {
constexpr std::size_t kMaxIdle = 8;
}  // namespace

Result<std::unique_ptr<Database>> Readers::Borrow() {
  {
    std::lock_guard const lock(mutex_);
    if (!idle_.empty()) {
      auto database = std::move(idle_.back());
      idle_.pop_back();
      return database;
    }
  }
  return Database::Open(file_, Database::Mode::kReadOnly, damage_);
}

void Readers::GiveBack(std::unique_ptr<Database> database) {
  std::lock_guard const lock(mutex_);
  if (idle_.size() < kMaxIdle) idle_.push_back(std::move(database));
}

}  // namespace trellis::store
