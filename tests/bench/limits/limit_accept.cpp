// The end-to-end floor: a websocket server that does, per request, exactly the work of Accept,
// makes the document durable by group commit, then replies; after the reply it makes one 2 KB
// result per workload durable ("settled"). No policy, no state, no plugin: a daemon cannot do less.
// With --echo it only sends back what it gets, which is the ceiling of a load generator.
#include "tests/bench/limits/accept.hpp"
#include "tests/bench/limits/common.hpp"
#include "tests/bench/limits/sync_log.hpp"

#include <fmt/format.h>
#include <sodium.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <boost/asio.hpp>
#include <boost/beast.hpp>

#include <atomic>
#include <deque>
#include <filesystem>
#include <memory>
#include <thread>

namespace {

using namespace trellis::limits;  // NOLINT(google-build-using-namespace): a program of its own
namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using Socket = websocket::stream<tcp::socket>;

struct Options {
  std::filesystem::path dir = ".";
  double seconds = 2;
  int threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  int workloads = 0;  ///< 0 = the four usual cases
  int connections = 8;
  int window = 8;
  bool json = false;
  bool echo = false;
};

std::atomic<std::uint64_t> settled{0};

double CpuUs(int who) {
  rusage usage{};
  ::getrusage(who, &usage);
  auto const us = [](timeval const& t) {
    return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_usec);
  };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

/// The client is the main thread.
double ServerCpuUs() {
  return CpuUs(RUSAGE_SELF) - CpuUs(RUSAGE_THREAD);
}

/// One connection of the server; keeps itself alive while an operation runs.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, SyncLog* log, int workloads)
      : ws_(std::move(socket)), log_(log), workloads_(workloads) {}

  void Start() {
    ws_.binary(true);
    ws_.async_accept([self = shared_from_this()](error_code error) {
      if (!error) self->Read();
    });
  }

 private:
  void Read() {
    ws_.async_read(in_, [self = shared_from_this()](error_code error, std::size_t size) {
      if (error) return;
      self->log_ == nullptr ? self->Echo(size) : self->Handle(size);
      self->in_.consume(size);
      self->Read();
    });
  }
  void Echo(std::size_t size) { Send({static_cast<char const*>(in_.data().data()), size}); }
  void Handle(std::size_t size) {
    if (!accept_.Run(in_.data().data(), size)) Die("a request is not good");
    auto reply = std::make_shared<std::string>(accept_.reply());
    log_->Append(accept_.stored(), [self = shared_from_this(), reply] {
      asio::post(self->ws_.get_executor(), [self, reply] { self->Send(std::move(*reply)); });
      static std::string const record = ResultRecord();
      std::string results;
      for (int i = 0; i < self->workloads_; ++i)
        results += record;
      self->log_->Append(results, [] { ++settled; });
    });
  }
  void Send(std::string reply) {
    out_.push_back(std::move(reply));
    if (out_.size() == 1) Write();
  }
  void Write() {
    ws_.async_write(asio::buffer(out_.front()),
                    [self = shared_from_this()](error_code error, std::size_t) {
                      if (error) return;
                      self->out_.pop_front();
                      if (!self->out_.empty()) self->Write();
                    });
  }

  Socket ws_;
  boost::beast::flat_buffer in_;
  SyncLog* log_;  // null: echo
  int workloads_;
  Accept accept_;
  std::deque<std::string> out_;
};

/// Sends prepared requests and keeps `window` of them in flight.
class Client : public std::enable_shared_from_this<Client> {
 public:
  Client(asio::io_context& io, tcp::endpoint const& server, std::vector<std::string> const& wires,
         std::size_t first, int window, std::vector<double>& latencies)
      : ws_(io), wires_(wires), latencies_(latencies), next_(first), credit_(window) {
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
    ws_.async_write(asio::buffer(wires_[next_++ % wires_.size()]),
                    [self = shared_from_this()](error_code error, std::size_t) {
                      self->writing_ = false;
                      if (!error) self->Write();
                    });
  }
  void Read() {
    ws_.async_read(in_, [self = shared_from_this()](error_code error, std::size_t size) {
      if (error) return;
      self->in_.consume(size);
      self->latencies_.push_back(NowUs() - self->sent_.front());
      self->sent_.pop_front();
      ++self->credit_;
      self->Write();
      self->Read();
    });
  }

