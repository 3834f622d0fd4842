// Bytes from the bus are refused, or mean the same after writing and reading.
#include "kernel/rmb/envelope.hpp"

#include "tests/fuzz/target.hpp"

namespace trellis::fuzz::envelope {

void Run(std::string_view input);

void Run(std::string_view input) {
  auto const first = rmb::ParseEnvelope(input);
  if (!first) return;
  auto const written = rmb::SerializeEnvelope(*first);
  auto const second = rmb::ParseEnvelope(written);
  Require(second.has_value(), "what was written can be read");
  Require(rmb::Challenge(*second) == rmb::Challenge(*first), "and has the same challenge");
  Require(rmb::SerializeEnvelope(*second) == written, "writing is stable");
  crypto::PublicKey const key{1};
  (void)rmb::CheckSignature(*first, key);  // only must not crash
}

}  // namespace trellis::fuzz::envelope
