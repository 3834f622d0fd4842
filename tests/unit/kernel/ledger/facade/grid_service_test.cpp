#include "kernel/ledger/facade/grid_service.hpp"

#include "tests/unit/kernel/ledger/facade/chain_world.hpp"

namespace trellis::ledger::facade {
namespace {

class GridHttp : public ChainWorld {
 protected:
  void SetUp() override {
    ChainWorld::SetUp();
    service_ = std::make_unique<GridService>(
        *ledger_, GridServiceOptions{"1.2.3", kNode, [] {
                                       return std::vector<std::string>{"zmachine", "wireguard"};
                                     }});
    UpdateNode update;
    update.node = kNode;
    update.spec.farm_id = kFarm;
    update.spec.resources = {.hru = 0, .sru = 1'000, .cru = 4, .mru = 2'000};
    update.spec.location.country = "Belgium";
    ASSERT_TRUE(ledger_->Submit(By(kNodeTwin), update));
  }

  GridReply Get(std::string const& target) {
    return service_->Answer({"GET", target, ""})
        .value_or(GridReply{.status = 0, .body = {}, .count = {}});
  }
  GridReply Post(std::string const& target, json::Value const& body) {
    auto const text = boost::json::serialize(body);
    return service_->Answer({"POST", target, text})
        .value_or(GridReply{.status = 0, .body = {}, .count = {}});
  }
  json::Value Query(std::string_view query, json::Value variables = nullptr) {
    return Post("/graphql", object{{"query", query}, {"variables", std::move(variables)}}).body;
  }

  std::unique_ptr<GridService> service_;
};

TEST_F(GridHttp, TellsItsVersion) {
  EXPECT_EQ(Get("/version").body.at("version"), "1.2.3");
  EXPECT_FALSE(service_->Answer({"GET", "/elsewhere", ""}));
  EXPECT_FALSE(service_->Answer({"PUT", "/version", ""}));
}

TEST_F(GridHttp, FindsNodesByGraphql) {
  EXPECT_EQ(Query("query { __typename }").at("data").at("__typename"), "Query");
  auto const found =
      Query("query q($n: Int!) { nodes(where: {nodeID_eq: $n}) { twinID } }", object{{"n", 1}});
  EXPECT_EQ(found.at("data").at("nodes"), (array{object{{"twinID", kNodeTwin}}}));
  EXPECT_TRUE(Query("{ nodes(where: {nodeID_eq: 99}) { twinID } }")
                  .at("data")
                  .at("nodes")
                  .as_array()
                  .empty());
  EXPECT_EQ(Query("{ items: nodesConnection(orderBy: nodeID_ASC) { count: totalCount } }")
                .at("data")
                .at("items")
                .at("count"),
            1);
}

TEST_F(GridHttp, ListsContractsOfATwin) {
  auto contract = CreateContract(1);
  ASSERT_EQ(EventsOf(alice_, contract).size(), 2U);
  ASSERT_TRUE(ledger_->Submit(By(kAlice), CreateNameContract{.name = "mysite"}));
  ASSERT_TRUE(ledger_->Submit(By(kBob), CreateNameContract{.name = "other"}));
  auto const data = Query(
                        "query q($limit: Int!) {"
                        "nodeContracts(where: {twinID_eq: 3, state_in: [Created, GracePeriod]}, "
                        "limit: $limit) { contractID deploymentData nodeID }"
                        "nameContracts(where: {twinID_eq: 3}) { name state }"
                        "rentContracts(where: {twinID_eq: 3}) { contractID } }",
                        object{{"limit", 10}})
                        .at("data");
  EXPECT_EQ(data.at("nodeContracts"),
            (array{object{{"contractID", "1"}, {"deploymentData", "{}"}, {"nodeID", 1}}}));
  EXPECT_EQ(data.at("nameContracts"), (array{object{{"name", "mysite"}, {"state", "Created"}}}));
  EXPECT_TRUE(data.at("rentContracts").as_array().empty());
}

TEST_F(GridHttp, ConditionsChooseRows) {
  for (unsigned i = 0; i < 3; ++i) {
    CreateNodeContract call{.node = kNode,
                            .hash = Hash(i),
                            .data = i == 1 ? R"({"type":"vm"})" : "{}",
                            .public_ips = 0,
                            .solution_provider = {}};
    ASSERT_TRUE(ledger_->Submit(By(kAlice), call));
  }
  auto const ids = [&](std::string const& arguments) {
    std::vector<std::string> found;
    auto const answer = Query("{ nodeContracts(" + arguments + ") { contractID } }");
    for (auto const& row : answer.at("data").at("nodeContracts").as_array())
      found.emplace_back(row.at("contractID").as_string());
    return found;
  };
  using Ids = std::vector<std::string>;
  EXPECT_EQ(ids(R"(where: {AND: [{deploymentData_contains: "\"type\":\"vm\""}]})"), (Ids{"2"}));
  EXPECT_EQ(ids("where: {contractID_in: [1, 3]}"), (Ids{"1", "3"}));
  EXPECT_EQ(ids("where: {OR: [{contractID_eq: 1}, {contractID_gt: 2}]}"), (Ids{"1", "3"}));
  EXPECT_EQ(ids("where: {contractID_not_eq: 2}, orderBy: contractID_DESC, limit: 1"), (Ids{"3"}));
  EXPECT_EQ(ids("offset: 1, limit: 1"), (Ids{"2"}));
}

