#include "tools/cli/plugin_pack.hpp"

#include "kernel/crypto/hash.hpp"
#include "kernel/plugin/describe.hpp"
#include "kernel/plugin/library.hpp"
#include "kernel/plugin/manifest_pack.hpp"
#include "kernel/plugin/trust.hpp"
#include "kernel/sys/files.hpp"
#include "tools/cli/copies_folder.hpp"
#include "tools/cli/grid_dir.hpp"
#include "tools/cli/programs.hpp"

#include <fmt/format.h>

#include <array>

namespace trellis::cli {
namespace {

namespace fs = std::filesystem;

/// The plugin's name and folder of a plugin file, manifest or signature.
Result<fs::path> StemOf(fs::path const& file) {
  auto const name = file.filename().string();
  for (auto const suffix :
       {plugin::kPluginSuffix, plugin::kSignatureSuffix, plugin::kManifestSuffix}) {
    if (!name.ends_with(suffix)) continue;
    auto const stem = name.substr(0, name.size() - suffix.size());
    if (!plugin::IsPluginName(stem))
      return Fail(Code::kInvalid,
                  "'{}' is no plugin name: 1 to 32 lower-case letters, digits and '-', a letter "
                  "first",
                  stem);
    return file.parent_path() / stem;
  }
  return Fail(Code::kInvalid, "'{}' is no plugin file: its name ends in '{}'", file.string(),
              plugin::kPluginSuffix);
}

Result<fs::path> Pack(fs::path const& file) {
  TRELLIS_TRY(auto const stem, StemOf(file));
  TRELLIS_TRY(auto const bytes, sys::ReadFile(file));
  TRELLIS_CHECK(plugin::CheckExports(file));
  TRELLIS_TRY(auto const found, plugin::DescribeApart(ProgramBeside("trellis-plugin-host"), file));
  TRELLIS_TRY(auto const text,
              plugin::PackManifest(found, plugin::FactsOf(file.filename().string(), bytes)));
  auto const target = stem.string() + std::string(plugin::kManifestSuffix);
  TRELLIS_CHECK(sys::WriteFileAtomic(target, text));
  // It would be one of the manifest that was here before.
  std::error_code missing;
  fs::remove(stem.string() + std::string(plugin::kSignatureSuffix), missing);
  return fs::path(target);
}

/// What was checked, as it is printed.
class Findings {
 public:
  explicit Findings(App const& app) : app_(app) {}

  void Held(int number, std::string const& what) {
    last_ = number;
    Add(number, true, what);
  }
  void Failed(Error const& error) { Add(last_ + 1, false, error.message); }
  void Print() const { app_.Print(boost::json::object{{"checks", list_}}, text_); }