  Socket ws_;
  boost::beast::flat_buffer in_;
  std::vector<std::string> const& wires_;
  std::vector<double>& latencies_;
  std::deque<double> sent_;
  std::size_t next_;
  int credit_;
  bool writing_ = false;
};

/// Accepts connections until the context stops.
class Server {
 public:
  Server(asio::io_context& io, SyncLog* log, int workloads)
      : io_(io),
        acceptor_(io, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0)),
        log_(log),
        workloads_(workloads) {
    Accept();
  }
  [[nodiscard]] tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }

 private:
  void Accept() {
    acceptor_.async_accept(asio::make_strand(io_), [this](error_code error, tcp::socket socket) {
      if (error) return;
      socket.set_option(tcp::no_delay(true));
      std::make_shared<Session>(std::move(socket), log_, workloads_)->Start();
      Accept();
    });
  }
  asio::io_context& io_;
  tcp::acceptor acceptor_;
  SyncLog* log_;
  int workloads_;
};

void Run(Options const& options, std::vector<std::string> const& wires) {
  asio::io_context server_io;
  asio::io_context client_io(1);
  SyncLog log(options.dir / "limit.wal");  // its last callbacks post to the context above
  Server const server(server_io, &log, options.workloads);
  std::vector<std::jthread> threads;
  for (int i = 0; i < options.threads; ++i)
    threads.emplace_back([&] { server_io.run(); });
  std::vector<double> latencies;
  for (int i = 0; i < options.connections; ++i) {
    constexpr std::size_t kStride = 37;
    std::make_shared<Client>(client_io, server.endpoint(), wires,
                             static_cast<std::size_t>(i) * kStride, options.window, latencies)
        ->Start();
  }
  settled = 0;
  auto const syncs_before = log.syncs();
  double const cpu_before = ServerCpuUs();
  auto const start = Clock::now();
  client_io.run_for(std::chrono::milliseconds(static_cast<int>(options.seconds * 1000)));
  double const seconds = SecondsBetween(start, Clock::now());
  double const cpu = ServerCpuUs() - cpu_before;
  auto const done = static_cast<double>(std::max<std::uint64_t>(settled, 1));
  auto const syncs = static_cast<double>(log.syncs() - syncs_before);
  server_io.stop();
  threads.clear();
  Row row;
  row.name = fmt::format("accept_floor/wl:{}/conns:{}/window:{}/threads:{}", options.workloads,
                         options.connections, options.window, options.threads);
  row.per_s = static_cast<double>(latencies.size()) / seconds;
  row.latencies_us = std::move(latencies);
  row.more = {{"settled_per_s", done / seconds},
              {"syncs_per_s", syncs / seconds},
              {"cpu_us_per_settled", cpu / done}};
  Print(std::move(row));
}

/// Until standard input ends.
void Echo() {
  asio::io_context io(1);
  Server const server(io, nullptr, 0);
  fmt::print("ws://127.0.0.1:{}\n", server.endpoint().port());
  (void)std::fflush(stdout);
  std::jthread const thread([&] { io.run(); });
  while (std::getchar() != EOF) {
  }
  io.stop();
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("The end-to-end floor of accepting deployments");
  app.add_option("dir", options.dir, "folder for the log, on the disk that the daemon uses");
  app.add_option("--seconds", options.seconds);
  app.add_option("--threads", options.threads, "threads of the server");
  app.add_option("--workloads", options.workloads, "workloads of a deployment; 0: the usual cases");
  app.add_option("--conns", options.connections);
  app.add_option("--window", options.window, "requests in flight on a connection");
  app.add_flag("--json", options.json);
  app.add_flag("--echo", options.echo, "serve an echo until standard input ends");
  CLI11_PARSE(app, argc, argv);
  if (sodium_init() < 0) return 1;
  if (options.json) SetJson();
  if (options.echo) {
    Echo();
    return 0;
  }
  std::vector<std::string> wires;
  constexpr int kWires = 1000;
  for (int i = 0; i < kWires; ++i)
    wires.push_back(SignedRequest(ReferenceDocument(), fmt::format("uid-{}", i)));
  if (options.workloads > 0) {
    Run(options, wires);
    return 0;
  }
  for (auto const& [workloads, connections, window] :
       {std::tuple(1, 1, 1), std::tuple(1, 8, 8), std::tuple(1, 64, 4), std::tuple(10, 8, 8)}) {
    options.workloads = workloads;
    options.connections = connections;
    options.window = window;
    Run(options, wires);
  }
  return 0;
}
