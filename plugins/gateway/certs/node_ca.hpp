// The node's own certificate authority, and the certificates that it signs. Not thread-safe.
#pragma once

#include <trellis/result.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace trellis::plugins::gateway {

class NodeCa {
 public:
  /// Reads `ca.pem` and `ca.key` of `dir`, or makes them.
  static Result<std::unique_ptr<NodeCa>> Open(std::string const& dir);
  ~NodeCa();
  NodeCa(NodeCa const&) = delete;
  NodeCa& operator=(NodeCa const&) = delete;

  /// A certificate for the DNS names with a key of its own, in one PEM text: leaf, authority, key.
  [[nodiscard]] Result<std::string> Issue(std::vector<std::string> const& names) const;
  /// The authority's certificate.
  [[nodiscard]] std::string const& pem() const { return pem_; }

 private:
  struct Keys;
  NodeCa(std::unique_ptr<Keys> keys, std::string pem);
  std::unique_ptr<Keys> keys_;
  std::string pem_;
};

/// Does the text hold a certificate and the key that belongs to it?
bool IsCertificate(std::string const& pem);
/// May the certificate that leads the PEM text be used longer than a third of its time from now?
/// False when it cannot be read.
bool IsFresh(std::string const& pem);

}  // namespace trellis::plugins::gateway
