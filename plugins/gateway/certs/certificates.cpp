#include "plugins/gateway/certs/certificates.hpp"

#include "plugins/common/posix/files.hpp"
#include "plugins/gateway/certs/file_name.hpp"

namespace trellis::plugins::gateway {

namespace {

constexpr std::size_t kMaxPem = std::size_t{64} << 10;
/// What nobody can ask for by name.
constexpr char const* kNoDomain = "gateway.invalid";

}  // namespace

// The wildcard covers names, unless one is ordered for each.
bool Certificates::WantsOwn(RouteRecord const& route) const {
  bool const each = config_.tls == "acme" && !config_.acme.wildcard;
  return !route.tls_passthrough && (route.kind != kNameKind || each);
}

std::string Certificates::OrderOf(RouteRecord const& route) const {
  if (config_.tls != "acme" || route.tls_passthrough) return {};
  if (WantsOwn(route)) return route.fqdn;
  return "*" + route.fqdn.substr(route.name.size());
}

Result<void> Certificates::Open() {
  TRELLIS_CHECK(MakeDirs(acme_dir(), 0700));
  TRELLIS_CHECK(MakeDirs(state_dir_ + "/selfsigned", 0700));
  TRELLIS_CHECK(MakeDirs(state_dir_ + "/certs", 0700));
  TRELLIS_TRY(ca_, NodeCa::Open(state_dir_));
  return {};
}

std::string Certificates::FileOf(std::string const& name) const {
  return fmt::format("{}/selfsigned/{}.pem", state_dir_, FileNameOf(name));
}

std::string Certificates::GivenFile(std::string const& fqdn) const {
  auto const& dir = config_.cert_dir.empty() ? state_dir_ + "/certs" : config_.cert_dir;
  return fmt::format("{}/{}.pem", dir, FileNameOf(fqdn));
}

Result<std::string> Certificates::Own(std::string const& file,
                                      std::vector<std::string> const& names) {
  if (auto kept = ReadFile(file, kMaxPem); kept && IsFresh(*kept)) return kept;
  TRELLIS_TRY(auto pem, ca_->Issue(names));
  TRELLIS_CHECK(WriteFile(file, pem, 0600));
  return pem;
}

Result<std::string> Certificates::Fallback(std::string const& domain) {
  if (config_.tls == "files" && !config_.wildcard_cert.empty()) {
    // A file that is missing or damaged must not take every other route down.
    if (auto given = ReadFile(config_.wildcard_cert, kMaxPem); given && IsCertificate(*given))
      return given;
  }
  if (config_.tls == "acme") {
    if (auto ordered = Ordered("*." + domain); !ordered.empty()) return ordered;
  }
  auto const name = domain.empty() ? std::string(kNoDomain) : domain;
  return Own(FileOf("*." + name), {"*." + name, name});
}

Result<std::string> Certificates::For(RouteRecord const& route) {
  if (!WantsOwn(route)) return std::string();
  if (config_.tls == "acme") return Ordered(route.fqdn);
  if (config_.tls == "files") {
    auto given = ReadFile(GivenFile(route.fqdn), kMaxPem);
    return given && IsCertificate(*given) ? *std::move(given) : std::string();
  }
  return Own(FileOf(route.fqdn), {route.fqdn});
}

std::string Certificates::OrderedFile(std::string const& order) const {
  return fmt::format("{}/{}.pem", acme_dir(), FileNameOf(order));
}

std::string Certificates::Ordered(std::string const& order) const {
  auto kept = ReadFile(OrderedFile(order), kMaxPem);
  return kept && IsCertificate(*kept) ? *std::move(kept) : std::string();
}

bool Certificates::Needs(std::string const& order) const {
  if (order.empty()) return false;
  auto const kept = ReadFile(OrderedFile(order), kMaxPem);
  return !kept || !IsFresh(*kept);
}

Result<void> Certificates::Keep(std::string const& order, std::string const& pem) const {
  if (!IsCertificate(pem)) return Fail(Code::kIo, "what was issued is no certificate with its key");
  return WriteFile(OrderedFile(order), pem, 0600);
}

Result<void> Certificates::Forget(RouteRecord const& route) const {
  auto const file = FileOf(route.fqdn);
  if (::unlink(file.c_str()) != 0 && errno != ENOENT) return FailErrno("remove '{}'", file);
  return {};
}

std::string Certificates::Kind(RouteRecord const& route) const {
  if (route.tls_passthrough) return "passthrough";
  if (config_.tls == "acme")
    return ::access(OrderedFile(OrderOf(route)).c_str(), F_OK) == 0 ? "acme" : kNoneYet;
  if (!WantsOwn(route)) return "wildcard";
  if (config_.tls != "files") return "selfsigned";
  return ::access(GivenFile(route.fqdn).c_str(), F_OK) == 0 ? "file" : "wildcard";
}

}  // namespace trellis::plugins::gateway
