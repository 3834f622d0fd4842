// What a workload reserves.
#pragma once

#include <boost/describe.hpp>

#include <cstdint>

namespace trellis {

/// cru: cores; sru, hru, mru: bytes of ssd, hdd and memory; ipv4u: public IPv4 addresses.
struct Capacity {
  std::uint64_t cru = 0;
  std::uint64_t sru = 0;
  std::uint64_t hru = 0;
  std::uint64_t mru = 0;
  std::uint64_t ipv4u = 0;

  /// Member-wise, saturating.
  Capacity& operator+=(Capacity const& other) {
    cru = Sum(cru, other.cru);
    sru = Sum(sru, other.sru);
    hru = Sum(hru, other.hru);
    mru = Sum(mru, other.mru);
    ipv4u = Sum(ipv4u, other.ipv4u);
    return *this;
  }
  bool operator==(Capacity const&) const = default;

 private:
  static std::uint64_t Sum(std::uint64_t a, std::uint64_t b) {
    return a + b < a ? UINT64_MAX : a + b;
  }
};
BOOST_DESCRIBE_STRUCT(Capacity, (), (cru, sru, hru, mru, ipv4u))

}  // namespace trellis
