// What strangers submit to the chain endpoint.
#include "kernel/ledger/substrate/extrinsic.hpp"

#include "kernel/ledger/facade/dispatch.hpp"
#include "kernel/ledger/facade/runtime.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>

namespace trellis::fuzz::extrinsic {

using ledger::Account;

void Run(std::string_view input);

void Run(std::string_view input) {
  static auto const runtime = ledger::facade::Runtime::Make().value();
  auto const bytes = crypto::AsBytes(input);
  // The same bytes as a call, so that mutations need not find a whole envelope first.
  if (auto const call = runtime->codec.Decode(runtime->call, bytes); call)
    (void)ledger::facade::ReadCall(*call, Account{});
  auto const read = ledger::substrate::DecodeExtrinsic(bytes);
  if (!read) return;
  auto const again = ledger::substrate::EncodeExtrinsic(*read);
  Require(std::ranges::equal(again, bytes), "an extrinsic has one form");
  if (auto const call = runtime->codec.Decode(runtime->call, read->call); call)
    (void)ledger::facade::ReadCall(*call, read->signer);
}

}  // namespace trellis::fuzz::extrinsic
