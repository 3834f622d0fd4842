// Pieces of a workload that lie alike in every format, so far. Stored: never change them, let the
// newer format have its own.
#pragma once

#include "kernel/store/packed.hpp"
#include "kernel/store/workload_body.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <string_view>

namespace trellis::store {

inline tl::unexpected<Error> DamagedWorkloads() {
  return Fail(Code::kIo, "the stored workloads are damaged");
}

/// Equal texts are nearly always the same.
inline bool IsSame(std::string_view a, std::string_view b) {
  return a.size() == b.size() && (a.data() == b.data() || a == b);
}

inline constexpr std::uint64_t kOwnedFlag = 1;
inline constexpr std::uint64_t kAppliedFlag = 2;       // has eff_version
inline constexpr std::uint64_t kOtherAppliedFlag = 4;  // has eff_data, else it is the data

std::uint64_t FlagsOf(WorkloadView const& view);

/// What lies behind the result, from the effective data on.
void PackTail(PackedWriter& out, WorkloadView const& view, std::uint64_t flags);
void ReadTail(PackedReader& in, WorkloadView& view, std::uint64_t flags);

/// From the state to the effective version.
void PackState(PackedWriter& out, WorkloadView const& view);
void ReadState(PackedReader& in, WorkloadView& view, std::uint64_t flags);

}  // namespace trellis::store
