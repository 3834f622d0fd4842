#include "plugins/zmachine/domain_xml.hpp"

#include "plugins/zmachine/guest_config.hpp"

#include <fmt/format.h>

namespace trellis::plugins::zmachine {
namespace {

constexpr std::size_t kMaxSerial = 20;  // virtio-blk
constexpr std::size_t kDevicePrefix = std::string_view("/dev/").size();

std::string Boot(Launch const& launch) {
  if (launch.kernel.empty()) return "<boot dev='hd'/>";
  auto text = fmt::format("<kernel>{}</kernel>", EscapeXml(launch.kernel));
  if (!launch.initrd.empty()) text += fmt::format("<initrd>{}</initrd>", EscapeXml(launch.initrd));
  if (!launch.cmdline.empty())
    text += fmt::format("<cmdline>{}</cmdline>", EscapeXml(launch.cmdline));
  return text;
}

std::string Processor(DomainOptions const& options) {
  if (options.accel == Accel::kKvm)
    return "<features><acpi/></features><cpu mode='host-passthrough' check='none'/>";
  return fmt::format(
      "<features><acpi/><tcg><tb-cache unit='MiB'>{}</tb-cache></tcg></features>"
      "<cpu mode='maximum'/>",
      options.tb_cache_mib);
}

std::string Shares(Launch const& launch, DomainOptions const& options) {
  std::string text;
  for (auto const& share : launch.shares) {
    text += fmt::format(
        "<filesystem type='mount' accessmode='passthrough'><driver type='virtiofs'/>"
        "<binary path='{}' xattr='on'/><source dir='{}'/><target dir='{}'/></filesystem>",
        EscapeXml(options.virtiofsd), EscapeXml(share.path), EscapeXml(share.tag));
  }
  return text;
}

std::string DeviceName(std::size_t index) {
  return DiskDevice(index).substr(kDevicePrefix);
}

std::string Disks(Launch const& launch) {
  std::string text;
  std::size_t index = 0;
  for (auto const& disk : launch.disks) {
    text += fmt::format(
        "<disk type='file' device='disk'>"
        "<driver name='qemu' type='raw' cache='none' io='native' discard='unmap'/>"
        "<source file='{}'/><target dev='{}' bus='virtio'/><serial>{}</serial></disk>",
        EscapeXml(disk.path), DeviceName(index++), EscapeXml(disk.serial.substr(0, kMaxSerial)));
  }
  if (!launch.cidata.empty()) {
    text += fmt::format(
        "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{}'/>"
        "<target dev='{}' bus='virtio'/><readonly/></disk>",
        EscapeXml(launch.cidata), DeviceName(index));
  }
  return text;
}

std::string Interfaces(Launch const& launch) {
  std::string text;
  for (auto const& interface : launch.interfaces) {
    text += fmt::format(
        "<interface type='ethernet'><mac address='{}'/><target dev='{}' managed='no'/>"
        "<model type='virtio'/></interface>",
        EscapeXml(interface.mac), EscapeXml(interface.tap));
  }
  return text;
}

}  // namespace

std::string EscapeXml(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (char const c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '\'':
        out += "&apos;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string DomainXml(Launch const& launch, DomainOptions const& options) {
  auto const head = fmt::format(
      "<domain type='{}'><name>{}</name><uuid>{}</uuid>"
      "<metadata><t:vm xmlns:t='{}' node='{}' hash='{}'/></metadata>"
      "<memory unit='b'>{}</memory>"
      "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
      "<vcpu>{}</vcpu>",
      options.accel == Accel::kKvm ? "kvm" : "qemu", EscapeXml(launch.id),
      MachineUuid(options.node_id, launch.id), kMetadataUri, EscapeXml(options.node_id),
      LaunchHash(launch), launch.memory, launch.cpu);
  auto const system = fmt::format(
      "<os{}><type arch='x86_64' machine='{}'>hvm</type>{}</os>{}"
      "<on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot>"
      "<on_crash>destroy</on_crash>",
      launch.efi ? " firmware='efi'" : "", EscapeXml(launch.machine), Boot(launch),
      Processor(options));
  auto const console = fmt::format(
      "<serial type='unix'><source mode='bind' path='{}'/><log file='{}' append='on'/>"
      "<target type='isa-serial' port='0'/></serial>",
      EscapeXml(launch.console), EscapeXml(launch.log));
  return fmt::format(
      "{}{}<devices><controller type='usb' model='none'/><memballoon model='none'/>"
      "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"
      "{}{}{}{}</devices></domain>",
      head, system, Shares(launch, options), Disks(launch), Interfaces(launch), console);
}

std::string HashOfMetadata(std::string_view xml) {
  static constexpr std::string_view kKey = "hash=";
  auto const at = xml.find(kKey);
  if (at == std::string_view::npos || at + kKey.size() >= xml.size()) return {};
  char const quote = xml[at + kKey.size()];
  auto const begin = at + kKey.size() + 1;
  auto const end = xml.find(quote, begin);
  if (end == std::string_view::npos) return {};
  return std::string(xml.substr(begin, end - begin));
}

}  // namespace trellis::plugins::zmachine
