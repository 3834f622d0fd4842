// Load for a relay: messages between two twins, idle sessions, floods. Prints one JSON line.
#include "kernel/rmb/relay/frame.hpp"
#include "kernel/sys/limits.hpp"
#include "tests/bench/relay/twins.hpp"

#include <fmt/format.h>
#include <sodium.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>

#include <chrono>
#include <deque>
#include <memory>
#include <vector>

namespace {

using namespace trellis;         // NOLINT(google-build-using-namespace): a program of its own
using namespace trellis::bench;  // NOLINT(google-build-using-namespace)
namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;
using Steady = std::chrono::steady_clock;

struct Options {
  std::string mode;
  std::string ledger;
  std::string relay = "127.0.0.1";
  std::uint16_t port = 0;
  std::uint32_t node = 0;
  std::size_t count = 1;
  std::size_t window = 16;
  std::size_t bytes = 2048;
  double seconds = 2;
  double rate = 1000;
};

using Socket = websocket::stream<tcp::socket>;

std::unique_ptr<Socket> Connect(asio::io_context& io, Options const& options, std::uint32_t twin,
                                std::string const& session) {
  auto socket = std::make_unique<Socket>(io);
  socket->next_layer().connect({asio::ip::make_address("127.0.0.1"), options.port});
  socket->next_layer().set_option(tcp::no_delay(true));
  socket->handshake("127.0.0.1", "/?" + TokenOf(twin, session));
  socket->binary(true);
  return socket;
}

/// Sends to a partner session as long as no more than `window` messages are on their way.
class Pair {
 public:
  Pair(asio::io_context& io, Options const& options, std::size_t index)
      : window_(options.window),
        sender_(Connect(io, options, kFirst, fmt::format("s{}", index))),
        receiver_(Connect(io, options, kFirst + 1, fmt::format("r{}", index))),
        message_(RequestBytes({kFirst, fmt::format("s{}", index)},
                              {kFirst + 1, fmt::format("r{}", index)}, options.bytes, true)) {}
  void Start() {
    Read();
    Write();
  }
  [[nodiscard]] std::size_t received() const { return received_; }

 private:
  void Write() {
    if (writing_ || sent_ - received_ >= window_) return;
    writing_ = true;
    ++sent_;
    sender_->async_write(asio::buffer(message_), [this](error_code error, std::size_t) {
      writing_ = false;
      if (!error) Write();
    });
  }
  void Read() {
    receiver_->async_read(in_, [this](error_code error, std::size_t) {
      if (error) return;
      in_.consume(in_.size());
      ++received_;
      Write();
      Read();
    });
  }

  std::size_t window_;
  std::unique_ptr<Socket> sender_;
  std::unique_ptr<Socket> receiver_;
  std::string message_;
  boost::beast::flat_buffer in_;
  std::size_t sent_ = 0;
  std::size_t received_ = 0;
  bool writing_ = false;
};

void MeasureRate(Options const& options) {
  asio::io_context io(1);
  std::vector<std::unique_ptr<Pair>> pairs;
  for (std::size_t i = 0; i < options.count; ++i)
    pairs.push_back(std::make_unique<Pair>(io, options, i));
  for (auto const& pair : pairs)
    pair->Start();
  auto const total = [&] {
    std::size_t sum = 0;
    for (auto const& pair : pairs)
      sum += pair->received();
    return sum;
  };
  io.run_for(std::chrono::milliseconds(300));  // warm
  auto const before = total();
  auto const begun = Steady::now();
  io.run_for(std::chrono::milliseconds(static_cast<std::int64_t>(options.seconds * 1000)));
  std::chrono::duration<double> const took = Steady::now() - begun;
  fmt::print("{{\"per_s\": {:.0f}}}\n", static_cast<double>(total() - before) / took.count());
}

/// Sessions that do nothing, until standard input ends.
void HoldIdle(Options const& options) {
  asio::io_context io(1);
  std::vector<std::unique_ptr<Socket>> sockets;
  for (std::size_t i = 0; i < options.count; ++i)
    sockets.push_back(Connect(io, options, kFirst + static_cast<std::uint32_t>(i % kCount),
                              fmt::format("idle{}", i)));
  fmt::print("{{\"connected\": {}}}\n", sockets.size());
  (void)std::fflush(stdout);
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
}

/// Sessions that sent half a frame of a megabyte, until standard input ends.
void HoldHalves(Options const& options) {
  asio::io_context io(1);
  std::vector<std::unique_ptr<Socket>> sockets;
  std::string const half = std::string("\x82\xff\x00\x00\x00\x00\x00\x10\x00\x00", 10) + "mask" +
                           std::string(std::size_t{512} << 10U, 'x');
  for (std::size_t i = 0; i < options.count; ++i) {
    sockets.push_back(Connect(io, options, kFirst, fmt::format("half{}", i)));
    asio::write(sockets.back()->next_layer(), asio::buffer(half));
  }
  fmt::print("{{\"connected\": {}}}\n", sockets.size());
  (void)std::fflush(stdout);
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
}

/// Requests with bad signatures to the node at a rate, in the names of several known twins.
void Flood(Options const& options) {
  asio::io_context io(1);
  std::vector<std::unique_ptr<Socket>> sockets;
  std::vector<std::string> messages;
  for (std::size_t i = 0; i < options.count; ++i) {
    auto const twin = kFirst + 10 + static_cast<std::uint32_t>(i);
    sockets.push_back(Connect(io, options, twin, "flood"));
    messages.push_back(
        RequestBytes({twin, "flood"}, {options.node, std::nullopt}, options.bytes, false));
  }
  fmt::print("{{\"connected\": {}}}\n", sockets.size());
  (void)std::fflush(stdout);
  auto const begun = Steady::now();
  std::size_t sent = 0;
  while (std::chrono::duration<double>(Steady::now() - begun).count() < options.seconds) {
    std::chrono::duration<double> const past = Steady::now() - begun;
    auto const due = static_cast<std::size_t>(past.count() * options.rate);
    for (; sent < due; ++sent) {
      error_code full;
      sockets[sent % sockets.size()]->write(asio::buffer(messages[sent % messages.size()]), full);
    }
    ::usleep(500);  // the pace of the load
  }
  fmt::print("{{\"sent\": {}}}\n", sent);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("load for a relay");
  app.add_option("mode", options.mode, "twins, rate, idle, halves or flood")->required();
  app.add_option("--ledger", options.ledger, "the ledger that gets the twins");
  app.add_option("--relay", options.relay, "relay of the twins on the ledger");
  app.add_option("--port", options.port, "of the relay");
  app.add_option("--node", options.node, "twin of the node, for a flood");
  app.add_option("--count", options.count, "pairs or sessions");
  app.add_option("--window", options.window, "messages on their way");
  app.add_option("--bytes", options.bytes, "of a payload");
  app.add_option("--seconds", options.seconds, "how long");
  app.add_option("--rate", options.rate, "messages a second of a flood");
  CLI11_PARSE(app, argc, argv);
  if (sodium_init() < 0) return 1;
  (void)sys::RaiseFileLimit();
  try {
    if (!options.ledger.empty()) {
      auto const added = AddTwins(options.ledger, options.relay);
      if (!added) throw std::runtime_error(added.error().message);
    }
    if (options.mode == "rate") MeasureRate(options);
    if (options.mode == "idle") HoldIdle(options);
    if (options.mode == "halves") HoldHalves(options);
    if (options.mode == "flood") Flood(options);
  } catch (std::exception const& error) {
    fmt::print(stderr, "relay_load: {}\n", error.what());
    return 1;
  }
  return 0;
}
