// Three members in network namespaces of their own; one is cut off.
#include "kernel/ledger/etcd/etcd_ledger.hpp"
#include "kernel/sys/netns.hpp"
#include "tests/support/etcd/etcd_cluster.hpp"
#include "tests/support/ledger_grid.hpp"
#include "tests/support/patience.hpp"

#include <unistd.h>

#include <thread>

namespace trellis::ledger {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMembers = 3;

/// Namespaces of the members, and a hub in the middle with a bridge: `10.77.0.<member + 1>`; the
/// hub itself is 10.77.0.254.
class Lab {
 public:
  Lab() {
    Ip({"netns", "add", hub()});
    InHub({"link", "set", "lo", "up"});
    InHub({"link", "add", "mid", "address", "02:00:00:00:00:01", "type",
           "bridge"});  // else it is a port's
    InHub({"addr", "add", "10.77.0.254/24", "dev", "mid"});
    InHub({"link", "set", "mid", "up"});
    for (std::size_t i = 0; i < kMembers; ++i)
      AddMember(i);
  }
  ~Lab() {
    for (std::size_t i = 0; i < kMembers; ++i)
      Ip({"netns", "del", ns(i)});
    Ip({"netns", "del", hub()});
  }
  Lab(Lab const&) = delete;
  Lab& operator=(Lab const&) = delete;

  [[nodiscard]] std::string hub() const { return fmt::format("trl{}hub", ::getpid()); }
  [[nodiscard]] std::string ns(std::size_t member) const {
    return fmt::format("trl{}m{}", ::getpid(), member);
  }
  static std::string Address(std::size_t member) { return fmt::format("10.77.0.{}", member + 1); }

  void Cut(std::size_t member) { InHub({"link", "set", fmt::format("to{}", member), "down"}); }
  void Join(std::size_t member) { InHub({"link", "set", fmt::format("to{}", member), "up"}); }

  static sys::NetnsScope Enter(std::string const& name) {
    auto scope = sys::NetnsScope::Enter("/run/netns/" + name);
    if (!scope) ADD_FAILURE() << scope.error().message;
    return *std::move(scope);
  }

 private:
  static void Ip(std::vector<std::string> argv) {
    argv.insert(argv.begin(), "ip");
    auto const done = sys::RunTool(argv, testing::kPatience);
    EXPECT_TRUE(done) << done.error().message;
  }
  void InHub(std::vector<std::string> argv) {
    argv.insert(argv.begin(), {"-n", hub()});
    Ip(std::move(argv));
  }
  void InMember(std::size_t member, std::vector<std::string> argv) {
    argv.insert(argv.begin(), {"-n", ns(member)});
    Ip(std::move(argv));
  }
  void AddMember(std::size_t member) {
    auto const link = fmt::format("to{}", member);
    Ip({"netns", "add", ns(member)});
    InHub({"link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", ns(member)});
    InHub({"link", "set", link, "master", "mid", "up"});
    InMember(member, {"link", "set", "lo", "up"});
    InMember(member, {"addr", "add", Address(member) + "/24", "dev", "eth0"});
    InMember(member, {"link", "set", "eth0", "up"});
  }
};

class EtcdPartition : public ::testing::Test, protected LedgerGrid<EtcdLedger> {
 protected:
  void SetUp() override {
    EtcdCluster::Options options;
    for (std::size_t i = 0; i < kMembers; ++i) {
      options.addresses.push_back(Lab::Address(i));
      options.netns.push_back(lab_.ns(i));
    }
    auto started = EtcdCluster::Start(options);
    ASSERT_TRUE(started) << started.error().message;
    cluster_ = *std::move(started);
    options_ = cluster_->NewLedger();
    options_.clock = &clock_;
    options_.timeout = 1s;
    auto const here = Lab::Enter(lab_.hub());
    ledger_ = Open(cluster_->endpoints());
    ASSERT_TRUE(ledger_);
    BuildGrid();
  }

  void TearDown() override {
    ledger_.reset();
    cluster_.reset();
  }

  std::unique_ptr<EtcdLedger> Open(std::vector<std::string> endpoints) {
    options_.endpoints = std::move(endpoints);
    return EtcdLedger::Open(options_).value();
  }

  Lab lab_;
  std::unique_ptr<EtcdCluster> cluster_;
  EtcdOptions options_;
};

TEST_F(EtcdPartition, MinorityRefusesAndCatchesUp) {
  auto const leader = [this] {
    auto const here = Lab::Enter(lab_.hub());
    return cluster_->Leader();
  }();
  ASSERT_TRUE(leader) << leader.error().message;
  // A machine that stays with the member that leads now.
  auto const beside = Lab::Enter(lab_.ns(*leader));
  options_.write_patience = 1500ms;
  auto const minority = Open({cluster_->endpoint(*leader)});
  ASSERT_TRUE(minority->GetTwin(kAlice));
  auto const cursor = minority->GetHead()->last_seq;

  lab_.Cut(*leader);
  auto const refused = minority->Submit(By(kAlice), CreateNameContract{"mysite"});
  auto const unread = minority->ListNodeContracts(kNode);
  auto const taken = [this] {
    auto const here = Lab::Enter(lab_.hub());
    return ledger_->Submit(By(kBob), CreateNameContract{"mysite"});
  }();
  lab_.Join(*leader);

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kUnavailable);
  ASSERT_FALSE(unread);
  EXPECT_EQ(unread.error().code, Code::kUnavailable);
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_TRUE(minority->Wait(cursor, testing::kPatience).value_or(false));
  EXPECT_EQ(minority->NameContract("mysite").value(), *taken);
  EXPECT_EQ(minority->EventsAfter(cursor, 10)->events.front().contract, *taken);
}

}  // namespace
}  // namespace trellis::ledger
