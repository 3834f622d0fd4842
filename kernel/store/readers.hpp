// Read connections to the node's store: as many as threads read at once, each read one consistent
// snapshot.
#pragma once

#include "kernel/store/database.hpp"

#include <trellis/result.hpp>

#include <filesystem>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace trellis::store {

/// Safe for use by several threads; a read never waits for the writer.
class Readers {
 public:
  /// `damage` is borrowed and may be null.
  explicit Readers(std::filesystem::path file, Damage* damage = nullptr)
      : file_(std::move(file)), damage_(damage) {}

  /// Runs `read(Database&)` on one snapshot and returns what it returns (a Result).
  template <class Read>
  auto Run(Read&& read) -> decltype(read(std::declval<Database&>())) {
    auto borrowed = Borrow();
    if (!borrowed) return tl::unexpected<Error>(std::move(borrowed).error());
    auto database = *std::move(borrowed);
    TRELLIS_CHECK(database->Begin(Database::Transaction::kRead));
    auto result = read(*database);
    database->EndReads();
    TRELLIS_CHECK(database->Commit());
    GiveBack(std::move(database));
    return result;
  }

  /// See Damage.
  [[nodiscard]] bool IsFileSound() const { return damage_ == nullptr || damage_->IsFileSound(); }

 private:
  Result<std::unique_ptr<Database>> Borrow();
  void GiveBack(std::unique_ptr<Database> database);

  std::filesystem::path file_;
  Damage* damage_;
  std::mutex mutex_;                             // guards idle_
  std::vector<std::unique_ptr<Database>> idle_;  // at most kMaxIdle
};

}  // namespace trellis::store
