// The three kinds of machine that bring their own kernel, disk or boot loader, really booted.
#include "tests/integration/zmachine/machine_lab.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace trellis::testing {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr char const* kGuest = TRELLIS_BUILD_DIR "/guest";

/// An image folder below the lab's; the files of `build/guest` that it wants are copied in.
class Image {
 public:
  explicit Image(MachineLab& lab) : dir_(fs::path(lab.host().dir()) / "image") {
    fs::create_directories(dir_);
  }
  void Put(std::string const& guest_file, std::string const& as) const {
    fs::create_directories((dir_ / as).parent_path());
    fs::copy_file(fs::path(kGuest) / guest_file, dir_ / as);
  }
  [[nodiscard]] fs::path dir() const { return dir_; }

 private:
  fs::path dir_;
};

std::string DataOf(Image const& image, std::string_view entrypoint) {
  return fmt::format(
      R"({{"flist":"file://{}","network":{{"interfaces":[{{"network":"net1","ip":"{}"}}]}},)"
      R"("compute_capacity":{{"cpu":1,"memory":268435456}},)"
      R"("mounts":[{{"name":"data","mountpoint":"/data"}}],"entrypoint":"{}",)"
      R"("env":{{"GREETING":"own kernel"}}}})",
      image.dir().string(), kMachineIp, entrypoint);
}

void Start(MachineLab& lab, std::string const& data) {
  auto const others = lab.LoadOthers(lab.host().dir());
  ASSERT_TRUE(others) << others.error().message;
  auto const loaded = lab.LoadMachines();
  ASSERT_TRUE(loaded) << loaded.error().message;
  auto const made = lab.host().Provision("zmachine", kMachineId, data, MachineLab::Options());
  ASSERT_EQ(made.status, TRL_OK) << made.error;
}

void End(MachineLab& lab, std::string const& data) {
  auto const removed = lab.host().Deprovision("zmachine", kMachineId, data, MachineLab::Options());
  EXPECT_EQ(removed.status, TRL_OK) << removed.error;
  EXPECT_EQ(lab.Leftovers(), "");
}

/// /sbin/init of the root is the example program.
void MakeRootDisk(Image const& image, std::string const& tool) {
  auto const root = image.dir().parent_path() / "root";
  fs::copy(fs::path(kGuest) / "hello-root", root, fs::copy_options::recursive);
  fs::create_directories(root / "sbin");
  fs::create_symlink("/bin/hello", root / "sbin/init");
  auto const file = image.dir() / "image.raw";
  std::ofstream(file).close();
  fs::resize_file(file, std::uintmax_t{48} << 20U);
  auto const command = fmt::format(fmt::runtime(tool), fmt::arg("root", root.string()),
                                   fmt::arg("file", file.string()));
  ASSERT_EQ(std::system(command.c_str()), 0) << command;  // NOLINT(cert-env33-c)
}

TEST(MachineModes, BootsTheImagesKernelWithAnExt4Disk) {
  MachineLab lab;
  Image const image(lab);
  image.Put("vmlinuz", "kernel");
  image.Put("initramfs.img", "initrd");
  MakeRootDisk(image, "mke2fs -q -F -t ext4 -d {root} {file}");
  auto const data = DataOf(image, "");

  Start(lab, data);

  auto const answer = MachineLab::Get("/", kBootTime);
  EXPECT_THAT(answer, HasSubstr(R"("GREETING":"own kernel")")) << lab.ConsoleLog();
  EXPECT_THAT(lab.ConsoleLog(), HasSubstr("root=/dev/vda rootfstype=ext4"));
  EXPECT_THAT(lab.ConsoleLog(), HasSubstr("net_eth0=10.20.2.5/24"));
  End(lab, data);
}

TEST(MachineModes, BootsAContainerWithItsOwnKernel) {
  MachineLab lab;
  Image const image(lab);
  fs::copy(fs::path(kGuest) / "hello-root", image.dir(),
           fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  image.Put("vmlinuz", "boot/vmlinuz");
  image.Put("initramfs.img", "boot/initrd.img");
  auto const data = DataOf(image, "/bin/hello");

  Start(lab, data);

  auto const answer = MachineLab::Get("/", kBootTime);
  EXPECT_THAT(answer, HasSubstr(R"("mounted":true)")) << lab.ConsoleLog();
  EXPECT_THAT(lab.ConsoleLog(), HasSubstr("rootfstype=virtiofs"));
  EXPECT_THAT(lab.ConsoleLog(), HasSubstr("init=/bin/hello"));
  End(lab, data);
}

TEST(MachineModes, BootsADiskWithItsOwnBootLoader) {
  // Writes "MBR!" to the first serial port and halts.
  constexpr std::array<unsigned char, 24> kBootSector = {
      0xba, 0xf8, 0x03,                                     // mov dx, 0x3f8
      0xb0, 'M',  0xee, 0xb0, 'B',  0xee, 0xb0, 'R', 0xee,  // mov al, c; out dx, al
      0xb0, '!',  0xee, 0xb0, '\n', 0xee,                   //
      0xf4, 0xeb, 0xfd, 0x90, 0x90, 0x90};                  // hlt; jmp back
  MachineLab lab;
  Image const image(lab);
  std::string disk(std::size_t{1} << 20U, '\0');
  std::copy(kBootSector.begin(), kBootSector.end(), disk.begin());
  disk[510] = '\x55';
  disk[511] = '\xaa';
  std::ofstream(image.dir() / "image.raw", std::ios::binary) << disk;
  auto const data = DataOf(image, "");

  Start(lab, data);

  EXPECT_TRUE(lab.WaitForConsole("MBR!", kBootTime)) << lab.ConsoleLog();
  End(lab, data);
}

TEST(MachineModes, RefusesAKernelWithoutADiskAndADiskThatIsTooLarge) {
  MachineLab lab;
  Image const image(lab);
  image.Put("vmlinuz", "kernel");
  auto const others = lab.LoadOthers(lab.host().dir());
  ASSERT_TRUE(others) << others.error().message;
  ASSERT_TRUE(lab.LoadMachines());
  auto const refusal = [&] {
    return lab.host()
        .Provision("zmachine", kMachineId, DataOf(image, ""), MachineLab::Options())
        .error;
  };

  EXPECT_THAT(refusal(), HasSubstr("flist has /kernel but no /image.raw"));
  std::ofstream(image.dir() / "image.raw").close();
  fs::resize_file(image.dir() / "image.raw", std::uintmax_t{65} << 20U);
  EXPECT_THAT(refusal(), HasSubstr("image size is bigger than disk"));
  EXPECT_EQ(lab.Leftovers(), "");
}

}  // namespace
}  // namespace trellis::testing
