// Where blocks are kept: directories, web servers, zdb and Redis servers.
#pragma once

#include "plugins/flist/rfs/block.hpp"

#include <trellis/result.hpp>

#include <memory>
#include <string>
#include <vector>

namespace trellis::plugins::flist {

/// Thread-safe.
class BlockStore {
 public:
  BlockStore() = default;
  virtual ~BlockStore() = default;
  BlockStore(BlockStore const&) = delete;
  BlockStore& operator=(BlockStore const&) = delete;

  /// The sealed bytes, unchecked and at most kMaxSealedBytes. kNotFound, kUnavailable, kDecode.
  virtual Result<std::string> Get(Digest const& id) = 0;
  /// Keeps a sealed block; one that is there already stays. kUnsupported for web servers.
  virtual Result<void> Put(Digest const& id, std::string_view sealed) = 0;
  /// What was put survives a power cut, as far as the store promises that at all.
  virtual Result<void> Sync() { return {}; }
};

/// What the makers of images may not choose.
struct StoreRules {
  std::vector<std::string> roots;  ///< where directories and unix sockets of stores may be
};

/// `dir:///path`, `http(s)://host/base`, `zdb://[[user]:password@]host[:9900]/namespace`,
/// `zdb:///path/of/socket`. Does not connect. kInvalid, kUnsupported for other schemes, kDenied
/// outside the roots.
Result<std::unique_ptr<BlockStore>> OpenStore(std::string const& url, StoreRules const& rules);

/// The URL as images carry it: without user and password.
std::string WithoutPassword(std::string const& url);

// The kinds, for OpenStore.
std::unique_ptr<BlockStore> MakeDirStore(std::string path);
std::unique_ptr<BlockStore> MakeHttpStore(std::string base);
struct ZdbAddress {
  std::string host;  ///< "" = `socket`
  std::string port = "9900";
  std::string socket;
  std::string ns;  ///< "" or default: none is selected
  std::string password;
};
std::unique_ptr<BlockStore> MakeZdbStore(ZdbAddress address);

}  // namespace trellis::plugins::flist
