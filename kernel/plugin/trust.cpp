#include "kernel/plugin/trust.hpp"

#include "kernel/crypto/hash.hpp"
#include "kernel/plugin/library.hpp"
#include "kernel/plugin/trust_files.hpp"
#include "kernel/sys/files.hpp"

#include <optional>

namespace trellis::plugin {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMaxManifest = std::size_t{1} << 20U;
constexpr std::size_t kMaxSignature = std::size_t{4} << 10U;

}  // namespace

/// One plugin on its way through the checks.
struct Trust::Case {
  std::string name;
  fs::path file;
  std::optional<OwnedFile> opened;
  TrustedPlugin result;
  std::string manifest_text;

  [[nodiscard]] fs::path Beside(std::string_view suffix) const {
    return file.parent_path() / (name + std::string(suffix));
  }
  [[nodiscard]] tl::unexpected<Error> Refuse(std::string_view why) const {
    return Fail(Code::kDenied, "plugin '{}': {}", name, why);
  }
  [[nodiscard]] tl::unexpected<Error> Refuse(Error const& why) const {
    return Fail(why.code, "plugin '{}': {}", name, why.message);
  }
};

Trust::Trust(TrustOptions options)
    : options_(std::move(options)),
      store_(TrustStore::Open(options_.trust_dir)),
      copies_(options_.copies) {}

Result<TrustedPlugin> Trust::Verify(fs::path const& file, Report const& report) {
  store_ = TrustStore::Open(options_.trust_dir);
  Case plugin;
  plugin.file = file;
  plugin.name = NameOfFile(file);
  auto const tell = [&](int number, std::string const& what) {
    if (report) report(number, what);
  };
  TRELLIS_CHECK(CheckPlace(plugin));
  tell(1, "a regular file of the plugin directory");
  TRELLIS_CHECK(Tolerate(plugin, CheckOwners(plugin)));
  tell(2, "nobody but its owner may change the file or its folders");
  TRELLIS_CHECK(CheckManifest(plugin));
  tell(3, fmt::format("manifest of '{}' {}", plugin.name, plugin.result.manifest.version));
  TRELLIS_CHECK(Tolerate(plugin, CheckSignature(plugin)));
  tell(4, plugin.result.key_id.empty() ? "not signed by anybody trusted (dev mode)"
                                       : "signed by key " + plugin.result.key_id);
  TRELLIS_CHECK(CheckBytes(plugin));
  tell(5, "size and hash are the manifest's");
  return std::move(plugin.result);
}

Result<void> Trust::Tolerate(Case& plugin, Result<void> const& done) const {
  if (done || !options_.dev) return done;
  plugin.result.warnings.push_back(done.error().message);
  return {};
}

Result<void> Trust::CheckPlace(Case& plugin) const {
  if (!IsPluginName(plugin.name))
    return Fail(Code::kInvalid, "'{}' is not a plugin file name", plugin.file.filename().string());
  std::error_code failed;
  auto const folder = fs::canonical(plugin.file.parent_path(), failed);
  if (failed || folder != fs::canonical(options_.plugins_dir, failed) || failed)
    return plugin.Refuse(fmt::format("'{}' is not in the plugin directory '{}'",
                                     plugin.file.string(), options_.plugins_dir.string()));
  auto opened = OwnedFile::Open(plugin.file);
  if (!opened) return plugin.Refuse(opened.error());
  plugin.opened = *std::move(opened);
  return {};
}

Result<void> Trust::CheckOwners(Case const& plugin) const {
  if (!options_.check_owners) return {};
  if (auto const owner = plugin.opened->CheckOwner(); !owner) return plugin.Refuse(owner.error());
  if (auto const folders = CheckOwnedFolders(options_.plugins_dir); !folders)
    return plugin.Refuse(folders.error());
  for (auto const suffix : {kManifestSuffix, kSignatureSuffix}) {
    auto const opened = OwnedFile::Open(plugin.Beside(suffix));
    if (!opened) continue;  // the check that needs it says so
    if (auto const owner = opened->CheckOwner(); !owner) return plugin.Refuse(owner.error());
  }
  return {};
}

