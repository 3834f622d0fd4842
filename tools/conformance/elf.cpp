#include "tools/conformance/elf.hpp"

#include <elf.h>

#include <cstring>
#include <fstream>
#include <sstream>

namespace trellis::conformance {

namespace {

/// Copies a T out of the file's bytes; false past their end.
template <class T>
bool ReadAt(std::string const& bytes, std::size_t at, T& out) {
  if (at > bytes.size() || bytes.size() - at < sizeof(T)) return false;
  std::memcpy(&out, bytes.data() + at, sizeof(T));
  return true;
}

bool IsExported(Elf64_Sym const& symbol) {
  auto const binding = ELF64_ST_BIND(symbol.st_info);
  auto const visibility = ELF64_ST_VISIBILITY(symbol.st_other);
  return symbol.st_shndx != SHN_UNDEF && binding != STB_LOCAL && visibility != STV_HIDDEN &&
         visibility != STV_INTERNAL;
}

std::vector<std::string> SymbolsOf(std::string const& bytes, Elf64_Shdr const& table,
                                   Elf64_Shdr const& names) {
  std::vector<std::string> found;
  Elf64_Sym symbol{};
  for (std::size_t at = 0; at < table.sh_size; at += sizeof symbol) {
    if (!ReadAt(bytes, table.sh_offset + at, symbol)) break;
    auto const name = names.sh_offset + symbol.st_name;
    if (IsExported(symbol) && name < bytes.size()) found.emplace_back(bytes.c_str() + name);
  }
  return found;
}

}  // namespace

Result<std::vector<std::string>> ExportedSymbols(std::string const& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream whole;
  whole << stream.rdbuf();
  std::string const bytes = whole.str();
  Elf64_Ehdr header{};
  if (!ReadAt(bytes, 0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_type != ET_DYN)
    return Fail(Code::kInvalid, "the file is no 64-bit ELF library");
  Elf64_Shdr section{};
  Elf64_Shdr names{};
  for (std::size_t i = 0; i < header.e_shnum; ++i) {
    if (!ReadAt(bytes, header.e_shoff + i * sizeof section, section)) break;
    if (section.sh_type != SHT_DYNSYM) continue;
    if (!ReadAt(bytes, header.e_shoff + section.sh_link * sizeof names, names)) break;
    return SymbolsOf(bytes, section, names);
  }
  return Fail(Code::kInvalid, "the library has no table of dynamic symbols");
}

}  // namespace trellis::conformance
