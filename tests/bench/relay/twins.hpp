// Twins of the relay's load, in the ledger that the relay reads.
#pragma once

#include "kernel/crypto/keys.hpp"
#include "kernel/rmb/envelope.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <string>

namespace trellis::bench {

/// Twins kFirst … kFirst + kCount - 1; their keys are made of their ids.
inline constexpr std::uint32_t kFirst = 2'000'000'000;
inline constexpr std::uint32_t kCount = 100;

/// Adds the twins to the ledger, when they are not there.
Result<void> AddTwins(std::string const& ledger, std::string const& relay);
[[nodiscard]] crypto::Signer SignerOf(std::uint32_t twin);
/// A token for the session, good for ten minutes.
[[nodiscard]] std::string TokenOf(std::uint32_t twin, std::string const& session);
/// A signed request of about `bytes`. `good`: with the right key.
[[nodiscard]] std::string RequestBytes(rmb::Address const& from, rmb::Address const& to,
                                       std::size_t bytes, bool good);

}  // namespace trellis::bench
