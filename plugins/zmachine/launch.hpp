// The launch description: all that is needed to start a machine again, kept beside its files.
#pragma once

#include "plugins/zmachine/data.hpp"

#include <trellis/sdk.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace trellis::plugins::zmachine {

struct LaunchDisk {
  std::string path;
  std::string serial;  ///< workload name
  std::string owner;   ///< workload id of the disk, which this machine claims
};
BOOST_DESCRIBE_STRUCT(LaunchDisk, (), (path, serial, owner))

struct LaunchShare {
  std::string path;
  std::string tag;
};
BOOST_DESCRIBE_STRUCT(LaunchShare, (), (path, tag))

struct LaunchInterface {
  std::string tap;
  std::string mac;
};
BOOST_DESCRIBE_STRUCT(LaunchInterface, (), (tap, mac))

/// Everything that goes into a domain's XML.
struct Launch {
  std::string id;
  std::string kind;  ///< container|container-kernel|vm-kernel|vm-firmware
  std::uint32_t cpu = 1;
  std::uint64_t memory = 0;  ///< bytes
  std::string machine = "q35";
  std::string kernel;  ///< "" = firmware
  std::string initrd;
  std::string cmdline;
  bool efi = false;
  std::vector<LaunchShare> shares;  ///< virtiofs; the root is `vroot`
  std::vector<LaunchDisk> disks;    ///< vda, vdb, … in this order, cidata after them
  std::string cidata;
  std::string cidata_hash;
  std::vector<LaunchInterface> interfaces;
  std::string network;  ///< name of the first interface's network
  std::string console;  ///< unix socket
  std::string log;
  MachineResult result;

  bool operator==(Launch const& other) const { return json::Dump(*this) == json::Dump(other); }
};
BOOST_DESCRIBE_STRUCT(Launch, (),
                      (id, kind, cpu, memory, machine, kernel, initrd, cmdline, efi, shares, disks,
                       cidata, cidata_hash, interfaces, network, console, log, result))

/// 32 hex digits (BLAKE2b-128).
std::string HashText(std::string_view text);
/// Identity of a description: it stands in the domain's metadata.
std::string LaunchHash(Launch const& launch);
/// Stable UUID of a machine on a node.
std::string MachineUuid(std::string_view node_id, std::string_view workload_id);

}  // namespace trellis::plugins::zmachine
