// The data of a qsfs workload: a file system spread over key-value stores of several nodes.
#pragma once

#include <trellis/sdk.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace trellis::plugins::qsfs {

/// Position among the types of a deployment.
inline constexpr std::uint32_t kRank = 200;
/// What the processes of one file system may use.
inline constexpr std::uint64_t kCores = 1;
inline constexpr std::uint64_t kMemory = std::uint64_t{1} << 30;

struct Encryption {
  std::string algorithm;
  HexBytes key;
};
BOOST_DESCRIBE_STRUCT(Encryption, (), (algorithm, key))

/// A namespace of a zdb.
struct Backend {
  std::string address;  ///< host:port
  std::string namespace_;
  std::string password;
};
BOOST_DESCRIBE_STRUCT(Backend, (), (address, namespace_, password))

struct MetaConfig {
  std::string prefix;
  Encryption encryption;
  std::vector<Backend> backends;
};
BOOST_DESCRIBE_STRUCT(MetaConfig, (), (prefix, encryption, backends))

struct Meta {
  std::string type;
  MetaConfig config;
};
BOOST_DESCRIBE_STRUCT(Meta, (), (type, config))

struct Group {
  std::vector<Backend> backends;
};
BOOST_DESCRIBE_STRUCT(Group, (), (backends))

struct Compression {
  std::string algorithm;
};
BOOST_DESCRIBE_STRUCT(Compression, (), (algorithm))

struct Layout {
  std::uint32_t minimal_shards = 0;   ///< needed to read
  std::uint32_t expected_shards = 0;  ///< written
  std::uint32_t redundant_groups = 0;
  std::uint32_t redundant_nodes = 0;
  std::uint32_t max_zdb_data_dir_size = 0;  ///< MiB
  Encryption encryption;
  Meta meta;
  std::vector<Group> groups;
  Compression compression;
};
BOOST_DESCRIBE_STRUCT(Layout, (),
                      (minimal_shards, expected_shards, redundant_groups, redundant_nodes,
                       max_zdb_data_dir_size, encryption, meta, groups, compression))

/// Pure: every function may run on any thread.
struct Qsfs {
  std::uint64_t cache = 0;  ///< bytes on the node's disks
  Layout config;

  /// qsfs_shards. Everything else is for provisioning: messages of existing clients must pass here.
  [[nodiscard]] Result<void> Valid(WorkloadGetter const&) const;
  void Challenge(ChallengeWriter& out) const;
  [[nodiscard]] trellis::Capacity Capacity() const;
};
BOOST_DESCRIBE_STRUCT(Qsfs, (), (cache, config))

/// What the client gets back.
struct QsfsResult {
  std::string path;  ///< of the mount, on the node
  std::string metrics_endpoint;
};
BOOST_DESCRIBE_STRUCT(QsfsResult, (), (path, metrics_endpoint))

}  // namespace trellis::plugins::qsfs
