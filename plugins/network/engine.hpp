// The plugin's work behind the workload type, the services and the commands.
#pragma once

#include "plugins/network/config.hpp"
#include "plugins/network/namespaces.hpp"
#include "plugins/network/node_network.hpp"
#include "plugins/network/public_bridge.hpp"
#include "plugins/network/public_leases.hpp"
#include "plugins/network/public_namespace.hpp"
#include "plugins/network/records.hpp"
#include "plugins/network/server_namespace.hpp"
#include "plugins/network/stored_map.hpp"
#include "plugins/network/tunnels.hpp"
#include "plugins/network/user_network.hpp"

#include <trellis/sdk.hpp>
#include <trellis/services/net.hpp>
#include <trellis/services/storage.hpp>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <span>

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

/// Thread-safe: one lock for all, since everything ends in the same bridges and store. Only the
/// removal of a network, for which the kernel takes long, goes on without it.
class NetworkEngine {
 public:
  NetworkEngine(Host host, NetworkConfig config);

  /// Reads the records and builds what all networks share.
  Result<void> Start(Call const& call);
  void Stop();
  /// What the node shows to the internet, from now on.
  void FollowPublicConfig(std::optional<services::NodePublicConfig> const& config);

  // ---- the workload type ----
  Result<Outcome<NoResult>> Provision(Call& call, Workload<Network> const& workload);
  /// UNCHANGED when refused or failed; the old configuration is restored then.
  Result<Outcome<NoResult>> Update(Call& call, Workload<Network> const& workload);
  Result<void> Deprovision(Call& call, Workload<Network> const& workload);
  Result<Observed> Inspect(Call& call, Workload<Network> const& workload);
  Result<std::vector<std::string>> ListOwned(Call& call);
  /// Name, ranges, keys, peers and listen port.
  Result<void> Precheck(Call& call, PrecheckOp op, Workload<Network> const& workload);
  /// Removes what belongs to no network that the plugin knows.
  Result<void> Recovered(Call& call, std::span<std::string_view const> ids);

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
  Result<services::PreparedNamespace> Prepare(services::NamespacePrepare const& request);
  /// OK when unknown.
  Result<void> Destroy(std::string const& owner);
  services::NamespaceLeases PreparedNamespaces();
  /// Destroys those of workloads that are not in `owners`, and namespaces that nobody owns.
  Result<void> ReconcileNamespaces(std::vector<std::string> const& owners);

  // ---- trellis.net.ports/1 ----
  Result<services::ReservedPort> ReservePort(services::PortReserve const& request);
  /// OK when unknown.
  Result<void> ReleasePorts(std::string const& owner);
  services::ReservedPorts Reservations();
  Result<void> ReconcilePorts(std::vector<std::string> const& owners);

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
  std::string PublicInterface();
  /// The segment is on that interface from now on, until the configuration names another. kConflict
  /// when it carries addresses of the node; everything stays as it was then.
  Result<void> SetPublicNic(std::string const& name);
  /// As configured; "" = to be found.
  [[nodiscard]] std::string const& management() const { return config_.management; }
  /// What passed the public taps, as the engine counts it.
  Result<std::vector<TrafficReading>> PublicTraffic();

  // ---- commands ----
  /// UDP ports that a new tunnel cannot have, sorted.
  std::vector<std::uint16_t> Ports();
  /// Removes every network and what they share.
  Result<void> Teardown(Call const& call);

 private:
  /// `asked`: what the network was built of before, itself when it was not.
  Result<void> Build(Call const& call, NetworkRecord const& record, Network const& asked);
  using Lock = std::unique_lock<std::mutex>;
  /// The lock, once no network of that NetID is on its way out.
  Lock Enter(std::string const& net_id);
  /// Everything of the network goes. The lock is open while the kernel works.
  Result<void> Drop(Call const& call, std::string const& net_id, Lock& lock);
  Result<void> Demolish(Call const& call, std::string const& net_id);
  /// What the node decides of a network: where it listens, the same as before if it was there, and
  /// in which namespace.
  Result<void> Settle(NetworkRecord& record, NetworkRecord const* known) const;
  [[nodiscard]] std::string Underlay() const;
  /// A socket stays where it was made: a tunnel for another namespace is made anew.
  Result<void> LeaveUnderlay(Call const& call, NetworkRecord const& known,
                             NetworkRecord const& wanted);
  /// The namespace `public`, when there is to be one. What was wrong with it; "" = nothing.
  Result<std::string> ConvergePublicNamespace();
  /// Ports of `proto` that are taken, but for those of the network `except`.
  [[nodiscard]] std::set<std::uint16_t> TakenPorts(std::string const& except,
                                                   std::string_view proto = "udp") const;
  /// The first thing that the network's machines would feel; "" = none.
  Result<std::string> AttachmentDifference(std::string const& net_id);
  /// The first thing about a network, or what all share, that is not as recorded; "" = none.
  /// kNotFound when nothing of it is there.
  Result<std::string> Difference(NetworkRecord const& record);
  void CountRepair(std::string_view what, std::string_view difference);
  Result<void> BuildNamespace(services::NamespacePrepare const& lease);
  Result<void> DropNamespace(services::NamespacePrepare const& lease);
  /// kConflict when the link of another owner's namespace would have the same name.
  Result<void> CheckNamespace(services::NamespacePrepare const& wanted,
                              ServerNames const& server) const;
  std::optional<services::PublicPrefix> Segment();
  void RestoreNamespaces();
  Result<void> RenewNamespace(services::NamespacePrepare const& lease);
  Result<void> RenewNode();
  /// What nobody else looks at, every now and then.
  void Upkeep();
  /// A data process ended: `event` as of the topic `process.exited`.
  void ProcessEnded(std::string_view event);
  Result<void> Check(std::string const& net_id, Workload<Network> const& workload) const;
  Result<void> CheckAddress(services::AttachPrivate const& request, NetworkRecord const& record,
                            std::string const& tap) const;
  Result<services::Attachment> Describe(AttachmentRecord const& attachment,
                                        NetworkRecord const& record) const;
  Result<void> RemoveTap(std::string const& tap);
  void RestorePublic();
  /// The interface that somebody chose by command, if the configuration is still the one of then.
  void RecallPublicNic();
  Result<void> RemovePublic();
  Result<void> ApplyLease(services::PublicFilter const& lease, bool& changed);
  Result<void> DropLease(std::string const& owner);

  Host host_;
  NetworkConfig config_;
  std::string const configured_nic_;  // of the public segment; a command may choose another
  Namespaces namespaces_;
  NodeNetwork node_network_;
  UserNetworks user_networks_;
  Tunnels tunnels_;
  PublicBridge public_bridge_;
  PublicNamespace public_namespace_;
  std::mutex mutex_;  // guards what follows, and all of the kernel's state but what is leaving
  std::set<std::string> leaving_;  // NetIDs of networks that are being removed
  std::condition_variable left_;
  std::optional<services::NodePublicConfig> public_config_;
  Records records_;
  PublicLeases public_leases_;
  ServerNamespaces server_namespaces_;
  StoredMap<services::NamespacePrepare> prepared_;  // by owner
  StoredMap<services::ReservedPort> reserved_;      // by protocol and owner
  bool torn_down_ = false;  // nothing is repaired until something is wanted again
  Metric repairs_;
  std::uint64_t task_ = 0;
};

}  // namespace trellis::plugins::network
