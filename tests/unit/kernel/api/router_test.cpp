// The router with handlers of its own and with commands of a plugin.
#include "kernel/api/router.hpp"

#include "tests/support/no_plugins.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <memory>
#include <thread>

namespace trellis::api {
namespace {

constexpr std::uint32_t kFarmer = 3;
constexpr std::uint32_t kAdmin = 4;
constexpr std::uint32_t kStranger = 5;

/// Offers one command, whose row and answer the test sets.
class OneCommand final : public testing::NoPlugins {
 public:
  std::optional<plugin::CommandInfo> Command(std::string_view name) const override {
    return name == info.name ? std::optional(info) : std::nullopt;
  }
  plugin::CommandReply RunCommand(std::string_view, std::uint32_t twin,
                                  std::string_view payload) override {
    if (failure.has_value()) return tl::unexpected<plugin::CommandFailure>(*failure);
    return fmt::format(R"([{},{}])", twin, payload);
  }
  plugin::CommandInfo info{.name = "zos.admin.thing"};
  std::optional<plugin::CommandFailure> failure;
};

class Routing : public ::testing::Test {
 protected:
  void SetUp() override {
    router_.Guard("zos.admin.", Auth::kFarmer);
    router_.Add("zos.any", Auth::kAny, [](Caller const& caller, std::string_view payload) {
      return engine::Answer(fmt::format("[{},{}]", caller.twin, payload));
    });
    router_.Add(
        "zos.change", Auth::kAny,
        [](Caller const&, std::string_view) { return engine::Answer("null"); }, Effect::kMutates);
    router_.Add("zos.secret", Auth::kAdmin,
                [](Caller const&, std::string_view) { return engine::Answer("1"); });
    router_.Add("local.thing", Auth::kLocal,
                [](Caller const&, std::string_view) { return engine::Answer("1"); });
    router_.Add("zos.broken", Auth::kAny, [](Caller const&, std::string_view) -> engine::Answer {
      throw std::runtime_error("the secret detail");
    });
  }

  engine::Answer Call(Caller const& caller, std::string_view command, std::string payload = {}) {
    std::promise<engine::Answer> promise;
    router_.Call(caller, command, std::move(payload),
                 [&promise](engine::Answer answer) { promise.set_value(std::move(answer)); });
    return promise.get_future().get();
  }
  std::string Refusal(Caller const& caller, std::string_view command, std::string payload = {}) {
    auto const answer = Call(caller, command, std::move(payload));
    if (answer) return "success";
    return fmt::format("{} {}", answer.error().code, answer.error().message);
  }

