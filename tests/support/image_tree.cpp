#include "tests/support/image_tree.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

namespace trellis::testing {

namespace fs = std::filesystem;

TempDir::TempDir() {
  path_ = (fs::temp_directory_path() / "trellis-image-XXXXXX").string();
  if (::mkdtemp(path_.data()) == nullptr) std::abort();
}

TempDir::~TempDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void WriteTar(std::string const& path, std::vector<TarEntry> const& entries,
              std::string const& compression) {
  std::unique_ptr<archive, decltype(&archive_write_free)> const out(archive_write_new(),
                                                                    &archive_write_free);
  archive_write_set_format_pax_restricted(out.get());
  if (!compression.empty()) archive_write_add_filter_by_name(out.get(), compression.c_str());
  if (archive_write_open_filename(out.get(), path.c_str()) != ARCHIVE_OK) std::abort();
  for (auto const& entry : entries) {
    std::unique_ptr<archive_entry, decltype(&archive_entry_free)> const header(archive_entry_new(),
                                                                               &archive_entry_free);
    bool const file = entry.kind == 'f';
    archive_entry_set_pathname(header.get(), entry.path.c_str());
    archive_entry_set_filetype(header.get(), entry.kind == 'd'   ? AE_IFDIR
                                             : entry.kind == 'l' ? AE_IFLNK
                                                                 : AE_IFREG);
    if (entry.kind == 'l') archive_entry_set_symlink(header.get(), entry.text.c_str());
    if (entry.kind == 'h') archive_entry_set_hardlink(header.get(), entry.text.c_str());
    archive_entry_set_perm(header.get(), static_cast<mode_t>(entry.mode));
    archive_entry_set_uid(header.get(), ::getuid());
    archive_entry_set_gid(header.get(), ::getgid());
    archive_entry_set_size(header.get(), file ? static_cast<la_int64_t>(entry.text.size()) : 0);
    if (archive_write_header(out.get(), header.get()) < ARCHIVE_WARN) std::abort();
    if (file) archive_write_data(out.get(), entry.text.data(), entry.text.size());
  }
  archive_write_close(out.get());
}

void WriteText(std::string const& path, std::string const& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

std::string ReadText(std::string const& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

bool Exists(std::string const& path) {
  return fs::symlink_status(path).type() != fs::file_type::not_found;
}

TestCall::TestCall() : call_(&host_, &raw_) {
  host_.size = sizeof host_;
  host_.cancelled = [](void*, trl_call const*) noexcept -> std::int32_t { return 0; };
  raw_.size = sizeof raw_;
  raw_.deadline_ns = INT64_MAX;
}

}  // namespace trellis::testing
