// Who has which image mounted: the provider of trellis.image.flist/1.
//
// A lease is a mount `<run_dir>/mnt/<owner>:<slot>` and a record in the plugin's store; both
// survive the plugin.
#pragma once

#include "plugins/flist/image_mounts.hpp"
#include "plugins/flist/images.hpp"

#include <trellis/host.hpp>
#include <trellis/services/image.hpp>
#include <trellis/services/storage.hpp>

#include <map>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <vector>

namespace trellis::plugins::flist {

/// Thread-safe for different leases; calls for one lease come one at a time.
class Leases {
 public:
  Leases(Host host, Images& images, ImageMounts& mounts)
      : host_(host), images_(images), mounts_(mounts) {}

  /// Idempotent: the same request answers the mount that is there; another one for the same lease
  /// replaces it. Errors start with `failed to mount flist: `.
  Result<services::FlistMount> Mount(Call& call, services::FlistMountRequest const& request);
  /// OK when there is none. kBusy while files are open.
  Result<void> Unmount(services::FlistLease const& lease);
  Result<services::FlistLeases> List() const;
  /// Unmounts what belongs to workload ids that are not among `owners`.
  Result<void> Release(std::vector<std::string> const& owners);
  /// Mounts the leases of image `key` ("" = of all) again whose file server has ended. Who has
  /// files of theirs open has lost them.
  void Repair(Call& call, std::string const& key);
  /// Unmounts images that no lease has used for `linger`, as seen by the calls of this function.
  Result<void> ReleaseUnused(Call& call, std::chrono::seconds linger);
  /// Keys of the images that leases use.
  Result<std::set<std::string>> KeysInUse() const;

 private:
  struct Record;
  Result<services::FlistMount> DoMount(Call& call, services::FlistMountRequest const& request,
                                       std::string const& name);
  [[nodiscard]] std::string TargetOf(std::string const& name) const;
  std::optional<Record> ReadRecord(std::string const& name) const;
  Result<void> Attach(Call& call, Image const& image, Record& record);
  Result<void> RepairOne(Call& call, std::string const& name, Record record);

  Host host_;
  Images& images_;
  ImageMounts& mounts_;
  // Shared by those who mount, alone for who unmounts what nobody uses: in between an image is
  // mounted but has no lease yet.
  std::shared_mutex using_;
  std::map<std::string, std::chrono::steady_clock::time_point> unused_since_;  // alone only
};

}  // namespace trellis::plugins::flist