  OneCommand plugins_;
  Router router_{plugins_,
                 {[](std::uint32_t twin) { return twin == kFarmer; },
                  [](std::uint32_t twin) { return twin == kAdmin; }}};
};

TEST_F(Routing, RunsAShortCommandWhereItWasRead) {
  std::thread::id ran;
  auto const note = [&ran](Caller const&, std::string_view) {
    ran = std::this_thread::get_id();
    return engine::Answer("1");
  };
  router_.Add("zos.short", Auth::kAny, note, Effect::kReads, Runs::kAtOnce);

  EXPECT_EQ(Refusal({kStranger}, "zos.short"), "success");
  EXPECT_EQ(ran, std::this_thread::get_id());

  EXPECT_EQ(Refusal({kStranger, /*local=*/true}, "zos.short"), "success");
  EXPECT_NE(ran, std::this_thread::get_id());
}

TEST_F(Routing, ChecksTheRightsOfAShortCommandToo) {
  auto const answer = [](Caller const&, std::string_view) { return engine::Answer("1"); };
  router_.Add("zos.short", Auth::kFarmer, answer, Effect::kReads, Runs::kAtOnce);

  EXPECT_EQ(Refusal({kStranger}, "zos.short"), "401 unauthorized");
  EXPECT_EQ(Refusal({kFarmer}, "zos.short"), "success");
}

TEST_F(Routing, TakesNoArgumentsInAllTheirForms) {
  for (auto const* payload : {"", "null", R"("")", "{}", " null ", "\n"})
    EXPECT_EQ(*Call({kStranger}, "zos.any", payload), "[5,{}]") << '\'' << payload << '\'';
}

TEST_F(Routing, KeepsArgumentsAsTheyAre) {
  EXPECT_EQ(*Call({kStranger}, "zos.any", R"( {"a":1} )"), R"([5, {"a":1} ])");
}

TEST_F(Routing, SaysThatAFunctionIsNotFound) {
  EXPECT_EQ(Refusal({kStranger}, "zos.nothing"), "404 function is not found");
  EXPECT_EQ(Refusal({kStranger}, "zos.network.public_config_set"), "404 function is not found");
}

TEST_F(Routing, TellsStrangersNothingAboutAGuardedGroup) {
  EXPECT_EQ(Refusal({kStranger}, "zos.admin.nothing"), "401 unauthorized");
  EXPECT_EQ(Refusal({kStranger}, "zos.admin.thing"), "401 unauthorized");
  EXPECT_EQ(Refusal({kFarmer}, "zos.admin.nothing"), "404 function is not found");
  EXPECT_EQ(*Call({kFarmer}, "zos.admin.thing"), "[3,{}]");
}

TEST_F(Routing, AsksForTheCommandsOwnRight) {
  EXPECT_EQ(Refusal({kStranger}, "zos.secret"), "401 unauthorized");
  EXPECT_EQ(Refusal({kFarmer}, "zos.secret"), "401 unauthorized");
  EXPECT_TRUE(Call({kAdmin}, "zos.secret"));
}

TEST_F(Routing, HidesLocalCommandsFromTheBus) {
  EXPECT_EQ(Refusal({kAdmin}, "local.thing"), "404 function is not found");
  EXPECT_TRUE(Call({kStranger, /*local=*/true}, "local.thing"));
}

TEST_F(Routing, KeepsTheDetailsOfAnExceptionToItself) {
  EXPECT_EQ(Refusal({kStranger}, "zos.broken"), "500 internal error");
  EXPECT_TRUE(Call({kStranger}, "zos.any")) << "the thread goes on";
}

TEST_F(Routing, RefusesOnlyChangesWhileDraining) {
  plugins_.info.flags = TRL_COMMAND_MUTATING;
  router_.Drain();

  EXPECT_EQ(Refusal({kStranger}, "zos.change"), "503 the node is shutting down");
  EXPECT_EQ(Refusal({kFarmer}, "zos.admin.thing"), "503 the node is shutting down");
  EXPECT_TRUE(Call({kStranger}, "zos.any"));
}

TEST_F(Routing, LimitsThePayloadOfAPluginsCommand) {
  plugins_.info.max_payload = 10;

  EXPECT_TRUE(Call({kFarmer}, "zos.admin.thing", "[1,2,3,45]"));
  EXPECT_EQ(Refusal({kFarmer}, "zos.admin.thing", "[1,2,3,456]"),
            "400 payload of 11 bytes is above the limit of 10");
}

TEST_F(Routing, GivesAPluginsRefusalItsCode) {
  std::map<Code, int> const codes{
      {Code::kInvalid, 400},   {Code::kDecode, 400},      {Code::kDenied, 401},
      {Code::kNotFound, 404},  {Code::kExists, 409},      {Code::kConflict, 409},
      {Code::kExhausted, 429}, {Code::kBusy, 429},        {Code::kUnavailable, 503},
      {Code::kTimeout, 503},   {Code::kCrashed, 503},     {Code::kIo, 500},
      {Code::kCancelled, 500}, {Code::kUnsupported, 500}, {Code::kAbi, 500}};
  for (auto const& [code, wire] : codes) {
    plugins_.failure.emplace(Error{code, "why"});
    EXPECT_EQ(Refusal({kFarmer}, "zos.admin.thing"), fmt::format("{} why", wire));
  }
  plugins_.failure.emplace(Error{Code::kNotFound, "why"}, 418);
  EXPECT_EQ(Refusal({kFarmer}, "zos.admin.thing"), "418 why");
}

TEST_F(Routing, KeepsAPluginsFaultToItself) {
  plugins_.failure.emplace(Error{Code::kInternal, "null pointer in line 5"});

  EXPECT_EQ(Refusal({kFarmer}, "zos.admin.thing"), "500 internal error");
}

TEST_F(Routing, CountsAnswersByCode) {
  (void)Call({kStranger}, "zos.any");
  (void)Call({kStranger}, "zos.nothing");
  (void)Call({kStranger}, "zos.nothing");

  EXPECT_EQ(router_.Answers(), (std::map<int, std::uint64_t>{{0, 1}, {404, 2}}));
}

TEST(RouterLimits, RefuseATwinThatAsksTooMuchAtOnce) {
  testing::NoPlugins plugins;
  // Before the router, whose threads use them to the end.
  std::latch started(1);
  std::latch release(1);
  std::mutex mutex;
  std::vector<std::string> answers;
  Router router(plugins, {}, {.kernel_threads = 1, .queue = {.per_twin = 2}});
  router.Add("slow", Auth::kAny, [&](Caller const&, std::string_view) {
    started.count_down();
    release.wait();
    return engine::Answer("null");
  });
  router.Add("quick", Auth::kAny,
             [](Caller const&, std::string_view) { return engine::Answer("null"); });
  auto const ask = [&](Caller const& caller, char const* command) {
    router.Call(caller, command, {}, [&](engine::Answer const& answer) {
      std::lock_guard const lock(mutex);
      answers.push_back(answer ? "ok" : answer.error().message);
    });
  };

  ask({7}, "slow");
  started.wait();
  for (int i = 0; i < 3; ++i)
    ask({7}, "quick");
  ask({8}, "quick");
  ask({7, /*local=*/true}, "quick");

  {
    std::lock_guard const lock(mutex);
    EXPECT_EQ(answers, std::vector<std::string>{"node is busy, try again later"});
  }
  release.count_down();
}

/// A router of one thread with a command that waits for something without it.
class Waiting : public ::testing::Test {
 protected:
  void Make(QueueLimits const& limits) {
    router_ = std::make_unique<Router>(plugins_, Router::Rights{},
                                       Router::Options{.kernel_threads = 1, .queue = limits});
    router_->AddAsync(
        "wait", Auth::kAny,
        [this](Caller const&, std::string_view) {
          ++in_thread_;
          return engine::Answer("0");
        },
        [this](Caller const&, std::string_view, engine::Resume resume, Reply done) {
          resume_ = std::move(resume);
          done_ = std::move(done);
          begun_.count_down();
        });
    router_->Add("quick", Auth::kAny,
                 [](Caller const&, std::string_view) { return engine::Answer("1"); });
  }
  std::future<std::string> Call(std::string_view command, std::string payload = {}) {
    auto const promise = std::make_shared<std::promise<std::string>>();
    router_->Call({7}, command, std::move(payload), [promise](engine::Answer const& answer) {
      promise->set_value(answer ? *answer : answer.error().message);
    });
    return promise->get_future();
  }

