#include "tests/integration/zlogs/stream_lab.hpp"

#include "kernel/sys/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace trellis::testing {
namespace {

namespace fs = std::filesystem;

constexpr char const* kProgram = TRELLIS_BUILD_DIR "/bin/trellis-logstream";

std::string ReadText(fs::path const& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace

std::string Numbered(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i)
    text += fmt::format("line {:06}\n", i);
  return text;
}

Coverage Cover(std::string const& text, std::vector<std::string> const& messages) {
  Coverage cover;
  for (auto const& message : messages) {
    auto const at = text.find(message);
    if (message.empty() || at == std::string::npos || at > cover.covered) continue;
    auto const end = std::max(cover.covered, at + message.size());
    cover.repeated += message.size() - (end - cover.covered);
    cover.covered = end;
  }
  return cover;
}

StreamLab::StreamLab() {
  Append("");
}

void StreamLab::Append(std::string_view text) const {
  std::ofstream(log_, std::ios::app | std::ios::binary) << text;
}

void StreamLab::Rotate(std::size_t keep) const {
  std::string const all = ReadText(log_);
  auto const start = all.size() - std::min(all.size(), keep);
  std::ofstream(log_ + ".new", std::ios::binary) << all.substr(start);
  fs::rename(log_ + ".new", log_ + ".0");
  struct stat copy {};
  ::stat((log_ + ".0").c_str(), &copy);
  std::ofstream(log_ + ".rotated")
      << fmt::format(R"({{"inode":{},"start":{},"end":{}}})", copy.st_ino, start, all.size());
  fs::resize_file(log_, 0);
}

void StreamLab::Start(std::string const& output, std::string_view settings) {
  sys::UniqueFd const folder(::open(dir_.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  sys::UniqueFd const log(::open(log_.c_str(), O_RDONLY | O_CLOEXEC));
  sys::UniqueFd const state(::open((dir_ / "state").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  sys::UniqueFd const err(
      ::open((dir_ / "err").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  sys::SpawnOptions options;
  options.argv = {kProgram, "--id", "1-1-log"};
  options.env = {"OUTPUT=" + output, "SETTINGS=" + std::string(settings), "LOG=console.log",
                 // The search for leaks traces the process, which its filter forbids.
                 "ASAN_OPTIONS=detect_leaks=0"};
  options.fds = {{folder.get(), 3}, {log.get(), 4}, {state.get(), 5}, {err.get(), 2}};
  auto child = sys::ChildProcess::Spawn(options);
  ASSERT_TRUE(child) << child.error().message;
  child_.emplace(*std::move(child));
}

void StreamLab::Kill() {
  child_->Kill(SIGKILL);
  (void)child_->Wait(kPatience);
}

int StreamLab::Stop() {
  child_->Kill(SIGTERM);
  auto const status = child_->Wait(kPatience);
  return status ? status->code : -1;
}

plugins::zlogs::Status StreamLab::status() const {
  auto status = json::Parse<plugins::zlogs::Status>(ReadText(dir_ / "state"));
  return status ? *std::move(status) : plugins::zlogs::Status{};
}

bool StreamLab::WaitFor(std::function<bool(plugins::zlogs::Status const&)> const& done) const {
  auto const end = std::chrono::steady_clock::now() + kPatience;
  while (!done(status())) {
    constexpr int kLookAgainMs = 20;
    ::poll(nullptr, 0, kLookAgainMs);
    if (std::chrono::steady_clock::now() >= end) return false;
  }
  return true;
}

bool StreamLab::WaitForError(std::string_view text) const {
  return WaitFor(
      [text](auto const& status) { return status.error.find(text) != std::string::npos; });
}

bool StreamLab::WaitUntilSent(std::size_t bytes) const {
  return WaitFor(
      [bytes](auto const& status) { return status.bytes >= bytes && status.behind == 0; });
}

std::string StreamLab::errors() const {
  return ReadText(dir_ / "err");
}

}  // namespace trellis::testing
