// Threads that wait for stores, so that those that answer the kernel never do.
#pragma once

#include "plugins/flist/daemon/fuse.hpp"
#include "plugins/flist/rfs/image_files.hpp"

#include <memory>

namespace trellis::plugins::flist {

/// A read that the kernel waits for.
struct PendingRead {
  fuse_req_t request;
  std::shared_ptr<OpenImageFile const> file;
  std::uint64_t offset = 0;
  std::size_t size = 0;
};

/// Answers the read. Errors go to the kernel and, once in a row, to the log.
void ReplyRead(fuse_req_t request, Result<std::vector<Piece>> const& pieces);

/// Thread-safe. As many reads wait as the kernel asks for.
class Fetchers {
 public:
  explicit Fetchers(std::shared_ptr<ImageFiles> files);
  ~Fetchers() { Close(); }
  Fetchers(Fetchers const&) = delete;
  Fetchers& operator=(Fetchers const&) = delete;

  [[nodiscard]] ImageFiles& files() const;
  void Post(PendingRead read);
  /// From now on nothing is answered; nobody waits for a store that does not answer. The threads
  /// end on their own, or with the process.
  void Close();

 private:
  struct State;
  static void Work(std::shared_ptr<State> const& state);
  std::shared_ptr<State> state_;
};

}  // namespace trellis::plugins::flist
