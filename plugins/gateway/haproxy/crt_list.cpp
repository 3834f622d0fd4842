#include "plugins/gateway/haproxy/crt_list.hpp"

#include "plugins/gateway/certs/file_name.hpp"
#include "plugins/gateway/haproxy/lines.hpp"
#include "plugins/gateway/haproxy/run_file.hpp"

#include <fmt/format.h>

#include <set>

namespace trellis::plugins::gateway {

namespace {

constexpr std::size_t kMaxPem = std::size_t{1} << 20;

/// A text among commands ends at an empty line, so it must have none.
std::string WithoutEmptyLines(std::string const& pem) {
  std::string out;
  for (std::string_view rest(pem); !rest.empty();) {
    auto line = TakeLine(rest);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    out += line;
    out += '\n';
  }
  return out;
}

Result<void> Must(AdminSocket const& admin, std::string const& command, std::string_view sign,
                  std::string const& path) {
  TRELLIS_TRY(auto const reply, admin.Run(command));
  if (reply.find(sign) != std::string::npos) return {};
  return Fail(Code::kIo, "the proxy does not take certificate '{}': {}", path,
              reply.substr(0, reply.find('\n')));
}

}  // namespace

std::string CrtList::PathOf(std::string const& domain) const {
  return fmt::format("{}/{}.pem", dir_, FileNameOf(domain));
}

std::map<std::string, std::string> CrtList::Files() const {
  std::map<std::string, std::string> files{{FallbackPath(), fallback_}};
  for (auto const& [domain, pem] : by_domain_)
    files.insert_or_assign(PathOf(domain), pem);
  return files;
}

// The first one answers where no other fits.
std::string CrtList::Text() const {
  auto text = FallbackPath() + "\n";
  for (auto const& [domain, pem] : by_domain_)
    text += PathOf(domain) + "\n";
  return text;
}

Result<void> CrtList::Reset(std::string fallback, std::map<std::string, std::string> by_domain) {
  fallback_ = std::move(fallback);
  by_domain_ = std::move(by_domain);
  TRELLIS_CHECK(MakeDirs(dir_, 0700));
  TRELLIS_CHECK(RepairFiles());
  return {};
}

Result<std::size_t> CrtList::RepairFiles() {
  std::size_t repaired = 0;
  auto const keep = [&](std::string const& path, std::string const& wanted) -> Result<void> {
    auto const found = ReadFile(path, kMaxPem);
    if (found && *found == wanted) return {};
    ++repaired;
    return ReplaceRunFile(path, wanted);
  };
  for (auto const& [path, pem] : Files())
    TRELLIS_CHECK(keep(path, pem));
  TRELLIS_CHECK(keep(list_, Text()));
  return repaired;
}

Result<void> CrtList::Load(AdminSocket const& admin, std::string const& path,
                           std::string const& pem) const {
  TRELLIS_CHECK(Must(admin, fmt::format("set ssl cert {} <<\n{}", path, WithoutEmptyLines(pem)),
                     "ransaction", path));
  return Must(admin, "commit ssl cert " + path, "Success", path);
}

Result<void> CrtList::Set(AdminSocket const& admin, std::string const& domain,
                          std::string const& pem) {
  auto const known = by_domain_.find(domain);
  if (known != by_domain_.end() && known->second == pem) return {};
  auto const path = PathOf(domain);
  TRELLIS_CHECK(ReplaceRunFile(path, pem));
  if (known != by_domain_.end()) {
    known->second = pem;
    return Load(admin, path, pem);
  }
  by_domain_.emplace(domain, pem);
  TRELLIS_CHECK(ReplaceRunFile(list_, Text()));
  TRELLIS_CHECK(Must(admin, "new ssl cert " + path, "New empty", path));
  TRELLIS_CHECK(Load(admin, path, pem));
  return Must(admin, fmt::format("add ssl crt-list {} {}", list_, path), "Success", path);
}

Result<void> CrtList::SetFallback(AdminSocket const& admin, std::string const& pem) {
  if (fallback_ == pem) return {};
  fallback_ = pem;
  TRELLIS_CHECK(ReplaceRunFile(FallbackPath(), pem));
  return Load(admin, FallbackPath(), pem);
}

Result<void> CrtList::Remove(AdminSocket const& admin, std::string const& domain) {
  auto const known = by_domain_.find(domain);
  if (known == by_domain_.end()) return {};
  auto const path = PathOf(domain);
  by_domain_.erase(known);
  TRELLIS_CHECK(ReplaceRunFile(list_, Text()));
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return FailErrno("remove '{}'", path);
  TRELLIS_CHECK(admin.Run(fmt::format("del ssl crt-list {} {}", list_, path)));
  TRELLIS_CHECK(admin.Run("del ssl cert " + path));
  return {};
}

Result<std::size_t> CrtList::Repair(AdminSocket const& admin) {
  TRELLIS_TRY(auto repaired, RepairFiles());
  TRELLIS_TRY(auto const reply, admin.Run("show ssl crt-list " + list_));
  std::set<std::string, std::less<>> loaded;
  for (std::string_view rest(reply); !rest.empty();) {  // a remark, then a path a line
    if (auto const line = TakeLine(rest); line.starts_with('/')) loaded.emplace(line);
  }
  auto const files = Files();
  for (auto const& path : loaded) {
    if (files.contains(path)) continue;
    ++repaired;
    TRELLIS_CHECK(admin.Run(fmt::format("del ssl crt-list {} {}", list_, path)));
    TRELLIS_CHECK(admin.Run("del ssl cert " + path));
  }
  for (auto const& [path, pem] : files) {
    if (loaded.contains(path)) continue;
    ++repaired;
    // The store may still have it although the list has not.
    TRELLIS_CHECK(admin.Run("new ssl cert " + path));
    TRELLIS_CHECK(Load(admin, path, pem));
    TRELLIS_CHECK(Must(admin, fmt::format("add ssl crt-list {} {}", list_, path), "Success", path));
  }
  return repaired;
}

}  // namespace trellis::plugins::gateway
