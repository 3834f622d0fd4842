// A directory of images over HTTP, for grids without a hub.
#pragma once

#include "plugins/common/posix/files.hpp"
#include "plugins/flist/tool/file_client.hpp"

#include <trellis/result.hpp>

#include <memory>
#include <string>

namespace trellis::plugins::flist {

/// Answers GET and HEAD for regular files below a directory, with ranges and ETags, and
/// `<file>.md5` with the digest of a file that has no such file beside it. Links are followed
/// inside the directory only.
class FileServer {
 public:
  /// `listen`: `<ip>:<port>`, IPv6 in brackets, port 0 = any. kInvalid, kUnavailable.
  static Result<std::unique_ptr<FileServer>> Open(std::string const& root,
                                                  std::string const& listen,
                                                  ClientLimits limits = {});
  /// `http://<ip>:<port>`
  [[nodiscard]] std::string url() const;
  /// Serves until the descriptor `until` is readable. Each connection has a thread. The program has
  /// to ignore SIGPIPE: sendfile cannot be told not to raise it.
  Result<void> Run(int until);

 private:
  FileServer(std::string root, UniqueFd listener, ClientLimits limits);

  std::string root_;
  UniqueFd listener_;
  ClientLimits limits_;
};

}  // namespace trellis::plugins::flist
