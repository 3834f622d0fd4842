// The plugin's work behind the workload type, the services and the commands.
#pragma once

#include "plugins/network/config.hpp"
#include "plugins/network/namespaces.hpp"
#include "plugins/network/node_network.hpp"
#include "plugins/network/public_bridge.hpp"
#include "plugins/network/public_leases.hpp"
#include "plugins/network/records.hpp"
#include "plugins/network/tunnels.hpp"
#include "plugins/network/user_network.hpp"

#include <trellis/sdk.hpp>
#include <trellis/services/net.hpp>
#include <trellis/services/storage.hpp>

#include <mutex>

namespace trellis::plugins::network {

struct AttachmentList {
  std::vector<AttachmentRecord> attachments;
};
BOOST_DESCRIBE_STRUCT(AttachmentList, (), (attachments))

/// Bytes that a workload has moved since its tap was made.
struct TrafficReading {
  std::string id;
  std::string metric;
  std::uint64_t total = 0;
};
BOOST_DESCRIBE_STRUCT(TrafficReading, (), (id, metric, total))

/// Thread-safe: one lock for all, since everything ends in the same bridges and store.
class NetworkEngine {
 public:
  NetworkEngine(Host host, NetworkConfig config);

  /// Reads the records and builds what all networks share.
  Result<void> Start(Call const& call);

  // ---- the workload type ----
  Result<Outcome<NoResult>> Provision(Call& call, Workload<Network> const& workload);
  /// UNCHANGED when refused or failed; the old configuration is restored then.
  Result<Outcome<NoResult>> Update(Call& call, Workload<Network> const& workload);
  Result<void> Deprovision(Call& call, Workload<Network> const& workload);
  Result<Observed> Inspect(Call& call, Workload<Network> const& workload);
  Result<std::vector<std::string>> ListOwned(Call& call);
  /// Name, ranges, keys, peers and listen port.
  Result<void> Precheck(Call& call, PrecheckOp op, Workload<Network> const& workload);

  // ---- trellis.net.attach/1 and trellis.net.namespace/1 ----
  Result<services::Attachment> AttachPrivate(services::AttachPrivate const& request);
  /// OK when unknown.
  Result<void> Detach(services::Detach const& request);
  AttachmentList Attachments();
  /// Addresses in use on a network of that twin; none when there is no such network.
  std::vector<std::string> PrivateAddresses(std::uint32_t twin, std::string const& network);
  /// Detaches everything of owners that are not in `owners`.
  Result<void> Reconcile(std::vector<std::string> const& owners);
  Result<services::NamespaceInfo> Lookup(services::NamespaceLookup const& request);

  // ---- public addresses: trellis.net.public/1 and trellis.net.attach/1 public ----
  services::PublicSupport Support();
  Result<services::PublicPrefix> Prefix6();
  Result<services::PublicFilterSet> FilterSet(services::PublicFilter wanted);
  Result<void> FilterRemove(std::string const& owner);
  Result<services::PublicFilterInfo> FilterGet(std::string const& owner);
  std::vector<std::string> FilterOwners(std::string const& kind);
  Result<void> FilterKeep(services::PublicFilterOwners const& known);
  Result<services::Attachment> AttachPublic(std::uint32_t twin,
                                            services::AttachPublic const& request);
  std::vector<std::string> PublicAddresses();
  /// "" when the segment has none of its own.
  [[nodiscard]] std::string public_interface() const { return public_bridge_.interface(); }
  /// What passed the public taps, as the engine counts it.
  Result<std::vector<TrafficReading>> PublicTraffic();

  // ---- commands ----
  std::vector<std::uint16_t> Ports();
  /// Removes every network and what they share.
  Result<void> Teardown(Call const& call);

 private:
  /// `asked`: what the network was built of before, itself when it was not.
  Result<void> Build(Call const& call, NetworkRecord const& record, Network const& asked);
  Result<void> Drop(Call const& call, std::string const& net_id);
  /// Where a network listens that leaves it to the node; the same as before if it was there before.
  Result<void> SettlePort(NetworkRecord& record, NetworkRecord const* known) const;
  /// A data process ended: `event` as of the topic `process.exited`.
  void ProcessEnded(std::string_view event);
  Result<void> Check(std::string const& net_id, Workload<Network> const& workload) const;
  Result<void> CheckAddress(services::AttachPrivate const& request, NetworkRecord const& record,
                            std::string const& tap) const;
  Result<services::Attachment> Describe(AttachmentRecord const& attachment,
                                        NetworkRecord const& record) const;
  Result<void> RemoveTap(std::string const& tap);
  void RestorePublic();
  Result<void> RemovePublic();
  Result<void> ApplyLease(services::PublicFilter const& lease, bool& changed);
  Result<void> DropLease(std::string const& owner);

  Host host_;
  NetworkConfig config_;
  Namespaces namespaces_;
  NodeNetwork node_network_;
  UserNetworks user_networks_;
  Tunnels tunnels_;
  PublicBridge public_bridge_;
  std::mutex mutex_;  // guards records_, public_leases_ and every change of the kernel's state
  Records records_;
  PublicLeases public_leases_;
};

}  // namespace trellis::plugins::network
