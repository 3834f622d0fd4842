#include "plugins/zmachine/guest/init/entry.hpp"

#include "plugins/zmachine/guest/init/accounts.hpp"
#include "plugins/zmachine/guest/init/util.hpp"

#include <grp.h>
#include <sys/reboot.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

namespace trellis::guest {
namespace {

constexpr std::string_view kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The environment of the entrypoint; the workload's values win. TRELLIS_* are words to /init.
std::map<std::string, std::string> Environment(Seed const& seed) {
  std::map<std::string, std::string> env = {
      {"PATH", std::string(kPath)}, {"HOME", "/root"}, {"TERM", "linux"}};
  for (auto const& [key, value] : seed.env) {
    if (key != "TRELLIS_CWD" && key != "TRELLIS_USER") env[key] = value;
  }
  return env;
}

/// The file of a command word; the word itself when it has a slash or is nowhere.
std::string FindProgram(std::string const& word, std::string const& path) {
  if (word.find('/') != std::string::npos) return word;
  std::string_view rest = path;
  while (!rest.empty()) {
    auto const end = std::min(rest.find(':'), rest.size());
    auto candidate = std::string(rest.substr(0, end)) + "/" + word;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return word;
}

std::vector<char*> Pointers(std::vector<std::string>& words) {
  std::vector<char*> out;
  out.reserve(words.size() + 1);
  for (auto& word : words)
    out.push_back(word.data());
  out.push_back(nullptr);
  return out;
}

void BecomeUser(std::string const& name) {
  if (name.empty() || name == "root" || name == "0") return;
  auto const account = FindAccount(name, ReadFile("/etc/passwd"), ReadFile("/etc/group"));
  if (!account) PowerOff("user '" + name + "' is not in the image");
  bool const done =
      ::setgroups(0, nullptr) == 0 && ::setgid(account->gid) == 0 && ::setuid(account->uid) == 0;
  if (!done) PowerOff("cannot become user '" + name + "': " + ErrnoText());
}

}  // namespace

void RunEntrypoint(Seed const& seed) {
  auto env = Environment(seed);
  std::vector<std::string> words = seed.command;
  if (words.empty()) words.emplace_back("/sbin/init");
  auto const shown = words.front();
  auto const folder = seed.Env("TRELLIS_CWD");
  if (!folder.empty() && ::chdir(folder.c_str()) != 0) {
    Log("cannot enter " + folder + ": " + ErrnoText());
  }
  BecomeUser(seed.Env("TRELLIS_USER"));
  auto program = FindProgram(words.front(), env["PATH"]);
  std::vector<std::string> pairs;
  pairs.reserve(env.size());
  for (auto const& [key, value] : env)
    pairs.emplace_back(key).append("=").append(value);
  auto const envp = Pointers(pairs);
  ::execve(program.c_str(), Pointers(words).data(), envp.data());
  if (errno == ENOEXEC) {  // a script without #! line
    words.front() = program;
    words.insert(words.begin(), "/bin/sh");
    ::execve("/bin/sh", Pointers(words).data(), envp.data());
  }
  if (errno == ENOENT) PowerOff("entrypoint '" + shown + "' not found");
  PowerOff("cannot run entrypoint '" + shown + "': " + ErrnoText());
}

void PowerOff(std::string_view reason) {
  Log(reason);
  ::sync();
  ::sleep(1);  // the console drains at serial speed
  ::reboot(RB_POWER_OFF);
  ::_exit(1);
}

}  // namespace trellis::guest