TEST_F(GridHttp, BadQueriesAreExplained) {
  auto const bad = [&](std::string_view query) {
    auto const reply = Post("/graphql", object{{"query", query}});
    EXPECT_EQ(reply.status, 400U);
    return std::string(reply.body.at("errors").at(0).at("message").as_string());
  };
  EXPECT_EQ(bad("{ planets { id } }"), "there is no field 'planets'");
  EXPECT_EQ(bad("{ nodes { colour } }"), "there is no field 'colour'");
  EXPECT_EQ(bad("{ nodes(where: {colour_eq: 1}) { id } }"), "condition 'colour_eq' is not known");
  EXPECT_EQ(service_->Answer({"POST", "/graphql", "{"})->status, 400U);
}

TEST_F(GridHttp, ShowsNodesAsTheProxyDoes) {
  ASSERT_EQ(EventsOf(alice_, CreateContract(1)).size(), 2U);
  ASSERT_TRUE(ledger_->Submit(
      By(kNodeTwin),
      ReportResources{{{.contract = 1, .hru = 0, .sru = 100, .cru = 1, .mru = 200}}}));
  auto const node = Get("/nodes/1").body;
  EXPECT_EQ(node.at("capacity").at("total_resources").at("cru"), 4);
  EXPECT_EQ(node.at("capacity").at("used_resources").at("mru"), 200);
  EXPECT_EQ(node.at("rentContractId"), 0);
  EXPECT_EQ(node.at("features"), (array{"zmachine", "wireguard"}));
  EXPECT_EQ(Get("/nodes/99").status, 404U);
  EXPECT_EQ(Get("/nodes/x").status, 400U);
  EXPECT_EQ(Get("/nodes?node_id=1").body.at(0).at("nodeId"), 1);
}

TEST_F(GridHttp, FiltersNodes) {
  auto const count = [&](std::string const& query) {
    return Get("/nodes?" + query).body.as_array().size();
  };
  EXPECT_EQ(count("status=up&free_mru=2000&free_sru=1000&total_cru=4"), 1U);
  EXPECT_EQ(count("free_mru=2001"), 0U);
  EXPECT_EQ(count("status=down"), 0U);
  EXPECT_EQ(count("farm_ids=2,3"), 0U);
  EXPECT_EQ(count("farm_ids=1"), 1U);
  EXPECT_EQ(count("country=belgium"), 1U);
  EXPECT_EQ(count("country=Egypt"), 0U);
  EXPECT_EQ(count("ipv4=true"), 0U);
  EXPECT_EQ(count("free_ips=1"), 0U);
  EXPECT_EQ(count("available_for=3"), 1U);
  EXPECT_EQ(count("page=2"), 0U);
  EXPECT_EQ(Get("/nodes?ret_count=true&size=1&page=3").count, 1U);
  EXPECT_EQ(count("%zz=%4&=&&&a==b"), 1U);
}

TEST_F(GridHttp, ShowsFarms) {
  EXPECT_EQ(Get("/farms").body.at(0).at("name"), "farm");
  EXPECT_EQ(Get("/farms?farm_id=7").body.as_array().size(), 0U);
  EXPECT_EQ(Get("/farms?farm_name=FARM").body.as_array().size(), 1U);
  EXPECT_EQ(Get("/farms?free_ips=1").body.as_array().size(), 0U);
}

TEST_F(GridHttp, KnowsWhoIsVerified) {
  auto const status = [&] {
    return Get("/api/v1/status?client_id=" + crypto::Ss58Address(alice_.public_key()));
  };
  EXPECT_EQ(status().body.at("result").at("status"), "VERIFIED");
  ASSERT_TRUE(ledger_->Submit(Admin(), SetVerified{.twin = kAlice, .verified = false}));
  EXPECT_EQ(status().body.at("result").at("status"), "UNVERIFIED");
  EXPECT_EQ(Get("/api/v1/status?client_id=x").status, 400U);
}

TEST_F(GridHttp, RegistersTwinsBySignature) {
  auto const carol = SignerOf(KeyType::kEd25519, 77);
  CreateTwin call;
  call.account.bytes = carol.public_key();
  call.relay = "relay.example.org";
  auto const signature = carol.Sign(RegistrationMessage(ledger_->genesis(), call));
  object body{{"account", call.account.ToString()},
              {"relay", *call.relay},
              {"signature", "0x65" + crypto::Hex(signature)}};
  auto damaged = body;
  damaged["relay"] = "relay.example.com";
  EXPECT_EQ(Post("/ledger/twins", damaged).status, 403U);
  damaged = body;
  damaged["signature"] = "0x66" + crypto::Hex(signature);
  EXPECT_EQ(Post("/ledger/twins", damaged).status, 400U);
  auto const made = Post("/ledger/twins", body);
  EXPECT_EQ(made.body.at("twin_id"), 5);
  EXPECT_EQ(Post("/ledger/twins", body).status, 409U);
}

}  // namespace
}  // namespace trellis::ledger::facade
