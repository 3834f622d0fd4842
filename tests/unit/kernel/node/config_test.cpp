#include "kernel/node/config.hpp"

#include "kernel/node/bus_options.hpp"
#include "kernel/sys/files.hpp"
#include "tests/support/temp_dir.hpp"

#include <gtest/gtest.h>

namespace trellis::node {
namespace {

class Config : public ::testing::Test {
 protected:
  Result<NodeConfig> Load(std::string const& text) {
    EXPECT_TRUE(sys::WriteFileAtomic(dir_ / "trellis.toml", text));
    return LoadConfig({dir_ / "trellis.toml"});
  }
  std::string Refusal(std::string const& text) {
    auto const loaded = Load(text);
    return loaded ? "accepted" : loaded.error().message;
  }

  testing::TempDir dir_;
  std::string const minimal_ = "[node]\nnode_id = 1\n[rmb]\nseed_file = \"node.json\"\n";
};

TEST_F(Config, CountsRelativePathsFromItsFolder) {
  auto const config = Load(minimal_ + "[store]\npath = \"data/x.db\"\n");

  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->seed_file, dir_ / "node.json");
  EXPECT_EQ(config->store_path, dir_ / "data/x.db");
  EXPECT_EQ(config->ledger.path, config->state_dir / "ledger.db");
}

TEST_F(Config, ReadsWhereAnEtcdLedgerIs) {
  auto const config = Load(minimal_ +
                           "[ledger]\nbackend = \"etcd\"\n[ledger.etcd]\ntimeout = 5\n"
                           "endpoints = [\"http://10.0.0.1:2379\", \"http://10.0.0.2:2379\"]\n"
                           "ca_file = \"ca.pem\"\nuser = \"trellis\"\n");

  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->ledger.backend, ledger::Backend::kEtcd);
  EXPECT_EQ(config->ledger.etcd.endpoints.size(), 2);
  EXPECT_EQ(config->ledger.etcd.timeout, std::chrono::seconds(5));
  EXPECT_EQ(config->ledger.etcd.ca_file, dir_ / "ca.pem");
  EXPECT_EQ(config->ledger.etcd.user, "trellis");
}

TEST_F(Config, ReadsWhereTheChainIs) {
  auto const config = Load(minimal_ +
                           "[ledger]\nbackend = \"tfchain\"\n[ledger.tfchain]\n"
                           "urls = [\"wss://a.example.org/ws\", \"ws://127.0.0.1:9944\"]\n");

  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->ledger.backend, ledger::Backend::kTfchain);
  EXPECT_EQ(config->ledger.tfchain_urls.size(), 2);
}

TEST_F(Config, NamesAnUnknownKeyAndItsLine) {
  auto const refusal = Refusal(minimal_ + "[relay]\nlisten = \"127.0.0.1:0\"\nlisen = \"x\"\n");

  EXPECT_NE(refusal.find("key 'relay.lisen': unknown key"), std::string::npos) << refusal;
  EXPECT_NE(refusal.find("(line 7)"), std::string::npos) << refusal;
}

TEST_F(Config, NamesAKeyOfTheWrongType) {
  auto const refusal = Refusal(minimal_ + "[engine]\nworkers = \"four\"\n");

  EXPECT_NE(refusal.find("key 'engine.workers': expected a whole number (line 6)"),
            std::string::npos)
      << refusal;
}

TEST_F(Config, RefusesNumbersOutOfRange) {
  auto const refusal = Refusal("[node]\nnode_id = -1\n[rmb]\nseed_file = \"k\"\n");

  EXPECT_NE(refusal.find("key 'node.node_id': -1 is out of range"), std::string::npos) << refusal;
}

