#include "plugins/qsfs/data.hpp"

namespace trellis::plugins::qsfs {
namespace {

void Add(ChallengeWriter& out, Encryption const& encryption) {
  out.Add(encryption.algorithm);
  out.Add(encryption.key);
}

void Add(ChallengeWriter& out, std::vector<Backend> const& backends) {
  for (auto const& backend : backends) {
    out.Add(backend.address);
    out.Add(backend.namespace_);
    out.Add(backend.password);
  }
}

}  // namespace

Result<void> Qsfs::Valid(WorkloadGetter const&) const {
  if (config.minimal_shards > config.expected_shards)
    return Invalid("qsfs_shards", "{} minimal shards are more than {} expected shards",
                   config.minimal_shards, config.expected_shards);
  return {};
}

void Qsfs::Challenge(ChallengeWriter& out) const {
  out.Add(cache);
  out.Add(config.minimal_shards);
  out.Add(config.expected_shards);
  out.Add(config.redundant_groups);
  out.Add(config.redundant_nodes);
  out.Add(config.max_zdb_data_dir_size);
  Add(out, config.encryption);
  out.Add(config.meta.type);
  out.Add(config.meta.config.prefix);
  Add(out, config.meta.config.encryption);
  Add(out, config.meta.config.backends);
  for (auto const& group : config.groups)
    Add(out, group.backends);
  out.Add(config.compression.algorithm);
}

trellis::Capacity Qsfs::Capacity() const {
  trellis::Capacity capacity;
  capacity.cru = kCores;
  capacity.mru = kMemory;
  capacity.sru = cache;
  return capacity;
}

}  // namespace trellis::plugins::qsfs
