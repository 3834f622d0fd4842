// Namespaces in which other plugins' servers live: zdb servers and mounted qsfs. Each is on
// `br-ndmz`, where the node's machines reach it; a zdb server also on the public segment. Not
// thread-safe.
#pragma once

#include "plugins/network/link_difference.hpp"
#include "plugins/network/namespaces.hpp"

#include <trellis/services/net.hpp>

#include <optional>
#include <string>
#include <vector>

namespace trellis::plugins::network {

/// The names that follow from an owner: `id` is the owner, or what follows '/' in "@plugin/id".
struct ServerNames {
  /// kInvalid for an owner or a kind that cannot be.
  static Result<ServerNames> Of(services::NamespacePrepare const& wanted);

  bool zdb = false;        ///< else qsfs
  std::string netns;       ///< of the namespace
  std::string lease;       ///< key of its address in 100.127.0.0/16
  std::string inner;       ///< its link on br-ndmz
  MacAddress inner_mac{};  ///< of that link
  MacAddress outer_mac{};  ///< of its link on br-pub
  std::string host_end;    ///< the other end of that link, in the node's namespace
};

/// Is `file` the name of such a namespace?
bool IsServerNamespace(std::string_view file);

class ServerNamespaces {
 public:
  explicit ServerNamespaces(Namespaces const& namespaces) : namespaces_(namespaces) {}

  /// Makes everything as it is to be. `br-ndmz` is there. `segment`: unset = the node has no public
  /// segment, which else is there too; what of it is not known is empty. kConflict when the host's
  /// end of its link has the name of another's.
  Result<void> Converge(ServerNames const& server, IpAddress const& lease,
                        std::optional<services::PublicPrefix> const& segment);
  /// The first difference as text; "" = none.
  Result<std::string> Difference(ServerNames const& server, IpAddress const& lease, bool segment);
  /// Where others reach it: the public IPv6 if there is one, the fd00:: one.
  Result<std::vector<std::string>> Addresses(ServerNames const& server, IpAddress const& lease);
  /// OK when missing.
  Result<void> Remove(ServerNames const& server);
  /// Removes namespaces that none of `known` (names) is.
  Result<void> RemoveOthers(std::vector<std::string> const& known);

 private:
  Result<void> ConvergeOuter(ServerNames const& server, services::PublicPrefix const& segment);

  Namespaces const& namespaces_;
};

}  // namespace trellis::plugins::network
