// The control socket over a real socket, with plugins that offer nothing.
#include "kernel/api/control.hpp"

#include "tests/support/no_plugins.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cstring>
#include <fstream>

namespace trellis::api {
namespace {

class Control : public ::testing::Test {
 protected:
  void SetUp() override {
    router_.Add("test.echo", Auth::kAny,
                [](Caller const& caller, std::string_view payload) -> engine::Answer {
                  return fmt::format(R"({{"twin":{},"payload":{}}})", caller.twin, payload);
                });
    router_.Add("test.lines", Auth::kAny, [](Caller const&, std::string_view) -> engine::Answer {
      return "{\n\"a\": \"b\\n\"\n}";
    });
    router_.Add("test.much", Auth::kAny, [](Caller const&, std::string_view) -> engine::Answer {
      return std::string((std::size_t{32} << 20U) + 1, ' ');
    });
    router_.Add("test.admin", Auth::kAdmin,
                [](Caller const&, std::string_view) -> engine::Answer { return "true"; });
    server_ = ControlServer::Start({dir_ / "control.sock", 42}, router_, events_).value();
    client_ = sys::UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, (dir_ / "control.sock").c_str());
    ASSERT_EQ(::connect(client_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }

  void Send(std::string const& text) {
    ASSERT_EQ(::send(client_.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  std::string Line() {
    std::size_t end = 0;
    while ((end = buffer_.find('\n')) == std::string::npos) {
      std::array<char, 4096> chunk{};
      auto const got = ::recv(client_.get(), chunk.data(), chunk.size(), 0);
      if (got <= 0) return "closed";
      buffer_.append(chunk.data(), static_cast<std::size_t>(got));
    }
    auto line = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    return line;
  }
  std::string Ask(std::string const& text) {
    Send(text + "\n");
    return Line();
  }

  testing::TempDir dir_;
  testing::NoPlugins plugins_;
  engine::EventBus events_;
  Router router_{plugins_,
                 {[](std::uint32_t) { return false; }, [](std::uint32_t) { return false; }}};
  std::unique_ptr<ControlServer> server_;
  sys::UniqueFd client_;
  std::string buffer_;
};

TEST_F(Control, RefusesAnAnswerThatIsTooLarge) {
  EXPECT_EQ(Ask(R"({"id":1,"cmd":"test.much"})"),
            R"({"id":1,"error":{"code":413,"message":"the answer has 33554433 bytes, more than )"
            R"(the 33554432 that it may have","reason":""}})");
  EXPECT_EQ(Ask(R"({"id":2,"cmd":"test.echo","twin":7,"payload":1})"),
            R"({"id":2,"result":{"twin":7,"payload":1}})");
}

TEST_F(Control, AnswersWithTheRequestsId) {
  EXPECT_EQ(Ask(R"({"id":7,"cmd":"test.echo","twin":3,"payload":{"x":1}})"),
            R"({"id":7,"result":{"twin":3,"payload":{"x":1}}})");
}

TEST_F(Control, SpeaksForTheNodesTwinByDefault) {
  EXPECT_EQ(Ask(R"({"id":1,"cmd":"test.echo"})"), R"({"id":1,"result":{"twin":42,"payload":{}}})");
}

TEST_F(Control, ShowsHandlersNoArgumentsInOneForm) {
  for (auto const* payload : {"null", R"("")", "{}"}) {
    EXPECT_EQ(Ask(fmt::format(R"({{"id":1,"cmd":"test.echo","payload":{}}})", payload)),
              R"({"id":1,"result":{"twin":42,"payload":{}}})");
  }
}

TEST_F(Control, HasAllRights) {
  EXPECT_EQ(Ask(R"({"id":1,"cmd":"test.admin"})"), R"({"id":1,"result":true})");
}

TEST_F(Control, KeepsAnAnswerOnOneLine) {
  EXPECT_EQ(Ask(R"({"id":1,"cmd":"test.lines"})"), "{\"id\":1,\"result\":{ \"a\": \"b\\n\" }}");
}

TEST_F(Control, NamesWhatItDoesNotKnow) {
  EXPECT_EQ(Ask(R"({"id":1,"cmd":"zos.nothing"})"),
            R"({"id":1,"error":{"code":404,"message":"function is not found","reason":""}})");
}

TEST_F(Control, AnswersALineThatIsNoRequest) {
  EXPECT_NE(Ask("{nonsense").find(R"("code":400)"), std::string::npos);
  EXPECT_EQ(Ask(R"({"id":2,"cmd":"test.admin"})"), R"({"id":2,"result":true})")
      << "the connection goes on";
}

TEST_F(Control, StreamsTheEventsOfOneDeployment) {
  EXPECT_EQ(Ask(R"({"id":5,"cmd":"local.events","payload":{"twin":3,"contract":9}})"),
            R"({"id":5,"result":null})");

  events_.Publish({3, 8, "other", "zmount", "ok", "", 0});
  events_.Publish({3, 9, "disk", "zmount", "ok", "", 1});

  EXPECT_EQ(
      Line(),
      R"({"id":5,"event":{"twin":3,"contract":9,"name":"disk","type":"zmount","state":"ok","message":"","version":1}})");
}

TEST_F(Control, StreamsToSeveralWatchersOnOneConnection) {
  Ask(R"({"id":1,"cmd":"local.events","payload":{"twin":3}})");
  Ask(R"({"id":2,"cmd":"local.events","payload":{"contract":9}})");

  events_.Publish({3, 8, "disk", "zmount", "ok", "", 0});
  events_.Publish({4, 9, "disk", "zmount", "ok", "", 0});

  EXPECT_TRUE(Line().starts_with(R"({"id":1,"event":{"twin":3,"contract":8)"));
  EXPECT_TRUE(Line().starts_with(R"({"id":2,"event":{"twin":4,"contract":9)"));
}

TEST_F(Control, DoesNotWaitForAWatcherThatDoesNotRead) {
  Ask(R"({"id":1,"cmd":"local.events"})");
  std::string const message(10000, 'm');

  for (int i = 0; i < 10000; ++i)  // more than any buffer between the two holds
    events_.Publish({3, 9, "disk", "zmount", "error", message, 0});

  std::string line = "event";
  while (line != "closed")
    line = Line();
  EXPECT_EQ(line, "closed");
}

TEST_F(Control, FollowsALog) {
  auto const log = dir_ / "console.log";
  std::ofstream file(log);
  file << "one\ntwo\nthr" << std::flush;
  router_.Add("local.logs", Auth::kLocal, [&](Caller const&, std::string_view) -> engine::Answer {
    return boost::json::serialize(boost::json::object{{"path", log.string()}});
  });

  auto const answer = Ask(R"({"id":3,"cmd":"local.logs","payload":{"id":"1-2-vm","follow":true}})");
  auto const first = Line();
  file << "ee\n\xff\n" << std::flush;
  auto const second = Line();

  EXPECT_TRUE(answer.starts_with(R"({"id":3,"result":{"path")")) << answer;
  EXPECT_EQ(first, "{\"id\":3,\"event\":{\"text\":\"one\\ntwo\\n\"}}");
  EXPECT_EQ(second, "{\"id\":3,\"event\":{\"text\":\"three\\n\xEF\xBF\xBD\\n\"}}");
}

TEST_F(Control, OnlyShowsALogThatNobodyFollows) {
  router_.Add("local.logs", Auth::kLocal, [&](Caller const&, std::string_view) -> engine::Answer {
    return R"({"path":"/x"})";
  });

  EXPECT_EQ(Ask(R"({"id":3,"cmd":"local.logs","payload":{"id":"1-2-vm"}})"),
            R"({"id":3,"result":{"path":"/x"}})");
  EXPECT_EQ(Ask(R"({"id":4,"cmd":"test.admin"})"), R"({"id":4,"result":true})");
}

TEST_F(Control, TellsWhenALogCannotBeFollowed) {
  router_.Add("local.logs", Auth::kLocal, [&](Caller const&, std::string_view) -> engine::Answer {
    return R"({"path":"/nowhere/console.log"})";
  });

  Ask(R"({"id":3,"cmd":"local.logs","payload":{"id":"1-2-vm","follow":true}})");

  EXPECT_NE(Line().find(R"("code":404)"), std::string::npos);
}

TEST_F(Control, LetsOnlyItsOwnerIn) {
  struct stat info {};
  ASSERT_EQ(::stat((dir_ / "control.sock").c_str(), &info), 0);

  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(Control, ClosesClientsWhenItStops) {
  server_.reset();

  EXPECT_EQ(Line(), "closed");
}

}  // namespace
}  // namespace trellis::api
