// A machine's own files and folders.
#pragma once

#include "plugins/zmachine/launch.hpp"

#include <trellis/result.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugins::zmachine {

/// Where one machine's files are; all absolute.
class MachineFiles {
 public:
  MachineFiles(std::string const& state_dir, std::string const& run_dir, std::string_view id);

  [[nodiscard]] std::string kernel() const { return run_ + "/kernel"; }
  [[nodiscard]] std::string initrd() const { return run_ + "/initrd"; }
  [[nodiscard]] std::string cidata() const { return run_ + "/cidata.img"; }
  /// In the machine's folder, or with a short name beside it where that path is too long for a
  /// socket.
  [[nodiscard]] std::string const& console() const { return console_; }
  [[nodiscard]] std::string launch() const { return run_ + "/launch.json"; }
  /// Which file systems the shares were at the machine's start, by their numbers.
  [[nodiscard]] std::string shares() const { return run_ + "/shares"; }
  [[nodiscard]] std::string log() const { return state_ + "/console.log"; }
  [[nodiscard]] std::string log_dir() const { return state_; }

  /// Makes both folders and the log, owned by the emulator's user.
  [[nodiscard]] Result<void> Make() const;
  /// Removes everything of the machine; OK when there is nothing.
  [[nodiscard]] Result<void> Remove() const;
  /// kNotFound.
  [[nodiscard]] Result<Launch> ReadLaunch() const;
  /// Durable and whole: temporary file, fsync, rename, fsync of the folder.
  [[nodiscard]] Result<void> WriteLaunch(Launch const& launch) const;

 private:
  std::string run_;
  std::string state_;
  std::string console_;
};

/// Names of the folders in `dir` that hold a file `name`.
std::vector<std::string> ListFolders(std::string const& dir, std::string const& name);

/// Gives a file or folder to the user that the emulator runs as.
Result<void> GiveToEmulator(std::string const& path);
/// Writes a file as a whole (temporary name, fsync, rename), mode 0644.
Result<void> WriteFile(std::string const& path, std::span<std::uint8_t const> bytes);
/// The last `limit` bytes of a file, "" when there is none.
std::string ReadTail(std::string const& path, std::size_t limit);
/// Cuts a log that has grown above `max`: its last `keep` bytes go to `<path>.0`, the file becomes
/// empty. Writers append, so they go on at 0. `<path>.rotated` tells readers which bytes of the log
/// that copy has: {"inode" of the copy,"start","end"}.
Result<void> RotateLog(std::string const& path, std::uint64_t max, std::uint64_t keep);

}  // namespace trellis::plugins::zmachine
