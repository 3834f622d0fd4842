#include "kernel/rmb/frontend/lists.hpp"

#include "kernel/rmb/frontend/broker.hpp"
#include "kernel/rmb/frontend/commands.hpp"
#include "tests/support/bus/clock.hpp"

#include <gtest/gtest.h>

namespace trellis::rmb {
namespace {

constexpr std::int64_t kNow = 1000;

TEST(Lists, AreReadFromBothEnds) {
  Lists lists;
  EXPECT_EQ(lists.Push("msgbus.a", End::kRight, "1", kNow), 1U);
  EXPECT_EQ(lists.Push("msgbus.a", End::kRight, "2", kNow), 2U);
  EXPECT_EQ(lists.Push("msgbus.a", End::kLeft, "0", kNow), 3U);
  EXPECT_EQ(lists.Pop("msgbus.a", End::kRight), "2");
  EXPECT_EQ(lists.Pop("msgbus.a", End::kLeft), "0");
  EXPECT_EQ(lists.Pop("msgbus.a", End::kLeft), "1");
  EXPECT_EQ(lists.Pop("msgbus.a", End::kLeft), std::nullopt);
  EXPECT_EQ(lists.bytes(), 0U);
}

TEST(Lists, ServeOnlyNamesOfTheBus) {
  Lists lists;
  EXPECT_TRUE(lists.Allows("msgbus.system.local"));
  EXPECT_TRUE(lists.Allows("msgbus.system.reply"));
  EXPECT_TRUE(lists.Allows("msgbus.my.command"));
  EXPECT_FALSE(lists.Allows("msgbus.system.other"));
  EXPECT_FALSE(lists.Allows("msgbus.backlog.uid"));
  EXPECT_FALSE(lists.Allows("msgbus."));
  EXPECT_FALSE(lists.Allows("answers"));
  EXPECT_TRUE(lists.Expect("answers", kNow));
  EXPECT_TRUE(lists.Allows("answers"));
  EXPECT_FALSE(lists.Expect("msgbus.system.local", kNow));
}

TEST(Lists, ForgetAnswersAWhileAfterTheLastPush) {
  Lists lists;
  ASSERT_TRUE(lists.Expect("answers", kNow));
  ASSERT_TRUE(lists.Push("answers", End::kLeft, "x", kNow + 100));
  lists.Sweep(kNow + 399);
  EXPECT_EQ(lists.Length("answers"), 1U);
  lists.Sweep(kNow + 400);
  EXPECT_FALSE(lists.Allows("answers"));
  EXPECT_EQ(lists.bytes(), 0U);
}

TEST(Lists, DropWhatWaitsLongestAboveTheirLength) {
  ListLimits limits;
  limits.length = 3;
  Lists lists(limits);
  for (auto const* element : {"1", "2", "3", "4"})
    ASSERT_TRUE(lists.Push("msgbus.a", End::kLeft, element, kNow));
  EXPECT_EQ(lists.Length("msgbus.a"), 3U);
  EXPECT_EQ(lists.Pop("msgbus.a", End::kRight), "2");
}

TEST(Lists, LimitBytesAndKeys) {
  ListLimits limits;
  limits.bytes = 2000;
  limits.keys = 3;
  Lists lists(limits);
  EXPECT_EQ(lists.Push("msgbus.a", End::kLeft, std::string(2000, 'x'), kNow).error().code,
            Code::kExhausted);
  for (auto const* name : {"msgbus.a", "msgbus.b", "msgbus.c"})
    EXPECT_TRUE(lists.Push(name, End::kLeft, "x", kNow));
  EXPECT_EQ(lists.Push("msgbus.d", End::kLeft, "x", kNow).error().code, Code::kExhausted);
}

TEST(Lists, AreTrimmed) {
  Lists lists;
  for (auto const* element : {"0", "1", "2", "3", "4"})
    ASSERT_TRUE(lists.Push("msgbus.a", End::kRight, element, kNow));
  lists.Trim("msgbus.a", 1, -2);
  EXPECT_EQ(lists.Length("msgbus.a"), 3U);
  EXPECT_EQ(lists.Pop("msgbus.a", End::kLeft), "1");
  lists.Trim("msgbus.a", 5, 10);
  EXPECT_EQ(lists.Length("msgbus.a"), 0U);
}

/// Commands over lists, with what the hooks were told.
class CommandsTest : public ::testing::Test {
 protected:
  std::string Run(std::vector<std::string> words) {
    auto result = commands_.Run(words);
    return result.blocked.has_value() ? "blocked" : result.answer;
  }
  testing::FakeClock clock_{kNow};
  Lists lists_;
  std::vector<std::string> taken_;
  std::vector<std::string> services_;
  Commands commands_{lists_,
                     clock_,
                     {[this](std::string_view list, std::string const& text) {
                        taken_.push_back(std::string(list) + " " + text);
                      },
                      [](std::string const&) {},
                      [this](std::string_view command) { services_.emplace_back(command); }}};
};

TEST_F(CommandsTest, AnswerAsRedisDoes) {
  EXPECT_EQ(Run({"PING"}), "+PONG\r\n");
  EXPECT_EQ(Run({"ping", "x"}), "$1\r\nx\r\n");
  EXPECT_EQ(Run({"AUTH", "x"}), "+OK\r\n");
  EXPECT_EQ(Run({"SELECT", "0"}), "+OK\r\n");
  EXPECT_EQ(Run({"SELECT", "1"}), "-ERR DB index is out of range\r\n");
  EXPECT_EQ(Run({"RPUSH", "msgbus.a", "1", "2"}), ":2\r\n");
  EXPECT_EQ(Run({"LLEN", "msgbus.a"}), ":2\r\n");
  EXPECT_EQ(Run({"LPOP", "msgbus.a"}), "$1\r\n1\r\n");
  EXPECT_EQ(Run({"BRPOP", "msgbus.b", "msgbus.a", "0"}), "*2\r\n$8\r\nmsgbus.a\r\n$1\r\n2\r\n");
  EXPECT_EQ(Run({"RPOP", "msgbus.a"}), "$-1\r\n");
  EXPECT_EQ(Run({"BLPOP", "msgbus.a", "0.5"}), "blocked");
  EXPECT_EQ(Run({"BLPOP", "msgbus.a", "-1"}), "-ERR timeout is not a float or out of range\r\n");
  EXPECT_EQ(Run({"SET", "msgbus.t", "x", "EX", "10"}), "+OK\r\n");
  EXPECT_EQ(Run({"GET", "msgbus.t"}), "$1\r\nx\r\n");
  EXPECT_EQ(Run({"TTL", "msgbus.t"}), ":10\r\n");
  EXPECT_EQ(Run({"EXPIRE", "msgbus.t", "20"}), ":1\r\n");
  EXPECT_EQ(Run({"TTL", "msgbus.t"}), ":20\r\n");
  EXPECT_EQ(Run({"DEL", "msgbus.t", "msgbus.u"}), ":1\r\n");
  EXPECT_EQ(Run({"TTL", "msgbus.t"}), ":-2\r\n");
}

TEST_F(CommandsTest, RefuseEverythingElse) {
  EXPECT_EQ(Run({"FLUSHALL"}), "-ERR unknown command: only message lists are served here\r\n");
  EXPECT_EQ(Run({"LLEN", "other"}), "-ERR no such message list\r\n");
  EXPECT_EQ(Run({"BLPOP", "msgbus.a", "other", "1"}), "-ERR no such message list\r\n");
  EXPECT_EQ(Run({"DEL", "msgbus.a", "msgbus.system.x"}), "-ERR no such message list\r\n");
  EXPECT_EQ(Run({"LPUSH", "msgbus.a"}), "-ERR wrong number of arguments for 'lpush' command\r\n");
  EXPECT_EQ(Run({"SET", "msgbus.a", "x", "PX", "1"}), "-ERR syntax error\r\n");
}

TEST_F(CommandsTest, HandMessagesForThePeerOver) {
  EXPECT_EQ(Run({"RPUSH", "msgbus.system.local", "request"}), ":1\r\n");
  EXPECT_EQ(Run({"LPUSH", "msgbus.system.reply", "answer"}), ":1\r\n");
  EXPECT_EQ(taken_, (std::vector<std::string>{"msgbus.system.local request",
                                              "msgbus.system.reply answer"}));
}

TEST_F(CommandsTest, TellWhoServesACommand) {
  (void)Run({"BRPOP", "msgbus.my.command", "1"});
  (void)Run({"BRPOP", "msgbus.system.local", "1"});
  EXPECT_EQ(services_, std::vector<std::string>{"my.command"});
}

/// A broker whose questions are answered by hand.
class BrokerTest : public ::testing::Test {
 protected:
  struct Asked {
    Question question;
    std::function<void(CallResult)> done;
  };
  void Send(std::string const& text) { broker_.Take(Lists::kRequests, text); }
  std::string Answer() { return lists_.Pop("answers", End::kLeft).value_or("nothing"); }