 private:
  void Add(int number, bool ok, std::string const& what) {
    text_ += fmt::format("{} {} {}\n", number, ok ? "ok    " : "FAILED", what);
    list_.push_back(boost::json::object{{"check", number}, {"ok", ok}, {"text", what}});
  }
  App const& app_;
  int last_ = 0;
  std::string text_;
  boost::json::array list_;
};

/// Checks 6 to 9, on the private copy.
Result<void> CheckCode(plugin::TrustedPlugin const& trusted, Findings& findings) {
  TRELLIS_CHECK(plugin::CheckExports(trusted.code));
  findings.Held(6, "exports exactly one entry point, trellis_plugin_v1");
  TRELLIS_TRY(auto const found,
              plugin::DescribeApart(ProgramBeside("trellis-plugin-host"), trusted.code));
  findings.Held(7, "loads, and can be created");
  TRELLIS_CHECK(plugin::CompareDescriptor(trusted.manifest, found.version, found.abi));
  findings.Held(8, fmt::format("descriptor: version {}, plugin ABI {}.{}", found.version,
                               found.abi.major, found.abi.built));
  TRELLIS_CHECK(plugin::CompareRegistered(trusted.manifest, plugin::RegisteredIn(found)));
  findings.Held(9, fmt::format("registers what its manifest lists: {} types, {} services, {} "
                               "commands, {} providers",
                               found.types.size(), found.services.size(), found.commands.size(),
                               found.providers.size()));
  return {};
}

}  // namespace

Result<void> PackPlugins(App const& app, std::vector<std::string> const& files) {
  boost::json::array made;
  std::string text;
  for (auto const& file : files) {
    TRELLIS_TRY(auto const manifest, Pack(file));
    made.push_back(boost::json::string(manifest.string()));
    text += fmt::format("wrote {}\n", manifest.string());
  }
  app.Print(boost::json::object{{"manifests", made}}, text);
  return {};
}

Result<void> MakeSigningKey(App const& app, KeygenOptions const& options) {
  std::error_code missing;
  auto const open = options.file + ".pub";
  for (auto const& file : {options.file, open}) {
    if (fs::exists(file, missing)) return Fail(Code::kExists, "there is already a '{}'", file);
  }
  if (options.names.empty() || options.names.find_first_of(" \t\n#") != std::string::npos)
    return Fail(Code::kInvalid, "'{}' is no pattern of plugin names", options.names);
  if (options.comment.find_first_of("\n#") != std::string::npos)
    return Fail(Code::kInvalid, "the comment is one line without '#'");
  std::array<std::uint8_t, 32> seed{};
  crypto::FillRandom(seed);
  auto const signer = crypto::Signer::FromSeed(crypto::KeyType::kEd25519, seed);
  auto const id = plugin::KeyId(signer.public_key());
  plugin::TrustedKey const key{signer.public_key(), id, options.names, options.comment};
  TRELLIS_CHECK(
      sys::WriteFileAtomic(options.file, plugin::SigningKeyText(seed), sys::kPrivateFile));
  TRELLIS_CHECK(sys::WriteFileAtomic(open, key.ToLine()));
  app.Print(boost::json::object{{"key", options.file}, {"public", open}, {"id", id}},
            fmt::format("key {}\n  secret  {}\n  public  {} (into the trust store of nodes)", id,
                        options.file, open));
  return {};
}

Result<void> SignPlugins(App const& app, std::string const& key,
                         std::vector<std::string> const& files) {
  TRELLIS_TRY(auto const secret, sys::ReadFile(key));
  auto const signer = plugin::ParseSigningKey(secret);
  if (!signer)
    return Fail(Code::kInvalid, "'{}' is no signing key: {}", key, signer.error().message);
  boost::json::array made;
  std::string text;
  for (auto const& file : files) {
    TRELLIS_TRY(auto const stem, StemOf(file));
    auto const source = stem.string() + std::string(plugin::kManifestSuffix);
    auto const manifest = sys::ReadFile(source);
    if (!manifest)
      return Fail(manifest.error().code, "{}: make the manifest with 'trellis plugin pack'",
                  manifest.error().message);
    TRELLIS_CHECK(plugin::Manifest::ParseFile(*manifest));
    auto const target = stem.string() + std::string(plugin::kSignatureSuffix);
    auto const line = plugin::ManifestSignature::Make(*signer, *manifest).ToLine();
    TRELLIS_CHECK(sys::WriteFileAtomic(target, line));
    made.push_back(boost::json::string(target));
    text += fmt::format("wrote {}\n", target);
  }
  app.Print(boost::json::object{{"signatures", made}}, text);
  return {};
}

Result<void> CheckPlugin(App const& app, CheckOptions const& options) {
  TRELLIS_TRY(auto const copies, CopiesFolder::Make());
  auto const file = fs::absolute(options.file).lexically_normal();
  plugin::TrustOptions trust{file.parent_path(), options.trust_dir, copies.path(), options.dev};
  if (trust.trust_dir.empty()) {
    auto const grid = GridDir::Open(app.dir);
    trust.trust_dir = grid ? grid->settings().trust_dir : plugin::DefaultTrustDir();
  }
  Findings findings(app);
  plugin::Trust checker(std::move(trust));
  auto const trusted = checker.Verify(
      file, [&](int number, std::string const& what) { findings.Held(number, what); });
  Result<void> done;
  if (trusted) {
    for (auto const& warning : trusted->warnings)
      app.Progress("DEV: tolerated: " + warning);
    done = CheckCode(*trusted, findings);
  } else {
    done = tl::unexpected<Error>(trusted.error());
  }
  if (!done) findings.Failed(done.error());
  if (done || !app.json) findings.Print();  // else the error is the one JSON value
  return done;
}

}  // namespace trellis::cli
