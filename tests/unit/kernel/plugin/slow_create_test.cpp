// A plugin whose create does not come back holds up nobody but those that need it.
#include "kernel/sys/files.hpp"
#include "tests/unit/kernel/plugin/plugin_lab.hpp"

#include <gmock/gmock.h>

#include <thread>

namespace trellis::plugin {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

/// `slow` waits in its create for a file; `client` needs its service; `bare` needs nobody.
class SlowCreate : public ::testing::Test {
 protected:
  void Open() {
    for (auto const* name : {"client", "slow"})
      lab_.Add(name);
    lab_.create_patience = milliseconds(1);  // on a busy machine others may come later, too
    lab_.Open();
  }
  [[nodiscard]] bool Becomes(std::string const& name, std::string const& state) const {
    for (int i = 0; i < 4000 && lab_.StatusOf(name).state != state; ++i)
      std::this_thread::sleep_for(milliseconds(5));
    return lab_.StatusOf(name).state == state;
  }
  void LetGo() const { ASSERT_TRUE(sys::WriteFileAtomic(lab_.root() / "run/plugins/slow/go", "")); }
  [[nodiscard]] OpAnswer Provision(std::string const& type) const {
    return lab_.manager().Run(Op::kProvision, RequestFor(type, R"("x")"), nullptr);
  }
  mutable PluginLab lab_;
};

TEST_F(SlowCreate, HoldsUpOnlyThoseThatNeedIt) {
  lab_.Add("bare");
  Open();
  EXPECT_TRUE(Becomes("bare", "running"));
  EXPECT_EQ(Provision("bare").status, TRL_OK);

  EXPECT_EQ(lab_.StatusOf("slow").state, "starting");
  EXPECT_EQ(lab_.StatusOf("client").reason, "waits for t.echo/1 of plugin 'slow'");
  EXPECT_TRUE(lab_.manager().Known("slow"));
  auto const answer = Provision("slow");
  EXPECT_EQ(answer.status, TRL_UNAVAILABLE);
  EXPECT_EQ(answer.error,
            "workload type 'slow' is not available: plugin starting (its create has not returned "
            "yet)");
}

TEST_F(SlowCreate, BringsItUpWhenItsCreateReturns) {
  Open();
  auto const revision = lab_.manager().Revision();
  lab_.manager().Recovered({{"7-9-w", "slow"}});

  LetGo();

  EXPECT_TRUE(Becomes("slow", "running")) << lab_.StatusOf("slow").reason;
  EXPECT_TRUE(Becomes("client", "running")) << lab_.StatusOf("client").reason;
  EXPECT_EQ(Provision("slow").status, TRL_OK);
  EXPECT_EQ(
      lab_.manager().Run(Op::kProvision, RequestFor("client", R"("call echo")"), nullptr).status,
      TRL_OK);
  EXPECT_NE(lab_.manager().Revision(), revision);
}

TEST_F(SlowCreate, FailsWhenItTakesTooLong) {
  lab_.reload.create = milliseconds(300);
  Open();
  EXPECT_TRUE(Becomes("slow", "failed"));
  EXPECT_THAT(lab_.StatusOf("slow").reason, HasSubstr("create"));
  EXPECT_TRUE(Becomes("client", "blocked"));
  EXPECT_EQ(lab_.StatusOf("client").reason, "needs t.echo/1");
}

TEST_F(SlowCreate, DoesNotHoldUpTheEnd) {
  Open();
  lab_.Close();
  EXPECT_TRUE(HelpersOfThisProcess().empty());
}

}  // namespace
}  // namespace trellis::plugin