  testing::FakeClock clock_{kNow};
  Lists lists_;
  std::vector<Asked> asked_;
  Broker broker_{lists_, clock_,
                 [this](Question question, std::function<void(CallResult)> done) {
                   asked_.push_back({std::move(question), std::move(done)});
                 },
                 [](std::string const&) {}};
};

TEST_F(BrokerTest, AsksEveryDestinationAndHandsAnswersBack) {
  Send(R"({"ver":1,"ref":"mine","cmd":"do","exp":60,"dat":"e30=","tag":null,"dst":[7,8],)"
       R"("ret":"answers","shm":"application/json","now":990})");
  ASSERT_EQ(asked_.size(), 2U);
  auto const& question = asked_[0].question;
  EXPECT_EQ(question.to, (Address{7, std::nullopt}));
  EXPECT_EQ(question.command, "do");
  EXPECT_EQ(question.payload, "{}");
  EXPECT_EQ(question.timestamp, 990U);
  EXPECT_EQ(question.expiration, 60U);
  asked_[0].done(std::string("[1]"));
  EXPECT_EQ(Answer(),
            R"({"ver":1,"ref":"mine","dat":"WzFd","src":"7","shm":"application/json","now":1000})");
  asked_[1].done(tl::unexpected<CallFailure>({Error{Code::kDenied, "no"}, 404}));
  EXPECT_EQ(Answer(),
            R"({"ver":1,"ref":"mine","dat":"","src":"8","shm":"application/json","now":1000,)"
            R"("err":{"code":404,"message":"no"}})");
}

TEST_F(BrokerTest, ReturnsWhatCannotBeSent) {
  Send(R"({"ver":1,"cmd":"do","dat":"e30","dst":[7],"ret":"answers"})");
  ASSERT_EQ(asked_.size(), 1U);  // padding may be missing
  asked_[0].done(tl::unexpected<CallFailure>({Error{Code::kNotFound, "no twin 7"}, 0}));
  EXPECT_EQ(Answer(),
            R"({"ver":1,"dat":"","src":"","now":0,"err":{"code":103,"message":"no twin 7"}})");
  Send(R"({"ver":1,"cmd":"do","dat":"!","dst":[7],"ret":"answers"})");
  EXPECT_NE(
      Answer().find(R"("code":101,"message":"invalid message payload data: dat is not base64")"),
      std::string::npos);
  Send(R"({"ver":2,"cmd":"do","dst":[7],"ret":"answers"})");
  EXPECT_NE(Answer().find("unknown version"), std::string::npos);
  Send(R"({"ver":1,"cmd":"do","dst":[],"ret":"answers"})");
  EXPECT_NE(Answer().find("dst is missing"), std::string::npos);
}

TEST_F(BrokerTest, IgnoresWhatItCannotAnswer) {
  Send("not json");
  Send(R"({"ver":1,"cmd":"do","dst":[7]})");
  Send(R"({"ver":1,"cmd":"do","dst":[7],"ret":"msgbus.system.local"})");
  EXPECT_TRUE(asked_.empty());
}

TEST_F(BrokerTest, GivesRequestsToServicesAndTheirAnswersBack) {
  IncomingRequest request;
  request.source = {9, "c"};
  request.uid = "uid";
  request.command = "do";
  request.payload = "{}";
  request.timestamp = 990;
  request.expiration = 60;
  std::vector<Outcome> outcomes;
  broker_.Serve(request, [&](Outcome outcome) { outcomes.push_back(std::move(outcome)); });
  EXPECT_EQ(lists_.Pop("msgbus.do", End::kRight),
            R"({"ver":1,"ref":"uid","src":"9:c","cmd":"do","exp":60,"dat":"e30=",)"
            R"("ret":"msgbus.system.reply","shm":"application/json","now":990})");
  broker_.Take(Lists::kReplies, R"({"ver":1,"ref":"uid","dat":"WzFd","dst":"8:c"})");
  EXPECT_TRUE(outcomes.empty());
  broker_.Take(Lists::kReplies, R"({"ver":1,"ref":"uid","dat":"WzFd","dst":"9:c","err":null})");
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(outcomes[0].payload, "[1]");
  broker_.Take(Lists::kReplies, R"({"ver":1,"ref":"uid","dat":"WzFd","dst":"9:c"})");
  EXPECT_EQ(outcomes.size(), 1U);
}

TEST_F(BrokerTest, PassesErrorsOfServicesOn) {
  IncomingRequest request;
  request.uid = "uid";
  request.command = "do";
  request.expiration = 60;
  std::vector<Outcome> outcomes;
  broker_.Serve(request, [&](Outcome outcome) { outcomes.push_back(std::move(outcome)); });
  broker_.Take(Lists::kReplies, R"({"ref":"uid","dst":"0","err":{"code":7,"message":"broken"}})");
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(outcomes[0].error, "broken");
  EXPECT_EQ(outcomes[0].error_code, 7U);
}

TEST_F(BrokerTest, ForgetsRequestsThatServicesDoNotAnswer) {
  IncomingRequest request;
  request.uid = "uid";
  request.command = "do";
  request.expiration = 60;
  auto const reply = std::make_shared<int>(0);
  broker_.Serve(request, [reply](Outcome const&) { ++*reply; });
  broker_.Sweep(kNow + 60);
  broker_.Take(Lists::kReplies, R"({"ref":"uid","dat":""})");
  EXPECT_EQ(*reply, 0);
  EXPECT_EQ(reply.use_count(), 1);
}

}  // namespace
}  // namespace trellis::rmb
