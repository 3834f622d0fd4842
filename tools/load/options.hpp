// What the load generator is asked to do.
#pragma once

#include "kernel/crypto/keys.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::load {

enum class Mode : std::uint8_t {
  kClosed,  ///< a connection sends the next request when an answer came
  kOpen,    ///< requests leave at their time, whatever is answered
  kBurst,   ///< all requests at once
  kReplay,  ///< an open loop whose times and kinds come from a file
  kChain,   ///< one deployment is updated again and again
};

/// What one request is about.
enum class Kind : std::uint8_t {
  kDeploy,
  kUpdate,
  kDelete,  ///< a cancelled contract: no message, the ledger tells the daemon
  kGet,
  kList,
  kChanges,
  kStatistics,
  kVersion,
};
[[nodiscard]] std::string_view ToText(Kind kind);
Result<Kind> ParseKind(std::string_view text);

/// What an update does to its deployment.
enum class Change : std::uint8_t { kOne, kAdd, kRemove };

/// The deployments that are sent.
struct Shape {
  std::size_t workloads = 1;
  std::size_t bytes = 3700;  ///< of a document, about
};

/// Weights by kind, as in `deploy:70,get:30`.
using Mix = std::map<Kind, unsigned>;
Result<Mix> ParseMix(std::string_view text);

struct Options {
  std::filesystem::path control;  ///< the daemon's control socket
  std::filesystem::path ledger;   ///< its embedded ledger
  std::string null_url;           ///< an echo server instead of a daemon
  std::uint32_t twins = 100;
  crypto::KeyType key = crypto::KeyType::kEd25519;
  Shape shape;
  Mode mode = Mode::kClosed;
  std::uint32_t connections = 8;  ///< one twin each
  std::uint32_t window = 8;       ///< closed: requests in flight on a connection
  double rate = 0;                ///< open: requests a second
  bool poisson = false;
  std::filesystem::path replay;
  std::size_t count = 10000;  ///< requests at most, those of the warm-up included
  double seconds = 5;
  double warmup = 1;
  std::size_t preload = 0;  ///< deployments stored before the timed part
  Mix mix{{Kind::kDeploy, 1}};
  Change change = Change::kOne;
  std::uint64_t seed = 1;
  std::filesystem::path
      journal;  ///< gets what was accepted and seen settled, also when the daemon dies
  std::vector<std::size_t> probes;  ///< chain: updates after which the deployment is looked at
  std::filesystem::path disk;       ///< where the disk canary is measured; "" = beside the ledger
};

/// Reads the command line; ends the program itself on --help.
Result<Options> ParseOptions(int argc, char** argv);

}  // namespace trellis::load
