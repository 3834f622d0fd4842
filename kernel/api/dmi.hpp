// What the machine's firmware says about its hardware, as `zos.system.dmi` shows it.
#pragma once

#include <string>
#include <string_view>

namespace trellis::api {

/// The output of dmidecode as JSON: {"tooling":{…},"sections":[…]}. Lines it cannot place are left
/// out; "" gives no sections.
[[nodiscard]] std::string DmiJson(std::string_view dmidecode);

/// Runs dmidecode. Without the tool, the rights or a firmware that tells anything: no sections.
[[nodiscard]] std::string ReadDmi();

}  // namespace trellis::api
