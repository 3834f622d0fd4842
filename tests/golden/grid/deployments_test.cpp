// Whole deployments and single workloads: decoding, rules, challenge, hash, signatures.
#include "kernel/grid/deployment.hpp"
#include "kernel/grid/signatures.hpp"
#include "kernel/grid/validate.hpp"
#include "plugins/zmachine/data.hpp"
#include "plugins/zmount/data.hpp"
#include "tests/golden/grid/reference_types.hpp"
#include "tests/golden/vectors.hpp"
#include "tests/support/data_examiner.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>

namespace trellis::grid {
namespace {

using golden::ReadVectors;
using golden::Text;
using Value = boost::json::value;

// Types that some vectors use and that have no Data class here.
constexpr std::array<std::string_view, 5> kNotHere = {"zlogs", "zdb", "qsfs", "gateway-name-proxy",
                                                      "gateway-fqdn-proxy"};

bool IsHere(std::string_view type) {
  return std::find(kNotHere.begin(), kNotHere.end(), type) == kNotHere.end();
}

bool AllHere(Deployment const& deployment) {
  return std::all_of(deployment.workloads.begin(), deployment.workloads.end(),
                     [](auto const& workload) { return IsHere(workload.type); });
}

testing::DataExaminer Types() {
  testing::DataExaminer types;
  types.Add<golden::Network>("network", {.updatable = true, .sharable = true});
  types.Add<golden::Ip>("ip");
  types.Add<plugins::zmount::ZMount>("zmount", {.updatable = true});
  types.Add<plugins::zmachine::Machine>("zmachine");
  return types;
}

std::string ReasonOf(Error const& error) {
  return SplitReason(error.message).reason;
}

KeyLookup KeysOf(Value const& row) {
  return [&row](std::uint32_t twin) -> Result<crypto::PublicKey> {
    auto const hex = Text(row.at("keys"), std::to_string(twin));
    if (hex.empty()) return Fail(Code::kNotFound, "no twin {}", twin);
    TRELLIS_TRY(auto const bytes, crypto::FromHex(hex));
    return crypto::Exactly<32>(bytes);
  };
}

Capacity CapacityOf(Value const& row) {
  auto const number = [&](char const* key) { return std::stoull(Text(row.at("capacity"), key)); };
  return {number("cru"), number("sru"), number("hru"), number("mru"), number("ipv4u")};
}

void ExpectUnregistered(Deployment const& deployment, testing::DataExaminer& types) {
  auto const valid = Validate(deployment, types);
  ASSERT_FALSE(valid.has_value());
  EXPECT_EQ(ReasonOf(valid.error()), "type");
  EXPECT_EQ(ReasonOf(Challenge(deployment, types).error()), "no_challenge");
}

void ExpectVerified(Value const& row, Deployment const& deployment, ChallengeDigest const& hash) {
  auto const verified = Verify(deployment, hash, KeysOf(row));
  EXPECT_EQ(verified.has_value(), row.at("verify").as_bool());
  if (!verified) {
    EXPECT_EQ(ReasonOf(verified.error()), Text(row, "verify_reason"));
  }
}

void ExpectChallenge(Value const& row, Deployment const& deployment, testing::DataExaminer& types) {
  auto const challenge = Challenge(deployment, types);
  if (Text(row, "challenge_hex").empty()) {
    ASSERT_FALSE(challenge.has_value());
    EXPECT_EQ(ReasonOf(challenge.error()), "no_challenge");
    return;
  }
  ASSERT_TRUE(challenge.has_value()) << challenge.error().message;
  EXPECT_EQ(*challenge, Text(row, "challenge_text"));
  auto const hash = ChallengeHash(deployment, types).value();
  EXPECT_EQ(crypto::Hex(hash), Text(row, "hash"));
  ExpectVerified(row, deployment, hash);
  auto const again = ParseDeployment(ToJson(deployment)).value();
  EXPECT_EQ(*Challenge(again, types), *challenge) << "after encoding and decoding";
}

void ExpectWorkloads(Value const& row, Deployment const& deployment, testing::DataExaminer& types) {
  auto const* workloads = row.as_object().if_contains("workloads");
  if (workloads == nullptr || !workloads->is_array()) return;
  for (std::size_t i = 0; i < workloads->as_array().size(); ++i) {
    auto const& expected = workloads->as_array()[i];
    auto const& workload = deployment.workloads.at(i);
    auto const examined = types.Examine(deployment, workload, /*check_valid=*/false).value();
    EXPECT_EQ(WorkloadChallenge(workload, examined.challenge), Text(expected, "challenge"));
    EXPECT_EQ(examined.capacity, CapacityOf(expected)) << workload.name;
  }
}

TEST(DeploymentVectors, DecodeValidateHashAndVerifyAsThePublishedClients) {
  auto const vectors = ReadVectors("deployments.json");
  auto types = Types();
  int done = 0;
  for (auto const& row : vectors.at("vectors").as_array()) {
    SCOPED_TRACE(Text(row, "name"));
    auto const deployment = ParseDeployment(Text(row, "deployment"));
    ASSERT_EQ(deployment.has_value(), row.at("decode").as_bool());
    if (!deployment) {
      EXPECT_EQ(ReasonOf(deployment.error()), "decode");
      continue;
    }
    if (row.as_object().contains("extra_types")) {
      ExpectUnregistered(*deployment, types);
      continue;
    }
    if (!AllHere(*deployment)) continue;
    ++done;
    auto const valid = Validate(*deployment, types);
    EXPECT_EQ(valid.has_value(), row.at("valid").as_bool());
    if (!valid) {
      EXPECT_EQ(ReasonOf(valid.error()), Text(row, "valid_reason"));
    }
    if (valid) {
      EXPECT_EQ(valid->hash_text(), Text(row, "hash"));
    }
    ExpectChallenge(row, *deployment, types);
    ExpectWorkloads(row, *deployment, types);
  }
  EXPECT_GE(done, 32) << "vectors were skipped that should run";
}

TEST(DeploymentVectors, SigningReproducesTheClientsSignatures) {
  auto const vectors = ReadVectors("deployments.json");
  auto const& key = vectors.at("twin_keys").at("7");
  auto const seed = crypto::FromHex(Text(key, "seed")).value();
  auto const signer = crypto::Signer::FromSeed(crypto::KeyType::kEd25519,
                                               std::span<std::uint8_t const, 32>(seed.data(), 32));
  for (auto const& row : vectors.at("vectors").as_array()) {
    auto const name = Text(row, "name");
    if (name != "empty_deployment" && name != "polka_style_ed25519") continue;
    SCOPED_TRACE(name);
    auto deployment = ParseDeployment(Text(row, "deployment")).value();
    auto const sent = deployment.signature_requirement.signatures.at(0).signature;
    auto const hash = crypto::Exactly<16>(crypto::FromHex(Text(row, "hash")).value()).value();

    Sign(deployment, 7, signer, hash);

    EXPECT_EQ(deployment.signature_requirement.signatures.at(0).signature, sent);
    EXPECT_EQ(deployment.signature_requirement.signatures.size(), 1U);
  }
}

std::string CaseDocument(Value const& row) {
  std::string others = Text(row, "others");
  if (others.empty()) others = "[]";
  others.pop_back();
  if (others.size() > 1) others += ",";
  return fmt::format(
      R"({{"version":0,"twin_id":7,"contract_id":1,"workloads":{}{{"version":0,"name":"w","type":"{}","data":{},"metadata":"","description":""}}]}})",
      others, Text(row, "type"), Text(row, "data"));
}

TEST(WorkloadVectors, RulesChallengesAndCapacitiesMatch) {
  auto const vectors = ReadVectors("deployments.json");
  auto types = Types();
  int done = 0;
  for (auto const& row : vectors.at("workload_cases").as_array()) {
    if (!IsHere(Text(row, "type")) || row.as_object().contains("extra_types")) continue;
    SCOPED_TRACE(Text(row, "name"));
    ++done;
    auto const deployment = ParseDeployment(CaseDocument(row));
    ASSERT_TRUE(deployment.has_value()) << deployment.error().message;
    auto const valid = Validate(*deployment, types);
    EXPECT_EQ(valid.has_value(), row.at("valid").as_bool());
    if (!valid) {
      EXPECT_EQ(ReasonOf(valid.error()), Text(row, "reason"));
    }
    if (Text(row, "challenge").empty()) continue;
    auto const& workload = deployment->workloads.back();
    auto const examined = types.Examine(*deployment, workload, /*check_valid=*/false).value();
    EXPECT_EQ(WorkloadChallenge(workload, examined.challenge), Text(row, "challenge"));
    EXPECT_EQ(examined.capacity, CapacityOf(row));
  }
  EXPECT_GE(done, 37) << "cases were skipped that should run";
}

}  // namespace
}  // namespace trellis::grid
