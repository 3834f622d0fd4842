#include "plugins/flist/rfs/store.hpp"

#include "tests/support/http_server.hpp"
#include "tests/support/image_tree.hpp"
#include "tests/support/redis_server.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <mutex>

namespace trellis::plugins::flist {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::HttpResponse;
using testing::HttpServer;
using testing::RedisServer;
using testing::TempDir;

StoreRules const kAnywhere{{"/"}};

std::unique_ptr<BlockStore> Store(std::string const& url) {
  auto store = OpenStore(url, kAnywhere);
  EXPECT_TRUE(store) << store.error().message;
  return store ? *std::move(store) : nullptr;
}

TEST(StoreUrl, LosesItsPasswordForImages) {
  EXPECT_EQ(WithoutPassword("zdb://u:p@ss@host:9900/ns"), "zdb://host:9900/ns");
  EXPECT_EQ(WithoutPassword("https://key:secret@host"), "https://host");
  EXPECT_EQ(WithoutPassword("http://host/a@b"), "http://host/a@b");
  EXPECT_EQ(WithoutPassword("dir:///a"), "dir:///a");
}

TEST(StoreUrl, OfAnotherKindIsRefused) {
  EXPECT_EQ(OpenStore("s3://host/x", kAnywhere).error().code, Code::kUnsupported);
  EXPECT_EQ(OpenStore("nothing", kAnywhere).error().code, Code::kUnsupported);
  EXPECT_EQ(OpenStore("zdb://host/a b", kAnywhere).error().code, Code::kInvalid);
}

TEST(StoreUrl, OutsideOfWhatTheNodeOffersIsDenied) {
  TempDir const dir;
  std::filesystem::create_directories(dir / "in");
  std::filesystem::create_symlink("/etc", dir / "in/out");
  StoreRules const rules{{dir / "in"}};

  EXPECT_TRUE(OpenStore("dir://" + (dir / "in/new"), rules));
  EXPECT_EQ(OpenStore("dir:///etc", rules).error().code, Code::kDenied);
  EXPECT_EQ(OpenStore("dir://" + (dir / "in/../x"), rules).error().code, Code::kDenied);
  EXPECT_EQ(OpenStore("dir://" + (dir / "in/out"), rules).error().code, Code::kDenied);
  EXPECT_EQ(OpenStore("zdb:///run/docker.sock", rules).error().code, Code::kDenied);
  EXPECT_EQ(OpenStore("dir://" + (dir / "in"), StoreRules{}).error().code, Code::kDenied);
}

TEST(DirStore, KeepsBlocksByTheirFirstDigits) {
  TempDir const dir;
  auto const store = Store("dir://" + dir.path());
  Digest const id{0xab};

  ASSERT_TRUE(store->Put(id, "sealed"));

  EXPECT_EQ(store->Get(id).value_or(""), "sealed");
  EXPECT_TRUE(testing::Exists(dir / ("ab/" + HexOf(id))));
  EXPECT_EQ(store->Get(Digest{1}).error().code, Code::kNotFound);
}

TEST(DirStore, FindsBlocksThatAreAllInOneDirectory) {
  TempDir const dir;
  testing::WriteText(dir / HexOf(Digest{7}), "sealed");

  EXPECT_EQ(Store("dir://" + dir.path())->Get(Digest{7}).value_or(""), "sealed");
}

TEST(DirStore, DoesNotFollowLinksOutOrReadWhatIsNoBlock) {
  TempDir const dir;
  testing::WriteText(dir / "secret", "x");
  std::filesystem::create_directories(dir / "store");
  std::filesystem::create_symlink("../secret", dir / ("store/" + HexOf(Digest{7})));
  std::filesystem::create_directories(dir / ("store/" + HexOf(Digest{8})));
  testing::WriteText(dir / ("store/" + HexOf(Digest{9})), std::string(kMaxSealedBytes + 1, 'x'));
  auto const store = Store("dir://" + (dir / "store"));

  EXPECT_EQ(store->Get(Digest{7}).error().code, Code::kNotFound);
  EXPECT_EQ(store->Get(Digest{8}).error().code, Code::kDecode);
  EXPECT_EQ(store->Get(Digest{9}).error().code, Code::kExhausted);
}

/// A server that answers by the first line of the request.
class WebStore : public ::testing::Test {
 protected:
  std::string Answer(std::string const& request) {
    std::lock_guard const lock(mutex_);
    auto const path = request.substr(4, request.find(' ', 4) - 4);
    asked_.push_back(path);
    if (!refused_.empty() && path.starts_with(refused_)) return HttpResponse("403 Forbidden", "");
    auto const found = files_.find(path);
    return HttpResponse(found == files_.end() ? "404 Not Found" : status_,
                        found == files_.end() ? "" : found->second);
  }

