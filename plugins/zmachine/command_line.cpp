#include "plugins/zmachine/command_line.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstddef>

namespace trellis::plugins::zmachine {
namespace {

constexpr std::string_view kCommon = "console=ttyS0 rw reboot=k panic=1";
constexpr std::size_t kMaxLine = 2047;     // COMMAND_LINE_SIZE of x86 without the final NUL
constexpr std::size_t kMaxEnv = 24;        // the kernel panics above 32 unknown k=v words
constexpr std::size_t kMaxInterfaces = 6;  // readers know net_eth0 … net_eth5
constexpr std::array<std::string_view, 11> kKernelKeys = {"root",  "init",  "rootfstype", "console",
                                                          "rw",    "ro",    "panic",      "reboot",
                                                          "quiet", "debug", "initrd"};

Result<std::string> Checked(std::string line) {
  if (line.size() > kMaxLine) return Fail(Code::kInvalid, "kernel command line too long");
  return line;
}

bool CanStandOnLine(std::string const& key, std::string const& value) {
  if (std::find(kKernelKeys.begin(), kKernelKeys.end(), key) != kKernelKeys.end()) return false;
  if (key.find('.') != std::string::npos) return false;
  return std::none_of(value.begin(), value.end(), [](char c) {
    auto const byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f || c == '"';
  });
}

void AppendRoutes(GuestConfig const& config, std::string& line) {
  std::vector<std::string> v4;
  std::vector<std::string> v6;
  for (auto const& nic : config.interfaces) {
    if (!nic.gateway4.empty()) v4.push_back("default," + nic.gateway4);
    if (!nic.gateway6.empty()) v6.push_back("default," + nic.gateway6);
    for (auto const& route : nic.routes) {
      auto& list = route.to.find(':') == std::string::npos ? v4 : v6;
      list.push_back(route.to + "," + route.via);
    }
  }
  if (!v4.empty()) line += fmt::format(" net_r4={}", fmt::join(v4, ";"));
  if (!v6.empty()) line += fmt::format(" net_r6={}", fmt::join(v6, ";"));
}

void AppendNetwork(GuestConfig const& config, std::string& line) {
  std::size_t index = 0;
  for (auto const& nic : config.interfaces) {
    if (index == kMaxInterfaces) break;
    line += fmt::format(" net_eth{}={}", index++, fmt::join(nic.addresses, ";"));
  }
  AppendRoutes(config, line);
  if (!config.nameservers.empty()) {
    line += fmt::format(" net_dns={}", fmt::join(config.nameservers, ";"));
  }
  if (!config.hostname.empty()) line += " host=" + config.hostname;
}

}  // namespace

std::string ContainerCommandLine() {
  return fmt::format("{} root=vroot rootfstype=virtiofs rootdelay=30 boot.shell_on_fail", kCommon);
}

Result<std::string> ContainerKernelCommandLine(std::string_view entrypoint) {
  if (entrypoint.empty()) return ContainerCommandLine();
  return Checked(fmt::format("{} init={}", ContainerCommandLine(), entrypoint));
}

Result<CommandLine> VmKernelCommandLine(GuestConfig const& config, std::string_view root_fs) {
  std::string line = fmt::format("{} root=/dev/vda rootfstype={}", kCommon, root_fs);
  AppendNetwork(config, line);
  CommandLine out;
  std::size_t count = 0;
  for (auto const& [key, value] : config.env) {
    if (!CanStandOnLine(key, value)) {
      out.left_out.push_back(key);
      continue;
    }
    if (++count > kMaxEnv) {
      return Fail(Code::kInvalid, "too many environment variables for vm mode");
    }
    bool const quoted = value.find(' ') != std::string::npos;
    line += quoted ? fmt::format(" {}=\"{}\"", key, value) : fmt::format(" {}={}", key, value);
  }
  TRELLIS_TRY(out.text, Checked(std::move(line)));
  return out;
}

}  // namespace trellis::plugins::zmachine
