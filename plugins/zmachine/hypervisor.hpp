// What runs machines: the few operations of libvirt that are needed, as values and Results.
#pragma once

#include <trellis/result.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugins::zmachine {

/// A domain as the hypervisor shows it.
struct Domain {
  enum class State : std::uint8_t { kRunning, kPaused, kEnding };

  std::string name;  ///< workload id
  State state = State::kRunning;
  bool io_error = false;  ///< paused by the hypervisor because a disk or quota is full
  std::int32_t id = 0;    ///< number of this run
  std::string hash;       ///< launch hash of our metadata; "" = not ours
};

/// Something happened to a domain.
struct DomainEvent {
  enum class Kind : std::uint8_t { kStarted, kStopped, kRebooted, kIoError };

  std::string name;
  Kind kind = Kind::kStarted;
};

/// Thread-safe. Machines outlive the object.
class Hypervisor {
 public:
  using EventHandler = std::function<void(DomainEvent const&)>;

  virtual ~Hypervisor() = default;
  /// Opens the connection when there is none. kUnavailable.
  virtual Result<void> Connect() = 0;
  /// There is a connection; the embedded driver costs memory only from then on.
  [[nodiscard]] virtual bool connected() const { return true; }
  /// Creates a transient domain; `paused`: it does not run until Resume. kExists when it is there.
  virtual Result<void> Create(std::string const& xml, bool paused) = 0;
  /// Hard stop; OK when there is none. Takes up to about 15 s.
  virtual Result<void> Destroy(std::string const& name) = 0;
  /// Asks the guest to power off; OK when there is none. Does not wait.
  virtual Result<void> Shutdown(std::string const& name) = 0;
  /// OK when already so; kNotFound.
  virtual Result<void> Suspend(std::string const& name) = 0;
  virtual Result<void> Resume(std::string const& name) = 0;
  /// kNotFound.
  virtual Result<Domain> Find(std::string const& name) = 0;
  /// Active domains, foreign ones too.
  virtual Result<std::vector<Domain>> List() = 0;
  /// Folder of the emulator's pid files, absolute.
  [[nodiscard]] virtual std::string pid_dir() const = 0;
};

}  // namespace trellis::plugins::zmachine
