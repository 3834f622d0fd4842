// What the plugin remembers: networks, attachments and leases. Not thread-safe.
#pragma once

#include "plugins/network/data.hpp"

#include <trellis/sdk.hpp>

#include <map>
#include <set>
#include <string>

namespace trellis::plugins::network {

struct NetworkRecord {
  std::string id;  ///< workload id
  std::uint32_t twin = 0;
  std::string name;
  std::string net_id;
  Network data;
  std::uint16_t port = 0;  ///< where its tunnel listens, also when the data leaves it open
  std::string underlay{};  ///< namespace in which it listens; "" = the node's own
};
BOOST_DESCRIBE_STRUCT(NetworkRecord, (), (id, twin, name, net_id, data, port, underlay))

struct AttachmentRecord {
  std::string owner;
  std::string slot;
  std::uint32_t twin = 0;
  std::string network;
  std::string net_id;
  std::string ip;
  std::string tap;
};
BOOST_DESCRIBE_STRUCT(AttachmentRecord, (), (owner, slot, twin, network, net_id, ip, tap))

/// Every change is durable when the call returns.
class Records {
 public:
  explicit Records(Host host) : host_(host) {}
  /// Reads the store; call before everything else.
  Result<void> Load();

  Result<void> Put(NetworkRecord record);
  Result<void> Put(AttachmentRecord record);
  /// OK when unknown.
  Result<void> RemoveNetwork(std::string const& net_id);
  Result<void> RemoveAttachment(std::string const& tap);

  /// By NetID.
  [[nodiscard]] std::map<std::string, NetworkRecord> const& networks() const { return networks_; }
  /// By tap.
  [[nodiscard]] std::map<std::string, AttachmentRecord> const& attachments() const {
    return attachments_;
  }
  [[nodiscard]] NetworkRecord const* FindNetwork(std::string const& net_id) const;
  /// Listen ports of all networks but `except` (a NetID).
  [[nodiscard]] std::set<std::uint16_t> Ports(std::string const& except) const;
  [[nodiscard]] std::size_t AttachmentsOf(std::string const& net_id) const;

  /// The address of `key` in 100.127.0.0/16: the same at every call until Release. kExhausted.
  Result<IpAddress> Lease(std::string const& key);
  Result<void> Release(std::string const& key);

 private:
  Host host_;
  std::map<std::string, NetworkRecord> networks_;
  std::map<std::string, AttachmentRecord> attachments_;
  std::map<std::string, IpAddress> leases_;
};

}  // namespace trellis::plugins::network
