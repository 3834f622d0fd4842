#include "kernel/ledger/etcd/gateway_json.hpp"

#include <gtest/gtest.h>

namespace trellis::ledger::etcd {
namespace {

TEST(GatewayJson, WritesRanges) {
  EXPECT_EQ(ToJson({{.key = "a/", .end = "a0", .limit = 5, .descending = true},
                    {.key = "b", .end = "", .limit = 0, .descending = false}}),
            R"({"success":[{"request_range":{"key":"YS8=","range_end":"YTA=","limit":"5",)"
            R"("sort_order":"DESCEND","sort_target":"KEY"}},{"request_range":{"key":"Yg=="}}]})");
}

TEST(GatewayJson, WritesAGuardedTransaction) {
  Transaction transaction;
  transaction.guard = "head";
  transaction.guard_revision = 7;
  transaction.puts.push_back({.key = "a", .value = "1", .lease = 9});
  transaction.deletes.push_back({.key = "b", .end = "", .limit = 0, .descending = false});
  transaction.otherwise.push_back({.key = "head", .end = "", .limit = 0, .descending = false});

  EXPECT_EQ(ToJson(transaction),
            R"({"compare":[{"key":"aGVhZA==","target":"MOD","result":"EQUAL","mod_revision":"7"}],)"
            R"("success":[{"request_put":{"key":"YQ==","value":"MQ==","lease":"9"}},)"
            R"({"request_delete_range":{"key":"Yg=="}}],)"
            R"("failure":[{"request_range":{"key":"aGVhZA=="}}]})");
}

TEST(GatewayJson, ReadsWhatWasFound) {
  auto const read = ParseCommitted(
      R"({"header":{"revision":"12"},"responses":[{"response_range":{"kvs":[{"key":"YQ==",)"
      R"("mod_revision":"3","value":"MQ=="}],"count":"1"}},{"response_range":{}}]})");

  ASSERT_TRUE(read) << read.error().message;
  EXPECT_FALSE(read->applied);
  EXPECT_EQ(read->otherwise.revision, 12);
  ASSERT_EQ(read->otherwise.found.size(), 2);
  EXPECT_EQ(read->otherwise.found[0].front().key, "a");
  EXPECT_EQ(read->otherwise.found[0].front().value, "1");
  EXPECT_EQ(read->otherwise.found[0].front().mod_revision, 3);
  EXPECT_TRUE(read->otherwise.found[1].empty());
}

TEST(GatewayJson, ReadsACommit) {
  auto const read =
      ParseCommitted(R"({"header":{"revision":"13"},"succeeded":true,"responses":[{}]})");

  ASSERT_TRUE(read);
  EXPECT_TRUE(read->applied);
  EXPECT_EQ(read->otherwise.revision, 13);
}

TEST(GatewayJson, RefusesWhatEtcdDoesNotSend) {
  for (auto const* text : {"", "x", "[]", "{}", R"({"header":{"revision":5}})",
                           R"({"header":{"revision":"1"},"responses":[{"response_range":)"
                           R"({"kvs":[{"key":"?"}]}}]})"})
    EXPECT_EQ(ParseCommitted(text).error().code, Code::kUnavailable) << text;
}

TEST(GatewayJson, ReadsAWatch) {
  auto const begun = ParseWatched(R"({"result":{"header":{"revision":"4"},"created":true}})");
  auto const changed = ParseWatched(
      R"({"result":{"header":{"revision":"5"},"events":[{"kv":{"key":"YQ==","value":"MQ=="}}]}})");
  auto const compacted =
      ParseWatched(R"({"result":{"header":{},"canceled":true,"compact_revision":"4"}})");

  EXPECT_TRUE(begun->changed.empty());
  EXPECT_EQ(begun->revision, 4);
  EXPECT_EQ(changed->changed.front().value, "1");
  EXPECT_TRUE(compacted->compacted);
}

TEST(GatewayJson, WatchEndsWithAnError) {
  EXPECT_FALSE(ParseWatched(R"({"error":{"message":"etcdserver: no leader"}})"));
  EXPECT_FALSE(ParseWatched(R"({"result":{"header":{"revision":"4"},"canceled":true}})"));
}

TEST(GatewayJson, EndOfAPrefixIsBehindAllItsKeys) {
  EXPECT_EQ(PrefixEnd("a/"), "a0");
}

}  // namespace
}  // namespace trellis::ledger::etcd
