// Machines and other plugins on user networks.
#include "plugins/network/engine.hpp"
#include "plugins/network/taps.hpp"

#include <algorithm>

namespace trellis::plugins::network {

namespace {

constexpr char const* kPrivateSlot = "private";
IpNet const kTunnels{IpAddress::V4({100, 64, 0, 0}), 16};

std::string TapName(std::string_view owner, std::string_view network) {
  return "t-" + UniqueName(owner, network);
}

}  // namespace

Result<void> NetworkEngine::CheckAddress(services::AttachPrivate const& request,
                                         NetworkRecord const& record,
                                         std::string const& tap) const {
  auto const ip = IpAddress::Parse(request.ip);
  auto const& subnet = record.data.subnet;
  if (!ip || !ip->is_v4() || !subnet.Contains(*ip))
    return Fail(Code::kInvalid, "ip {} is not part of local nr subnet {}", request.ip,
                subnet.ToString());
  auto const last = ip->bytes()[3];
  if (last <= 1 || last == 255) return Fail(Code::kInvalid, "ip {} is reserved", request.ip);
  for (auto const& [name, other] : records_.attachments()) {
    if (name != tap && other.net_id == record.net_id && other.ip == ip->ToString())
      return Fail(Code::kConflict, "ip {} is already used in network '{}'", request.ip,
                  request.network);
  }
  return {};
}

Result<services::Attachment> NetworkEngine::Describe(AttachmentRecord const& attachment,
                                                     NetworkRecord const& record) const {
  TRELLIS_TRY(auto const ip, IpAddress::Parse(attachment.ip));
  auto const gateway = GatewayOf(record.data.subnet);
  services::Attachment out;
  out.tap = attachment.tap;
  out.mac = MacText(HardwareAddress(UniqueName(attachment.owner, attachment.network)));
  out.ips = {IpNet{ip, record.data.subnet.prefix}.ToString(),
             IpNet{PrivateV6(record.net_id, ip), 64}.ToString()};
  out.routes = {{record.data.ip_range.Masked().ToString(), gateway.ToString()},
                {kTunnels.ToString(), gateway.ToString()}};
  out.gateway4 = gateway.ToString();
  out.gateway6 = PrivateV6(record.net_id, gateway).ToString();
  out.nameservers = config_.nameservers;
  out.netns = namespaces_.Path(NamespaceName(record.net_id));
  return out;
}

Result<services::Attachment> NetworkEngine::AttachPrivate(services::AttachPrivate const& request) {
  if (request.owner.empty()) return Fail(Code::kInvalid, "an attachment needs an owner");
  auto const net_id = NetId(request.twin, request.network);
  auto const lock = Enter(net_id);
  auto const* const record = records_.FindNetwork(net_id);
  if (record == nullptr || !namespaces_.Exists(NamespaceName(net_id)))
    return Fail(Code::kNotFound, "network '{}' not found", request.network);
  auto const tap = TapName(request.owner, request.network);
  TRELLIS_CHECK(CheckAddress(request, *record, tap));
  TRELLIS_TRY(auto const ip, IpAddress::Parse(request.ip));
  AttachmentRecord const attachment{request.owner, kPrivateSlot,  request.twin, request.network,
                                    net_id,        ip.ToString(), tap};
  TRELLIS_CHECK(records_.Put(attachment));
  TRELLIS_CHECK(EnsureTap(tap, BridgeName(net_id)));
  return Describe(attachment, *record);
}

Result<void> NetworkEngine::RemoveTap(std::string const& tap) {
  TRELLIS_TRY(auto links, Links::Open());
  TRELLIS_CHECK(links.Delete(tap));
  return records_.RemoveAttachment(tap);
}

Result<void> NetworkEngine::Detach(services::Detach const& request) {
  std::scoped_lock const lock(mutex_);
  std::vector<std::string> taps;
  for (auto const& [tap, attachment] : records_.attachments()) {
    if (attachment.owner == request.owner && attachment.slot == request.slot) taps.push_back(tap);
  }
  for (auto const& tap : taps)
    TRELLIS_CHECK(RemoveTap(tap));
  return {};
}

AttachmentList NetworkEngine::Attachments() {
  std::scoped_lock const lock(mutex_);
  AttachmentList list;
  for (auto const& [tap, attachment] : records_.attachments())
    list.attachments.push_back(attachment);
  return list;
}

std::vector<std::string> NetworkEngine::PrivateAddresses(std::uint32_t twin,
                                                         std::string const& network) {
  std::scoped_lock const lock(mutex_);
  auto const net_id = NetId(twin, network);
  std::vector<std::string> addresses;
  for (auto const& [tap, attachment] : records_.attachments()) {
    if (attachment.net_id == net_id) addresses.push_back(attachment.ip);
  }
  std::ranges::sort(addresses);
  return addresses;
}

Result<void> NetworkEngine::Reconcile(std::vector<std::string> const& owners) {
  std::scoped_lock const lock(mutex_);
  std::vector<std::string> taps;
  for (auto const& [tap, attachment] : records_.attachments()) {
    bool const wanted = std::find(owners.begin(), owners.end(), attachment.owner) != owners.end();
    // Plugins ('@') give their attachments back themselves.
    if (!wanted && !attachment.owner.starts_with('@')) taps.push_back(tap);
  }
  for (auto const& tap : taps)
    TRELLIS_CHECK(RemoveTap(tap));
  return {};
}

Result<services::NamespaceInfo> NetworkEngine::Lookup(services::NamespaceLookup const& request) {
  std::scoped_lock const lock(mutex_);
  auto const* const record = records_.FindNetwork(NetId(request.twin, request.network));
  if (record == nullptr) return Fail(Code::kNotFound, "network '{}' not found", request.network);
  return services::NamespaceInfo{namespaces_.Path(NamespaceName(record->net_id)),
                                 record->data.ip_range.ToString(), record->data.subnet.ToString(),
                                 config_.nameservers, record->port};
}

}  // namespace trellis::plugins::network
