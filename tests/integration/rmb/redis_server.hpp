// A real Redis server on a port of its own.
#pragma once

#include "kernel/rmb/relay/options.hpp"
#include "kernel/sys/ports.hpp"
#include "kernel/sys/process.hpp"
#include "tests/support/patience.hpp"
#include "tests/support/temp_dir.hpp"

#include <boost/asio.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace trellis::rmb {

/// Gone with everything in it at the end.
class RedisServer {
 public:
  RedisServer() : port_(sys::PickPort().value()) { Start(); }

  void Start() {
    sys::SpawnOptions options;
    options.argv = {"redis-server", "--port",    std::to_string(port_),  "--bind", "127.0.0.1",
                    "--save",       "",          "--appendonly",         "no",     "--dir",
                    dir_.path(),    "--logfile", (dir_ / "log").string()};
    auto child = sys::ChildProcess::Spawn(options);
    if (!child) throw std::runtime_error(child.error().message);
    child_.emplace(*std::move(child));
    WaitForPort();
  }
  void Stop() { child_.reset(); }
  [[nodiscard]] RedisOptions options() const {
    RedisOptions options;
    options.port = port_;
    return options;
  }
  [[nodiscard]] std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_); }
  /// What redis-cli says.
  std::string Ask(std::vector<std::string> const& command) const {
    std::vector<std::string> argv{"redis-cli", "-p", std::to_string(port_)};
    argv.insert(argv.end(), command.begin(), command.end());
    return sys::RunTool(argv, testing::kPatience).value();
  }

 private:
  void WaitForPort() const {
    auto const end = std::chrono::steady_clock::now() + testing::kPatience;
    boost::asio::io_context io;
    while (std::chrono::steady_clock::now() < end) {
      boost::asio::ip::tcp::socket socket(io);
      boost::system::error_code refused;
      socket.connect({boost::asio::ip::make_address("127.0.0.1"), port_}, refused);
      if (!refused) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));  // nobody tells when it listens
    }
    throw std::runtime_error("redis-server does not listen");
  }

  testing::TempDir dir_;
  std::uint16_t port_;
  std::optional<sys::ChildProcess> child_;
};

}  // namespace trellis::rmb
