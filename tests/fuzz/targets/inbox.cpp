// What a peer makes of bytes from the bus: nobody here can sign, so it never runs anything.
#include "kernel/rmb/inbox.hpp"

#include "tests/fuzz/target.hpp"

#include <memory>

namespace trellis::fuzz::inbox {

void Run(std::string_view input);

void Run(std::string_view input) {
  constexpr std::uint64_t kNow = 1732000010;
  using crypto::Signer;
  rmb::Identity const us{219,
                         std::nullopt,
                         Signer::FromSeed(crypto::KeyType::kEd25519, crypto::Seed().view()),
                         std::nullopt,
                         {}};
  rmb::Inbox inbox(us);
  auto const message = inbox.Open(std::string(input));
  if (message == nullptr || rmb::Inbox::AsReport(*message)) return;
  auto const sender = std::make_shared<rmb::TwinInfo const>();  // a key that signed nothing
  auto const received = inbox.Judge(*message, sender, kNow);
  Require(!std::holds_alternative<rmb::IncomingRequest>(received), "unsigned is never run");
  Require(!std::holds_alternative<rmb::IncomingAnswer>(received), "unsigned is no answer");
  if (auto const* refusal = std::get_if<rmb::Refusal>(&received); refusal != nullptr)
    (void)inbox.MakeRefusal(*message, *refusal, kNow);
}

}  // namespace trellis::fuzz::inbox
