// The twins that the load comes from: keys that are the same in every run.
#pragma once

#include "kernel/crypto/keys.hpp"
#include "kernel/rmb/envelope.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace trellis::load {

struct Twin {
  std::uint32_t id = 0;
  crypto::Signer signer;

  /// Twin `number` (from 0) of the generator; the key type is part of its identity.
  static Twin Make(std::uint32_t number, crypto::KeyType type);

  /// What a client shows when it connects.
  [[nodiscard]] std::string Token() const;
  /// A signed request to `node`, good for half an hour.
  [[nodiscard]] std::string Request(std::uint32_t node, std::string uid, std::string command,
                                    std::string payload) const;
};

}  // namespace trellis::load
