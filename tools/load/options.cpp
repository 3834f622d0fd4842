#include "tools/load/options.hpp"

#include <CLI/CLI.hpp>

#include <array>
#include <charconv>
#include <cstdlib>

namespace trellis::load {
namespace {

struct KindName {
  Kind kind;
  std::string_view name;
};
constexpr std::array kKinds{
    KindName{Kind::kDeploy, "deploy"},
    KindName{Kind::kUpdate, "update"},
    KindName{Kind::kDelete, "delete"},
    KindName{Kind::kGet, "get"},
    KindName{Kind::kList, "list"},
    KindName{Kind::kChanges, "changes"},
    KindName{Kind::kStatistics, "statistics"},
    KindName{Kind::kVersion, "version"},
};

/// The texts of options whose values are no plain numbers.
struct Texts {
  std::string mode = "closed";
  std::string key = "ed25519";
  std::string mix = "deploy:1";
  std::string change = "one";
};

void Describe(CLI::App& app, Options& options, Texts& texts) {
  app.add_option("--control", options.control, "control socket of the daemon");
  app.add_option("--ledger", options.ledger, "file of its embedded ledger");
  app.add_option("--null", options.null_url, "ws://host:port of an echo instead of a daemon");
  app.add_option("--twins", options.twins, "twins to register");
  app.add_option("--key", texts.key, "ed25519 | sr25519");
  app.add_option("--workloads", options.shape.workloads, "of each deployment");
  app.add_option("--document-bytes", options.shape.bytes, "of each deployment, about");
  app.add_option("--mode", texts.mode, "closed | open | burst | replay | chain");
  app.add_option("--conns", options.connections, "connections, one twin each");
  app.add_option("--window", options.window, "closed: requests in flight on a connection");
  app.add_option("--rate", options.rate, "open: requests a second");
  app.add_flag("--poisson", options.poisson, "open: random pauses of that mean");
  app.add_option("--replay", options.replay, "file of lines '<ms since start> <kind>'");
  app.add_option("--count", options.count, "requests at most, the warm-up included");
  app.add_option("--seconds", options.seconds, "of the timed part");
  app.add_option("--warmup", options.warmup, "seconds before it");
  app.add_option("--preload", options.preload, "deployments to store before");
  app.add_option("--mix", texts.mix, "weights by kind, as in deploy:70,get:20,update:5,delete:5");
  app.add_option("--change", texts.change, "of an update: one | add | remove");
  app.add_option("--seed", options.seed, "of everything random");
  app.add_option("--journal", options.journal, "file for the accepted and the settled contracts");
  app.add_option("--probes", options.probes, "chain: updates after which to look")->delimiter(',');
  app.add_option("--disk", options.disk, "folder for the disk canary");
}

Result<void> Apply(Texts const& texts, Options& options) {
  static std::map<std::string, Mode> const modes{{"closed", Mode::kClosed},
                                                 {"open", Mode::kOpen},
                                                 {"burst", Mode::kBurst},
                                                 {"replay", Mode::kReplay},
                                                 {"chain", Mode::kChain}};
  static std::map<std::string, Change> const changes{
      {"one", Change::kOne}, {"add", Change::kAdd}, {"remove", Change::kRemove}};
  auto const mode = modes.find(texts.mode);
  if (mode == modes.end()) return Fail(Code::kInvalid, "unknown mode '{}'", texts.mode);
  options.mode = mode->second;
  auto const change = changes.find(texts.change);
  if (change == changes.end()) return Fail(Code::kInvalid, "unknown change '{}'", texts.change);
  options.change = change->second;
  if (texts.key != "ed25519" && texts.key != "sr25519")
    return Fail(Code::kInvalid, "unknown key type '{}'", texts.key);
  options.key = texts.key == "sr25519" ? crypto::KeyType::kSr25519 : crypto::KeyType::kEd25519;
  TRELLIS_TRY(options.mix, ParseMix(texts.mix));
  return {};
}

Result<void> Check(Options& options) {
  bool const daemon = options.null_url.empty();
  if (daemon && (options.control.empty() || options.ledger.empty()))
    return Fail(Code::kInvalid, "give --control and --ledger, or --null");
  if (options.mode == Mode::kOpen && options.rate <= 0)
    return Fail(Code::kInvalid, "an open loop needs --rate");
  if (options.mode == Mode::kChain && options.probes.empty())
    return Fail(Code::kInvalid, "a chain needs --probes");
  if (options.mode == Mode::kReplay && options.replay.empty())
    return Fail(Code::kInvalid, "give the file with --replay");
  if (options.connections == 0 || options.connections > options.twins)
    return Fail(Code::kInvalid, "--conns must be 1 to --twins ({})", options.twins);
  bool const changes = options.mix.contains(Kind::kUpdate) || options.mix.contains(Kind::kDelete);
  if (changes && options.preload == 0)
    return Fail(Code::kInvalid, "updates and deletes need --preload: each takes one of them");
  if (options.disk.empty())
    options.disk = daemon ? options.ledger.parent_path() : std::filesystem::temp_directory_path();
  return {};
}

}  // namespace

std::string_view ToText(Kind kind) {
  for (auto const& [known, name] : kKinds) {
    if (known == kind) return name;
  }
  return "unknown";
}

Result<Kind> ParseKind(std::string_view text) {
  for (auto const& [kind, name] : kKinds) {
    if (name == text) return kind;
  }
  return Fail(Code::kInvalid, "unknown kind of request '{}'", text);
}

Result<Mix> ParseMix(std::string_view text) {
  Mix mix;
  while (!text.empty()) {
    auto const part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    auto const colon = part.find(':');
    TRELLIS_TRY(auto const kind, ParseKind(part.substr(0, colon)));
    unsigned weight = 1;
    if (colon != std::string_view::npos) {
      auto const number = part.substr(colon + 1);
      auto const* const end = number.data() + number.size();
      if (std::from_chars(number.data(), end, weight).ptr != end || weight == 0)
        return Fail(Code::kInvalid, "bad weight in '{}'", part);
    }
    mix[kind] = weight;
  }
  if (mix.empty()) return Fail(Code::kInvalid, "the mix is empty");
  return mix;
}

Result<Options> ParseOptions(int argc, char** argv) {
  Options options;
  Texts texts;
  CLI::App app("trellis-load puts a measured load on a node through its public interfaces");
  Describe(app, options, texts);
  try {  // CLI11 reports everything by throwing
    app.parse(argc, argv);
  } catch (CLI::ParseError const& error) {
    std::exit(app.exit(error));  // NOLINT(concurrency-mt-unsafe): no thread runs yet
  }
  TRELLIS_CHECK(Apply(texts, options));
  TRELLIS_CHECK(Check(options));
  return options;
}

}  // namespace trellis::load
