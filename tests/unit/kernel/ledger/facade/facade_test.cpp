#include "kernel/ledger/facade/facade.hpp"

#include "kernel/ledger/facade/methods.hpp"
#include "tests/unit/kernel/ledger/facade/chain_world.hpp"

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>

#include <thread>

namespace trellis::ledger::facade {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using tcp = asio::ip::tcp;

/// A websocket client that sends whatever a test likes.
class RawClient {
 public:
  explicit RawClient(std::string const& url) : ws_(io_) {
    auto const port = url.substr(url.rfind(':') + 1);
    tcp::resolver resolver(io_);
    asio::connect(ws_.next_layer(), resolver.resolve("127.0.0.1", port));
    ws_.handshake("127.0.0.1:" + port, "/");
  }
  void Send(std::string const& text) { ws_.write(asio::buffer(text)); }
  json::Value Read() {
    beast::flat_buffer buffer;
    ws_.read(buffer);
    return json::ParseValue(beast::buffers_to_string(buffer.data())).value();
  }
  json::Value Ask(std::string const& text) {
    Send(text);
    return Read();
  }
  /// Reads until the other side closes.
  void ExpectClosed() {
    boost::system::error_code error;
    beast::flat_buffer buffer;
    while (!error)
      ws_.read(buffer, error);
  }
  tcp::socket& socket() { return ws_.next_layer(); }

 private:
  asio::io_context io_;
  beast::websocket::stream<tcp::socket> ws_;
};

class FacadeServer : public ChainWorld {
 protected:
  void SetUp() override {
    ChainWorld::SetUp();
    Start({});
  }
  void Start(FacadeOptions options) {
    options.finality = std::chrono::milliseconds(20);
    auto started = Facade::Start(std::move(options), *ledger_);
    ASSERT_TRUE(started) << started.error().message;
    facade_ = *std::move(started);
  }
  void TearDown() override { facade_.reset(); }

  static std::string Request(std::string_view method, array params, int id = 1) {
    return boost::json::serialize(
        object{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}});
  }
  static json::Value HexNumber(std::uint64_t number) {
    return json::Value(fmt::format("0x{:x}", number));
  }
  static int ErrorCode(json::Value const& answer) {
    return answer.at("error").at("code").to_number<int>();
  }

  std::unique_ptr<Facade> facade_;
};

TEST_F(FacadeServer, AnswersWhatClientsAskFirst) {
  RawClient client(facade_->url());
  EXPECT_EQ(client.Ask(Request("chain_getBlockHash", {0})).at("result"),
            json::Value(ToHex(chain_->genesis())));
  EXPECT_EQ(client.Ask(Request("state_getRuntimeVersion", {})).at("result").at("specVersion"), 149);
  EXPECT_EQ(client.Ask(Request("system_properties", {})).at("result").at("ss58Format"), 42);
  auto const metadata = client.Ask(Request("state_getMetadata", {})).at("result").as_string();
  EXPECT_EQ(std::string_view(metadata), ToHex(chain_->runtime().encoded));
  auto const header = client.Ask(Request("chain_getHeader", {})).at("result");
  EXPECT_EQ(header.at("number"), HexNumber(chain_->Height().value()));
  EXPECT_TRUE(
      client.Ask(Request("chain_getHeader", {"0x" + std::string(64, '0')})).at("result").is_null());
}

TEST_F(FacadeServer, UnknownMethodsAndKeysAreAnswered) {
  RawClient client(facade_->url());
  EXPECT_EQ(ErrorCode(client.Ask(Request("state_traceBlock", {}))), -32601);
  EXPECT_TRUE(client.Ask(Request("state_getStorage", {"0x0011"})).at("result").is_null());
  EXPECT_EQ(ErrorCode(client.Ask(Request("state_getStorage", {"zz"}))), -32602);
  EXPECT_EQ(ErrorCode(client.Ask(Request("system_accountNextIndex", {"nobody"}))), -32602);
}

TEST_F(FacadeServer, TellsAnExtrinsicsWay) {
  RawClient client(facade_->url());
  auto const extrinsic = ToHex(Signed(alice_, CreateContract(1)));
  auto const accepted = client.Ask(Request("author_submitAndWatchExtrinsic", {extrinsic}, 7));
  EXPECT_EQ(accepted.at("id"), 7);
  auto const id = accepted.at("result");
  std::vector<std::string> states;
  for (int i = 0; i < 3; ++i) {
    auto const update = client.Read();
    EXPECT_EQ(update.at("method"), "author_extrinsicUpdate");
    EXPECT_EQ(update.at("params").at("subscription"), id);
    states.emplace_back(substrate::GetChosen(update.at("params").at("result")).value().name);
  }
  EXPECT_EQ(states, (std::vector<std::string>{"ready", "inBlock", "finalized"}));
}

