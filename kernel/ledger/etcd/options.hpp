// How to reach the etcd members that keep a ledger.
#pragma once

#include "kernel/base/clock.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace trellis::ledger {

struct EtcdOptions {
  /// `http://host:port` or `https://host:port`, one for each member.
  std::vector<std::string> endpoints{};
  std::string prefix = "/trellis/1/";       ///< of every key; ledgers of other prefixes are others
  std::chrono::milliseconds timeout{2000};  ///< for one call to one member
  // An election of this length goes unnoticed.
  std::chrono::milliseconds read_patience{3000};
  std::chrono::milliseconds write_patience{10'000};
  std::filesystem::path ca_file{};    ///< who signs the members' certificates; "" = system's list
  std::filesystem::path cert_file{};  ///< our certificate for members that want one
  std::filesystem::path key_file{};
  std::string user{};  ///< "" = the members ask for none
  std::string password{};
  bool allow_private_ips = true;
  std::int64_t keep_deleted_days = 30;  ///< how long deleted contracts and events stay
  Clock const* clock = nullptr;  ///< borrowed for the life of the ledger; null = system clock
};

}  // namespace trellis::ledger
