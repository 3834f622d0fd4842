// A temp directory, and tar files made in it.
#pragma once

#include <trellis/host.hpp>

#include <sys/stat.h>

#include <string>
#include <vector>

namespace trellis::testing {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(TempDir const&) = delete;
  TempDir& operator=(TempDir const&) = delete;
  [[nodiscard]] std::string operator/(std::string const& name) const { return path_ + "/" + name; }
  [[nodiscard]] std::string const& path() const { return path_; }

 private:
  std::string path_;
};

/// One entry of a tar file.
struct TarEntry {
  std::string path;
  std::string text;  ///< content of a file, target of a link
  char kind = 'f';   ///< f file, d directory, l symbolic link, h hard link
  unsigned mode = 0644;
};
/// compression: "", "gzip", "zstd" or "xz".
void WriteTar(std::string const& path, std::vector<TarEntry> const& entries,
              std::string const& compression = "");

void WriteText(std::string const& path, std::string const& text);
std::string ReadText(std::string const& path);
bool Exists(std::string const& path);  ///< a dangling link exists too

/// A call without a deadline, for code that wants one.
class TestCall {
 public:
  TestCall();
  Call& operator*() { return call_; }

 private:
  trl_host host_{};
  trl_call raw_{};
  Call call_;
};

}  // namespace trellis::testing
