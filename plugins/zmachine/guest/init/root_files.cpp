#include "plugins/zmachine/guest/init/root_files.hpp"

#include "plugins/zmachine/guest/init/util.hpp"

#include <fcntl.h>
#include <glob.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>

namespace trellis::guest {
namespace {

bool HasLine(std::string const& text, std::string const& line) {
  return ("\n" + text + "\n").find("\n" + line + "\n") != std::string::npos;
}

void WriteOrLog(std::string const& path, std::string const& text, unsigned mode) {
  if (!WriteFile(path, text, mode)) Log("cannot write " + path + ": " + ErrnoText());
}

void WriteResolvConf(Seed const& seed) {
  if (seed.nameservers.empty()) return;
  std::string text;
  for (auto const& server : seed.nameservers)
    text += "nameserver " + server + "\n";
  WriteOrLog("/etc/resolv.conf", text, 0644);
}

void WriteHosts(Seed const& seed) {
  struct stat info {};
  if (::lstat("/etc/hosts", &info) == 0) return;
  WriteOrLog(
      "/etc/hosts",
      "127.0.0.1 localhost\n127.0.1.1 " + seed.hostname + "\n::1 ip6-localhost ip6-loopback\n",
      0644);
}

void WriteSshKeys(Seed const& seed) {
  if (seed.ssh_keys.empty()) return;
  MakeFolders("/root", 0700);
  MakeFolders("/root/.ssh", 0700);
  std::string const path = "/root/.ssh/authorized_keys";
  auto text = ReadFile(path);
  for (auto const& key : seed.ssh_keys) {
    if (HasLine(text, key)) continue;
    if (!text.empty() && text.back() != '\n') text += '\n';
    text += key + "\n";
  }
  WriteOrLog(path, text, 0600);
}

}  // namespace

void WriteRootFiles(Seed const& seed) {
  MakeFolders("/etc");
  WriteResolvConf(seed);
  WriteHosts(seed);
  WriteSshKeys(seed);
}

void MakeSshHostKeys() {
  std::string program = "/usr/bin/ssh-keygen";
  if (::access(program.c_str(), X_OK) != 0) return;
  glob_t found{};
  bool const have = ::glob("/etc/ssh/ssh_host_*_key", 0, nullptr, &found) == 0;
  ::globfree(&found);
  if (have) return;
  std::string option = "-A";
  std::array<char*, 3> argv = {program.data(), option.data(), nullptr};
  std::array<char*, 1> env = {nullptr};
  pid_t pid = 0;
  if (::posix_spawn(&pid, program.c_str(), nullptr, nullptr, argv.data(), env.data()) == 0) {
    ::waitpid(pid, nullptr, 0);
  }
}

}  // namespace trellis::guest
