#include "plugins/zmachine/guest/kernel_image.hpp"

#include "plugins/zmachine/guest/cpio.hpp"
#include "plugins/zmachine/guest/decompress.hpp"
#include "plugins/zmachine/guest/file_io.hpp"
#include "plugins/zmachine/guest/kernel_modules.hpp"

#include <elf.h>
#include <gtest/gtest.h>
#include <lz4.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

namespace trellis::plugins::zmachine {
namespace {

template <class T>
void Append(Bytes& out, T const& value) {
  auto const* const data = reinterpret_cast<std::uint8_t const*>(&value);
  out.insert(out.end(), data, data + sizeof(T));
}

/// A 64-bit ELF with one note segment.
Bytes AnElf(std::uint32_t note_type) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_phoff = sizeof(Elf64_Ehdr);
  header.e_phnum = 1;
  Elf64_Phdr segment{};
  segment.p_type = PT_NOTE;
  segment.p_offset = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
  segment.p_filesz = sizeof(Elf64_Nhdr) + 4 + 8;
  Bytes out;
  Append(out, header);
  Append(out, segment);
  Append(out, Elf64_Nhdr{4, 8, note_type});
  Append(out, std::array<char, 4>{'X', 'e', 'n', 0});
  Append(out, std::uint64_t{0x1000000});
  return out;
}

Bytes Lz4Legacy(Bytes const& plain) {
  std::vector<char> packed(
      static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(plain.size()))));
  int const size =
      LZ4_compress_default(reinterpret_cast<char const*>(plain.data()), packed.data(),
                           static_cast<int>(plain.size()), static_cast<int>(packed.size()));
  Bytes out = {0x02, 0x21, 0x4c, 0x18};
  Append(out, static_cast<std::uint32_t>(size));
  out.insert(out.end(), packed.begin(), packed.begin() + size);
  Append(out, static_cast<std::uint32_t>(plain.size()));
  return out;
}

Bytes ABzImage(Bytes const& payload) {
  constexpr std::uint32_t kOffset = 64;
  constexpr std::size_t kStart = 2 * 512 + kOffset;
  Bytes out(kStart + payload.size());
  out[0x1f1] = 1;
  std::memcpy(&out[0x202], "HdrS", 4);
  auto const length = static_cast<std::uint32_t>(payload.size());
  std::memcpy(&out[0x248], &kOffset, 4);
  std::memcpy(&out[0x24c], &length, 4);
  std::copy(payload.begin(), payload.end(), out.begin() + kStart);
  return out;
}

TEST(KernelImage, IsToldByContent) {
  EXPECT_EQ(DetectKernelFormat(ABzImage({})), KernelFormat::kBzImage);
  EXPECT_EQ(DetectKernelFormat(AnElf(18)), KernelFormat::kPvhElf);
  EXPECT_EQ(DetectKernelFormat(AnElf(1)), KernelFormat::kUnsupported);
  EXPECT_EQ(DetectKernelFormat(Bytes(4096)), KernelFormat::kUnsupported);
  EXPECT_EQ(DetectKernelFormat({}), KernelFormat::kUnsupported);
}

TEST(KernelImage, GivesItsElf) {
  auto const elf = AnElf(18);

  EXPECT_EQ(ExtractElf(ABzImage(Lz4Legacy(elf))).value(), elf);
  EXPECT_EQ(ExtractElf(ABzImage(Gzip(elf).value())).value(), elf);
}

TEST(KernelImage, RefusesDamagedPayloads) {
  auto const good = Lz4Legacy(AnElf(18));
  auto damaged = good;
  damaged.back() ^= 1U;
  auto cut = ABzImage(good);
  cut.pop_back();

  EXPECT_EQ(ExtractElf(ABzImage(damaged)).error().message, "damaged lz4 data");
  EXPECT_EQ(ExtractElf(cut).error().message, "kernel payload lies outside its file");
  EXPECT_EQ(ExtractElf(ABzImage({1, 2, 3, 4})).error().code, Code::kUnsupported);
  EXPECT_EQ(ExtractElf(ABzImage(Lz4Legacy(AnElf(1)))).error().message,
            "kernel payload is no ELF with a PVH note");
  EXPECT_EQ(ExtractElf(AnElf(18)).error().message, "kernel is not a bzImage");
}

TEST(KernelImage, StaysAsItIsWhenItsPayloadIsDamaged) {
  std::string name = "/tmp/trellis-kernel.XXXXXX";
  std::filesystem::path const folder = ::mkdtemp(name.data());
  auto damaged = Lz4Legacy(AnElf(18));
  damaged.back() ^= 1U;
  auto const kernel = ABzImage(damaged);
  ASSERT_TRUE(ReplaceFile(folder / "in", kernel));

  std::string const tool = TRELLIS_BUILD_DIR "/bin/trellis-kernel-elf ";
  EXPECT_EQ(std::system((tool + name + "/in " + name + "/out 2>/dev/null").c_str()), 0);

  EXPECT_EQ(ReadWholeFile(folder / "out").value(), kernel);
  std::filesystem::remove_all(folder);
}

TEST(Decompress, StopsAtTheLimit) {
  Bytes const zeros(3UL * 1024UL * 1024UL);
  auto const packed = Gzip(zeros).value();

  EXPECT_EQ(Decompress(packed, zeros.size() + 1).value(), zeros);
  EXPECT_EQ(Decompress(packed, 4096).error().code, Code::kExhausted);
}

TEST(Modules, NameTheirDependencies) {
  std::string const text("license=GPL\0depends=virtio,net-failover\0name=virtio_net\0", 56);

  EXPECT_EQ(ModuleDependencies(text), (std::vector<std::string>{"virtio", "net_failover"}));
  EXPECT_TRUE(ModuleDependencies(std::string("\0depends=\0", 10)).empty());
}

TEST(Cpio, AlignsHeadersAndNamesTheTrailer) {
  CpioWriter cpio;
  cpio.AddFolder("mod");
  Bytes const content = {'h', 'i'};
  cpio.AddFile("mod/x", 0644, content);
  auto const bytes = std::move(cpio).Finish();
  std::string const text(bytes.begin(), bytes.end());

  EXPECT_EQ(bytes.size() % 4, 0U);
  EXPECT_EQ(text.substr(0, 6), "070701");
  EXPECT_EQ(text.substr(14, 8), "000041ed");
  EXPECT_EQ(text.find("mod/x") % 4, 110U % 4);
  EXPECT_NE(text.find("TRAILER!!!"), std::string::npos);
}

}  // namespace
}  // namespace trellis::plugins::zmachine
