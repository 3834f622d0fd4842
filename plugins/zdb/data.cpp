#include "plugins/zdb/data.hpp"

namespace trellis::plugins::zdb {

Result<void> Zdb::Valid(WorkloadGetter const&) const {
  if (size == 0) return Invalid("size", "size of a zdb cannot be zero");
  if (mode != "user" && mode != "seq")
    return Invalid("zdb_mode", "zdb mode '{}' is neither user nor seq", mode);
  return {};
}

void Zdb::Challenge(ChallengeWriter& out) const {
  out.Add(size);
  out.Add(mode);
  out.Add(password);
  out.Add(public_);
}

trellis::Capacity Zdb::Capacity() const {
  trellis::Capacity capacity;
  capacity.hru = size;
  return capacity;
}

}  // namespace trellis::plugins::zdb
