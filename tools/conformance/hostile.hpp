// Workload data that nobody means well with.
#pragma once

#include <string>
#include <vector>

namespace trellis::conformance {

/// Bytes that are not one JSON object; every type answers DECODE for them.
std::vector<std::string> UndecodableData(std::string const& sample);
/// Those, and more: deep, long, of odd encodings.
std::vector<std::string> HostileData(std::string const& sample);
/// For people: the data, or its size and beginning.
std::string Shown(std::string const& data);

}  // namespace trellis::conformance
