// Loopback floors for 2 KB messages: a thread, a unix socket, tcp, a websocket.
#include "tests/bench/limits/common.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio.hpp>
#include <boost/beast.hpp>

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

namespace {

using namespace trellis::limits;  // NOLINT(google-build-using-namespace): a program of its own
namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using Socket = websocket::stream<tcp::socket>;

constexpr std::size_t kMessage = 2048;

/// Moves all of `buffer`; false when the other side is gone.
template <class Move>
bool All(std::vector<char>& buffer, Move move) {
  for (std::size_t done = 0; done < buffer.size();) {
    auto const moved = move(buffer.data() + done, buffer.size() - done);
    if (moved <= 0) return false;
    done += static_cast<std::size_t>(moved);
  }
  return true;
}
bool ReadAll(int fd, std::vector<char>& buffer) {
  return All(buffer, [fd](char* at, std::size_t size) { return ::read(fd, at, size); });
}
bool WriteAll(int fd, std::vector<char>& buffer) {
  return All(buffer, [fd](char* at, std::size_t size) { return ::write(fd, at, size); });
}

void PingPong(std::string name, std::array<int, 2> ends, double seconds) {
  std::jthread const server([fd = ends[1]] {
    std::vector<char> buffer(kMessage);
    while (ReadAll(fd, buffer) && WriteAll(fd, buffer)) {
    }
  });
  std::vector<char> buffer(kMessage, 'x');
  Row row;
  row.name = std::move(name);
  auto const start = Clock::now();
  while (SecondsBetween(start, Clock::now()) < seconds) {
    double const before = NowUs();
    if (!WriteAll(ends[0], buffer) || !ReadAll(ends[0], buffer)) Die("socket");
    row.latencies_us.push_back(NowUs() - before);
  }
  row.per_s = static_cast<double>(row.latencies_us.size()) / SecondsBetween(start, Clock::now());
  ::shutdown(ends[0], SHUT_RDWR);
  Print(std::move(row));
}

std::array<int, 2> TcpPair() {
  int const listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener, raw, size) != 0 || ::listen(listener, 1) != 0) Die("listen");
  if (::getsockname(listener, raw, &size) != 0) Die("getsockname");
  std::array<int, 2> ends{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), -1};
  if (::connect(ends[0], raw, size) != 0) Die("connect");
  ends[1] = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  ::close(listener);
  int const one = 1;
  for (int const fd : ends)
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return ends;
}

/// One job handed to a worker thread and its answer back.
void Handoff(double seconds) {
  std::mutex mutex;
  std::condition_variable changed;
  bool theirs = false;
  bool stop = false;
  std::jthread const worker([&] {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [&] { return theirs || stop; });
      if (stop) return;
      theirs = false;
      changed.notify_all();
    }
  });
  Row row;
  row.name = "thread_handoff_round_trip";
  auto const start = Clock::now();
  while (SecondsBetween(start, Clock::now()) < seconds) {
    double const before = NowUs();
    std::unique_lock lock(mutex);
    theirs = true;
    changed.notify_all();
    changed.wait(lock, [&] { return !theirs; });
    row.latencies_us.push_back(NowUs() - before);
  }
  row.per_s = static_cast<double>(row.latencies_us.size()) / SecondsBetween(start, Clock::now());
  {
    std::lock_guard const lock(mutex);
    stop = true;
  }
  changed.notify_all();
  Print(std::move(row));
}

class Echo : public std::enable_shared_from_this<Echo> {
 public:
  explicit Echo(tcp::socket socket) : ws_(std::move(socket)) {}
  void Start() {
    ws_.binary(true);
    ws_.async_accept([self = shared_from_this()](error_code error) {
      if (!error) self->Read();
    });
  }

 private:
  void Read() {
    ws_.async_read(in_, [self = shared_from_this()](error_code error, std::size_t) {
      if (error) return;
      self->ws_.async_write(self->in_.data(), [self](error_code failed, std::size_t) {
        if (failed) return;
        self->in_.consume(self->in_.size());
        self->Read();
      });
    });
  }
  Socket ws_;
  boost::beast::flat_buffer in_;
};

/// Keeps `window` messages in flight until the context stops.
class Client : public std::enable_shared_from_this<Client> {
 public:
  Client(asio::io_context& io, tcp::endpoint const& server, int window, std::vector<double>& out)
      : ws_(io), latencies_(out), credit_(window) {
    ws_.next_layer().connect(server);
    ws_.next_layer().set_option(tcp::no_delay(true));
    ws_.handshake("127.0.0.1", "/");
    ws_.binary(true);
  }
  void Start() {
    Read();
    Write();
  }

 private:
  void Write() {
    if (writing_ || credit_ == 0) return;
    writing_ = true;
    --credit_;
    sent_.push_back(NowUs());
    ws_.async_write(asio::buffer(message_),
                    [self = shared_from_this()](error_code error, std::size_t) {
                      self->writing_ = false;
                      if (!error) self->Write();
                    });
  }
  void Read() {
    ws_.async_read(in_, [self = shared_from_this()](error_code error, std::size_t) {
      if (error) return;
      self->in_.consume(self->in_.size());
      self->latencies_.push_back(NowUs() - self->sent_.front());
      self->sent_.pop_front();
      ++self->credit_;
      self->Write();
      self->Read();
    });
  }
  Socket ws_;
  boost::beast::flat_buffer in_;
  std::string message_ = ResultRecord(kMessage);
  std::deque<double> sent_;
  std::vector<double>& latencies_;
  int credit_;
  bool writing_ = false;
};

void Accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](error_code error, tcp::socket socket) {
    if (error) return;
    socket.set_option(tcp::no_delay(true));
    std::make_shared<Echo>(std::move(socket))->Start();
    Accept(acceptor);
  });
}

void Websocket(int connections, int window, double seconds) {
  asio::io_context server_io(1);
  tcp::acceptor acceptor(server_io, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
  Accept(acceptor);
  std::jthread server([&] { server_io.run(); });
  asio::io_context client_io(1);
  Row row;
  for (int i = 0; i < connections; ++i)
    std::make_shared<Client>(client_io, acceptor.local_endpoint(), window, row.latencies_us)
        ->Start();
  auto const start = Clock::now();
  client_io.run_for(std::chrono::milliseconds(static_cast<int>(seconds * 1000)));
  double const took = SecondsBetween(start, Clock::now());
  server_io.stop();
  server.join();
  row.name = fmt::format("websocket_echo/conns:{}/window:{}", connections, window);
  row.per_s = static_cast<double>(row.latencies_us.size()) / took;
  Print(std::move(row));
}

}  // namespace

int main(int argc, char** argv) {
  double seconds = 3;
  bool json = false;
  CLI::App app("The floors of talking to a neighbour");
  app.add_option("--seconds", seconds, "of each case");
  app.add_flag("--json", json);
  CLI11_PARSE(app, argc, argv);
  if (json) SetJson();
  Handoff(seconds / 3);
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) Die("socketpair");
  PingPong("unix_round_trip_2k", ends, seconds);
  PingPong("tcp_round_trip_2k", TcpPair(), seconds);
  for (auto const& [connections, window] :
       {std::pair(1, 1), std::pair(1, 32), std::pair(8, 16), std::pair(64, 4)})
    Websocket(connections, window, seconds);
  return 0;
}
