// One node of the lab.
#include "plugins/common/posix/unix_client.hpp"
#include "plugins/network/names.hpp"
#include "plugins/network/wireguard_text.hpp"
#include "tests/integration/network/tunnel_lab.hpp"

namespace trellis::plugins::network {

namespace {

void Must(Result<void> const& done) {
  ASSERT_TRUE(done) << done.error().message;
}

}  // namespace

TunnelNode::TunnelNode(Namespaces const& namespaces, std::string name, std::string const& dir,
                       std::string more)
    : namespaces_(namespaces), name_(std::move(name)), dir_(dir), more_(std::move(more)) {
  In([&] {
    host_ = std::make_unique<trellis::testing::FakeHost>();
    processes_ = std::make_unique<trellis::testing::RealProcesses>(*host_, dir_);
  });
}

TunnelNode::~TunnelNode() {
  In([&] {
    (void)host_->Unload("network");
    processes_.reset();
    auto const left = Namespaces(dir_ + "/netns").List();
    for (auto const& name : left.value_or(std::vector<std::string>()))
      (void)Namespaces(dir_ + "/netns").Remove(name);
  });
}

void TunnelNode::In(std::function<void()> const& function) {
  Must(namespaces_.RunIn(name_, [&]() -> Result<void> {
    function();
    return {};
  }));
}

void TunnelNode::Load() {
  In([&] {
    auto const loaded = host_->Load(trellis::testing::FakeHost::BuiltPlugin("network"),
                                    R"({"netns_dir":")" + dir_ + R"(/netns")" + more_ + "}");
    ASSERT_TRUE(loaded) << loaded.error().message;
  });
}

void TunnelNode::Reload() {
  In([&] { ASSERT_TRUE(host_->Unload("network")); });
  Load();
}

trellis::testing::Answer TunnelNode::Provision(Network const& data) {
  trellis::testing::Answer answer;
  In([&] { answer = host_->Provision("network", "7-100-net1", json::Dump(data)); });
  return answer;
}

trellis::testing::Answer TunnelNode::Update(Network const& data) {
  trellis::testing::Answer answer;
  In([&] { answer = host_->Update("network", "7-100-net1", json::Dump(data)); });
  return answer;
}

trellis::testing::Answer TunnelNode::Deprovision(Network const& data) {
  trellis::testing::Answer answer;
  In([&] { answer = host_->Deprovision("network", "7-100-net1", json::Dump(data)); });
  return answer;
}

Observed TunnelNode::Inspect(Network const& data) {
  Observed seen;
  In([&] {
    auto const got = host_->Inspect("network", "7-100-net1", json::Dump(data));
    ASSERT_TRUE(got) << got.error().message;
    seen = *got;
  });
  return seen;
}

Result<std::string> TunnelNode::Ask(std::string const& request) {
  auto const socket = host_->dir() + "/state/network/wg/" + TunnelName(NetId(7, "net1")) + ".sock";
  return AskUnix(socket, request, kEndOfAnswer);
}

Result<WireGuardDevice> TunnelNode::Device() {
  TRELLIS_TRY(auto const answer, Ask(std::string(kGetRequest)));
  return ReadAnswer(answer);
}

Result<void> TunnelNode::Send(std::string const& request) {
  TRELLIS_TRY(auto const answer, Ask(request));
  return CheckAnswer(answer);
}

int TunnelNode::TunnelPid() {
  auto const processes = host_->Processes();
  auto const found = processes.find("network/wg-" + NetId(7, "net1"));
  return found == processes.end() ? -1 : found->second.pid;
}

bool TunnelNode::DeliverEndOfTunnel() {
  bool delivered = false;
  In([&] { delivered = processes_->DeliverEnd("wg-" + NetId(7, "net1")); });
  return delivered;
}

}  // namespace trellis::plugins::network
