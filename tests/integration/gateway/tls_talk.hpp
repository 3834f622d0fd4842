// A client that keeps its connection open.
#pragma once

#include "plugins/common/posix/files.hpp"

#include <sys/types.h>

#include <string>

namespace trellis::plugins::gateway {

class TlsTalk {
 public:
  /// Connects to the node for the domain.
  explicit TlsTalk(std::string domain);
  ~TlsTalk();
  TlsTalk(TlsTalk const&) = delete;
  TlsTalk& operator=(TlsTalk const&) = delete;

  /// Asks for `/` over the connection. False when the answer does not hold `text`, or the
  /// connection has ended.
  bool Hears(std::string const& text);

 private:
  std::string domain_;
  UniqueFd ours_;
  pid_t pid_ = -1;
};

}  // namespace trellis::plugins::gateway
