// Programs that use the peer through lists, over real sockets, against another twin.
#include "kernel/rmb/frontend/frontend.hpp"

#include "kernel/rmb/frontend/messages.hpp"
#include "kernel/rmb/resp.hpp"
#include "tests/integration/rmb/relay_fixture.hpp"
#include "tests/support/temp_dir.hpp"

#include <sys/stat.h>

#include <boost/asio.hpp>

namespace trellis::rmb {
namespace {

namespace asio = boost::asio;
using testing::BusTwins;

/// A program that speaks RESP.
class ListsProgram {
 public:
  explicit ListsProgram(std::string const& file) : socket_(io_) {
    socket_.connect(asio::local::stream_protocol::endpoint(file));
  }
  RespValue Ask(std::vector<std::string> const& command) {
    Send(command);
    return Next();
  }
  void Send(std::vector<std::string> const& command) {
    asio::write(socket_, asio::buffer(RespArray(command)));
  }
  RespValue Next() {
    while (true) {
      auto value = reader_.Next().value();
      if (value.has_value()) return *std::move(value);
      std::array<char, 4096> bytes{};
      reader_.Add({bytes.data(), socket_.read_some(asio::buffer(bytes))});
    }
  }

 private:
  asio::io_context io_;
  asio::local::stream_protocol::socket socket_;
  RespReader reader_;
};

class FrontendTest : public RelayTest {
 protected:
  FrontendTest() {
    peer_ = Peer::Start({LocalLink(bench_.relay(), {1, std::nullopt})},
                        BusTwins::IdentityOf(1, std::nullopt),
                        {bench_.cache(), bench_.pool(), bench_.clock()},
                        [this](IncomingRequest const& request, Reply const& reply) {
                          if (frontend_ == nullptr || !frontend_->Offer(request, reply))
                            reply({{}, 404, "function is not found"});
                        });
    frontend_ = Frontend::Start({file()}, *peer_, bench_.clock()).value();
    other_ = Peer::Start(bench_.relay().url(), BusTwins::IdentityOf(2, "c"), twins_,
                         [](IncomingRequest const& request, Reply const& reply) {
                           if (request.command == "fail") return reply({{}, 7, "broken"});
                           reply({request.payload, 0, {}});
                         })
                 .value();
    EXPECT_TRUE(other_->WaitConnected(testing::kPatience));
  }
  ~FrontendTest() override {
    frontend_.reset();
    other_.reset();
    peer_.reset();
  }
  [[nodiscard]] std::string file() const { return (dir_ / "lists.sock").string(); }

  testing::TempDir dir_;
  std::unique_ptr<Peer> peer_;
  std::unique_ptr<Frontend> frontend_;
  std::unique_ptr<Peer> other_;
};

TEST_F(FrontendTest, ServesACommandThroughLists) {
  ListsProgram service(file());
  service.Send({"BRPOP", "msgbus.calc.double", "100"});
  // The service is known once it has asked; until then the command is not.
  CallResult first = tl::unexpected<CallFailure>(CallFailure{});
  std::thread caller([&] {
    do {
      first = other_->Call(1, "calc.double", "21", testing::kPatience);
    } while (!first && first.error().remote_code == 404);
  });
  auto const popped = service.Next();
  ASSERT_EQ(popped.items.size(), 2U);
  auto const request = json::Parse<lists::RequestIn>(popped.items[1].text).value();
  EXPECT_EQ(lists::FromBase64(request.dat), "21");
  EXPECT_EQ(request.src, "2:c");
  lists::ResponseOut response;
  response.ref = request.ref;
  response.dst = request.src;
  response.dat = lists::ToBase64("42");
  EXPECT_EQ(service.Ask({"LPUSH", request.ret, json::Dump(response)}).integer, 1);
  caller.join();
  EXPECT_EQ(first.value_or("none"), "42");
}

TEST_F(FrontendTest, AsksOtherTwinsThroughLists) {
  // The other twin listens as session `c`; the unnamed one gets what lists send.
  auto const unnamed =
      Peer::Start(bench_.relay().url(), BusTwins::IdentityOf(3, std::nullopt), twins_,
                  [](IncomingRequest const& request, Reply const& reply) {
                    if (request.command == "fail") return reply({{}, 7, "broken"});
                    reply({request.payload, 0, {}});
                  })
          .value();
  ASSERT_TRUE(unnamed->WaitConnected(testing::kPatience));
  ListsProgram program(file());
  EXPECT_EQ(program.Ask({"PING"}).text, "PONG");
  auto const ask = [&](std::string const& command, std::string const& to) {
    (void)program.Ask({"RPUSH", "msgbus.system.local",
                       fmt::format(R"({{"ver":1,"ref":"mine","cmd":"{}","exp":100,"dat":"WzFd",)"
                                   R"("dst":[{}],"ret":"my-answers","now":0}})",
                                   command, to)});
  };
  auto const answer = [&] {
    auto const popped = program.Ask({"BLPOP", "my-answers", "100"});
    return json::Parse<lists::ResponseIn>(popped.items.at(1).text).value();
  };
  ask("echo", "3");
  auto const good = answer();
  EXPECT_EQ(good.ref, "mine");
  EXPECT_EQ(good.src, "3");
  EXPECT_EQ(lists::FromBase64(good.dat), "[1]");
  ask("fail", "3");
  EXPECT_EQ(answer().err->message, "broken");
  ask("echo", "99");
  EXPECT_EQ(answer().err->code, 103U);
  ask("echo", "3,3");
  EXPECT_EQ(answer().src, "3");
  EXPECT_EQ(answer().src, "3");
}

TEST_F(FrontendTest, KeepsStrangersOut) {
  struct stat facts {};
  ASSERT_EQ(::stat(file().c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
  EXPECT_EQ(Frontend::Start({"0.0.0.0:0"}, *peer_, bench_.clock()).error().code, Code::kInvalid);
  EXPECT_EQ(Frontend::Start({"nonsense"}, *peer_, bench_.clock()).error().code, Code::kInvalid);
  EXPECT_NE(Frontend::Start({"127.0.0.1:0"}, *peer_, bench_.clock()).value()->port(), 0);
}

TEST_F(FrontendTest, EndsAWaitWhenItsTimeIsOverOrItsClientLeaves) {
  ListsProgram program(file());
  EXPECT_TRUE(program.Ask({"BLPOP", "msgbus.a", "0.05"}).is_null());
  {
    ListsProgram leaving(file());
    leaving.Send({"BLPOP", "msgbus.a", "100"});
    EXPECT_EQ(program.Ask({"LLEN", "msgbus.a"}).integer, 0);
  }
  ListsProgram pusher(file());
  program.Send({"BLPOP", "msgbus.b", "100"});
  EXPECT_EQ(pusher.Ask({"LPUSH", "msgbus.b", "x"}).integer, 1);
  EXPECT_EQ(program.Next().items.at(1).text, "x");
}

TEST_F(FrontendTest, ClosesOnWhatIsNotRedis) {
  ListsProgram program(file());
  EXPECT_TRUE(program.Ask({"FLUSHALL"}).is_error());
  asio::io_context io;
  asio::local::stream_protocol::socket raw(io);
  raw.connect(asio::local::stream_protocol::endpoint(file()));
  asio::write(raw, asio::buffer(std::string("*1\r\n$x\r\n")));
  std::string said;
  boost::system::error_code ended;
  asio::read(raw, asio::dynamic_buffer(said), ended);
  EXPECT_TRUE(said.starts_with("-ERR Protocol error"));
}

}  // namespace
}  // namespace trellis::rmb
