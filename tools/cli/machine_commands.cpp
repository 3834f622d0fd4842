// console, logs.
#include "kernel/sys/fd.hpp"
#include "kernel/sys/files.hpp"
#include "tools/cli/app.hpp"
#include "tools/cli/control_client.hpp"
#include "tools/cli/grid_dir.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>

namespace trellis::cli {
namespace {

constexpr char kEscape = 0x1d;  // Ctrl-]

/// The terminal in raw mode for as long as this lives.
class RawTerminal {
 public:
  RawTerminal() : active_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!active_) return;
    termios raw = before_;
    ::cfmakeraw(&raw);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  }
  ~RawTerminal() {
    if (active_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  RawTerminal(RawTerminal const&) = delete;
  RawTerminal& operator=(RawTerminal const&) = delete;

 private:
  termios before_{};
  bool active_;
};

Result<std::string> PathOf(App const& app, std::string_view command, std::string const& id) {
  TRELLIS_TRY(auto const grid, GridDir::Open(app.dir));
  TRELLIS_TRY(auto control, ControlClient::Connect(grid.control_socket()));
  TRELLIS_TRY(auto const answer, control.Call(command, boost::json::object{{"id", id}}));
  return std::string(answer.at("path").as_string());
}

bool Copy(int from, int to, bool keyboard) {
  std::array<char, 4096> chunk{};
  auto const got = ::read(from, chunk.data(), chunk.size());
  if (got <= 0) return false;
  if (keyboard && std::memchr(chunk.data(), kEscape, static_cast<std::size_t>(got)) != nullptr)
    return false;
  return ::write(to, chunk.data(), static_cast<std::size_t>(got)) == got;
}

Result<void> Console(App const& app, std::string const& id) {
  TRELLIS_TRY(auto const path, PathOf(app, "local.console", id));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return Fail(Code::kInvalid, "the console path '{}' is too long", path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  sys::UniqueFd const fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid() ||
      ::connect(fd.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0) {
    return Fail(
        Code::kUnavailable,
        "the console of '{}' cannot be opened: is the machine running, and is nobody else on it?",
        id);
  }
  app.Progress("connected, Ctrl-] leaves");
  RawTerminal const raw;
  std::array<pollfd, 2> entries{pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{fd.get(), POLLIN, 0}};
  while (::poll(entries.data(), entries.size(), -1) >= 0) {
    if ((entries[1].revents & (POLLIN | POLLHUP)) != 0 &&
        !Copy(fd.get(), STDOUT_FILENO, /*keyboard=*/false))
      break;
    if ((entries[0].revents & (POLLIN | POLLHUP)) != 0 &&
        !Copy(STDIN_FILENO, fd.get(), /*keyboard=*/true))
      break;
  }
  return {};
}

Result<void> Logs(App const& app, std::string const& id) {
  TRELLIS_TRY(auto const path, PathOf(app, "local.logs", id));
  TRELLIS_TRY(auto const text, sys::ReadFile(path));
  app.Print(boost::json::object{{"id", id}, {"path", path}, {"log", text}}, text);
  return {};
}

/// Prints the log as it grows, until Ctrl-C or the daemon's end.
Result<void> FollowLogs(App const& app, std::string const& id) {
  constexpr std::chrono::hours kLong(24);
  TRELLIS_TRY(auto const grid, GridDir::Open(app.dir));
  TRELLIS_TRY(auto control, ControlClient::Connect(grid.control_socket()));
  TRELLIS_CHECK(control.Call("local.logs", boost::json::object{{"id", id}, {"follow", true}}));
  while (true) {
    TRELLIS_TRY(auto const event, control.NextEvent(kLong));
    if (!event.has_value()) continue;
    auto const text = event->at("text").as_string();
    std::fwrite(text.data(), 1, text.size(), stdout);
    if (std::fflush(stdout) != 0) return {};  // nobody reads any more
  }
}

}  // namespace

void AddMachineCommands(CLI::App& root, App& app) {
  auto id = std::make_shared<std::string>();
  auto* const console = root.add_subcommand("console", "the serial console of a machine");
  console->add_option("id", *id, "workload id, <twin>-<contract>-<name>")->required();
  app.On(console, [&app, id] { return Console(app, *id); });
  auto* const logs = root.add_subcommand("logs", "what a machine printed on its console");
  logs->add_option("id", *id, "workload id, <twin>-<contract>-<name>")->required();
  auto follow = std::make_shared<bool>(false);
  logs->add_flag("--follow,-f", *follow, "go on with what it prints from now on");
  app.On(logs, [&app, id, follow] { return *follow ? FollowLogs(app, *id) : Logs(app, *id); });
}

}  // namespace trellis::cli
