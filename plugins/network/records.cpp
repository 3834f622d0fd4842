#include "plugins/network/records.hpp"

#include <algorithm>

namespace trellis::plugins::network {

namespace {

constexpr std::string_view kNetworks = "network/";
constexpr std::string_view kAttachments = "attachment/";
constexpr std::string_view kLeases = "lease/";
constexpr unsigned kFirstLease = 2;      // 100.127.0.1 is the router
constexpr unsigned kLastLease = 0xfffe;  // 100.127.255.254

std::string Key(std::string_view prefix, std::string_view name) {
  return std::string(prefix) + std::string(name);
}

}  // namespace

Result<void> Records::Load() {
  TRELLIS_TRY(auto const networks, host_.StoreList(kNetworks));
  for (auto const& key : networks) {
    TRELLIS_TRY(auto const text, host_.StoreGet(key));
    TRELLIS_TRY(auto record, json::Parse<NetworkRecord>(text));
    if (record.port == 0) record.port = record.data.wireguard_listen_port;  // of an earlier version
    networks_[record.net_id] = std::move(record);
  }
  TRELLIS_TRY(auto const attachments, host_.StoreList(kAttachments));
  for (auto const& key : attachments) {
    TRELLIS_TRY(auto const text, host_.StoreGet(key));
    TRELLIS_TRY(auto record, json::Parse<AttachmentRecord>(text));
    attachments_[record.tap] = std::move(record);
  }
  TRELLIS_TRY(auto const leases, host_.StoreList(kLeases));
  for (auto const& key : leases) {
    TRELLIS_TRY(auto const text, host_.StoreGet(key));
    TRELLIS_TRY(auto const ip, IpAddress::Parse(text));
    leases_[key.substr(kLeases.size())] = ip;
  }
  return {};
}

Result<void> Records::Put(NetworkRecord record) {
  TRELLIS_CHECK(host_.StorePut(Key(kNetworks, record.net_id), json::Dump(record)));
  auto const net_id = record.net_id;
  networks_[net_id] = std::move(record);
  return {};
}

Result<void> Records::Put(AttachmentRecord record) {
  TRELLIS_CHECK(host_.StorePut(Key(kAttachments, record.tap), json::Dump(record)));
  auto const tap = record.tap;
  attachments_[tap] = std::move(record);
  return {};
}

Result<void> Records::RemoveNetwork(std::string const& net_id) {
  if (!networks_.contains(net_id)) return {};
  TRELLIS_CHECK(host_.StoreRemove(Key(kNetworks, net_id)));
  networks_.erase(net_id);
  return {};
}

Result<void> Records::RemoveAttachment(std::string const& tap) {
  if (!attachments_.contains(tap)) return {};
  TRELLIS_CHECK(host_.StoreRemove(Key(kAttachments, tap)));
  attachments_.erase(tap);
  return {};
}

NetworkRecord const* Records::FindNetwork(std::string const& net_id) const {
  auto const found = networks_.find(net_id);
  return found == networks_.end() ? nullptr : &found->second;
}

std::set<std::uint16_t> Records::Ports(std::string const& except) const {
  std::set<std::uint16_t> ports;
  for (auto const& [net_id, record] : networks_) {
    if (net_id != except && record.port != 0) ports.insert(record.port);
  }
  return ports;
}

std::size_t Records::AttachmentsOf(std::string const& net_id) const {
  return static_cast<std::size_t>(
      std::count_if(attachments_.begin(), attachments_.end(),
                    [&](auto const& entry) { return entry.second.net_id == net_id; }));
}

Result<IpAddress> Records::Lease(std::string const& key) {
  if (auto const found = leases_.find(key); found != leases_.end()) return found->second;
  std::set<IpAddress> used;
  for (auto const& [owner, ip] : leases_)
    used.insert(ip);
  for (unsigned number = kFirstLease; number <= kLastLease; ++number) {
    auto const ip = IpAddress::V4({100, 127, static_cast<std::uint8_t>(number >> 8U),
                                   static_cast<std::uint8_t>(number & 0xffU)});
    if (used.contains(ip)) continue;
    TRELLIS_CHECK(host_.StorePut(Key(kLeases, key), ip.ToString()));
    leases_[key] = ip;
    return ip;
  }
  return Fail(Code::kExhausted, "no free address in 100.127.0.0/16");
}

Result<void> Records::Release(std::string const& key) {
  if (!leases_.contains(key)) return {};
  TRELLIS_CHECK(host_.StoreRemove(Key(kLeases, key)));
  leases_.erase(key);
  return {};
}

}  // namespace trellis::plugins::network
