// TCP from a machine on one node to a machine on another through their network's tunnel, against
// the same through wireguard-go set up by hand: between namespaces behind its ends, and between the
// ends themselves. As root; in namespaces of its own.
#include "plugins/common/posix/unix_client.hpp"
#include "plugins/network/wireguard_text.hpp"
#include "tests/bench/micro/must.hpp"
#include "tests/integration/network/tunnel_lab.hpp"

#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <future>
#include <thread>

namespace {

using namespace trellis;  // NOLINT(google-build-using-namespace): a program of its own
using namespace trellis::plugins::network;  // NOLINT(google-build-using-namespace)
using bench::Must;
using plugins::UniqueFd;

constexpr int kPairs = 5;
constexpr std::chrono::seconds kLength{2};
constexpr std::uint16_t kPort = 8000;
constexpr std::size_t kChunk = std::size_t{1} << 17U;

sockaddr_in Address(std::string const& ip) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(kPort);
  ::inet_pton(AF_INET, ip.c_str(), &out.sin_addr);
  return out;
}

/// Two nodes with a machine each, `m1` and `m2`, and two hosts `h5` and `h6` with tunnels by hand
/// and a namespace `b5`, `b6` behind each.
class Lab : public TunnelLab {
 public:
  Lab() {
    SetUp();
    Connect();
    hand_host_ = std::make_unique<trellis::testing::FakeHost>();
    hand_ = std::make_unique<trellis::testing::RealProcesses>(*hand_host_, dir_ + "/hand");
    for (int const number : {5, 6}) {
      AddByHand(number, 11 - number);
      AddBehind(number);
    }
  }
  ~Lab() override {
    hand_.reset();
    TearDown();
  }
  /// Megabits in a second.
  double Flow(std::string const& from, std::string const& to, std::string const& ip) {
    std::promise<void> listens;
    auto received = std::async(std::launch::async, [&] { return Receive(to, listens); });
    listens.get_future().wait();
    Must(namespaces_->RunIn(from, [&]() -> Result<void> {
      UniqueFd const fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      auto const address = Address(ip);
      if (::connect(fd.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0)
        return plugins::FailErrno("connect to {}", ip);
      std::vector<char> const chunk(kChunk);
      auto const end = std::chrono::steady_clock::now() + kLength;
      while (std::chrono::steady_clock::now() < end)
        if (::send(fd.get(), chunk.data(), chunk.size(), 0) < 0) return plugins::FailErrno("send");
      return {};
    }));
    return received.get();
  }

 private:
  void TestBody() override {}

  double Receive(std::string const& name, std::promise<void>& listens) {
    double mbit = 0;
    Must(namespaces_->RunIn(name, [&]() -> Result<void> {
      UniqueFd const fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      auto const address = Address("0.0.0.0");
      int const yes = 1;
      ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
      bool const bound =
          ::bind(fd.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0 &&
          ::listen(fd.get(), 1) == 0;
      listens.set_value();
      if (!bound) return plugins::FailErrno("listen");
      UniqueFd const peer(::accept4(fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
      auto const start = std::chrono::steady_clock::now();
      std::vector<char> chunk(kChunk);
      double bytes = 0;
      for (ssize_t got = 1; got > 0; bytes += static_cast<double>(std::max<ssize_t>(got, 0)))
        got = ::recv(peer.get(), chunk.data(), chunk.size(), 0);
      std::chrono::duration<double> const took = std::chrono::steady_clock::now() - start;
      mbit = bytes * 8 / 1e6 / took.count();
      return {};
    }));
    return mbit;
  }

  void AddByHand(int number, int other) {
    auto const name = fmt::format("h{}", number);
    auto const link = fmt::format("wg{}", number);
    AddHost(name, number);
    ProcessSpec spec;
    spec.argv = {"/usr/bin/wireguard-go", "-f", link};
    spec.env = {{"WG_PROCESS_FOREGROUND", "1"}, {"LOG_LEVEL", "error"}};
    spec.netns = namespaces_->Path(name);
    spec.restart = "never";
    (void)Must(hand_->Run("hand/" + link, spec));
    auto const socket = "/var/run/wireguard/" + link + ".sock";
    while (!plugins::AskUnix(socket, kGetRequest, kEndOfAnswer))
      std::this_thread::sleep_for(std::chrono::milliseconds(5));  // until it listens
    auto data = DataOf(number, {other});
    data.peers[0].endpoint = fmt::format("192.0.2.{}:300{}", other, other);
    auto const set = SetRequest(ChangeTo(DeviceOf(data, data.wireguard_listen_port), {}, {}));
    Must(CheckAnswer(Must(plugins::AskUnix(socket, set, kEndOfAnswer))));
    Must(namespaces_->RunIn(name, [&]() -> Result<void> {
      TRELLIS_TRY(auto links, Links::Open());
      TRELLIS_TRY(auto const found, links.Get(link));
      TRELLIS_TRY(auto const own, IpNet::Parse(fmt::format("10.1.{}.5/32", number + 1)));
      TRELLIS_TRY(auto const range, IpNet::Parse("10.1.0.0/16"));
      TRELLIS_CHECK(links.ConvergeAddresses(found.index, {own}));
      TRELLIS_CHECK(links.SetUp(found.index));
      return links.SetRoute(range, found.index);
    }));
  }

  /// A namespace with 10.1.<number + 1>.6 that host `number` forwards for.
  void AddBehind(int number) {
    auto const name = fmt::format("b{}", number);
    Must(namespaces_->Ensure(name));
    auto const inside = Must(namespaces_->Open(name));
    auto const host = Must(IpNet::Parse(fmt::format("10.1.{}.1/24", number + 1)));
    auto const own = Must(IpNet::Parse(fmt::format("10.1.{}.6/24", number + 1)));
    Must(namespaces_->RunIn(fmt::format("h{}", number), [&]() -> Result<void> {
      TRELLIS_TRY(auto links, Links::Open());
      TRELLIS_CHECK(links.CreateVeth("lan", {"eth0", inside.get(), {}}));
      TRELLIS_TRY(auto const lan, links.Get("lan"));
      TRELLIS_CHECK(links.ConvergeAddresses(lan.index, {host}));
      TRELLIS_CHECK(links.SetUp(lan.index));
      return WriteSysctl("ipv4/ip_forward", "1");
    }));
    Must(namespaces_->RunIn(name, [&]() -> Result<void> {
      TRELLIS_TRY(auto links, Links::Open());
      TRELLIS_TRY(auto const eth0, links.Get("eth0"));
      TRELLIS_CHECK(links.ConvergeAddresses(eth0.index, {own}));
      TRELLIS_CHECK(links.SetUp(eth0.index));
      return links.SetDefaultRoute(host.ip, eth0.index);
    }));
  }

  std::unique_ptr<trellis::testing::FakeHost> hand_host_;
  std::unique_ptr<trellis::testing::RealProcesses> hand_;
};

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void BM_tunnel(benchmark::State& state) {
  Lab lab;
  std::vector<double> ours;
  std::vector<double> hand;
  std::vector<double> behind;
  std::vector<double> ends;
  (void)lab.Flow("m2", "m1", "10.1.2.5");  // handshakes are done, buffers have grown
  (void)lab.Flow("b6", "b5", "10.1.6.6");
  for (auto _ : state) {
    ours.push_back(lab.Flow("m2", "m1", "10.1.2.5"));
    hand.push_back(lab.Flow("b6", "b5", "10.1.6.6"));
    behind.push_back(ours.back() / hand.back());
    ends.push_back(ours.back() / lab.Flow("h6", "h5", "10.1.6.5"));
  }
  state.counters["ours_mbit"] = Median(ours);
  state.counters["hand_mbit"] = Median(hand);
  state.counters["behind"] = Median(behind);
  state.counters["ends"] = Median(ends);
}
BENCHMARK(BM_tunnel)->Iterations(kPairs)->UseRealTime();

}  // namespace