Result<void> Trust::CheckManifest(Case& plugin) {
  auto const path = plugin.Beside(kManifestSuffix);
  auto const opened = OwnedFile::Open(path);
  if (!opened && opened.error().code == Code::kNotFound)
    return plugin.Refuse(
        fmt::format("it has no manifest '{}': make one with 'trellis plugin pack'", path.string()));
  if (!opened) return plugin.Refuse(opened.error());
  auto text = opened->Read(kMaxManifest);
  if (!text) return plugin.Refuse(text.error());
  plugin.manifest_text = *std::move(text);
  auto manifest = Manifest::ParseFile(plugin.manifest_text);
  if (!manifest)
    return plugin.Refuse(fmt::format("manifest '{}': {}", path.string(), manifest.error().message));
  if (manifest->name != plugin.name)
    return plugin.Refuse(
        fmt::format("manifest '{}' is that of '{}'", path.string(), manifest->name));
  plugin.result.manifest = *std::move(manifest);
  return {};
}

Result<void> Trust::CheckSignature(Case& plugin) const {
  if (!store_) return plugin.Refuse(store_.error());
  auto const path = plugin.Beside(kSignatureSuffix);
  auto const opened = OwnedFile::Open(path);
  if (!opened && opened.error().code == Code::kNotFound)
    return plugin.Refuse(fmt::format("it is not signed: there is no '{}'", path.string()));
  if (!opened) return plugin.Refuse(opened.error());
  auto const text = opened->Read(kMaxSignature);
  if (!text) return plugin.Refuse(text.error());
  auto const signature = ManifestSignature::Parse(*text);
  if (!signature)
    return plugin.Refuse(
        fmt::format("signature '{}': {}", path.string(), signature.error().message));
  auto const& id = signature->key_id;
  if (!store_->exists())
    return plugin.Refuse(fmt::format(
        "it is signed by key {}, but there is no trust store '{}': plugins.trust_dir names it", id,
        options_.trust_dir.string()));
  auto const* key = store_->Find(id);
  if (key == nullptr)
    return plugin.Refuse(fmt::format("it is signed by key {}, which '{}' does not trust", id,
                                     options_.trust_dir.string()));
  if (store_->IsRevoked(id))
    return plugin.Refuse(fmt::format("it is signed by key {}, which is revoked", id));
  if (!key->MaySign(plugin.name))
    return plugin.Refuse(
        fmt::format("it is signed by key {}, which may only sign '{}'", id, key->names));
  if (!signature->Matches(key->key, plugin.manifest_text))
    return plugin.Refuse(fmt::format("signature '{}' is not one of its manifest", path.string()));
  plugin.result.key_id = id;
  return {};
}

Result<void> Trust::CheckBytes(Case& plugin) {
  auto const bytes = plugin.opened->Read(sys::kMaxFileBytes);
  if (!bytes) return plugin.Refuse(bytes.error());
  auto const& expected = plugin.result.manifest.file;
  auto const file = plugin.file.filename().string();
  if (expected.name != file)
    return plugin.Refuse(fmt::format("manifest '{}' describes the file '{}', not '{}'",
                                     plugin.Beside(kManifestSuffix).string(), expected.name, file));
  if (bytes->size() != expected.size)
    return plugin.Refuse(fmt::format("'{}' has {} bytes, its manifest says {}",
                                     plugin.file.string(), bytes->size(), expected.size));
  auto const facts = FactsOf(file, *bytes);
  if (facts.blake2b_256 != expected.blake2b_256)
    return plugin.Refuse(
        fmt::format("'{}' is not the file that its manifest describes: its content differs",
                    plugin.file.string()));
  if (store_ && store_->IsRevoked(facts.blake2b_256))
    return plugin.Refuse(
        fmt::format("'{}' is revoked (hash {})", plugin.file.string(), facts.blake2b_256));
  plugin.result.hash = facts.blake2b_256;
  auto copy = copies_.Put(facts.blake2b_256, file, *bytes);
  if (!copy) return plugin.Refuse(copy.error());
  plugin.result.code = *std::move(copy);
  return {};
}

FileFacts FactsOf(std::string name, std::string_view bytes) {
  return {std::move(name), bytes.size(), crypto::Hex(crypto::Blake2b256(crypto::AsBytes(bytes)))};
}

}  // namespace trellis::plugin
