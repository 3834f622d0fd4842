#include "plugins/flist/tool/file_server.hpp"

#include "tests/support/image_tree.hpp"
#include "tests/support/patience.hpp"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <csignal>
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

/// A client that does what no library would.
class RawClient {
 public:
  RawClient() { SetPatience(trellis::testing::kPatience); }

  void SetPatience(std::chrono::milliseconds time) const {
    auto const us = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
    timeval const limit{us / 1'000'000, us % 1'000'000};
    EXPECT_EQ(::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
  }
  void Connect(std::string const& url) const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1))));
    auto const* const raw = reinterpret_cast<sockaddr const*>(&address);
    ASSERT_EQ(::connect(fd_.get(), raw, sizeof address), 0);
  }
  [[nodiscard]] bool Send(std::string_view text) const {
    return ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL) >= 0;
  }
  /// 0 when the server has closed, -1 when nothing came.
  [[nodiscard]] ssize_t Receive() const {
    std::array<char, 4096> chunk{};
    auto const got = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
    return got < 0 && errno == ECONNRESET ? 0 : got;
  }

 private:
  UniqueFd fd_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
};

/// Nobody in this process gets another descriptor meanwhile.
class NoDescriptors {
 public:
  NoDescriptors() {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    int const lowest = UniqueFd(::eventfd(0, EFD_CLOEXEC)).get();
    rlimit const none{static_cast<rlim_t>(lowest), before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  }
  ~NoDescriptors() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }
  NoDescriptors(NoDescriptors const&) = delete;
  NoDescriptors& operator=(NoDescriptors const&) = delete;

 private:
  rlimit before_{};
};

/// Nobody in this process can start a thread meanwhile: its stack would be too large.
class NoThreads {
 public:
  NoThreads() {
    EXPECT_EQ(::pthread_getattr_default_np(&before_), 0);
    pthread_attr_t huge = before_;
    EXPECT_EQ(::pthread_attr_setstacksize(&huge, std::size_t{1} << 47), 0);
    EXPECT_EQ(::pthread_setattr_default_np(&huge), 0);
  }
  ~NoThreads() { EXPECT_EQ(::pthread_setattr_default_np(&before_), 0); }
  NoThreads(NoThreads const&) = delete;
  NoThreads& operator=(NoThreads const&) = delete;

 private:
  pthread_attr_t before_{};
};

std::chrono::nanoseconds CpuTimeOf(std::jthread& thread) {
  clockid_t clock = 0;
  timespec used{};
  EXPECT_EQ(::pthread_getcpuclockid(thread.native_handle(), &clock), 0);
  EXPECT_EQ(::clock_gettime(clock, &used), 0);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

constexpr std::string_view kGet = "GET /a%20b.fl HTTP/1.0\r\n\r\n";

class FileServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(std::signal(SIGPIPE, SIG_IGN), SIG_ERR);
    WriteText(dir_ / "images/a b.fl", "0123456789");
    WriteText(dir_ / "secret", "x");
    std::filesystem::create_symlink("../secret", dir_ / "images/link");
    auto server = FileServer::Open(dir_ / "images", "127.0.0.1:0", limits_);
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
  ClientLimits limits_;
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

TEST_F(FileServerTest, WaitsForDescriptorsWithoutWork) {
  RawClient const client;
  auto const before = CpuTimeOf(thread_);
  {
    NoDescriptors const shortage;
    client.Connect(server_->url());
    client.SetPatience(std::chrono::milliseconds(500));
    EXPECT_EQ(client.Receive(), -1);  // the time in which work is measured
  }
  EXPECT_LT(CpuTimeOf(thread_) - before, std::chrono::milliseconds(20));

  client.SetPatience(trellis::testing::kPatience);
  EXPECT_TRUE(client.Send(kGet));
  EXPECT_GT(client.Receive(), 0);
}

TEST_F(FileServerTest, SurvivesThatNoThreadCanBeStarted) {
  {
    NoThreads const shortage;
    RawClient const client;
    client.Connect(server_->url());
    EXPECT_EQ(client.Receive(), 0);
  }

  EXPECT_EQ(Ask("/a%20b.fl").status, 200);
}

/// A server that soon has enough of slow clients, and a client that is never silent for long.
class SlowClients : public FileServerTest {
 protected:
  SlowClients() { limits_ = {std::chrono::milliseconds(300), std::uint64_t{1} << 30}; }
  static void Linger() { (void)::poll(nullptr, 0, 1); }

  RawClient client_;
};

TEST_F(SlowClients, LoseTheirPlaceWhileTheyAsk) {
  client_.Connect(server_->url());
  auto const end = std::chrono::steady_clock::now() + trellis::testing::kPatience;
  std::size_t sent = 0;
  while (client_.Send("x") && std::chrono::steady_clock::now() < end) {
    ++sent;
    Linger();
  }

  EXPECT_LT(sent, 16384U);  // that is the limit of a head
  EXPECT_LT(std::chrono::steady_clock::now(), end);
}

TEST_F(SlowClients, LoseTheirPlaceWhileTheyAreAnswered) {
  constexpr std::size_t kSize = std::size_t{256} << 20;
  constexpr std::size_t kStep = 65'536;  // often enough that the server never waits for long
  WriteText(dir_ / "images/large", "");
  std::filesystem::resize_file(dir_ / "images/large", kSize);
  client_.Connect(server_->url());
  ASSERT_TRUE(client_.Send("GET /large HTTP/1.0\r\n\r\n"));
  std::size_t received = 0;
  for (auto got = client_.Receive(); got > 0; got = client_.Receive()) {
    auto const before = received / kStep;
    received += static_cast<std::size_t>(got);
    if (received / kStep != before) Linger();
  }

  EXPECT_LT(received, kSize);
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