TEST_F(Config, NamesAValueThatCannotBe) {
  std::vector<std::pair<std::string, std::string>> const bad{
      {"[engine]\nworkers = 0\n", "key 'engine.workers': must be at least 1 (line 6)"},
      {"[engine.limits]\nnode = 0\n", "key 'engine.limits.node': must be at least 1 (line 6)"},
      {"[ledger]\nbackend = \"paper\"\n",
       "key 'ledger.backend': expected embedded, etcd or tfchain (line 6)"},
      {"[ledger]\nbackend = \"etcd\"\n",
       "key 'ledger.etcd.endpoints': names no member of the cluster"},
      {"[ledger]\nbackend = \"tfchain\"\n",
       "key 'ledger.tfchain.urls': names no node of the chain"},
      {"[ledger]\nkeep_deleted = 0\n", "key 'ledger.keep_deleted': must be at least 1 (line 6)"},
      {"[relay]\nlisten = \"here\"\n", "key 'relay.listen': expected <ip>:<port> (line 6)"},
      {"[relay]\nenabled = false\n",
       "key 'relay.enabled': without the embedded relay 'rmb.relays' must name another (line 6)"},
      {"[relay]\ntls_key = \"key.pem\"\n",
       "key 'relay.tls_key': a certificate and its key go together (line 6)"},
      {"[relay]\nmax_message = 1000\n",
       "key 'relay.max_message': must be at least 4194304 (4 MiB) (line 6)"},
      {"[relay]\nlimit = [1]\n", "key 'relay.limit': expected [messages, bytes] (line 6)"},
      {"[relay]\nstore = \"disk\"\n", "key 'relay.store': expected memory or redis (line 6)"},
      {"[http]\nlisten = \"\"\n", "key 'http.listen': expected <ip>:<port> (line 6)"},
      {"[log]\nlevel = \"loud\"\n",
       "key 'log.level': expected debug, info, warn or error (line 6)"},
      {"[log]\nformat = \"xml\"\n", "key 'log.format': expected text or json (line 6)"},
      {"[node.location]\nlatitude = 91\n",
       "key 'node.location.latitude': expected -90 to 90 degrees (line 6)"},
      {"[plugin.zdb]\nhosting = \"moon\"\n",
       "key 'plugin.zdb.hosting': unknown hosting 'moon': use inline or process (line 6)"},
      {"[plugin.zdb]\npermissions = \"all\"\n",
       "key 'plugin.zdb.permissions': expected a list (line 6)"},
      {"[plugin.zdb.limits]\nmemory = 1000\n",
       "key 'plugin.zdb.limits.memory': at least 16777216 (16 MiB) (line 6)"},
      {"[plugin.zdb.limits]\ncpu = 1\n", "key 'plugin.zdb.limits.cpu': unknown key"}};
  for (auto const& [text, expected] : bad) {
    auto const refusal = Refusal(minimal_ + text);
    EXPECT_NE(refusal.find(expected), std::string::npos) << refusal;
  }
}

TEST_F(Config, ReadsWhatAPluginMayDoAndUse) {
  auto const config = Load(minimal_ + "[plugin.zdb]\npermissions = [\"process.spawn\"]\n" +
                           "[plugin.zdb.limits]\nmemory = 33554432\ntasks = 32\n[plugin.ip]\n");

  ASSERT_TRUE(config) << config.error().message;
  auto const& zdb = config->plugins.at("zdb");
  EXPECT_EQ(zdb.permissions, std::vector<std::string>{"process.spawn"});
  EXPECT_EQ(zdb.limits.memory_bytes, 33554432U);
  EXPECT_EQ(zdb.limits.tasks, 32U);
  EXPECT_EQ(config->plugins.at("ip").permissions, std::nullopt) << "all that it asks for";
  EXPECT_EQ(config->plugins.at("ip").limits.memory_bytes, 536870912U);
}

TEST_F(Config, ReadsTheBoundsOfTheHistory) {
  auto const config = Load(minimal_ + "[engine.history]\ndeployment = 100\nworkload = 10\n");

  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->engine.history.deployment, 100);
  EXPECT_EQ(config->engine.history.workload, 10);
  EXPECT_NE(Refusal(minimal_ + "[engine.history]\nworkload = 1\n").find("at least 2"),
            std::string::npos);
}

TEST_F(Config, ReadsWhereTheNodeStands) {
  auto const here = Load(minimal_ +
                         "[node.location]\nlongitude = 4\nlatitude = 50.5\n"
                         "country_code = \"BE\"\n");
  auto const nowhere = Load(minimal_);

  ASSERT_TRUE(here) << here.error().message;
  EXPECT_TRUE(here->location.configured);
  EXPECT_EQ(here->location.longitude, 4.0);
  EXPECT_EQ(here->location.latitude, 50.5);
  EXPECT_EQ(here->location.country_code, "BE");
  EXPECT_FALSE(nowhere->location.configured);
}

