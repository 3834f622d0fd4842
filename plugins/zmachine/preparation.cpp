#include "plugins/zmachine/preparation.hpp"

#include "plugins/zmachine/cidata.hpp"
#include "plugins/zmachine/command_line.hpp"
#include "plugins/zmachine/entrypoint.hpp"
#include "plugins/zmachine/image_root.hpp"
#include "plugins/zmachine/startup_toml.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

namespace trellis::plugins::zmachine {
namespace {

constexpr char const* kContainer = "container";
constexpr char const* kContainerKernel = "container-kernel";
constexpr char const* kVmKernel = "vm-kernel";
constexpr char const* kVmFirmware = "vm-firmware";
constexpr std::size_t kMaxStartupToml = std::size_t{64} << 10;
constexpr char const* kCorexEntrypoint = "/corex --ipv6 -d 7 --interface eth0";

bool IsFlistUrl(std::string_view url) {
  static constexpr std::array<std::string_view, 4> kStarts = {"http://", "https://", "file://",
                                                              "/"};
  return std::ranges::any_of(kStarts, [url](auto start) { return url.starts_with(start); });
}

Result<void> CheckCpu(Machine const& data) {
  auto const cpus = ::sysconf(_SC_NPROCESSORS_CONF);
  if (data.compute_capacity.cpu >= 1 && data.compute_capacity.cpu <= cpus) return {};
  if (cpus == 1) return Fail(Code::kInvalid, "invalid cpu must be 1");
  return Fail(Code::kInvalid, "invalid cpu must be between 1 and {}", cpus);
}

bool HasEfiFirmware() {
  std::error_code ignored;
  return std::filesystem::exists("/usr/share/OVMF", ignored);
}

GuestInterface ToGuest(services::Attachment const& attachment) {
  GuestInterface out;
  out.mac = attachment.mac;
  out.addresses = attachment.ips;
  out.gateway4 = attachment.gateway4;
  out.gateway6 = attachment.gateway6;
  for (auto const& route : attachment.routes)
    out.routes.push_back({route.to, route.via});
  return out;
}

}  // namespace

std::string SiblingId(std::string_view workload_id, std::string_view name) {
  return fmt::format("{}-{}", workload_id.substr(0, workload_id.rfind('-')), name);
}

Result<void> CheckRequest(Host const& host, Call const& call, Settings const& settings,
                          Machine const& data) {
  if (data.network.interfaces.size() != 1)
    return Fail(Code::kInvalid, "only one private network is support");
  if (!data.gpu.empty()) {
    if (!host.NodeRented(call))
      return Fail(Code::kInvalid, "usage of GPU is not allowed unless node is rented");
    return Fail(Code::kInvalid, "unknown GPU id '{}'", data.gpu.front());  // this node lends none
  }
  TRELLIS_CHECK(CheckCpu(data));
  if (!data.network.public_ip.empty()) TRELLIS_CHECK(Resources(host).CheckPublic(call));
  if (data.network.planetary)
    return Fail(Code::kUnsupported, "planetary network is not available on this node");
  if (data.network.mycelium.has_value())
    return Fail(Code::kUnsupported, "mycelium network is not available on this node");
  if (!IsFlistUrl(data.flist)) return Fail(Code::kInvalid, "unsupported flist url");
  if (data.corex && settings.corex_path.empty())
    return Fail(Code::kUnsupported, "corex is not available on this node");
  for (auto const& entry : data.env)
    TRELLIS_CHECK(CheckEnvKey(entry.first));
  TRELLIS_TRY(auto const words, SplitEntrypoint(data.entrypoint));
  (void)words;
  return {};
}

Preparation::Preparation(Host const& host, Call const& call, Settings const& settings,
                         Workload<Machine> const& workload, MachineFiles files)
    : host_(host),
      call_(call),
      settings_(settings),
      workload_(workload),
      data_(workload.data),
      id_(workload.id),
      files_(std::move(files)),
      resources_(host) {}

Result<Launch> Preparation::Run() {
  launch_.id = id_;
  launch_.cpu = data_.compute_capacity.cpu;
  launch_.memory = data_.compute_capacity.memory;
  launch_.machine = settings_.machine;
  launch_.console = files_.console();
  launch_.log = files_.log();
  guest_.id = id_;
  guest_.hostname = std::string(workload_.name);
  TRELLIS_CHECK(files_.Make());
  TRELLIS_CHECK(AttachNetwork());
  call_.Progress(100, "fetching the image");
  TRELLIS_CHECK(MountImage());
  TRELLIS_CHECK(call_.Checkpoint());
  call_.Progress(600, "preparing the machine");
  if (IsContainer()) TRELLIS_CHECK(MakeRoot());
  guest_.env = image_env_;
  for (auto const& [key, value] : data_.env)
    guest_.env.insert_or_assign(key, value);
  TRELLIS_TRY(guest_.entrypoint_words, SplitEntrypoint(EffectiveEntrypoint()));
  TRELLIS_CHECK(UseMounts());
  TRELLIS_CHECK(CopyBootFiles());
  TRELLIS_CHECK(WriteCidata());
  return launch_;
}

bool Preparation::IsContainer() const {
  return launch_.kind == kContainer || launch_.kind == kContainerKernel;
}

std::string Preparation::EffectiveEntrypoint() const {
  if (data_.corex) return kCorexEntrypoint;
  return data_.entrypoint.empty() ? image_entrypoint_ : data_.entrypoint;
}

Result<void> Preparation::AttachNetwork() {
  auto const& interface = data_.network.interfaces.front();
  TRELLIS_TRY(
      auto const attached,
      resources_.Attach(call_, {id_, call_.twin_id(), interface.network, interface.ip.ToString()}));
  launch_.interfaces.push_back({attached.tap, attached.mac});
  launch_.network = interface.network;
  launch_.result.id = id_;
  launch_.result.ip = interface.ip.ToString();
  guest_.interfaces.push_back(ToGuest(attached));
  guest_.nameservers = attached.nameservers;
  return data_.network.public_ip.empty() ? Result<void>() : AttachPublic();
}

Result<void> Preparation::AttachPublic() {
  TRELLIS_TRY(auto const attached, resources_.AttachPublic(call_, {id_, data_.network.public_ip}));
  launch_.interfaces.push_back({attached.tap, attached.mac});
  auto const outer = ToGuest(attached);
  LeadOutside(guest_.interfaces.front(), outer);
  guest_.interfaces.push_back(outer);
  return {};
}

Result<void> Preparation::MountImage() {
  TRELLIS_TRY(image_, resources_.MountImage(call_, id_, data_.flist));
  launch_.kind = image_.kind;
  image_entrypoint_ = image_.entrypoint;
  image_env_ = image_.env;
  static constexpr std::array<std::string_view, 4> kKinds = {kContainer, kContainerKernel,
                                                             kVmKernel, kVmFirmware};
  if (std::ranges::find(kKinds, launch_.kind) == kKinds.end())
    return Fail(Code::kInvalid, "image is of unknown kind '{}'", launch_.kind);
  return {};
}

Result<void> Preparation::MakeRoot() {
  TRELLIS_TRY(auto const volume, resources_.EnsureVolume(call_, id_, data_.RootSize()));
  TRELLIS_TRY(auto const root, resources_.MountRoot(call_, id_, data_.flist, volume.path));
  // Once in the root's life: later the keys are the machine's own.
  std::string const marker = "root:" + id_;
  if (auto const seen = host_.StoreGet(marker); !seen) {
    TRELLIS_CHECK(ImageRoot(root.path).RemoveSshHostKeys());
    TRELLIS_CHECK(host_.StorePut(marker, "1"));
  }
  launch_.shares.push_back({root.path, "vroot"});
  TRELLIS_CHECK(ReadImageDefaults(image_.path));
  if (data_.corex) return ImageRoot(root.path).CopyIn(settings_.corex_path, "corex");
  return {};
}

Result<void> Preparation::ReadImageDefaults(std::string const& root) {
  auto const text = ImageRoot(root).Read(".startup.toml", kMaxStartupToml);
  if (!text && text.error().code == Code::kNotFound) return {};
  if (!text) return tl::unexpected<Error>(text.error());
  TRELLIS_TRY(auto const start, ParseStartupToml(*text));
  if (!start.entrypoint.empty()) image_entrypoint_ = start.entrypoint;
  for (auto const& [key, value] : start.env)
    image_env_.insert_or_assign(key, value);
  return {};
}

Result<void> Preparation::UseMounts() {
  if (!IsContainer()) {
    if (data_.mounts.empty())
      return Fail(Code::kInvalid, "at least one mount has to be attached for Vm mode");
    auto const first = host_.GetWorkload(call_, data_.mounts.front().name);
    if (!first || first->type != "zmount")
      return Fail(Code::kInvalid, "mount is not a valid disk workload");
  }
  std::vector<GuestMount> guest_mounts;
  for (auto const& mount : data_.mounts)
    TRELLIS_CHECK(UseMount(mount, guest_mounts));
  if (!IsContainer()) return WriteRootDisk();
  TRELLIS_TRY(guest_.mounts, OrderMounts(std::move(guest_mounts)));
  return {};
}

struct ShareResult {
  std::string path;
};
BOOST_DESCRIBE_STRUCT(ShareResult, (), (path))

Result<void> Preparation::UseMount(MachineMount const& mount,
                                   std::vector<GuestMount>& guest_mounts) {
  auto const workload = host_.GetWorkload(call_, mount.name);
  if (!workload || !workload->IsOkay())
    return Fail(Code::kInvalid, "invalid disk '{}' state", mount.name);
  if (workload->type == "zmount") {
    guest_mounts.push_back({DiskDevice(launch_.disks.size()), mount.mountpoint, "auto"});
    return UseDisk(mount.name);
  }
  if (workload->type != "qsfs")
    return Fail(Code::kInvalid, "expecting a reservation of type 'zmount' or 'qsfs' for disk '{}'",
                mount.name);
  TRELLIS_TRY(auto const share, workload->result.data.As<ShareResult>());
  if (share.path.empty()) return Fail(Code::kInvalid, "invalid disk '{}' state", mount.name);
  guest_mounts.push_back({mount.name, mount.mountpoint, "virtiofs"});
  launch_.shares.push_back({share.path, mount.name});
  return {};
}

Result<void> Preparation::UseDisk(std::string const& name) {
  std::string const disk_id = SiblingId(id_, name);
  TRELLIS_TRY(auto const disk, resources_.FindDisk(call_, disk_id));
  TRELLIS_CHECK(resources_.ClaimDisk(call_, disk_id, id_));
  if (IsContainer() && !disk.formatted)
    TRELLIS_CHECK(resources_.FormatDisk(call_, disk_id, settings_.disk_fs));
  TRELLIS_CHECK(GiveToEmulator(disk.path));
  launch_.disks.push_back({disk.path, name, disk_id});
  return {};
}

Result<void> Preparation::WriteRootDisk() {
  auto const& disk = launch_.disks.front();
  TRELLIS_TRY(auto const source, ImageRoot(image_.path).Resolve("image.raw"));
  TRELLIS_CHECK(resources_.WriteImage(
      call_, {disk.owner, source, image_.hash, /*grow=*/launch_.kind == kVmKernel}));
  if (launch_.kind != kVmFirmware) return {};
  TRELLIS_TRY(auto const medium, DetectBootMedium(disk.path));
  launch_.efi = medium == BootMedium::kEfi;
  if (launch_.efi && !HasEfiFirmware())
    return Fail(Code::kUnsupported, "image needs efi firmware, which this node does not have");
  return {};
}

Result<void> Preparation::OwnBootFiles() {
  std::error_code ignored;
  if (!std::filesystem::exists(settings_.guest_kernel, ignored))
    return Fail(Code::kUnavailable, "no guest kernel at '{}'", settings_.guest_kernel);
  if (!std::filesystem::exists(settings_.initramfs, ignored))
    return Fail(Code::kUnavailable, "no initramfs at '{}'", settings_.initramfs);
  launch_.kernel = settings_.guest_kernel;
  launch_.initrd = settings_.initramfs;
  launch_.cmdline = ContainerCommandLine();
  return {};
}

Result<void> Preparation::CopyBootFiles() {
  if (launch_.kind == kContainer) return OwnBootFiles();
  if (launch_.kind == kVmFirmware) return {};
  bool const container = IsContainer();
  std::string const initrd = container ? "boot/initrd.img" : "initrd";
  ImageRoot const image(image_.path);
  TRELLIS_CHECK(image.CopyOut(container ? "boot/vmlinuz" : "kernel", files_.kernel()));
  TRELLIS_CHECK(CheckKernelFormat(files_.kernel()));
  launch_.kernel = files_.kernel();
  TRELLIS_TRY(bool const has_initrd, image.IsFile(initrd));
  if (has_initrd) {
    TRELLIS_CHECK(image.CopyOut(initrd, files_.initrd()));
    launch_.initrd = files_.initrd();
  }
  if (container) {
    TRELLIS_TRY(launch_.cmdline, ContainerKernelCommandLine(EffectiveEntrypoint()));
    return {};
  }
  TRELLIS_TRY(auto const line,
              VmKernelCommandLine(guest_, RootFileSystem(launch_.disks.front().path)));
  for (auto const& name : line.left_out)
    host_.Warn("variable left out of the kernel command line",
               {{"id", json::Encode(id_)}, {"name", json::Encode(name)}});
  launch_.cmdline = line.text;
  return {};
}

Result<void> Preparation::WriteCidata() {
  TRELLIS_TRY(auto const image, BuildCidataImage(guest_));
  launch_.cidata = files_.cidata();
  launch_.cidata_hash = HashText({reinterpret_cast<char const*>(image.data()), image.size()});
  auto const current = files_.ReadLaunch();
  std::error_code ignored;
  bool const same = current && current->cidata_hash == launch_.cidata_hash &&
                    std::filesystem::exists(launch_.cidata, ignored);
  return same ? Result<void>() : WriteFile(launch_.cidata, image);
}

}  // namespace trellis::plugins::zmachine