  testing::NoPlugins plugins_;
  std::latch begun_{1};
  std::atomic<int> in_thread_{0};
  engine::Resume resume_;  // once begun_
  Reply done_;
  std::unique_ptr<Router> router_;
};

TEST_F(Waiting, HoldsNoThread) {
  Make({});
  auto waits = Call("wait");
  begun_.wait();

  EXPECT_EQ(Call("quick").get(), "1");
  resume_([this] { done_("2"); });
  EXPECT_EQ(waits.get(), "2");
  EXPECT_EQ(in_thread_, 0);
}

TEST_F(Waiting, AnswersOnceAlsoWhenTheRestThrows) {
  Make({});
  auto waits = Call("wait");
  begun_.wait();

  resume_([]() -> void { throw std::runtime_error("the secret detail"); });
  EXPECT_EQ(waits.get(), "internal error");
  done_("2");  // would throw if it were told
}

TEST_F(Waiting, IsWaitedForByTheEnd) {
  Make({});
  auto waits = Call("wait");
  begun_.wait();
  std::jthread const later([this] { resume_([this] { done_("2"); }); });

  router_.reset();

  EXPECT_EQ(waits.wait_for(std::chrono::seconds(0)), std::future_status::ready);
}

TEST_F(Waiting, TakesAThreadWhenTooMuchWaitsAlready) {
  Make({.bytes = 1000});
  auto waits = Call("wait");
  begun_.wait();

  EXPECT_EQ(Call("wait", std::string(500, ' ')).get(), "0");
  EXPECT_EQ(in_thread_, 1);
  resume_([this] { done_("2"); });
  EXPECT_EQ(waits.get(), "2");
}

TEST(CallHere, StaysOnTheThreadWhileFewDo) {
  testing::NoPlugins plugins;
  std::latch release(1);
  std::latch inside(Router::kMaxHere);
  Router router(plugins, {});
  router.Add("stay", Auth::kAny, [&](Caller const&, std::string_view) {
    inside.count_down();
    release.wait();
    return engine::Answer("null");
  });
  std::thread::id where;
  router.Add("where", Auth::kAny, [&](Caller const&, std::string_view) {
    where = std::this_thread::get_id();
    return engine::Answer("null");
  });
  auto const look = [&] {
    std::promise<void> told;
    router.CallHere({7}, "where", {}, [&](engine::Answer const&) { told.set_value(); });
    told.get_future().wait();
    return where;
  };

  EXPECT_EQ(look(), std::this_thread::get_id());
  {
    std::vector<std::jthread> others;
    for (std::size_t i = 0; i < Router::kMaxHere; ++i)
      others.emplace_back([&] { router.CallHere({8}, "stay", {}, [](engine::Answer const&) {}); });
    inside.wait();
    EXPECT_NE(look(), std::this_thread::get_id());
    release.count_down();
  }
  EXPECT_EQ(look(), std::this_thread::get_id());
}

TEST_F(Routing, ADegradedNodeAnswersOnlyAboutItself) {
  router_.Add("zos.system.version", Auth::kAny,
              [](Caller const&, std::string_view) { return engine::Answer("1"); });

  router_.Degrade("the store is damaged");

  Caller const local{kFarmer, true};
  EXPECT_EQ(Refusal(local, "zos.any"), "503 the store is damaged");
  EXPECT_EQ(Refusal(local, "zos.admin.thing"), "503 the store is damaged");
  EXPECT_EQ(Refusal(local, "zos.nothing"), "503 the store is damaged");
  EXPECT_EQ(Refusal(local, "zos.system.version"), "success");
  EXPECT_EQ(Refusal(local, "local.thing"), "success");
  EXPECT_EQ(Refusal({kStranger, false}, "local.thing"), "404 function is not found");
}

}  // namespace
}  // namespace trellis::api
