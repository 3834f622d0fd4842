// The proxy's admin socket: one connection per batch of commands. Thread-safe.
#pragma once

#include <trellis/result.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugins::gateway {

class AdminSocket {
 public:
  explicit AdminSocket(std::string path) : path_(std::move(path)) {}

  /// Runs one command, or one with a text (`set ssl cert … <<`), and answers what it printed.
  /// kUnavailable when nobody listens, kTimeout when the proxy is silent.
  [[nodiscard]] Result<std::string> Run(std::string_view command) const;
  /// Runs commands that print nothing when they succeed, as few batches as possible. Missing keys
  /// are not an error.
  [[nodiscard]] Result<void> RunAll(std::vector<std::string> const& commands) const;
  /// The entries of a map, in its order.
  [[nodiscard]] Result<std::multimap<std::string, std::string>> ShowMap(
      std::string const& path) const;
  [[nodiscard]] bool Answers() const;

 private:
  std::string path_;
};

}  // namespace trellis::plugins::gateway
