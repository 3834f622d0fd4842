#include "plugins/flist/download.hpp"

#include "tests/support/http_server.hpp"
#include "tests/support/image_tree.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <optional>

namespace trellis::plugins::flist {
namespace {

using namespace trellis::testing;

class Download : public ::testing::Test {
 protected:
  std::string Answer(std::string const& request) {
    ++requests_;
    if (request.starts_with("GET /none ")) return HttpResponse("404 Not Found", "no");
    if (request.starts_with("GET /broken ")) return HttpResponse("500 Internal", "no");
    if (request.starts_with("GET /moved "))
      return HttpResponse("302 Found", "", "Location: /image\r\n");
    if (request.starts_with("GET /loop "))
      return HttpResponse("302 Found", "", "Location: /loop\r\n");
    if (request.starts_with("GET /file "))
      return HttpResponse("302 Found", "", "Location: file:///etc/passwd\r\n");
    if (request.find("If-None-Match: \"v1\"\r\n") != std::string::npos) {
      ++not_modified_;
      return HttpResponse("304 Not Modified", "");
    }
    return HttpResponse("200 OK", "content", "ETag: \"v1\"\r\n");
  }
  Result<std::string> Fetch(std::string const& path) {
    return downloads_.Fetch(*call_, url_ + path);
  }
  [[nodiscard]] std::size_t Files() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(dir_.path()), {}));
  }

  TempDir dir_;
  std::atomic<int> requests_ = 0;
  std::atomic<int> not_modified_ = 0;
  std::optional<HttpServer> server_{std::in_place,
                                    [this](std::string const& r) { return Answer(r); }};
  std::string url_ = server_->url();
  Downloads downloads_{dir_.path(), 7};
  TestCall call_;
};

TEST_F(Download, StoresTheBody) {
  auto const file = Fetch("/image");

  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(ReadText(*file), "content");
}

TEST_F(Download, AsksAgainButDoesNotFetchTheSameTwice) {
  ASSERT_TRUE(Fetch("/image"));

  auto const again = Fetch("/image");

  EXPECT_EQ(not_modified_, 1);
  EXPECT_EQ(ReadText(*again), "content");
}

TEST_F(Download, UsesTheKeptFileWhileTheServerIsAway) {
  ASSERT_TRUE(Fetch("/image"));
  server_.reset();

  auto const again = Fetch("/image");

  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(ReadText(*again), "content");
}

TEST_F(Download, FailsForATimeWhenTheServerWasNeverThere) {
  server_.reset();

  EXPECT_EQ(Fetch("/image").error().code, Code::kUnavailable);
}

TEST_F(Download, TellsThatTheUrlDoesNotExist) {
  auto const file = Fetch("/none");

  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, Code::kNotFound);
  EXPECT_EQ(file.error().message, "'" + url_ + "/none' does not exist");
}

TEST_F(Download, ServerErrorIsTransient) {
  EXPECT_EQ(Fetch("/broken").error().code, Code::kUnavailable);
}

TEST_F(Download, FollowsRedirectsButNotForEverAndNotToFiles) {
  EXPECT_TRUE(Fetch("/moved"));
  EXPECT_FALSE(Fetch("/loop"));
  EXPECT_FALSE(Fetch("/file"));
}

TEST_F(Download, StopsAtTheSizeLimitAndLeavesNothing) {
  Downloads const small(dir_.path(), 6);

  auto const file = small.Fetch(*call_, url_ + "/image");

  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, Code::kExhausted);
  EXPECT_EQ(Files(), 0U);
}

}  // namespace
}  // namespace trellis::plugins::flist
