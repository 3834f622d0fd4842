// Facts about the machine.
#pragma once

#include <trellis/result.hpp>

#include <cstdint>
#include <filesystem>
#include <string>

namespace trellis::sys {

/// Text that changes with every boot. kNotFound, kIo.
Result<std::string> BootId(std::filesystem::path const& file = "/proc/sys/kernel/random/boot_id");
/// Processors this process may run on, at least 1.
[[nodiscard]] std::uint64_t CpuCount();
/// Bytes of main memory.
[[nodiscard]] std::uint64_t MemoryTotal();
/// Bytes that can be had without swapping; 0 when unknown.
[[nodiscard]] std::uint64_t MemoryAvailable();
/// Nanoseconds since boot, suspended time included.
[[nodiscard]] std::int64_t BootTimeNs();
/// Seconds since boot.
[[nodiscard]] std::uint64_t UptimeSeconds();
[[nodiscard]] std::string HostName();

}  // namespace trellis::sys
