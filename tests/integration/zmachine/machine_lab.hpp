// A node in miniature for machines: a network namespace of its own, the real storage and zmachine
// plugins, and the example machine's root.
#pragma once

#include "tests/support/fake_host.hpp"

#include <trellis/services/image.hpp>
#include <trellis/services/net.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace trellis::testing {

inline constexpr char const* kMachineId = "7-100-vm1";
inline constexpr char const* kMachineIp = "10.20.2.5";

/// One lab per test process: the process moves into a namespace that ends with it.
class MachineLab {
 public:
  MachineLab();
  ~MachineLab();
  MachineLab(MachineLab const&) = delete;
  MachineLab& operator=(MachineLab const&) = delete;
  MachineLab(MachineLab&&) = delete;
  MachineLab& operator=(MachineLab&&) = delete;

  Result<void> LoadMachines();
  [[nodiscard]] FakeHost& host() { return host_; }
  /// Data of the example machine.
  [[nodiscard]] static std::string MachineData();
  [[nodiscard]] static CallOptions Options();
  /// Body of a GET from the machine, tried again until `limit`; "" when it never answered.
  [[nodiscard]] static std::string Get(std::string_view path, std::chrono::seconds limit);
  [[nodiscard]] std::string ConsoleLog() const;
  /// What is left of machines: mounts, taps, folders, volumes; "" = nothing.
  [[nodiscard]] std::string Leftovers();

 private:
  Result<std::string> Image(std::string_view method, std::string_view request);
  static Result<std::string> Network(std::string_view method, std::string_view request);
  FakeHost host_;
};

}  // namespace trellis::testing
