#include "tests/support/redis_server.hpp"

#include "plugins/common/posix/tool.hpp"
#include "tests/support/patience.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace trellis::testing {

namespace {

std::uint16_t FreePort() {
  int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

bool Listens(std::string const& path) {
  int const fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  bool const there = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return there;
}

}  // namespace

RedisServer::RedisServer() : dir_("/tmp/trellis-redis-XXXXXX"), port_(FreePort()) {
  EXPECT_NE(::mkdtemp(dir_.data()), nullptr);
  socket_ = dir_ + "/redis.sock";
  Start();
}

std::string RedisServer::Ask(std::vector<std::string> const& command) const {
  std::vector<std::string> argv{"redis-cli", "-s", socket_};
  argv.insert(argv.end(), command.begin(), command.end());
  auto const said = plugins::RunTool(argv, kPatience);
  EXPECT_TRUE(said) << said.error().message;
  return said.value_or("");
}

RedisServer::~RedisServer() {
  Kill();
  std::error_code ignored;
  std::filesystem::remove_all(dir_, ignored);
}

void RedisServer::Kill() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  pid_ = -1;
  ::unlink(socket_.c_str());
}

void RedisServer::Start() {
  auto port = std::to_string(port_);
  std::array<char const*, 14> const words{"redis-server",
                                          "--port",
                                          port.c_str(),
                                          "--bind",
                                          "127.0.0.1",
                                          "--unixsocket",
                                          socket_.c_str(),
                                          "--dir",
                                          dir_.c_str(),
                                          "--save",
                                          "",
                                          "--daemonize",
                                          "no",
                                          nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  int const failed = ::posix_spawnp(&pid_, words[0], &actions, nullptr,
                                    const_cast<char* const*>(words.data()), environ);
  posix_spawn_file_actions_destroy(&actions);
  ASSERT_EQ(failed, 0) << "redis-server is not installed";
  // The socket's file appears a little before it listens: the change of its mode comes after.
  int const watch = ::inotify_init1(IN_CLOEXEC);
  ::inotify_add_watch(watch, dir_.c_str(), IN_CREATE | IN_ATTRIB);
  auto const until = std::chrono::steady_clock::now() + kPatience;
  while (!Listens(socket_) && std::chrono::steady_clock::now() < until) {
    pollfd wait{watch, POLLIN, 0};
    (void)::poll(&wait, 1, 50);
    std::array<char, 4096> events{};
    if ((wait.revents & POLLIN) != 0) (void)!::read(watch, events.data(), events.size());
  }
  ::close(watch);
  ASSERT_TRUE(Listens(socket_));
}

}  // namespace trellis::testing
