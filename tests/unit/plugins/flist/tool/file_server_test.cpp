#include "plugins/flist/tool/file_server.hpp"

#include "tests/support/image_tree.hpp"

#include <curl/curl.h>
#include <gmock/gmock.h>
#include <sys/eventfd.h>

#include <filesystem>
#include <thread>

namespace trellis::plugins::flist {
namespace {

using ::testing::HasSubstr;
using testing::TempDir;
using testing::WriteText;

std::size_t Append(char* data, std::size_t, std::size_t size, void* text) {
  static_cast<std::string*>(text)->append(data, size);
  return size;
}

struct Answer {
  long status = 0;
  std::string headers;
  std::string body;
};

class FileServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    WriteText(dir_ / "images/a b.fl", "0123456789");
    WriteText(dir_ / "secret", "x");
    std::filesystem::create_symlink("../secret", dir_ / "images/link");
    auto server = FileServer::Open(dir_ / "images", "127.0.0.1:0");
    ASSERT_TRUE(server) << server.error().message;
    server_ = *std::move(server);
    thread_ = std::jthread([this] { EXPECT_TRUE(server_->Run(end_.get())); });
  }
  void TearDown() override { ASSERT_EQ(::eventfd_write(end_.get(), 1), 0); }

  Answer Ask(std::string const& path, bool head = false, std::string const& header = "") {
    Answer answer;
    std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> const curl(curl_easy_init(),
                                                                   &curl_easy_cleanup);
    std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> const list(
        header.empty() ? nullptr : curl_slist_append(nullptr, header.c_str()),
        &curl_slist_free_all);
    curl_easy_setopt(curl.get(), CURLOPT_URL, (server_->url() + path).c_str());
    curl_easy_setopt(curl.get(), CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl.get(), CURLOPT_NOBODY, head ? 1L : 0L);
    curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, list.get());
    curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &Append);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.body);
    curl_easy_setopt(curl.get(), CURLOPT_HEADERFUNCTION, &Append);
    curl_easy_setopt(curl.get(), CURLOPT_HEADERDATA, &answer.headers);
    EXPECT_EQ(curl_easy_perform(curl.get()), CURLE_OK);
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &answer.status);
    return answer;
  }

  TempDir dir_;
  UniqueFd end_{::eventfd(0, EFD_CLOEXEC)};
  std::unique_ptr<FileServer> server_;
  std::jthread thread_;
};

TEST_F(FileServerTest, ServesFilesWholeAndInParts) {
  auto const whole = Ask("/a%20b.fl");
  auto const part = Ask("/a%20b.fl", false, "Range: bytes=2-4");
  auto const head = Ask("/a%20b.fl", true);

  EXPECT_EQ(whole.status, 200);
  EXPECT_EQ(whole.body, "0123456789");
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "234");
  EXPECT_THAT(part.headers, HasSubstr("Content-Range: bytes 2-4/10"));
  EXPECT_EQ(head.status, 200);
  EXPECT_THAT(head.headers, HasSubstr("Content-Length: 10"));
}

TEST_F(FileServerTest, SaysWhenAFileDidNotChange) {
  auto const headers = Ask("/a%20b.fl").headers;
  auto const begin = headers.find("ETag: ") + 6;
  auto const etag = headers.substr(begin, headers.find("\r\n", begin) - begin);

  EXPECT_EQ(Ask("/a%20b.fl", false, "If-None-Match: " + etag).status, 304);
  EXPECT_EQ(Ask("/a%20b.fl", false, "If-None-Match: \"x\"").status, 200);
}

TEST_F(FileServerTest, KnowsTheDigestOfAFile) {
  EXPECT_EQ(Ask("/a%20b.fl.md5").body, "781e5e245d69b566979b86e28d23f2c7");
  EXPECT_EQ(Ask("/none.md5").status, 404);
}

TEST_F(FileServerTest, NothingOutsideOfTheDirectoryIsServed) {
  EXPECT_EQ(Ask("/../secret").status, 404);
  EXPECT_EQ(Ask("/link").status, 404);
  EXPECT_EQ(Ask("/").status, 404);
  EXPECT_EQ(Ask("/a%20b.fl", false, "Range: bytes=10-").status, 416);
}

TEST(FileServerAddress, HasIpAndPort) {
  TempDir const dir;

  EXPECT_EQ(FileServer::Open(dir.path(), "localhost:1").error().code, Code::kInvalid);
  EXPECT_EQ(FileServer::Open(dir.path(), "127.0.0.1:x").error().code, Code::kInvalid);
  EXPECT_EQ(FileServer::Open(dir.path(), "127.0.0.1").error().code, Code::kInvalid);
  EXPECT_TRUE(FileServer::Open(dir.path(), "[::1]:0"));
}

}  // namespace
}  // namespace trellis::plugins::flist
