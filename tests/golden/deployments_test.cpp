// Whole deployments: decoding, rules, challenge, hash, signatures, parts of each workload.
#include "kernel/grid/deployment.hpp"
#include "kernel/grid/signatures.hpp"
#include "kernel/grid/validate.hpp"
#include "tests/golden/types.hpp"
#include "tests/golden/vectors.hpp"

#include <gtest/gtest.h>

#include <string>

namespace trellis::golden {
namespace {

using grid::Deployment;

constexpr char const* kFile = "deployments.json";

grid::KeyLookup KeysOf(Row const& row) {
  return [&row](std::uint32_t twin) -> Result<crypto::PublicKey> {
    auto const hex = Text(row.at("keys"), std::to_string(twin));
    if (hex.empty()) return Fail(Code::kNotFound, "no twin {}", twin);
    // No account has a key of another length; like the zero key it verifies nothing.
    return hex.size() == 64 ? Hex32(hex) : crypto::PublicKey{};
  };
}

// Hash, signatures and the way back, for a deployment that has a challenge.
void CheckChallenge(Row const& row, Deployment const& deployment, RowTypes& types) {
  auto const challenge = grid::Challenge(deployment, types);
  ASSERT_TRUE(challenge.has_value()) << challenge.error().message;
  EXPECT_EQ(*challenge, Text(row, "challenge_text"));
  EXPECT_EQ(crypto::Hex(crypto::AsBytes(*challenge)), Text(row, "challenge_hex"));
  auto const hash = grid::ChallengeHash(deployment, types).value();
  EXPECT_EQ(crypto::Hex(hash), Text(row, "hash"));
  EXPECT_EQ(Verdict(grid::Verify(deployment, hash, KeysOf(row))),
            Expected(row, "verify", "verify_reason"));

  auto const again = grid::ParseDeployment(grid::ToJson(deployment)).value();
  EXPECT_EQ(grid::Challenge(again, types).value(), *challenge) << "after encoding and decoding";
}

void CheckWorkloads(Row const& row, Deployment const& deployment, RowTypes& types) {
  auto const& workloads = Member(row, "workloads");
  if (!workloads.is_array()) return;
  ASSERT_EQ(deployment.workloads.size(), workloads.get_array().size());
  for (std::size_t i = 0; i < deployment.workloads.size(); ++i) {
    auto const& expected = workloads.get_array()[i];
    auto const& workload = deployment.workloads[i];
    auto const examined = types.Examine(deployment, workload, /*check_valid=*/false).value();
    EXPECT_EQ(workload.name, Text(expected, "name"));
    EXPECT_EQ(workload.type, Text(expected, "type"));
    EXPECT_EQ(grid::WorkloadChallenge(workload, examined.challenge), Text(expected, "challenge"));
    EXPECT_EQ(examined.capacity, CapacityOf(expected)) << workload.name;
  }
}

void CheckSignatureList(Row const& row, Deployment const& deployment) {
  auto const& expected = Member(row, "signatures");
  if (!expected.is_array()) return;
  auto const& signatures = deployment.signature_requirement.signatures;
  ASSERT_EQ(signatures.size(), expected.get_array().size());
  for (std::size_t i = 0; i < signatures.size(); ++i) {
    auto const& entry = expected.get_array()[i];
    EXPECT_EQ(signatures[i].twin_id, entry.at("twin_id").to_number<std::uint32_t>());
    EXPECT_EQ(signatures[i].signature, Text(entry, "signature"));
    EXPECT_EQ(signatures[i].signature_type, Text(entry, "signature_type"));
  }
}

void CheckDeployment(Row const& row, Deployment const& deployment, RowTypes& types) {
  auto const valid = grid::Validate(deployment, types);
  EXPECT_EQ(Verdict(valid), Expected(row, "valid", "valid_reason"))
      << (valid ? "" : valid.error().message);
  CheckSignatureList(row, deployment);
  if (Member(row, "challenge_hex").is_string()) {
    if (valid) {
      EXPECT_EQ(valid->hash_text(), Text(row, "hash"));
    }
    CheckChallenge(row, deployment, types);
    CheckWorkloads(row, deployment, types);
    return;
  }
  EXPECT_EQ(Verdict(grid::Challenge(deployment, types)), "no_challenge");
  EXPECT_FALSE(Flag(row, "verify"));
  EXPECT_EQ(Text(row, "verify_reason"), "no_challenge");
}

TEST(Deployments, DecodeValidateHashAndVerifyAsPublished) {
  ForEach(kFile, "vectors", [](Row const& row) {
    auto const deployment = grid::ParseDeployment(Text(row, "deployment"));
    ASSERT_EQ(deployment.has_value(), Flag(row, "decode"))
        << (deployment ? "" : deployment.error().message);
    if (!deployment) {
      EXPECT_EQ(Verdict(deployment), Text(row, "valid_reason"));
      return;
    }
    RowTypes types(row);
    CheckDeployment(row, *deployment, types);
  });
}

TEST(Deployments, AreRefusedWhereATypeIsNotRegistered) {
  ForEach(kFile, "vectors", [](Row const& row) {
    if (!Member(row, "extra_types").is_array()) return;
    RowTypes types;
    auto const deployment = grid::ParseDeployment(Text(row, "deployment")).value();

    auto const valid = grid::Validate(deployment, types);
    EXPECT_FALSE(valid.has_value());
    if (Flag(row, "valid")) {  // else something before it may be wrong too
      EXPECT_EQ(Verdict(valid), "type");
    }
    EXPECT_EQ(Verdict(grid::Challenge(deployment, types)), "no_challenge");
  });
}

}  // namespace
}  // namespace trellis::golden
