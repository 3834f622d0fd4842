#include "plugins/zmachine/guest/kernel_image.hpp"

#include "plugins/zmachine/guest/decompress.hpp"

#include <elf.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string_view>

namespace trellis::plugins::zmachine {
namespace {

constexpr std::size_t kSetupSectors = 0x1f1;
constexpr std::size_t kMagicAt = 0x202;
constexpr std::size_t kPayloadOffset = 0x248;
constexpr std::size_t kPayloadLength = 0x24c;
constexpr std::size_t kHeaderEnd = 0x250;
constexpr std::size_t kSector = 512;
constexpr std::size_t kMaxKernel = 256UL * 1024UL * 1024UL;
constexpr std::uint32_t kPvhNote = 18;  // XEN_ELFNOTE_PHYS32_ENTRY

template <class T>
std::optional<T> ReadAt(ByteView data, std::size_t at) {
  if (at > data.size() || data.size() - at < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, data.data() + at, sizeof(T));
  return value;
}

bool HasText(ByteView data, std::size_t at, std::string_view text) {
  return at <= data.size() && data.size() - at >= text.size() &&
         std::memcmp(data.data() + at, text.data(), text.size()) == 0;
}

bool HasPvhNote(ByteView notes) {
  constexpr std::size_t kAlign = 3;
  std::size_t at = 0;
  while (auto const note = ReadAt<Elf64_Nhdr>(notes, at)) {
    std::size_t const name = at + sizeof(Elf64_Nhdr);
    if (note->n_type == kPvhNote && HasText(notes, name, std::string_view("Xen\0", 4))) return true;
    at = name + ((note->n_namesz + kAlign) & ~kAlign) + ((note->n_descsz + kAlign) & ~kAlign);
  }
  return false;
}

bool IsPvhElf(ByteView data) {
  auto const header = ReadAt<Elf64_Ehdr>(data, 0);
  if (!header || !HasText(data, 0, ELFMAG) || header->e_ident[EI_CLASS] != ELFCLASS64) return false;
  for (std::size_t i = 0; i < header->e_phnum; ++i) {
    auto const segment = ReadAt<Elf64_Phdr>(data, header->e_phoff + i * sizeof(Elf64_Phdr));
    if (!segment) return false;
    if (segment->p_type != PT_NOTE || segment->p_offset > data.size()) continue;
    auto const rest = data.subspan(segment->p_offset);
    if (HasPvhNote(rest.first(std::min<std::size_t>(segment->p_filesz, rest.size())))) return true;
  }
  return false;
}

}  // namespace

KernelFormat DetectKernelFormat(ByteView kernel) {
  if (HasText(kernel, kMagicAt, "HdrS")) return KernelFormat::kBzImage;
  return IsPvhElf(kernel) ? KernelFormat::kPvhElf : KernelFormat::kUnsupported;
}

Result<Bytes> ExtractElf(ByteView bzimage) {
  if (!HasText(bzimage, kMagicAt, "HdrS") || bzimage.size() < kHeaderEnd) {
    return Fail(Code::kInvalid, "kernel is not a bzImage");
  }
  std::size_t const sectors = bzimage[kSetupSectors] == 0 ? 4 : bzimage[kSetupSectors];
  std::size_t const start =
      (sectors + 1) * kSector + ReadAt<std::uint32_t>(bzimage, kPayloadOffset).value_or(0);
  std::size_t const length = ReadAt<std::uint32_t>(bzimage, kPayloadLength).value_or(0);
  if (start > bzimage.size() || length > bzimage.size() - start) {
    return Fail(Code::kInvalid, "kernel payload lies outside its file");
  }
  TRELLIS_TRY(auto elf, Decompress(bzimage.subspan(start, length), kMaxKernel));
  if (!IsPvhElf(elf)) return Fail(Code::kInvalid, "kernel payload is no ELF with a PVH note");
  return elf;
}

}  // namespace trellis::plugins::zmachine
