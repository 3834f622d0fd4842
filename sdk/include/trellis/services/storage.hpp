// trellis.storage.disk/1, trellis.storage.volume/1, trellis.storage.device/1: leases keyed by owner
// (a workload id or
// "@plugin/key"). Methods are idempotent: create of what is there answers it, delete of an unknown
// owner is OK.
#pragma once

#include <trellis/host.hpp>

namespace trellis::services {

inline constexpr char const* kStorageDisk = "trellis.storage.disk/1";
inline constexpr char const* kStorageDevice = "trellis.storage.device/1";
inline constexpr char const* kStorageVolume = "trellis.storage.volume/1";

/// create{owner,size}: a preallocated file of `size` bytes. kExhausted when no pool has room.
/// resize{owner,size}: grows; kInvalid when smaller. delete{owner}. lookup{owner}: kNotFound.
struct DiskRequest {
  std::string owner;
  std::uint64_t size = 0;
};
BOOST_DESCRIBE_STRUCT(DiskRequest, (), (owner, size))
struct Disk {
  std::string owner;
  std::string path;                 ///< absolute path of the regular file
  std::uint64_t size = 0;           ///< bytes
  bool formatted = false;           ///< carries a file system or partition signature
  std::string image_hash;           ///< set by write_image
  std::vector<std::string> claims;  ///< machine ids that use it now
};
BOOST_DESCRIBE_STRUCT(Disk, (), (owner, path, size, formatted, image_hash, claims))
struct DiskList {
  std::vector<Disk> disks;
};
BOOST_DESCRIBE_STRUCT(DiskList, (), (disks))
/// limits{} -> the size in bytes that no disk can be bigger than, whatever is free now.
struct DiskLimits {
  std::uint64_t max_size = 0;
};
BOOST_DESCRIBE_STRUCT(DiskLimits, (), (max_size))
/// format{owner,fs}: mkfs unless it has a signature already. fs: btrfs|ext4, "" = the configured
/// one.
struct DiskFormat {
  std::string owner;
  std::string fs;
};
BOOST_DESCRIBE_STRUCT(DiskFormat, (), (owner, fs))
/// write_image{owner,source,hash,grow}: copies the file `source` onto an unformatted disk.
/// kInvalid `image size is bigger than disk`; a formatted disk is left alone.
struct DiskImage {
  std::string owner;
  std::string source;
  std::string hash;
  bool grow = true;
};
BOOST_DESCRIBE_STRUCT(DiskImage, (), (owner, source, hash, grow))
/// claim{owner,by} / unclaim{owner,by}: `by` = id of the machine that uses the disk.
struct DiskClaim {
  std::string owner;
  std::string by;
};
BOOST_DESCRIBE_STRUCT(DiskClaim, (), (owner, by))

/// create{owner,slot,size}: a quota'd directory `<slot>:<owner>`; update changes the limit; lookup;
/// delete; list.
struct VolumeRequest {
  std::string owner;
  std::string slot;
  std::uint64_t size = 0;
};
BOOST_DESCRIBE_STRUCT(VolumeRequest, (), (owner, slot, size))
struct Volume {
  std::string owner;
  std::string slot;
  std::string path;
  std::uint64_t size = 0;
};
BOOST_DESCRIBE_STRUCT(Volume, (), (owner, slot, path, size))
struct VolumeList {
  std::vector<Volume> volumes;
};
BOOST_DESCRIBE_STRUCT(VolumeList, (), (volumes))

/// allocate{owner,min_size,kind}: a whole pool for one plugin, owner "@plugin/key"; or, where the
/// node has no hdd pool, the part of an ssd pool that is set aside as hdd. kExhausted when none is
/// free. release{owner}: everything in it is deleted. lookup{owner}: kNotFound. list.
struct DeviceRequest {
  std::string owner;
  std::uint64_t min_size = 0;  ///< bytes
  std::string kind = "hdd";    ///< ssd|hdd
};
BOOST_DESCRIBE_STRUCT(DeviceRequest, (), (owner, min_size, kind))
struct Device {
  std::string id;  ///< name of the pool
  std::string owner;
  std::string path;        ///< an absolute directory
  std::uint64_t size = 0;  ///< bytes
};
BOOST_DESCRIBE_STRUCT(Device, (), (id, owner, path, size))
struct DeviceList {
  std::vector<Device> devices;
};
BOOST_DESCRIBE_STRUCT(DeviceList, (), (devices))

/// reconcile{owners}: leases of workload ids that are not listed are released; "@plugin/…" leases
/// stay.
struct Reconcile {
  std::vector<std::string> owners;
};
BOOST_DESCRIBE_STRUCT(Reconcile, (), (owners))

}  // namespace trellis::services
