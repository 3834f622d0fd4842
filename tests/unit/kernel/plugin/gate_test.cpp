#include "kernel/plugin/gate.hpp"

#include "tests/support/patience.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace trellis::plugin {
namespace {

std::int64_t In(std::chrono::nanoseconds time) {
  return MonotonicNs() + time.count();
}

class PluginGate : public ::testing::Test {
 protected:
  Result<Gate::Pass> Enter(std::chrono::milliseconds patience,
                           CancelToken const* cancel = nullptr) const {
    return Gate::Enter(gate_, cancel, In(patience));
  }
  std::shared_ptr<Gate> gate_ = Gate::Make().value();
};

TEST_F(PluginGate, LetsEverybodyInWhileOpen) {
  auto const first = Enter(std::chrono::milliseconds(0));
  auto const second = Enter(std::chrono::milliseconds(0));
  EXPECT_TRUE(first && second);
}

TEST_F(PluginGate, IsEmptyWhenTheLastOneLeft) {
  auto pass = Enter(std::chrono::milliseconds(0));
  ASSERT_TRUE(pass);
  gate_->Close();
  EXPECT_FALSE(gate_->WaitEmpty(MonotonicNs()));

  std::thread leaving([&] { *pass = Gate::Pass(); });
  EXPECT_TRUE(gate_->WaitEmpty(In(testing::kPatience)));
  leaving.join();
}

TEST_F(PluginGate, LetsThoseInWhoWaitedUntilItWasOpened) {
  gate_->Close();
  gate_->Close();
  std::thread opening([&] {
    gate_->Open();
    gate_->Open();
  });
  EXPECT_TRUE(Enter(testing::kPatience));
  opening.join();
}

TEST_F(PluginGate, StaysClosedUntilEverybodyOpenedIt) {
  gate_->Close();
  gate_->Close();
  gate_->Open();
  auto const entered = Enter(std::chrono::milliseconds(1));
  ASSERT_FALSE(entered);
  EXPECT_EQ(entered.error().code, Code::kBusy);
  EXPECT_EQ(entered.error().message, "the plugin is being exchanged");
}

TEST_F(PluginGate, LetsACancelledCallGo) {
  gate_->Close();
  auto const cancel = CancelToken::Make();
  cancel->Cancel();
  auto const entered = Enter(testing::kPatience, cancel.get());
  ASSERT_FALSE(entered);
  EXPECT_EQ(entered.error().code, Code::kCancelled);
}

}  // namespace
}  // namespace trellis::plugin
