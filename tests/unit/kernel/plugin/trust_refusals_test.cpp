// Every other way in which a plugin's files can be wrong: each has its own sentence.
#include "tests/unit/kernel/plugin/trust_lab.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

namespace trellis::plugin {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Refusals : public ::testing::Test {
 protected:
  /// What a node says of the plugin `marker`.
  std::string Reason() {
    auto const status = trust_.Start();
    return status.state == "refused" ? status.reason : "state " + status.state;
  }
  /// What the checks say of a file, where only they are of interest.
  std::string Verdict(fs::path const& file) const {
    Trust checker({trust_.lab.plugins(), trust_.trust(), trust_.lab.root() / "copies"});
    auto const verified = checker.Verify(file);
    return verified ? "trusted" : verified.error().message;
  }
  [[nodiscard]] fs::path manifest() const { return trust_.lab.plugins() / "marker.manifest.json"; }
  static void LetOthersWrite(fs::path const& path) {
    fs::permissions(path, fs::perms::others_write, fs::perm_options::add);
  }
  TrustLab trust_;
};

// ---- 1: the place ----

TEST_F(Refusals, OfAFileElsewhere) {
  auto const file = trust_.lab.root() / "marker.trellis.so";
  fs::copy_file(trust_.file(), file);
  EXPECT_EQ(Verdict(file), "plugin 'marker': '" + file.string() +
                               "' is not in the plugin directory '" +
                               trust_.lab.plugins().string() + "'");
}

TEST_F(Refusals, OfANameThatIsNone) {
  EXPECT_EQ(Verdict(trust_.lab.plugins() / "My_Lamp.trellis.so"),
            "'My_Lamp.trellis.so' is not a plugin file name");
}

TEST_F(Refusals, OfAFolder) {
  fs::remove(trust_.file());
  fs::create_directory(trust_.file());
  EXPECT_THAT(Reason(), HasSubstr("marker.trellis.so' is not a regular file"));
}

TEST_F(Refusals, OfAPipeWhichNobodyWaitsFor) {
  fs::remove(trust_.file());
  ASSERT_EQ(::mkfifo(trust_.file().c_str(), 0600), 0);
  EXPECT_THAT(Reason(), HasSubstr("marker.trellis.so' is not a regular file"));
}

// ---- 2: who may write ----

TEST_F(Refusals, OfAFolderAboveThatOthersMayWrite) {
  LetOthersWrite(trust_.lab.root());
  EXPECT_THAT(Reason(), HasSubstr("is writable for everybody"));
}

TEST_F(Refusals, OfAManifestThatOthersMayWrite) {
  LetOthersWrite(manifest());
  EXPECT_THAT(Reason(), HasSubstr("marker.manifest.json' is writable for everybody"));
}

TEST_F(Refusals, OfASignatureThatOthersMayWrite) {
  LetOthersWrite(trust_.signature());
  EXPECT_THAT(Reason(), HasSubstr("marker.manifest.json.sig' is writable for everybody"));
}

// ---- 3: the manifest ----

TEST_F(Refusals, OfManifestsThatAreNone) {
  struct Row {
    std::string text;
    std::string said;
  };
  std::string const file = R"("file":{"name":"marker.trellis.so","size":1,"blake2b_256":"00"})";
  std::vector<Row> const rows{
      {"", "invalid json: incomplete at byte 0"},
      {"{\"manifest\":1,", "invalid json: expected a key"},
      {"[]", "it is no manifest: '\"manifest\":1' is missing"},
      {"{}", "it is no manifest: '\"manifest\":1' is missing"},
      {R"({"manifest":2,"name":"marker","version":"1"})", "it is no manifest"},
      {R"({"manifest":1,"name":"marker"})", "its name or version is missing"},
      {R"({"manifest":1,"name":"marker","version":"1"})", "it describes no file"},
      {R"({"manifest":1,"name":7,"version":"1",)" + file + "}", "expected string"},
      {R"({"manifest":1,"name":"marker","version":"1","types":["disk"],)" + file + "}",
       "types: expected a list of objects"},
      {R"({"manifest":1,"name":"other","version":"1",)" + file + "}", "is that of 'other'"},
  };
  for (auto const& row : rows) {
    TrustLab::Write(manifest(), row.text);
    EXPECT_THAT(Verdict(trust_.file()),
                AllOf(StartsWith("plugin 'marker': manifest '" + manifest().string() + "'"),
                      HasSubstr(row.said)))
        << row.text;
  }
}

TEST_F(Refusals, OfAManifestThatIsTooLong) {
  TrustLab::Write(manifest(), std::string((std::size_t{1} << 20U) + 1, ' '));
  EXPECT_THAT(Reason(), HasSubstr("marker.manifest.json' has more than 1048576 bytes"));
}

TEST_F(Refusals, OfAManifestBehindALink) {
  fs::rename(manifest(), trust_.lab.root() / "elsewhere");
  fs::create_symlink(trust_.lab.root() / "elsewhere", manifest());
  EXPECT_THAT(Reason(), HasSubstr("marker.manifest.json' is a symbolic link"));
}

// ---- 4: the signature ----

TEST_F(Refusals, OfASignatureThatIsNone) {
  TrustLab::Write(trust_.signature(), "signed, the author\n");
  EXPECT_THAT(Reason(), HasSubstr("marker.manifest.json.sig': expected 'trellis-sig-v1 <key id> "
                                  "<base64>'"));
}

TEST_F(Refusals, OfASignatureBehindALink) {
  fs::rename(trust_.signature(), trust_.lab.root() / "elsewhere");
  fs::create_symlink(trust_.lab.root() / "elsewhere", trust_.signature());
  EXPECT_THAT(Reason(), HasSubstr("marker.manifest.json.sig' is a symbolic link"));
}

TEST_F(Refusals, OfAllWhereThereIsNoTrustStore) {
  fs::remove_all(trust_.trust());
  EXPECT_EQ(Reason(), "plugin 'marker': it is signed by key " + KeyId(trust_.author.public_key()) +
                          ", but there is no trust store '" + trust_.trust().string() +
                          "': plugins.trust_dir names it");
}

TEST_F(Refusals, OfAllWhereATrustedKeyCannotBeRead) {
  TrustLab::Write(trust_.trust() / "zz.pub", "rsa AAAA *\n");
  EXPECT_THAT(Reason(), AllOf(StartsWith("plugin 'marker': trust store: "),
                              HasSubstr("zz.pub:1: expected 'ed25519 <base64> <names>")));
}

TEST_F(Refusals, OfAllWhereOthersMayWriteTheTrustStore) {
  LetOthersWrite(trust_.trust());
  EXPECT_THAT(Reason(), HasSubstr("trust.d' is writable for everybody"));
}

TEST_F(Refusals, OfAllWhereOthersMayWriteATrustedKey) {
  LetOthersWrite(trust_.trust() / "author.pub");
  EXPECT_THAT(Reason(), HasSubstr("author.pub' is writable for everybody"));
}

TEST_F(Refusals, OfAllWhereOthersMayWriteWhatIsRevoked) {
  TrustLab::Write(trust_.trust() / "revoked", "# nothing\n");
  LetOthersWrite(trust_.trust() / "revoked");
  EXPECT_THAT(Reason(), HasSubstr("revoked' is writable for everybody"));
}

// ---- 5: the bytes ----

TEST_F(Refusals, OfTheManifestOfAnotherFile) {
  trust_.Pack(R"("name":"marker.trellis.so")", R"("name":"other.trellis.so")");
  trust_.Sign(trust_.author);
  EXPECT_EQ(Reason(), "plugin 'marker': manifest '" + manifest().string() +
                          "' describes the file 'other.trellis.so', not 'marker.trellis.so'");
}

// ---- 8: the descriptor ----

TEST_F(Refusals, OfAnotherAbiThanTheManifests) {
  trust_.Pack(R"("built":0,"required":0)", R"("built":0,"required":9)");
  trust_.Sign(trust_.author);
  trust_.lab.Open();
  EXPECT_EQ(trust_.lab.StatusOf("marker").reason,
            "plugin 'marker' was built for plugin ABI 1.0 and needs 1.0, its manifest says 1.0 "
            "and 1.9");
}

// ---- 9: what it registers ----

TEST_F(Refusals, OfAServiceThatTheCodeDoesNotRegister) {
  trust_.Pack(R"("provides":[])", R"("provides":["acme.lamp/1"])");
  trust_.Sign(trust_.author);
  trust_.lab.Open();
  EXPECT_EQ(trust_.lab.StatusOf("marker").state, "refused");
  EXPECT_EQ(trust_.lab.StatusOf("marker").reason,
            "the manifest of plugin 'marker' lists service 'acme.lamp/1', which it does not "
            "register");
}

// ---- all together ----

TEST_F(Refusals, BeginWithTheFirstCheckThatFails) {
  auto const good = sys::ReadFile(trust_.file()).value();
  auto const text = sys::ReadFile(manifest()).value();
  auto const elsewhere = trust_.lab.root() / "elsewhere";
  fs::rename(trust_.file(), elsewhere);
  fs::create_symlink(elsewhere, trust_.file());
  LetOthersWrite(trust_.signature());
  TrustLab::Write(manifest(), "{}");
  EXPECT_THAT(Verdict(trust_.file()), HasSubstr("is a symbolic link"));

  fs::remove(trust_.file());
  TrustLab::Write(trust_.file(), good + "x");
  EXPECT_THAT(Verdict(trust_.file()), HasSubstr("is writable for everybody"));

  TrustLab::Write(trust_.signature(), "nothing");
  fs::permissions(trust_.signature(), fs::perms::others_write, fs::perm_options::remove);
  EXPECT_THAT(Verdict(trust_.file()), HasSubstr("it is no manifest"));

  TrustLab::Write(manifest(), text);
  EXPECT_THAT(Verdict(trust_.file()), HasSubstr("expected 'trellis-sig-v1"));

  trust_.Sign(trust_.author);
  EXPECT_THAT(Verdict(trust_.file()), HasSubstr("bytes, its manifest says"));

  TrustLab::Write(trust_.file(), good);
  EXPECT_EQ(Verdict(trust_.file()), "trusted");
}

}  // namespace
}  // namespace trellis::plugin
