// A `trellis-flistfs` of a test's own.
#pragma once

#include <trellis/result.hpp>

#include <sys/types.h>

#include <string>

namespace trellis::testing {

class ImageServer {
 public:
  /// Mounts `image` on the existing directory `target`; stores may be anywhere. Await tells when it
  /// is there.
  ImageServer(std::string const& image, std::string const& target, std::string const& cache);
  ~ImageServer();  ///< ends it and what is left of its mount
  ImageServer(ImageServer const&) = delete;
  ImageServer& operator=(ImageServer const&) = delete;

  /// False: it ended, or is not mounted in time.
  bool Await();
  void Signal(int number) const;
  /// The exit status; -1 = killed by a signal.
  int Wait();

 private:
  std::string target_;
  pid_t pid_ = -1;
};

}  // namespace trellis::testing
