#include "kernel/node/event_log.hpp"

#include "tests/support/fake_clock.hpp"

#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

namespace trellis::node {
namespace {

using Texts = std::vector<std::string>;

std::string TextOf(log::Field::Value const& value) {
  auto const* text = std::get_if<std::string_view>(&value);
  if (text != nullptr) return std::string(*text);
  auto const* number = std::get_if<std::uint64_t>(&value);
  return number != nullptr ? std::to_string(*number) : "?";
}

class EventLogTest : public ::testing::Test {
 protected:
  void TearDown() override { log::SetLevel(log::Level::kInfo); }

  void Deployment(std::string state, std::string message = {}) {
    log_.Take({7, 100, {}, {}, std::move(state), std::move(message), 2});
  }
  void Workload(std::string state, std::string message = {}) {
    log_.Take({7, 100, "vm", "zmachine", std::move(state), std::move(message), 2});
  }

  testing::FakeClock clock_;
  Texts lines_;
  EventLog log_{clock_, [this](log::Level level, std::string_view message, auto fields) {
                  auto line = fmt::format("{} {}", static_cast<int>(level), message);
                  for (auto const& field : fields)
                    line += fmt::format(" {}={}", field.name(), TextOf(field.value()));
                  lines_.push_back(std::move(line));
                }};
};

TEST_F(EventLogTest, TellsWhatBecomesOfDeployments) {
  Deployment("started", "apply");
  Deployment("parked", "the ledger is away");
  Deployment("parked");
  Deployment("settled", "apply");
  Deployment("removed", "contract canceled event received");
  Deployment("settled", "remove");

  EXPECT_EQ(
      lines_,
      (Texts{"1 deployment waits, retrying twin=7 contract=100 version=2 reason=the ledger is "
             "away",
             "1 deployment is settled twin=7 contract=100 version=2 job=apply",
             "1 deployment is removed twin=7 contract=100 version=2 reason=contract canceled "
             "event received"}));
}

TEST_F(EventLogTest, TellsOfWorkloadsThatAreNotAsTheyShouldBe) {
  Workload("ok");
  Workload("paused", "paused");
  Workload("error", "no pool");
  Workload("unchanged", "cannot shrink");

  EXPECT_EQ(lines_,
            (Texts{"2 workload is in error id=7-100-vm type=zmachine version=2 error=no pool",
                   "2 workload stays as it was id=7-100-vm type=zmachine version=2 error=cannot "
                   "shrink"}));
}

TEST_F(EventLogTest, TellsEverythingToWhoDebugs) {
  log::SetLevel(log::Level::kDebug);
  Workload("ok");
  Deployment("started", "apply");

  EXPECT_EQ(lines_, (Texts{"0 workload changed id=7-100-vm type=zmachine state=ok",
                           "0 job of a deployment twin=7 contract=100 state=started"}));
}

TEST_F(EventLogTest, FillsNoDiskForAUserWhoseDeploymentsFail) {
  for (int i = 0; i < 2000; ++i)
    Workload("error", "no");
  EXPECT_EQ(lines_.size(), 500U);

  clock_.Advance(std::chrono::seconds(1));
  for (int i = 0; i < 2000; ++i)
    Workload("error", "no");

  ASSERT_EQ(lines_.size(), 511U);
  EXPECT_EQ(lines_[500], "2 too many changes of deployments, some were not logged count=1500");
  EXPECT_EQ(lines_[501], lines_[0]);
}

}  // namespace
}  // namespace trellis::node
