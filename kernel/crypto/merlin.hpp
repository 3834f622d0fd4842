// Merlin transcripts over STROBE-128 and Keccak-f[1600]: the challenge scheme of sr25519.
#pragma once

#include "kernel/crypto/bytes.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace trellis::crypto {

/// The permutation on 200 bytes, lanes little endian.
void KeccakF1600(std::span<std::uint8_t, 200> state);

/// The part of STROBE-128 that Merlin uses.
class Strobe {
 public:
  explicit Strobe(std::string_view protocol);

  void MetaAd(BytesView data, bool more);
  void Ad(BytesView data);
  void Prf(std::span<std::uint8_t> out);

 private:
  void Begin(std::uint8_t flags);
  void Absorb(BytesView data);
  void Run();

  std::array<std::uint8_t, 200> state_{};
  std::uint8_t position_ = 0;
  std::uint8_t begin_ = 0;
};

/// A labelled hash of messages that answers challenges. Copy it to fork.
class Transcript {
 public:
  explicit Transcript(std::string_view label);

  void Append(std::string_view label, BytesView message);
  void Challenge(std::string_view label, std::span<std::uint8_t> out);

 private:
  void Frame(std::string_view label, std::size_t size);

  Strobe strobe_;
};

}  // namespace trellis::crypto
