// Who twins are, as far as the bus must know.
#pragma once

#include "kernel/crypto/keys.hpp"

#include <trellis/result.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace trellis::rmb {

struct TwinInfo {
  std::uint32_t id = 0;
  crypto::PublicKey account{};
  std::optional<std::string> relay;
  std::optional<std::array<std::uint8_t, 33>> pk;  ///< end-to-end key
};

/// Safe for use by several threads; quick (asked on I/O threads).
class TwinDirectory {
 public:
  TwinDirectory() = default;
  virtual ~TwinDirectory() = default;
  TwinDirectory(TwinDirectory const&) = delete;
  TwinDirectory& operator=(TwinDirectory const&) = delete;
  /// kNotFound; kUnavailable when the ledger is away.
  virtual Result<TwinInfo> Twin(std::uint32_t id) = 0;
};

}  // namespace trellis::rmb
