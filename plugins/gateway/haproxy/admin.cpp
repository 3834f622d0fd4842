#include "plugins/gateway/haproxy/admin.hpp"

#include "plugins/common/posix/unix_client.hpp"
#include "plugins/gateway/haproxy/lines.hpp"

namespace trellis::plugins::gateway {

namespace {

/// One command line must fit the proxy's buffer of 16 KiB.
constexpr std::size_t kMaxBatch = 12000;

/// What a batch printed beside empty lines and remarks on keys that are
/// missing.
std::string Complaint(std::string_view reply) {
  constexpr std::string_view kMissing = "not found.";
  while (!reply.empty()) {
    auto const line = TakeLine(reply);
    if (!line.empty() && !line.ends_with(kMissing)) return std::string(line);
  }
  return {};
}

}  // namespace

Result<std::string> AdminSocket::Run(std::string_view command) const {
  auto reply = AskUnix(path_, std::string(command) + "\n", "");
  if (!reply) return tl::unexpected<Error>(std::move(reply).error().With("the proxy"));
  return reply;
}

Result<void> AdminSocket::RunAll(std::vector<std::string> const& commands) const {
  for (std::size_t next = 0; next < commands.size();) {
    auto batch = commands[next++];
    while (next < commands.size() && batch.size() + commands[next].size() < kMaxBatch)
      batch += ";" + commands[next++];
    TRELLIS_TRY(auto const reply, Run(batch));
    if (auto const complaint = Complaint(reply); !complaint.empty())
      return Fail(Code::kIo, "the proxy refused a change: {}", complaint);
  }
  return {};
}

Result<std::multimap<std::string, std::string>> AdminSocket::ShowMap(
    std::string const& path) const {
  TRELLIS_TRY(auto const reply, Run("show map " + path));
  std::multimap<std::string, std::string> entries;
  std::string_view rest(reply);
  while (!rest.empty()) {  // 0x55… key value
    auto const line = TakeLine(rest);
    if (line.empty()) continue;
    auto const key = line.find(' ');
    if (!line.starts_with("0x") || key == std::string_view::npos)
      return Fail(Code::kIo, "the proxy does not show '{}': {}", path, line);
    auto const value = line.find(' ', key + 1);
    entries.emplace(line.substr(key + 1, value - key - 1),
                    value == std::string_view::npos ? std::string_view() : line.substr(value + 1));
  }
  return entries;
}

bool AdminSocket::Answers() const {
  auto const reply = Run("show version");
  return reply.has_value();
}

}  // namespace trellis::plugins::gateway
