#include "tests/integration/network/public_lab.hpp"

#include "plugins/network/public_bridge.hpp"
#include "plugins/network/public_filter.hpp"

namespace trellis::plugins::network {

namespace {

constexpr std::chrono::seconds kLimit{30};
constexpr std::chrono::milliseconds kPause{100};
constexpr int kTries = 300;

// A pair whose inner end, `eth0` in the namespace, stays silent on its own.
void AddEnd(Namespaces const& namespaces, std::string const& name, std::string const& outer,
            MacAddress const& mac) {
  ASSERT_TRUE(namespaces.Ensure(name));
  auto links = Links::Open();
  ASSERT_TRUE(links);
  {
    auto const target = namespaces.Open(name);
    ASSERT_TRUE(target);
    auto const made = links->CreateVeth(outer, {"eth0", target->get(), mac});
    ASSERT_TRUE(made) << made.error().message;
  }
  ASSERT_TRUE(WriteSysctl("ipv6/conf/" + outer + "/disable_ipv6", "1"));
  auto const up = namespaces.RunIn(name, []() -> Result<void> {
    TRELLIS_CHECK(WriteSysctl("ipv6/conf/eth0/disable_ipv6", "1"));
    TRELLIS_TRY(auto inner, Links::Open());
    TRELLIS_TRY(auto const eth0, inner.Get("eth0"));
    return inner.SetUp(eth0.index);
  });
  ASSERT_TRUE(up) << up.error().message;
}

}  // namespace

void PublicLab::SetUp() {
  NetworkLab::SetUp();
  if (IsSkipped() || HasFatalFailure()) return;
  ASSERT_TRUE(host_->Load(trellis::testing::FakeHost::BuiltPlugin("ip")));
  ContractView contract;
  contract.contract_id = 100;
  contract.public_ips = {{"203.0.113.5/24", "203.0.113.1"}, {"203.0.113.6/24", "203.0.113.1"}};
  host_->SetContract(contract);
}

std::string PublicLab::Config() const {
  return R"({"netns_dir":")" + dir_ + R"(/netns","public":)" + config_public_ + "}";
}

trellis::testing::Answer PublicLab::Bring(std::string const& name, std::string const& data,
                                          trellis::testing::CallOptions const& options) {
  Show(name, data, "null", "init");
  return host_->Provision("ip", "7-100-" + name, data, options);
}

void PublicLab::Show(std::string const& name, std::string const& data, std::string const& result,
                     std::string const& state) {
  WorkloadView view;
  view.id = "7-100-" + name;
  view.name = name;
  view.type = "ip";
  view.data = json::Parse<json::Raw>(data).value();
  view.result.state = state;
  view.result.data = json::Parse<json::Raw>(result).value();
  host_->SetWorkload(std::move(view));
}

Result<services::Attachment> PublicLab::Attach(std::string const& machine,
                                               std::string const& ip_workload) {
  return host_->CallService<services::Attachment>(
      services::kNetAttach, "public", services::AttachPublic{"7-100-" + machine, ip_workload});
}

services::PublicFilterInfo PublicLab::Filter(std::string const& name) {
  auto const found = host_->CallService<services::PublicFilterInfo>(
      services::kNetPublic, "filter_get", services::PublicFilterOwner{"7-100-" + name});
  EXPECT_TRUE(found) << found.error().message;
  return found ? *found : services::PublicFilterInfo{};
}

void PublicLab::AddMachine() {
  AddEnd(*namespaces_, "vm", PublicTap("7-100-ip1"), mac_);
  auto const attached = Attach("vm1", "ip1");
  ASSERT_TRUE(attached) << attached.error().message;
  auto opened = FrameSocket::Open(*namespaces_, "vm", "eth0");
  ASSERT_TRUE(opened) << opened.error().message;
  vm_ = *std::move(opened);
}

void PublicLab::AddOutside() {
  AddEnd(*namespaces_, "outside", "wan", router_mac_);
  auto links = Links::Open();
  ASSERT_TRUE(links);
  auto const wan = links->Get("wan");
  auto const bridge = links->Get(kPublicBridge);
  ASSERT_TRUE(wan && bridge);
  ASSERT_TRUE(links->SetMaster(wan->index, bridge->index));
  ASSERT_TRUE(links->SetUp(wan->index));
  auto opened = FrameSocket::Open(*namespaces_, "outside", "eth0");
  ASSERT_TRUE(opened) << opened.error().message;
  outside_ = *std::move(opened);
}

void PublicLab::AddBoth() {
  ASSERT_NO_FATAL_FAILURE(AddMachine());
  ASSERT_NO_FATAL_FAILURE(AddOutside());
  // The kernel opens a bridge's port in its own time after the link came up.
  bool met = false;
  for (int i = 0; i < kTries && !met; ++i) {
    auto const greeting = Greeting();
    ASSERT_TRUE(vm_->Send(greeting));
    for (auto got = outside_->Receive(kPause); got && !met; got = outside_->Receive(kPause))
      met = *got == greeting;
  }
  ASSERT_TRUE(met) << "nothing passes the bridge";
}

bool PublicLab::Passes(FrameSocket const& from, FrameSocket const& to, Frame const& frame,
                       Frame const& last) {
  for (auto const& each : {frame, last}) {
    auto const sent = from.Send(each);
    EXPECT_TRUE(sent) << sent.error().message;
  }
  return ComesBefore(to, frame, last);
}

bool PublicLab::ComesBefore(FrameSocket const& to, Frame const& frame, Frame const& last) {
  bool passed = false;
  for (auto got = to.Receive(kLimit); got; got = to.Receive(kLimit)) {
    passed = passed || *got == frame;
    if (*got == last) return passed;
  }
  ADD_FAILURE() << "what must pass does not";
  return passed;
}

Frame PublicLab::Greeting() {
  return Udp(out_, ip4_, gateway4_, 4000, fmt::format("greeting {:020}", ++sent_));
}

Frame PublicLab::Answer() {
  return Udp(in_, gateway4_, ip4_, 4000, fmt::format("answer {:020}", ++sent_));
}

}  // namespace trellis::plugins::network
