// Who has which image mounted: the provider of trellis.image.flist/1.
//
// A lease is a mount `<run_dir>/mnt/<owner>:<slot>` and a record in the plugin's store; both
// survive the plugin.
#pragma once

#include "plugins/flist/images.hpp"

#include <trellis/host.hpp>
#include <trellis/services/image.hpp>
#include <trellis/services/storage.hpp>

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace trellis::plugins::flist {

/// Thread-safe for different leases; calls for one lease come one at a time.
class Leases {
 public:
  Leases(Host host, Images& images) : host_(host), images_(images) {}

  /// Idempotent: the same request answers the mount that is there; another one for the same lease
  /// replaces it. Errors start with `failed to mount flist: `.
  Result<services::FlistMount> Mount(Call& call, services::FlistMountRequest const& request);
  /// OK when there is none. kBusy while files are open.
  Result<void> Unmount(services::FlistLease const& lease);
  Result<services::FlistLeases> List() const;
  /// Unmounts what belongs to workload ids that are not among `owners`.
  Result<void> Release(std::vector<std::string> const& owners);
  /// Keys of the images that leases use.
  Result<std::set<std::string>> KeysInUse() const;

 private:
  struct Record;
  Result<services::FlistMount> DoMount(Call& call, services::FlistMountRequest const& request,
                                       std::string const& name);
  [[nodiscard]] std::string TargetOf(std::string const& name) const;
  std::optional<Record> ReadRecord(std::string const& name) const;

  Host host_;
  Images& images_;
};

}  // namespace trellis::plugins::flist
