#include "kernel/grid/validate.hpp"

#include "tests/unit/kernel/grid/builders.hpp"

#include <gtest/gtest.h>

namespace trellis::grid {
namespace {

std::string Refusal(Deployment const& deployment) {
  FakeTypes types;
  auto const valid = Validate(deployment, types);
  return valid ? "" : valid.error().message;
}

TEST(Validate, EmptyDeploymentHasThePublishedHash) {
  FakeTypes types;

  EXPECT_EQ(Challenge(ADeployment(), types).value(), "0707false11");
  EXPECT_EQ(Validate(ADeployment(), types)->hash_text(), "711315d19186ad629228710ffffd0a57");
}

TEST(Validate, NamesTheWorkloadAndTheValue) {
  auto late = AWorkload("a");
  late.version = 1;
  auto foreign = AWorkload("a");
  foreign.type = "boat";

  EXPECT_EQ(Refusal(ADeployment({late})),
            "[workload_version] version 1 of workload 'a' is above the deployment version 0");
  EXPECT_EQ(Refusal(ADeployment({AWorkload("a-b")})),
            "[name] invalid workload name 'a-b': 1 to 36 letters, digits or '_', and not 'ygg'");
  EXPECT_EQ(Refusal(ADeployment({AWorkload("a"), AWorkload("a")})),
            "[duplicate_name] there is more than one workload 'a'");
  EXPECT_EQ(Refusal(ADeployment({foreign})), "[type] workload 'a' has unknown type 'boat'");
  foreign.type.clear();
  EXPECT_EQ(Refusal(ADeployment({foreign})), "[type] workload 'a' has no type");
  EXPECT_EQ(Refusal(ADeployment({AWorkload("a", "[]")})),
            "[data_decode] data of workload 'a' is no object");
  EXPECT_EQ(Refusal(ADeployment({AWorkload("a", R"({"broken":1})")})),
            "[data_decode] workload 'a': size: expected integer, got string");
  EXPECT_EQ(Refusal(ADeployment({AWorkload("a", R"({"refused":1})")})),
            "[size] workload 'a': size is zero");
}

TEST(Validate, DataMustBeAnObject) {
  for (auto const* data : {"", "[]", "1", "true", R"("{}")"}) {  // "" stands for null and missing
    EXPECT_EQ(SplitReason(Refusal(ADeployment({AWorkload("a", data)}))).reason, "data_decode")
        << data;
  }
  auto const sent =
      ParseDeployment(R"({"twin_id":7,"workloads":[{"name":"a","type":"disk","data":null}]})");
  EXPECT_EQ(SplitReason(Refusal(sent.value())).reason, "data_decode");
}

TEST(Challenge, HashesTheExpirationAsSeconds) {
  FakeTypes types;
  auto const challenge = [&](std::string const& expiration) {
    auto const sent = ParseDeployment(R"({"expiration":)" + expiration + "}");
    return sent ? Challenge(*sent, types).value() : sent.error().message;
  };

  EXPECT_EQ(challenge(R"("2030-06-15T14:30:15.987+02:30")"), challenge("1907755215"));
  EXPECT_EQ(challenge("1907755215"), "0019077552150");
  EXPECT_EQ(challenge("null"), challenge("0"));
  EXPECT_EQ(challenge(R"("2030-06-15")"), "[decode] expiration: '2030-06-15' is no RFC 3339 time");
}

TEST(Challenge, HashesTheSignatureStyleWhateverItIs) {
  FakeTypes types;
  auto deployment = ADeployment();
  for (auto const* style : {"polka-wallet", "anything"}) {
    deployment.signature_requirement.signature_style = style;
    EXPECT_EQ(Challenge(deployment, types).value(), std::string("0707false11") + style);
  }
}

TEST(Challenge, LeavesOutContractSignaturesResultsAndUnknownKeys) {
  FakeTypes types;
  auto sent = ADeployment({AWorkload("a")});
  auto const challenge = Challenge(sent, types).value();

  sent.contract_id = 5;
  sent.signature_requirement.signatures = {{7, "00", "sr25519"}};
  sent.workloads[0].result.state = "ok";

  EXPECT_EQ(Challenge(sent, types).value(), challenge);
  EXPECT_EQ(
      Challenge(ParseDeployment(R"({"id":9,"user_id":3,"to_delete":true})").value(), types).value(),
      "0000");
}

TEST(Validate, AnAbsentPluginIsNoRefusal) {
  FakeTypes types;
  auto const valid = Validate(ADeployment({AWorkload("a", R"({"away":1})")}), types);

  EXPECT_EQ(valid.error().code, Code::kUnavailable);
  EXPECT_EQ(valid.error().message, "workload 'a': plugin is not running");
}

TEST(Challenge, OfAnInvalidDeploymentStillExists) {
  FakeTypes types;

  EXPECT_EQ(Challenge(ADeployment({AWorkload("a", R"({"refused":1})")}), types).value(),
            R"(070)"
            R"(0adisk{"refused":1})"
            R"(7false11)");
  EXPECT_EQ(Challenge(ADeployment({AWorkload("a", R"({"broken":1})")}), types).error().message,
            "[no_challenge] workload 'a': size: expected integer, got string");
}

TEST(Admission, ChecksSenderAndFirstVersion) {
  auto deployment = ADeployment();
  EXPECT_TRUE(CheckSender(deployment, 7));
  EXPECT_EQ(CheckSender(deployment, 8).error().message,
            "[twin_mismatch] twin id mismatch (deployment: 7, message: 8)");

  EXPECT_TRUE(CheckFirstVersion(deployment));
  deployment.version = 1;
  EXPECT_EQ(CheckFirstVersion(deployment).error().message,
            "[create_version] expected version to be 0 on deployment creation: invalid version");
}

}  // namespace
}  // namespace trellis::grid
