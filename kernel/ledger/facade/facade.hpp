// The façade: the embedded ledger as clients of the public grid's chain know it, over a websocket.
#pragma once

#include "kernel/ledger/embedded/embedded_ledger.hpp"

#include <trellis/result.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace trellis::ledger {

namespace facade {
struct Runtime;
}

struct FacadeOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0 = any free one
  std::vector<std::uint32_t> admin_twins{};
  std::size_t max_sessions = 256;
  /// From a block to its being final. A client that is told both at once misses the former.
  std::chrono::milliseconds finality{1'200};
  /// Another runtime than the built-in one, for tests of clients that follow upgrades.
  std::shared_ptr<facade::Runtime const> runtime{};
};

/// Threads: `chain` (sessions and reads), `chain-head` (waits for writes of anybody) and
/// `chain-N` (apply extrinsics; started with the first one).
class Facade {
 public:
  /// Listens. The ledger must outlive it. kIo when the address is taken, kInvalid when it is none.
  static Result<std::unique_ptr<Facade>> Start(FacadeOptions options, EmbeddedLedger& ledger);
  /// Closes all sessions; extrinsics being applied are finished first.
  ~Facade();
  Facade(Facade const&) = delete;
  Facade& operator=(Facade const&) = delete;

  /// `ws://host:port` as really bound.
  [[nodiscard]] std::string url() const;

 private:
  class Impl;
  explicit Facade(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace trellis::ledger