TEST_F(FacadeServer, ABlockShowsTheClientsBytes) {
  RawClient client(facade_->url());
  auto const extrinsic = ToHex(Signed(alice_, CreateContract(1)));
  auto const hash = client.Ask(Request("author_submitExtrinsic", {extrinsic})).at("result");
  EXPECT_EQ(std::string_view(hash.as_string()).size(), 66U);
  auto const block = client.Ask(Request("chain_getBlock", {})).at("result").at("block");
  EXPECT_EQ(block.at("extrinsics").as_array().size(), 2U);
  EXPECT_EQ(block.at("extrinsics").at(1), json::Value(extrinsic));
}

TEST_F(FacadeServer, InvalidExtrinsicsGetTheNodesCodes) {
  RawClient client(facade_->url());
  auto const submit = [&](crypto::Bytes const& bytes) {
    return client.Ask(Request("author_submitAndWatchExtrinsic", {ToHex(bytes)}));
  };
  EXPECT_EQ(ErrorCode(submit({1, 2, 3})), 1001);
  auto const outdated = Signed(alice_, CreateContract(1));
  ASSERT_EQ(Refused(outdated), "");
  auto const answer = submit(outdated);
  EXPECT_EQ(ErrorCode(answer), 1010);
  EXPECT_EQ(answer.at("error").at("data"), "Transaction is outdated");
}

TEST_F(FacadeServer, ExtrinsicsOfOneConnectionKeepTheirOrder) {
  RawClient client(facade_->url());
  constexpr int kCount = 20;
  for (int i = 0; i < kCount; ++i) {
    auto const number = static_cast<std::uint32_t>(i);
    client.Send(Request("author_submitExtrinsic",
                        {ToHex(Signed(alice_, CreateContract(number), {.nonce = number}))}, i));
  }
  for (int i = 0; i < kCount; ++i) {
    auto const answer = client.Read();
    EXPECT_TRUE(answer.as_object().contains("result")) << boost::json::serialize(answer);
    EXPECT_EQ(answer.at("id"), i);
  }
}

TEST_F(FacadeServer, TooManyWaitingExtrinsicsAreRefused) {
  RawClient client(facade_->url());
  std::size_t const count = 4 * 64;
  for (std::size_t i = 0; i < count; ++i)
    client.Send(Request("author_submitExtrinsic", {"0x00"}, static_cast<int>(i)));
  for (std::size_t i = 0; i < count; ++i)
    EXPECT_TRUE(client.Read().as_object().contains("error"));
}

TEST_F(FacadeServer, HeadsAreToldInOrder) {
  RawClient client(facade_->url());
  auto const id = client.Ask(Request("chain_subscribeNewHeads", {})).at("result");
  auto const first = client.Read().at("params").at("result").at("number");
  EXPECT_EQ(first, HexNumber(chain_->Height().value()));
  auto const base = chain_->Height().value();
  for (unsigned i = 0; i < 5; ++i)
    ASSERT_TRUE(ledger_->Submit(By(kAlice), UpdateTwin{}));
  for (std::uint64_t i = 1; i <= 5; ++i) {
    auto const update = client.Read();
    EXPECT_EQ(update.at("method"), "chain_newHead");
    EXPECT_EQ(update.at("params").at("result").at("number"), HexNumber(base + i));
  }
  EXPECT_EQ(client.Ask(Request("chain_unsubscribeNewHeads", {id})).at("result"), true);
}

TEST_F(FacadeServer, FinalHeadsFollow) {
  RawClient client(facade_->url());
  (void)client.Ask(Request("chain_subscribeFinalizedHeads", {}));
  (void)client.Read();
  ASSERT_TRUE(ledger_->Submit(By(kAlice), UpdateTwin{}));
  auto const update = client.Read();
  EXPECT_EQ(update.at("method"), "chain_finalizedHead");
  EXPECT_EQ(update.at("params").at("result").at("number"), HexNumber(chain_->Height().value()));
}

TEST_F(FacadeServer, ChangesOfWatchedStorageAreTold) {
  RawClient client(facade_->url());
  auto const& metadata = chain_->runtime().metadata;
  auto const key = ToHex(substrate::StorageKey(metadata, *metadata.FindPallet("TfgridModule"),
                                               *metadata.FindStorage("TfgridModule", "Twins"), {3})
                             .value());
  (void)client.Ask(Request("state_subscribeStorage", {array{key}}));
  auto const before = client.Read().at("params").at("result").at("changes").at(0).at(1);
  ASSERT_TRUE(ledger_->Submit(By(kAlice), UpdateTwin{.relay = "r.example.org", .pk = {}}));
  auto const after = client.Read().at("params").at("result").at("changes").at(0).at(1);
  EXPECT_NE(before, after);
}

