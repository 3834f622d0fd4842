#include "plugins/ip/data.hpp"

namespace trellis::plugins::ip {

Result<void> PublicIp::Valid(WorkloadGetter const&) const {
  if (!v4 && !v6) return Invalid("ip_no_selection", "public ip selects neither v4 nor v6");
  return {};
}

void PublicIp::Challenge(ChallengeWriter& out) const {
  out.Add(v4);
  out.Add(v6);
}

trellis::Capacity PublicIp::Capacity() const {
  trellis::Capacity capacity;
  capacity.ipv4u = v4 ? 1 : 0;
  return capacity;
}

}  // namespace trellis::plugins::ip
