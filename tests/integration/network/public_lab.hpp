// A node with a public segment: on it a machine's tap, here a veth of the same name, and somebody
// outside. Frames are told apart by their bytes, so nobody else may speak there: IPv6 is off at
// both ends.
#pragma once

#include "tests/integration/network/frames.hpp"
#include "tests/integration/network/lab.hpp"

#include <trellis/services/net.hpp>

#include <optional>

namespace trellis::plugins::network {

class PublicLab : public NetworkLab {
 protected:
  void SetUp() override;
  [[nodiscard]] std::string Config() const override;

  trellis::testing::Answer Bring(std::string const& name, std::string const& data,
                                 trellis::testing::CallOptions const& options = {});
  /// As the engine would show a workload that was brought up.
  void Show(std::string const& name, std::string const& data, std::string const& result,
            std::string const& state = "ok");
  Result<services::Attachment> Attach(std::string const& machine, std::string const& ip_workload);
  services::PublicFilterInfo Filter(std::string const& name = "ip1");

  /// The far end of `ip1`'s tap, in the namespace `vm`, on the segment.
  void AddMachine();
  /// Somebody on the segment, in the namespace `outside`.
  void AddOutside();
  /// Both, and the bridge carries frames from one to the other.
  void AddBoth();
  /// Does `frame` get from one to the other? The last one always does.
  static bool Passes(FrameSocket const& from, FrameSocket const& to, Frame const& frame,
                     Frame const& last);
  /// Does `frame` come in before `last`? Others between them (the node's own ear speaks too) do not
  /// matter.
  static bool ComesBefore(FrameSocket const& to, Frame const& frame, Frame const& last);
  bool FromMachine(Frame const& frame) { return Passes(*vm_, *outside_, frame, Greeting()); }
  bool ToMachine(Frame const& frame) { return Passes(*outside_, *vm_, frame, Answer()); }
  /// Different ones at every call; let through.
  Frame Greeting();
  Frame Answer();

  std::string config_public_ =
      R"({"parent":"none","prefix6":"2001:db8:10:20::/64","router6":"fe80::1"})";
  MacAddress const mac_{0x32, 0xae, 0x4f, 0x41, 0x9c, 0x4a};  // of 7-100-ip1
  MacAddress const router_mac_{0x02, 0, 0, 0, 0, 0x01};
  Ends const out_{mac_, router_mac_};
  Ends const in_{router_mac_, mac_};
  IpAddress const ip4_ = IpAddress::V4({203, 0, 113, 5});
  IpAddress const gateway4_ = IpAddress::V4({203, 0, 113, 1});
  IpAddress const ip6_ = IpAddress::Parse("2001:db8:10:20:30ae:4fff:fe41:9c4a").value();
  IpAddress const local_ = IpAddress::Parse("fe80::30ae:4fff:fe41:9c4a").value();
  IpAddress const router6_ = IpAddress::Parse("fe80::1").value();
  std::optional<FrameSocket> vm_;
  std::optional<FrameSocket> outside_;
  unsigned sent_ = 0;
};

}  // namespace trellis::plugins::network