TEST_F(Config, ReadsTheRelayAndWhoUsesIt) {
  auto const config = Load(minimal_ +
                           "relays = [\"wss://relay.test\"]\nfrontend = \"run/lists.sock\"\n"
                           "[relay]\nenabled = false\ndomains = [\"a.test\", \"b.test\"]\n"
                           "limit = [10, 2000]\ntls_cert = \"c.pem\"\ntls_key = \"k.pem\"\n"
                           "store = \"redis\"\nredis = \"redis://10.0.0.5/3\"\n");

  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->rmb.relays, std::vector<std::string>{"wss://relay.test"});
  EXPECT_FALSE(config->relay.enabled);
  auto const options = RelayOptionsOf(config->relay);
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->domains, (std::vector<std::string>{"a.test", "b.test"}));
  EXPECT_EQ(options->limit->messages, 10U);
  EXPECT_EQ(options->limit->bytes, 2000U);
  EXPECT_EQ(options->tls_certificate, dir_ / "c.pem");
  EXPECT_EQ(options->redis->host, "10.0.0.5");
  EXPECT_EQ(options->redis->database, 3U);
}

TEST_F(Config, LetsSettingsWinOverTheFile) {
  ASSERT_TRUE(Load(minimal_ + "[relay]\nlisten = \"127.0.0.1:1\"\nmax_sessions = 5\n"));
  auto const config = LoadConfig(
      {dir_ / "trellis.toml", {"relay.listen = \"127.0.0.1:2\"", "relay.domains = [\"x\"]"}});

  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->relay.listen, "127.0.0.1:2");
  EXPECT_EQ(config->relay.max_sessions, 5U);
  EXPECT_EQ(config->relay.domains, std::vector<std::string>{"x"});
  EXPECT_FALSE(LoadConfig({dir_ / "trellis.toml", {"relay.lisen = 1"}}));
  EXPECT_FALSE(LoadConfig({dir_ / "trellis.toml", {"relay listen"}}));
}

TEST_F(Config, NeedsNoNodeForARelayAlone) {
  auto const config = LoadConfig({{}, {"relay.listen = \"127.0.0.1:0\""}, /*relay_only=*/true});

  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->relay.listen, "127.0.0.1:0");
}

TEST(RedisUrl, IsTakenApart) {
  auto const full = ParseRedisUrl("redis://redis.test:6380/2").value();
  EXPECT_EQ(full.host, "redis.test");
  EXPECT_EQ(full.port, 6380);
  EXPECT_EQ(full.database, 2U);
  EXPECT_EQ(ParseRedisUrl("redis://[::1]")->host, "::1");
  EXPECT_EQ(ParseRedisUrl("redis://h/")->port, 6379);
  for (auto const* bad : {"http://h", "redis://", "redis://h:x", "redis://h/x", "redis://u:p@h"})
    EXPECT_FALSE(ParseRedisUrl(bad)) << bad;
}

TEST_F(Config, WantsNodeAndKey) {
  EXPECT_NE(Refusal("").find("'node.node_id' is missing"), std::string::npos);
  EXPECT_NE(Refusal("[node]\nnode_id = 1\n").find("'rmb.seed_file' is missing"), std::string::npos);
}

TEST_F(Config, TellsTheLineOfBrokenToml) {
  auto const refusal = Refusal("[node]\nnode_id = \n");

  EXPECT_NE(refusal.find("trellis.toml:2"), std::string::npos) << refusal;
}

TEST_F(Config, HandsPluginsTheirTableAsJson) {
  auto const config =
      Load(minimal_ + "[plugin.storage]\nenabled = false\n[plugin.storage.config]\nzdb_size = 5\n");

  ASSERT_TRUE(config);
  EXPECT_FALSE(config->plugins.at("storage").enabled);
  EXPECT_NE(config->plugins.at("storage").config_json.find("\"zdb_size\""), std::string::npos);
}

TEST_F(Config, SaysHowToMakeOne) {
  auto const missing = LoadConfig({dir_ / "nothing.toml"});

  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("trellis grid init"), std::string::npos);
}

TEST(ListenAddress, IsIpAndPort) {
  EXPECT_EQ(ParseListen("k", "127.0.0.1:80")->port, 80);
  EXPECT_EQ(ParseListen("k", "127.0.0.1:0")->host, "127.0.0.1");
  EXPECT_FALSE(ParseListen("k", "127.0.0.1"));
  EXPECT_FALSE(ParseListen("k", "127.0.0.1:99999"));
}

TEST(DocumentedConfig, HoldsOnlyKnownKeys) {
  // The reference file lacks only what has no default.
  auto const loaded =
      LoadConfig({std::filesystem::path(TRELLIS_TEST_DATA) / "../config/trellis.toml"});

  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message.find("'node.node_id' is missing"), std::string::npos)
      << loaded.error().message;
}

}  // namespace
}  // namespace trellis::node
