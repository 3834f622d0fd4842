#include "tests/support/etcd/etcd_cluster.hpp"

#include "kernel/base/random.hpp"
#include "kernel/ledger/etcd/connection.hpp"
#include "kernel/sys/files.hpp"
#include "tests/support/patience.hpp"

#include <trellis/json.hpp>

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace trellis::ledger {
namespace {

using std::chrono::milliseconds;

constexpr int kReadyMs = milliseconds(testing::kPatience).count();
constexpr milliseconds kCallLimit = testing::kPatience;

/// Memory, if there is a file system in it: the members sync each write.
std::filesystem::path MakeDir() {
  std::error_code failed;
  auto const base = std::filesystem::is_directory("/dev/shm", failed)
                        ? std::filesystem::path("/dev/shm")
                        : std::filesystem::temp_directory_path();
  std::string pattern = (base / "trellis-etcd-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) std::abort();
  return pattern;
}

Result<sys::UniqueFd> ListenForReady(std::filesystem::path const& path) {
  sys::UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  ::unlink(path.c_str());
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
    return Fail(Code::kIo, "cannot listen on '{}'", path.string());
  return fd;
}

std::string TailOf(std::filesystem::path const& file) {
  auto const text = sys::ReadFile(file).value_or("");
  return text.substr(text.size() - std::min<std::size_t>(text.size(), 1500));
}

}  // namespace

Result<std::unique_ptr<EtcdCluster>> EtcdCluster::Start(Options options) {
  std::unique_ptr<EtcdCluster> cluster(new EtcdCluster(std::move(options)));
  cluster->dir_ = MakeDir();
  auto& addresses = cluster->options_.addresses;
  if (addresses.empty()) {
    auto const net = fmt::format("127.{}.{}", 16 + RandomBelow(200), RandomBelow(250));
    for (std::size_t i = 0; i < cluster->options_.members; ++i)
      addresses.push_back(fmt::format("{}.{}", net, i + 1));
  }
  for (auto const& address : addresses)
    cluster->members_.push_back({.address = address, .process = {}, .ready = {}});
  for (std::size_t i = 0; i < cluster->members_.size(); ++i)
    TRELLIS_CHECK(cluster->Spawn(i));
  for (std::size_t i = 0; i < cluster->members_.size(); ++i)
    TRELLIS_CHECK(cluster->AwaitReady(i));
  return cluster;
}

EtcdCluster::~EtcdCluster() {
  members_.clear();  // kills and reaps
  std::error_code ignored;
  std::filesystem::remove_all(dir_, ignored);
}

std::vector<std::string> EtcdCluster::Arguments(std::size_t index) const {
  auto const client = endpoint(index);
  auto const peer = [this](std::size_t i) {
    return fmt::format("http://{}:2380", members_[i].address);
  };
  std::string cluster;
  for (std::size_t i = 0; i < members_.size(); ++i)
    cluster += fmt::format("{}m{}={}", i == 0 ? "" : ",", i, peer(i));
  std::vector<std::string> argv{"setpriv", "--pdeathsig", "KILL"};  // a test that dies leaves none
  if (!options_.netns.empty())
    argv.insert(argv.end(), {"ip", "netns", "exec", options_.netns[index]});
  argv.insert(argv.end(), {"etcd",
                           "--name",
                           fmt::format("m{}", index),
                           "--data-dir",
                           (dir_ / fmt::format("m{}", index)).string(),
                           "--listen-client-urls",
                           client,
                           "--advertise-client-urls",
                           client,
                           "--listen-peer-urls",
                           peer(index),
                           "--initial-advertise-peer-urls",
                           peer(index),
                           "--initial-cluster",
                           cluster,
                           "--max-txn-ops",
                           "4096",
                           "--logger",
                           "zap",
                           "--log-outputs",
                           (dir_ / fmt::format("m{}.log", index)).string()});
  if (!options_.tls.empty())
    argv.insert(argv.end(),
                {"--cert-file", options_.tls / "cert.pem", "--key-file", options_.tls / "key.pem",
                 "--trusted-ca-file", options_.tls / "ca.pem", "--client-cert-auth"});
  return argv;
}

Result<void> EtcdCluster::Spawn(std::size_t index) {
  auto& member = members_[index];
  auto const socket = dir_ / fmt::format("m{}.ready", index);
  TRELLIS_TRY(member.ready, ListenForReady(socket));
  sys::SpawnOptions options;
  options.argv = Arguments(index);
  options.env =
      std::vector{fmt::format("PATH={}", ::getenv("PATH")), "NOTIFY_SOCKET=" + socket.string()};
  options.own_group = true;
  TRELLIS_TRY(member.process, sys::ChildProcess::Spawn(options));
  return {};
}

Result<void> EtcdCluster::AwaitReady(std::size_t index) {
  pollfd wait{.fd = members_[index].ready.get(), .events = POLLIN, .revents = 0};
  if (::poll(&wait, 1, kReadyMs) == 1) return {};
  return Fail(Code::kTimeout, "etcd member {} does not serve: {}", index,
              TailOf(dir_ / fmt::format("m{}.log", index)));
}

std::string EtcdCluster::endpoint(std::size_t member) const {
  return fmt::format("{}://{}:2379", scheme(), members_[member].address);
}

std::vector<std::string> EtcdCluster::endpoints() const {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < members_.size(); ++i)
    all.push_back(endpoint(i));
  return all;
}

EtcdOptions EtcdCluster::NewLedger() {
  EtcdOptions options;
  options.endpoints = endpoints();
  options.prefix = fmt::format("/test/{}/", ++ledgers_);
  return options;
}

void EtcdCluster::Kill(std::size_t member) {
  auto& process = members_[member].process;
  if (!process) return;
  process->Kill(SIGKILL);
  (void)process->Wait(kCallLimit);
  process.reset();
}

Result<void> EtcdCluster::Restart(std::size_t member) {
  TRELLIS_CHECK(Spawn(member));
  return AwaitReady(member);
}

Result<std::string> EtcdCluster::CallMember(std::size_t index, std::string const& target,
                                            std::string const& body, std::string const& token) {
  TRELLIS_TRY(auto const where, etcd::Endpoint::Parse(endpoint(index)));
  std::shared_ptr<etcd::Tls> tls;
  if (where.tls) {
    TRELLIS_TRY(tls, etcd::Tls::Load(options_.tls / "ca.pem", options_.tls / "cert.pem",
                                     options_.tls / "key.pem"));
  }
  TRELLIS_TRY(auto connection, etcd::Connection::Open(where, tls, kCallLimit));
  TRELLIS_TRY(auto answer,
              connection->Post({.target = target, .body = body, .token = token}, kCallLimit));
  if (answer.status == 200) return std::move(answer.body);
  return Fail(Code::kUnavailable, "{}", answer.body);
}

Result<std::string> EtcdCluster::Call(std::string const& target, std::string const& body,
                                      std::string const& token) {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (members_[i].process) return CallMember(i, target, body, token);
  }
  return Fail(Code::kUnavailable, "no member runs");
}

Result<std::size_t> EtcdCluster::Leader() {
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (!members_[i].process) continue;
    TRELLIS_TRY(auto const text, CallMember(i, "/v3/maintenance/status", "{}"));
    TRELLIS_TRY(auto const status, json::ParseValue(text));
    auto const* leader = status.as_object().if_contains("leader");
    if (leader != nullptr && *leader == status.at("header").at("member_id")) return i;
  }
  return Fail(Code::kUnavailable, "no member leads");
}

Result<void> EtcdCluster::Compact() {
  TRELLIS_TRY(auto const text, Call("/v3/kv/range", R"({"key":"AA=="})"));
  TRELLIS_TRY(auto const answer, json::ParseValue(text));
  auto const revision = answer.at("header").at("revision").as_string();
  TRELLIS_CHECK(Call("/v3/kv/compaction", fmt::format(R"({{"revision":"{}","physical":true}})",
                                                      std::string_view(revision))));
  return {};
}

}  // namespace trellis::ledger