TEST_F(FacadeServer, NonsenseIsAnsweredAndTheConnectionLives) {
  RawClient client(facade_->url());
  EXPECT_EQ(ErrorCode(client.Ask("{")), -32700);
  EXPECT_EQ(ErrorCode(client.Ask("7")), -32600);
  EXPECT_EQ(ErrorCode(client.Ask("[]")), -32600);
  EXPECT_EQ(ErrorCode(client.Ask(R"({"id":1,"method":7})")), -32600);
  EXPECT_EQ(ErrorCode(client.Ask(R"({"id":1,"method":"rpc_methods","params":{"a":1}})")), -32602);
  EXPECT_EQ(ErrorCode(client.Ask(std::string(2'000, '['))), -32700);
  EXPECT_TRUE(client.Ask(Request("system_health", {})).as_object().contains("result"));
}

TEST_F(FacadeServer, SeveralRequestsInOneMessageAreAnsweredTogether) {
  RawClient client(facade_->url());
  auto const answers =
      client.Ask("[" + Request("system_chain", {}, 1) + "," + Request("nonsense", {}, 2) + ",3]");
  ASSERT_EQ(answers.as_array().size(), 3U);
  EXPECT_EQ(answers.at(0).at("result"), "Trellis");
  EXPECT_EQ(ErrorCode(answers.at(1)), -32601);
  EXPECT_EQ(ErrorCode(answers.at(2)), -32600);
}

TEST_F(FacadeServer, OversizedMessagesEndTheConnectionOnly) {
  RawClient client(facade_->url());
  RawClient other(facade_->url());
  boost::system::error_code ignored;
  std::string const huge(4 << 20, ' ');
  try {
    client.Send(huge);
  } catch (boost::system::system_error const&) {
    // closed while it was being sent
  }
  client.ExpectClosed();
  EXPECT_TRUE(other.Ask(Request("system_health", {})).as_object().contains("result"));
}

TEST_F(FacadeServer, SubscriptionsHaveALimit) {
  RawClient client(facade_->url());
  int refused = 0;
  for (int i = 0; i < 70; ++i) {
    client.Send(Request("state_subscribeRuntimeVersion", {}, i));
    for (;;) {
      auto const message = client.Read();
      if (!message.as_object().contains("id")) continue;  // an update of one before
      refused += message.as_object().contains("error") ? 1 : 0;
      break;
    }
  }
  EXPECT_EQ(refused, 6);
}

TEST_F(FacadeServer, ConnectionsHaveALimit) {
  facade_.reset();
  Start({.max_sessions = 2});
  RawClient first(facade_->url());
  RawClient second(facade_->url());
  (void)first.Ask(Request("system_health", {}));
  (void)second.Ask(Request("system_health", {}));
  EXPECT_THROW(RawClient third(facade_->url()), boost::system::system_error);
}

TEST_F(FacadeServer, AReaderThatStopsHoldsNobodyUp) {
  RawClient slow(facade_->url());
  slow.socket().set_option(asio::socket_base::receive_buffer_size(4'096));
  // Answers of 30 KB that nobody reads: after a while the server stops reading, too.
  std::string const ask = Request("state_getMetadata", {});
  std::jthread flood([&] {
    try {
      for (int i = 0; i < 3'000; ++i)
        slow.Send(ask);
    } catch (boost::system::system_error const&) {
      // cut off below
    }
  });
  RawClient other(facade_->url());
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(other.Ask(Request("system_health", {})).as_object().contains("result"));
  boost::system::error_code ignored;
  slow.socket().shutdown(tcp::socket::shutdown_both, ignored);
}

TEST_F(FacadeServer, PlainHttpIsToldToUpgrade) {
  asio::io_context io;
  tcp::socket socket(io);
  auto const port = facade_->url().substr(facade_->url().rfind(':') + 1);
  asio::connect(socket, tcp::resolver(io).resolve("127.0.0.1", port));
  asio::write(socket, asio::buffer(std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n")));
  std::string answer;
  boost::system::error_code end;
  asio::read(socket, asio::dynamic_buffer(answer), end);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 426")) << answer;
}

TEST_F(FacadeServer, EndsWithClientsConnected) {
  RawClient client(facade_->url());
  (void)client.Ask(Request("chain_subscribeNewHeads", {}));
  facade_.reset();
  client.ExpectClosed();
}

}  // namespace
}  // namespace trellis::ledger::facade
