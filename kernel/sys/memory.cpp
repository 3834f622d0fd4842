#include "kernel/sys/memory.hpp"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <span>
#include <string_view>

/// jemalloc's control, in programs that are linked with it.
extern "C" [[gnu::weak]] int mallctl(char const* name, void* old, std::size_t* old_size,
                                     void* value, std::size_t size);

namespace trellis::sys {

namespace {

// 4096: MALLCTL_ARENAS_ALL
constexpr char const* kPurgeAll = "arena.4096.purge";
constexpr char const* kDecayAll = "arena.4096.decay";

std::span<ElfW(Phdr) const> SegmentsOf(dl_phdr_info const& object) {
  return {object.dlpi_phdr, object.dlpi_phnum};
}

/// Were its read-only pages written when it was loaded?
bool HasRelocatedText(dl_phdr_info const& object) {
  for (auto const& segment : SegmentsOf(object)) {
    if (segment.p_type != PT_DYNAMIC) continue;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): a table, where the loader says
    auto const* entry = reinterpret_cast<ElfW(Dyn) const*>(object.dlpi_addr + segment.p_vaddr);
    for (; entry->d_tag != DT_NULL; ++entry) {
      bool const flagged = entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL) != 0;
      if (flagged || entry->d_tag == DT_TEXTREL) return true;
    }
  }
  return false;
}

int LetGo(dl_phdr_info* object, std::size_t, void*) {
  // The kernel's own object is no file.
  bool const foreign = std::string_view(object->dlpi_name).starts_with("linux-vdso");
  if (foreign || HasRelocatedText(*object)) return 0;
  auto const page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (auto const& segment : SegmentsOf(*object)) {
    // What is protected only after relocation belongs to a segment that may be written.
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    auto const begin = (object->dlpi_addr + segment.p_vaddr) & ~(page - 1);
    auto const end =
        (object->dlpi_addr + segment.p_vaddr + segment.p_memsz + page - 1) & ~(page - 1);
    // NOLINTNEXTLINE(performance-no-int-to-ptr): a mapping, as the loader describes it
    (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return 0;
}

}  // namespace

void GiveBackMemory() {
  if (&::mallctl == nullptr) {
    (void)::malloc_trim(0);
    return;
  }
  (void)::mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
  (void)::mallctl(kPurgeAll, nullptr, nullptr, nullptr, 0);
}

void GiveBackUnused() {
  if (&::mallctl != nullptr) (void)::mallctl(kDecayAll, nullptr, nullptr, nullptr, 0);
}

void GiveBackStart() {
  GiveBackMemory();
  (void)::dl_iterate_phdr(&LetGo, nullptr);
}

}  // namespace trellis::sys
