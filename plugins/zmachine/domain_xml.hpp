// A launch description as libvirt's domain XML.
#pragma once

#include "plugins/zmachine/launch.hpp"
#include "plugins/zmachine/probe/accel.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace trellis::plugins::zmachine {

/// XML namespace of our metadata element.
inline constexpr char const* kMetadataUri = "urn:trellis:vm:1";

/// What the node adds to a description.
struct DomainOptions {
  std::string node_id;
  Accel accel = Accel::kTcg;
  std::uint32_t tb_cache_mib = 32;
  std::string virtiofsd;  ///< absolute path
};

/// `'`, `"`, `&`, `<`, `>` escaped.
std::string EscapeXml(std::string_view text);

/// The XML of a transient domain. The same input gives the same text.
std::string DomainXml(Launch const& launch, DomainOptions const& options);

/// The launch hash in a metadata element as libvirt hands it back; "" when there is none.
std::string HashOfMetadata(std::string_view xml);

}  // namespace trellis::plugins::zmachine
