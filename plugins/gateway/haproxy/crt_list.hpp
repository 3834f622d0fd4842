// The proxy's certificates: files in its folder, the list of them that the next start reads, and
// what the process that runs has loaded. Not thread-safe.
#pragma once

#include "plugins/gateway/haproxy/admin.hpp"

#include <map>
#include <string>
#include <vector>

namespace trellis::plugins::gateway {

class CrtList {
 public:
  /// The files are in the folder `dir`.
  CrtList(std::string dir, std::string list) : dir_(std::move(dir)), list_(std::move(list)) {}

  /// `fallback` answers where no other one fits; the others are by domain. PEM: chain and key.
  Result<void> Reset(std::string fallback, std::map<std::string, std::string> by_domain);
  /// Adds or renews a certificate, in the process too. No connection is touched.
  Result<void> Set(AdminSocket const& admin, std::string const& domain, std::string const& pem);
  /// Renews the one that answers where no other fits.
  Result<void> SetFallback(AdminSocket const& admin, std::string const& pem);
  /// OK when there is none.
  Result<void> Remove(AdminSocket const& admin, std::string const& domain);
  /// Makes files and process as they should be again; answers how many things were not.
  Result<std::size_t> Repair(AdminSocket const& admin);
  /// As Repair, for the files alone.
  Result<std::size_t> RepairFiles();

 private:
  [[nodiscard]] std::string PathOf(std::string const& domain) const;
  [[nodiscard]] std::string FallbackPath() const { return dir_ + "/.default.pem"; }  // no domain
  [[nodiscard]] std::map<std::string, std::string> Files() const;
  [[nodiscard]] std::string Text() const;
  Result<void> Load(AdminSocket const& admin, std::string const& path,
                    std::string const& pem) const;

  std::string dir_;
  std::string list_;
  std::string fallback_;
  std::map<std::string, std::string> by_domain_;
};

}  // namespace trellis::plugins::gateway