  std::mutex mutex_;  // guards asked_
  std::vector<std::string> asked_;
  std::map<std::string, std::string> files_;
  std::string status_ = "200 OK";
  std::string refused_;  // how paths begin that nobody may see
  HttpServer server_{[this](std::string const& request) { return Answer(request); }};
  std::string id_ = HexOf(Digest{0xab});
};

TEST_F(WebStore, IsAskedInBothPlaces) {
  files_["/base/" + id_] = "sealed";

  auto const block = Store(server_.url() + "/base/")->Get(Digest{0xab});

  ASSERT_TRUE(block) << block.error().message;
  EXPECT_EQ(*block, "sealed");
  EXPECT_THAT(asked_, ElementsAre("/base/ab/" + id_, "/base/" + id_));
}

TEST_F(WebStore, WithoutTheBlockSaysSo) {
  EXPECT_EQ(Store(server_.url())->Get(Digest{1}).error().code, Code::kNotFound);
}

TEST_F(WebStore, WithTroubleIsUnavailable) {
  files_["/ab/" + id_] = "sorry";
  status_ = "503 Service Unavailable";

  auto const block = Store(server_.url())->Get(Digest{0xab});

  EXPECT_EQ(block.error().code, Code::kUnavailable);
  EXPECT_THAT(block.error().message, HasSubstr("answered 503"));
}

TEST_F(WebStore, ThatRefusesTheFirstPlaceIsAskedInTheSecond) {
  refused_ = "/ab/";
  files_["/" + id_] = "sealed";

  EXPECT_EQ(Store(server_.url())->Get(Digest{0xab}).value_or(""), "sealed");
}

// Whether it has the block is not known then.
TEST_F(WebStore, ThatRefusesOnePlaceAndMissesInTheOtherIsUnavailable) {
  refused_ = "/ab/";

  auto const block = Store(server_.url())->Get(Digest{0xab});

  EXPECT_EQ(block.error().code, Code::kUnavailable);
  EXPECT_THAT(block.error().message, HasSubstr("answered 403"));
}

TEST_F(WebStore, ThatSendsTooMuchIsRefused) {
  files_["/ab/" + id_] = std::string(kMaxSealedBytes + 1, 'x');

  EXPECT_EQ(Store(server_.url())->Get(Digest{0xab}).error().code, Code::kDecode);
}

TEST_F(WebStore, TakesNoBlocks) {
  EXPECT_EQ(Store(server_.url())->Put(Digest{1}, "x").error().code, Code::kUnsupported);
}

TEST(WebStoreAway, IsUnavailable) {
  std::string url;
  {
    HttpServer const server([](std::string const&) { return HttpResponse("200 OK", ""); });
    url = server.url();
  }

  EXPECT_EQ(Store(url)->Get(Digest{1}).error().code, Code::kUnavailable);
}

TEST(ZdbStore, KeepsBlocksOverSocketAndPort) {
  RedisServer const redis;
  auto const by_port = Store(fmt::format("zdb://127.0.0.1:{}/default", redis.port()));
  auto const by_socket = Store("zdb://" + redis.socket());
  Digest const id{0xab, 0, '\r', '\n', 0xff};
  std::string const sealed("a\0b\r\nc", 6);

  ASSERT_TRUE(by_port->Put(id, sealed));

  EXPECT_EQ(by_socket->Get(id).value_or(""), sealed);
  EXPECT_EQ(by_socket->Get(Digest{1}).error().code, Code::kNotFound);
}

TEST(ZdbStore, SelectsItsNamespace) {
  RedisServer const redis;
  auto const url = fmt::format("zdb://127.0.0.1:{}", redis.port());
  ASSERT_TRUE(Store(url + "/1")->Put(Digest{5}, "sealed"));

  EXPECT_EQ(Store(url + "/1")->Get(Digest{5}).value_or(""), "sealed");
  EXPECT_EQ(Store(url)->Get(Digest{5}).error().code, Code::kNotFound);
  EXPECT_THAT(Store(url + "/none")->Get(Digest{5}).error().message,
              HasSubstr("the server answered"));
}

TEST(ZdbStore, ThatVanishesIsUnavailableAndRecovers) {
  RedisServer redis;
  auto const store = Store("zdb://" + redis.socket());
  ASSERT_TRUE(store->Put(Digest{5}, "sealed"));
  redis.Kill();
  ASSERT_EQ(store->Get(Digest{5}).error().code, Code::kUnavailable);

  redis.Start();

  EXPECT_TRUE(store->Put(Digest{5}, "sealed"));
  EXPECT_EQ(store->Get(Digest{5}).value_or(""), "sealed");
}

TEST(ZdbStore, LongErrorIsCut) {
  HttpServer const server([](std::string const&) { return "-" + std::string(900, 'x') + "\r\n"; });
  auto const url = "zdb://" + server.url().substr(std::string_view("http://").size());
  Digest const id{'\r', '\n', '\r', '\n'};  // what that server takes for the end of a question

  auto const block = Store(url)->Get(id);

  EXPECT_EQ(block.error().code, Code::kIo);
  EXPECT_THAT(block.error().message,
              EndsWith("the server answered '" + std::string(200, 'x') + "'"));
}

TEST(ZdbStore, EmptyBlockIsBad) {
  RedisServer const redis;
  auto const store = Store("zdb://" + redis.socket());
  ASSERT_TRUE(store->Put(Digest{5}, ""));

  EXPECT_EQ(store->Get(Digest{5}).error().code, Code::kDecode);
}

}  // namespace
}  // namespace trellis::plugins::flist
