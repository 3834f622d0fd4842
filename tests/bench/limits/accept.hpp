// The least that accepting one deployment can cost: decode, two verifies, parse, serialize, sign.
#pragma once

#include "envelope.pb.h"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace trellis::limits {

struct KeyPair {
  std::array<unsigned char, 32> public_key{};
  std::array<unsigned char, 64> secret_key{};
};
/// The one key pair of this run.
[[nodiscard]] KeyPair const& Key();

using Digest = std::array<unsigned char, 16>;
[[nodiscard]] Digest Md5(std::string_view text);

/// A request envelope around the document, not signed.
[[nodiscard]] wire::Envelope MakeEnvelope(std::string const& document);

/// A signed request as a client sends it. The deployment's signature covers the document's
/// challenge text; here it travels in hex in the connection field.
[[nodiscard]] std::string SignedRequest(std::string const& document, std::string const& uid);

/// Everything the accept of one deployment must cost, single threaded. Not thread-safe.
class Accept {
 public:
  /// False when the request is not good.
  bool Run(void const* data, std::size_t size);
  [[nodiscard]] std::string const& stored() const { return stored_; }
  [[nodiscard]] std::string const& reply() const { return reply_; }

 private:
  bool CheckEnvelope() const;
  bool CheckDocument();
  bool MakeReply();

  wire::Envelope in_;
  wire::Envelope out_;
  std::string text_;
  std::string stored_;
  std::string reply_;
};

}  // namespace trellis::limits
