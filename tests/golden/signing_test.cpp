// Signing deployments with the keys of the vectors' twins.
#include "kernel/grid/deployment.hpp"
#include "kernel/grid/signatures.hpp"
#include "tests/golden/vectors.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

namespace trellis::golden {
namespace {

constexpr char const* kFile = "deployments.json";

std::map<std::uint32_t, crypto::Signer> Signers() {
  std::map<std::uint32_t, crypto::Signer> signers;
  ForEach(kFile, "twin_keys", [&](Row const& row) {
    for (auto const& [twin, key] : row.as_object()) {
      auto const signer =
          crypto::Signer::FromSeed(KeyTypeOf(Text(key, "type")), Hex32(Text(key, "seed")));
      EXPECT_EQ(crypto::Hex(signer.public_key()), Text(key, "public")) << "twin " << twin;
      signers.emplace(static_cast<std::uint32_t>(std::stoul(std::string(twin))), signer);
    }
  });
  return signers;
}

// What is signed for a hash in the deployment's style, as published.
std::string MessageOf(grid::Deployment const& deployment, std::string const& hash_hex) {
  if (deployment.signature_requirement.signature_style == "polka-wallet")
    return "<Bytes>" + hash_hex + "</Bytes>";
  return std::string(crypto::AsText(crypto::FromHex(hash_hex).value()));
}

void CheckSigning(grid::Deployment const& sent, std::string const& hash_hex, std::uint32_t twin,
                  crypto::Signer const& signer) {
  auto const of_twin = [twin](auto const& entry) { return entry.twin_id == twin; };
  auto const& before = sent.signature_requirement.signatures;
  auto const had = std::ranges::find_if(before, of_twin);
  auto deployment = sent;

  grid::Sign(deployment, twin, signer,
             crypto::Exactly<16>(crypto::FromHex(hash_hex).value()).value());

  auto const& after = deployment.signature_requirement.signatures;
  auto const made = std::ranges::find_if(after, of_twin);
  ASSERT_NE(made, after.end());
  EXPECT_EQ(made - after.begin(), had - before.begin()) << "replaces the first one, or appends";
  EXPECT_EQ(after.size(), before.size() + (had == before.end() ? 1 : 0));
  EXPECT_EQ(made->signature_type, crypto::ToText(signer.type()));
  auto const bytes = crypto::FromHex(made->signature).value();
  EXPECT_EQ(crypto::Hex(bytes), made->signature) << "lower case";
  EXPECT_TRUE(crypto::Verify(signer.type(), signer.public_key(),
                             crypto::AsBytes(MessageOf(sent, hash_hex)), bytes));
}

TEST(Signing, ReplacesOrAppendsASignatureThatVerifies) {
  auto const signers = Signers();
  ForEach(kFile, "vectors", [&](Row const& row) {
    if (!Member(row, "hash").is_string()) return;
    auto const deployment = grid::ParseDeployment(Text(row, "deployment")).value();
    for (auto const& [twin, signer] : signers) {
      SCOPED_TRACE(twin);
      CheckSigning(deployment, Text(row, "hash"), twin, signer);
    }
  });
}

// Signatures over this very deployment, made with the twin's published key and left as they were.
bool IsOriginal(Row const& entry, std::string const& message, crypto::Signer const& signer) {
  return Text(entry, "signed_message_hex") == message && Text(entry, "altered").empty() &&
         crypto::Verify(signer.type(), signer.public_key(), crypto::FromHex(message).value(),
                        HexMember(entry, "signature"));
}

TEST(Signing, ReproducesTheClientsEd25519Signatures) {
  auto const signers = Signers();
  std::size_t reproduced = 0;
  ForEach(kFile, "vectors", [&](Row const& row) {
    if (!Member(row, "hash").is_string() || !Member(row, "signatures").is_array()) return;
    auto const sent = grid::ParseDeployment(Text(row, "deployment")).value();
    auto const message = crypto::Hex(crypto::AsBytes(MessageOf(sent, Text(row, "hash"))));
    for (auto const& entry : row.at("signatures").as_array()) {
      auto const found = signers.find(entry.at("twin_id").to_number<std::uint32_t>());
      if (found == signers.end() || found->second.type() != crypto::KeyType::kEd25519) continue;
      if (!IsOriginal(entry, message, found->second)) continue;
      auto deployment = sent;
      deployment.signature_requirement.signatures.clear();

      grid::Sign(deployment, found->first, found->second,
                 crypto::Exactly<16>(HexMember(row, "hash")).value());

      EXPECT_EQ(deployment.signature_requirement.signatures.at(0).signature,
                crypto::Hex(HexMember(entry, "signature")));
      ++reproduced;
    }
  });
  fmt::print("[  VECTORS ] {} signatures reproduced\n", reproduced);
}

}  // namespace
}  // namespace trellis::golden
