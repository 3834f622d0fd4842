// relay: a relay without a node. It is the daemon's own relay, so the daemon's program runs it.
#include "tools/cli/app.hpp"
#include "tools/cli/grid_dir.hpp"
#include "tools/cli/programs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <vector>

namespace trellis::cli {
namespace {

namespace fs = std::filesystem;

struct RelayFlags {
  std::string config;
  std::string ledger;
  std::string listen;
  std::vector<std::string> domains;
  std::string tls_cert;
  std::string tls_key;
  std::string redis;
  std::string redis_password_file;
  std::vector<std::uint64_t> limit;
  std::vector<std::string> insecure;
};

std::string Quoted(std::string const& text) {
  return boost::json::serialize(boost::json::string(text));  // a TOML text of the same value
}

std::string List(std::vector<std::string> const& texts) {
  std::vector<std::string> quoted;
  quoted.reserve(texts.size());
  for (auto const& text : texts)
    quoted.push_back(Quoted(text));
  return fmt::format("[{}]", fmt::join(quoted, ", "));
}

/// The flags as lines of the configuration.
std::vector<std::string> Settings(RelayFlags const& flags, std::string const& ledger) {
  std::vector<std::string> out;
  auto const text = [&](std::string_view key, std::string const& value) {
    if (!value.empty()) out.push_back(fmt::format("{} = {}", key, Quoted(value)));
  };
  auto const file = [&](std::string_view key, std::string const& value) {
    if (!value.empty()) text(key, fs::absolute(value).string());
  };
  file("ledger.path", ledger);
  text("relay.listen", flags.listen);
  if (!flags.domains.empty()) out.push_back("relay.domains = " + List(flags.domains));
  file("relay.tls_cert", flags.tls_cert);
  file("relay.tls_key", flags.tls_key);
  if (!flags.redis.empty()) out.emplace_back(R"(relay.store = "redis")");
  text("relay.redis", flags.redis);
  file("relay.redis_password_file", flags.redis_password_file);
  if (!flags.limit.empty())
    out.push_back(fmt::format("relay.limit = [{}]", fmt::join(flags.limit, ", ")));
  if (!flags.insecure.empty()) out.push_back("relay.insecure_domains = " + List(flags.insecure));
  return out;
}

/// Becomes the relay: signals and output are its own.
Result<void> Run(App const& app, RelayFlags const& flags) {
  auto ledger = flags.ledger;
  if (ledger.empty() && flags.config.empty()) {
    TRELLIS_TRY(auto const grid, GridDir::Open(app.dir));
    auto const& settings = grid.settings().ledger;
    if (settings.backend != ledger::Backend::kEmbedded)
      return Fail(Code::kInvalid, "the grid's ledger is no file: give --config");
    ledger = settings.path.string();
  }
  std::vector<std::string> words{"--relay"};
  if (!flags.config.empty()) {
    words.emplace_back("--config");
    words.push_back(flags.config);
  }
  for (auto& setting : Settings(flags, ledger)) {
    words.emplace_back("--set");
    words.push_back(std::move(setting));
  }
  return Become("trellisd", std::move(words));
}

}  // namespace

void AddRelayCommand(CLI::App& root, App& app) {
  auto flags = std::make_shared<RelayFlags>();
  auto* const relay = root.add_subcommand("relay", "run a relay without a node, in the foreground");
  relay->add_option("--config", flags->config, "configuration file; the other options win over it");
  relay->add_option("--ledger", flags->ledger, "the ledger with the twins (default: the grid's)");
  relay->add_option("--listen", flags->listen, "<ip>:<port>, port 0 = any free one");
  relay->add_option("--domain", flags->domains, "a name twins know this relay by; may be repeated");
  relay->add_option("--tls-cert", flags->tls_cert, "PEM file: certificate with its chain");
  relay->add_option("--tls-key", flags->tls_key, "PEM file: its key");
  relay->add_option("--redis", flags->redis,
                    "redis://host[:port][/database]: queues are there, shared with other relays");
  relay->add_option("--redis-password-file", flags->redis_password_file, "file with its password");
  relay->add_option("--limit", flags->limit, "messages and bytes of one twin in a minute")
      ->expected(2);
  relay->add_option("--insecure-domain", flags->insecure,
                    "another relay that is reached without TLS; may be repeated");
  app.On(relay, [&app, flags] { return Run(app, *flags); });
}

}  // namespace trellis::cli
