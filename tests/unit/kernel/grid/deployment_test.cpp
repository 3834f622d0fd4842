#include "kernel/grid/deployment.hpp"

#include <gtest/gtest.h>

#include <string>

namespace trellis::grid {
namespace {

std::string Repeated(std::string const& element, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i)
    out += (i == 0 ? "" : ",") + element;
  return out;
}

TEST(ParseDeployment, RefusesWhatIsAboveALimit) {
  auto const workloads = [](std::size_t count) {
    return R"({"workloads":[)" + Repeated("{}", count) + "]}";
  };
  auto const data = [](std::size_t bytes) {
    return R"({"workloads":[{"name":"d","data":")" + std::string(bytes - 2, 'x') + R"("}]})";
  };

  EXPECT_TRUE(ParseDeployment(workloads(kMaxWorkloads)));
  EXPECT_EQ(ParseDeployment(workloads(kMaxWorkloads + 1)).error().message,
            "[decode] 129 workloads are more than 128");
  EXPECT_TRUE(ParseDeployment(data(kMaxDataBytes)));
  EXPECT_EQ(ParseDeployment(data(kMaxDataBytes + 1)).error().message,
            "[decode] data of workload 'd' has 262145 bytes, more than 262144");
  EXPECT_EQ(ParseDeployment(std::string(kMaxDocumentBytes + 1, ' ')).error().code, Code::kInvalid);
  EXPECT_FALSE(ParseDeployment(R"({"signature_requirement":{"requests":[)" +
                               Repeated("{}", kMaxSignatures + 1) + "]}}"));
  EXPECT_FALSE(ParseDeployment(R"({"x":)" + std::string(65, '[') + std::string(65, ']') + "}"));
}

TEST(ParseDeployment, ErrorsCarryTheReasonAndThePath) {
  auto const refused = ParseDeployment(R"({"workloads":[{"version":-1}]})");

  EXPECT_EQ(refused.error().code, Code::kDecode);
  EXPECT_EQ(refused.error().message, "[decode] workloads: version: number -1 is out of range");
}

TEST(ParseDeployment, RefusesOtherTextsThanOneObject) {
  for (auto const* text : {"", "null", "[]", "{}x", "{", "1", "{\"a\":1,}"})
    EXPECT_FALSE(ParseDeployment(text)) << text;
  EXPECT_TRUE(ParseDeployment(" {} \n"));
}

TEST(ParseDeployment, RefusesAMalformedTimeOfAClientResult) {
  EXPECT_FALSE(ParseDeployment(R"({"workloads":[{"result":{"created":"soon"}}]})"));
}

TEST(ToJson, WritesEveryFieldAndRawDataVerbatim) {
  constexpr std::string_view kText =
      R"({"version":1,"twin_id":7,"contract_id":18446744073709551615,"metadata":"m","description":"\"q\"","expiration":-3,"signature_requirement":{"requests":[{"twin_id":7,"required":true,"weight":2}],"weight_required":2,"signatures":[],"signature_style":""},"workloads":[{"version":1,"name":"d","type":"zmount","data":{ "z":1, "a":99999999999999999999 },"metadata":"","description":"","result":{"created":5,"state":"ok","message":"","data":null}}]})";

  EXPECT_EQ(ToJson(ParseDeployment(kText).value()), kText);
}

TEST(Deployment, FindsWorkloadsByNameAndType) {
  auto const deployment =
      ParseDeployment(
          R"({"workloads":[{"name":"a","type":"x"},{"name":"b","type":"y"},{"name":"c","type":"x"}]})")
          .value();

  EXPECT_EQ(deployment.Get("b").value()->type, "y");
  EXPECT_EQ(deployment.Get("d").error().code, Code::kNotFound);
  EXPECT_EQ(deployment.Get("a-b").error().code, Code::kInvalid);
  ASSERT_EQ(deployment.ByType({"x", "z"}).size(), 2U);
  EXPECT_EQ(deployment.ByType({"x"})[1]->name, "c");
}

}  // namespace
}  // namespace trellis::grid
