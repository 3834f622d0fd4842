#include "kernel/ledger/substrate/extrinsic.hpp"

#include <bit>

namespace trellis::ledger::substrate {
namespace {

constexpr std::uint8_t kSignedV4 = 0x84;
constexpr std::uint8_t kAddressIsId = 0;
constexpr std::uint8_t kEd25519 = 0;
constexpr std::uint8_t kSr25519 = 1;
constexpr std::uint64_t kShortestPeriod = 4;
constexpr std::size_t kHashAbove = 256;  // longer payloads are signed as their hash

/// Phases of long eras are stored in steps.
std::uint64_t StepOf(std::uint64_t period) {
  return std::max<std::uint64_t>(period >> 12U, 1);
}

void WriteEra(Encoder& out, Era const& era) {
  if (era.immortal()) {
    out.U8(0);
    return;
  }
  auto const exponent = static_cast<std::uint16_t>(std::countr_zero(era.period) - 1);
  out.U16(static_cast<std::uint16_t>(exponent | (era.phase / StepOf(era.period)) << 4U));
}

Era ReadEra(Decoder& in) {
  constexpr std::uint16_t kExponentBits = 15;
  std::uint16_t const first = in.U8();
  if (first == 0) return {};
  auto const word = static_cast<std::uint16_t>(first | std::uint16_t{in.U8()} << 8U);
  Era era;
  era.period = std::uint64_t{2} << (word & kExponentBits);
  era.phase = std::uint64_t{static_cast<std::uint16_t>(word >> 4U)} * StepOf(era.period);
  if (era.period < kShortestPeriod || era.phase >= era.period) in.Break();
  return era;
}

void WriteTerms(Encoder& out, Terms const& terms) {
  WriteEra(out, terms.era);
  out.Compact(terms.nonce).Compact(terms.tip);
}

Terms ReadTerms(Decoder& in) {
  Terms terms;
  terms.era = ReadEra(in);
  auto const nonce = in.Compact();
  if (!std::in_range<std::uint32_t>(nonce)) in.Break();
  terms.nonce = static_cast<std::uint32_t>(nonce);
  terms.tip = in.Compact();
  return terms;
}

}  // namespace

std::uint64_t Era::Birth(std::uint64_t now) const {
  if (immortal()) return 0;
  return (std::max(now, phase) - phase) / period * period + phase;
}

Era Era::From(std::uint64_t now, std::uint64_t period) {
  auto const step = StepOf(period);
  return {.period = period, .phase = now % period / step * step};
}

Result<Extrinsic> DecodeExtrinsic(BytesView bytes) {
  if (bytes.size() > kMaxExtrinsic)
    return Fail(Code::kDecode, "extrinsic has more than {} bytes", kMaxExtrinsic);
  Decoder outer(bytes);
  Decoder in(outer.Blob(kMaxExtrinsic));
  TRELLIS_CHECK(outer.Finish("extrinsic"));
  auto const version = in.U8();
  if (in.ok() && version != kSignedV4)
    return Fail(Code::kUnsupported, "extrinsic is not a signed one of version 4");
  auto const address = in.U8();
  if (in.ok() && address != kAddressIsId)
    return Fail(Code::kUnsupported, "address of kind {} is not supported", address);
  Extrinsic extrinsic;
  extrinsic.signer.bytes = in.Array<32>();
  auto const kind = in.U8();
  if (in.ok() && kind != kEd25519 && kind != kSr25519)
    return Fail(Code::kUnsupported, "signature of kind {} is not supported", kind);
  extrinsic.key_type = kind == kEd25519 ? crypto::KeyType::kEd25519 : crypto::KeyType::kSr25519;
  extrinsic.signature = in.Array<64>();
  extrinsic.terms = ReadTerms(in);
  auto const call = in.Raw(in.rest().size());
  TRELLIS_CHECK(in.Finish("extrinsic"));
  extrinsic.call.assign(call.begin(), call.end());
  return extrinsic;
}

Bytes EncodeExtrinsic(Extrinsic const& extrinsic) {
  Encoder body;
  body.U8(kSignedV4).U8(kAddressIsId).Raw(extrinsic.signer.bytes);
  body.U8(extrinsic.key_type == crypto::KeyType::kEd25519 ? kEd25519 : kSr25519);
  body.Raw(extrinsic.signature);
  WriteTerms(body, extrinsic.terms);
  body.Raw(extrinsic.call);
  Encoder out;
  out.Blob(body.bytes());
  return out.Take();
}

Bytes SignedPayload(BytesView call, Terms const& terms, ChainTerms const& chain) {
  Encoder out;
  out.Raw(call);
  WriteTerms(out, terms);
  out.U32(chain.spec_version).U32(chain.tx_version).Raw(chain.genesis).Raw(chain.birth);
  if (out.bytes().size() <= kHashAbove) return out.Take();
  auto const digest = crypto::Blake2b256(out.bytes());
  return {digest.begin(), digest.end()};
}

}  // namespace trellis::ledger::substrate
