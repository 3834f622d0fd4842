#include "kernel/plugin/gated_kernel.hpp"

#include "kernel/plugin/no_kernel.hpp"

#include <gtest/gtest.h>

#include <string>

namespace trellis::plugin {
namespace {

/// Everything that needs a permission, and which one.
struct Request {
  std::string permission;
  Result<void> (*ask)(KernelServices&);
};

Result<void> Ended(Result<std::string> const& answer) {
  return answer ? Result<void>() : tl::unexpected<Error>(answer.error());
}

class GatedRequest : public ::testing::TestWithParam<Request> {
 protected:
  Result<void> AskWith(std::string const& granted) {
    GatedKernel kernel(behind_, [&](std::string_view permission) -> Result<void> {
      if (permission == granted) return {};
      return Fail(Code::kDenied, "no {}", permission);
    });
    return GetParam().ask(kernel);
  }

 private:
  NoKernel behind_{"asked"};
};

TEST_P(GatedRequest, IsHandedOnWithItsPermission) {
  auto const answer = AskWith(GetParam().permission);

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "asked");
}

TEST_P(GatedRequest, IsDeniedWithoutIt) {
  auto const answer = AskWith("another");

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kDenied);
  EXPECT_EQ(answer.error().message, "no " + GetParam().permission);
}

INSTANTIATE_TEST_SUITE_P(
    All, GatedRequest,
    ::testing::Values(
        Request{"deployment.all",
                [](KernelServices& kernel) { return Ended(kernel.WorkloadsByType(0, 0, {})); }},
        Request{"deployment.shared",
                [](KernelServices& kernel) { return Ended(kernel.Shared(7, "net", "n")); }},
        Request{"contract.read", [](KernelServices& kernel) { return Ended(kernel.Contract(9)); }},
        Request{"twin.read", [](KernelServices& kernel) { return Ended(kernel.Twin(7)); }},
        Request{"name.read", [](KernelServices& kernel) { return Ended(kernel.NameOwner("n")); }},
        Request{"engine.report",
                [](KernelServices& kernel) { return kernel.ReportFailed("7-9-w", "gone"); }},
        Request{"engine.report",
                [](KernelServices& kernel) { return kernel.ReportObserved("7-9-w", 0, ""); }}));

}  // namespace
}  // namespace trellis::plugin
