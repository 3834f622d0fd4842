#include "kernel/ledger/facade/graphql.hpp"

#include <gtest/gtest.h>

namespace trellis::ledger::facade {
namespace {

std::string Why(std::string_view document) {
  auto const parsed = ParseGraphql(document, nullptr);
  return parsed ? "" : parsed.error().message;
}

TEST(Graphql, ReadsWhatTheGridClientWrites) {
  auto const fields = ParseGraphql(
      "query getNodeTwinId($nodeId: Int!){\n  nodes(where: { nodeID_eq: $nodeId }) {\n  twinID\n "
      "}\n}",
      boost::json::object{{"nodeId", 7}});
  ASSERT_TRUE(fields) << fields.error().message;
  ASSERT_EQ(fields->size(), 1U);
  EXPECT_EQ(fields->front().name, "nodes");
  EXPECT_EQ(fields->front().arguments.at("where").at("nodeID_eq"), 7);
  EXPECT_EQ(fields->front().fields.front().name, "twinID");
}

TEST(Graphql, ReadsAliasesListsEnumeratorsAndEscapes) {
  auto const fields = ParseGraphql(
      R"(query { items: nodeContractsConnection(where: {twinID_eq: 3, state_in: [Created, GracePeriod], )"
      R"(AND: [{ deploymentData_contains: "\"type\":\"vm\"" },]}, orderBy: twinID_ASC) { count: totalCount } })",
      nullptr);
  ASSERT_TRUE(fields) << fields.error().message;
  auto const& field = fields->front();
  EXPECT_EQ(field.alias, "items");
  auto const& where = field.arguments.at("where");
  EXPECT_EQ(where.at("state_in"), (boost::json::array{"Created", "GracePeriod"}));
  EXPECT_EQ(where.at("AND").at(0).at("deploymentData_contains"), R"("type":"vm")");
  EXPECT_EQ(field.arguments.at("orderBy"), "twinID_ASC");
  EXPECT_EQ(field.fields.front().alias, "count");
}

TEST(Graphql, ABareSelectionIsAQuery) {
  EXPECT_EQ(Why("{ __typename }"), "");
  EXPECT_EQ(Why("query { __typename } # done"), "");
}

TEST(Graphql, SaysWhereItStopsUnderstanding) {
  EXPECT_EQ(Why(""), "query: expected '{' at character 0");
  EXPECT_EQ(Why("{ nodes( }"), "query: expected a name and ':' at character 9");
  EXPECT_EQ(Why("{ nodes(a: \"x) }"), "query: expected the end of a string at character 11");
  EXPECT_EQ(Why("{ a } { b }"), "query: expected the end at character 6");
  EXPECT_EQ(Why("mutation { a }"), "query: expected '{' at character 0");
}

TEST(Graphql, NestingAndFieldsHaveLimits) {
  std::string deep;
  for (int i = 0; i < 1'000; ++i)
    deep += "{a";
  EXPECT_EQ(Why(deep), "query: nested too deep");
  std::string lists = "{ a(b: ";
  lists.append(1'000, '[');
  EXPECT_EQ(Why(lists), "query: nested too deep");
  std::string wide = "{";
  for (int i = 0; i < 1'000; ++i)
    wide += " a";
  EXPECT_EQ(Why(wide + "}"), "query: too many fields");
}

TEST(Graphql, EveryPrefixOfAQueryEnds) {
  std::string const query =
      R"({ n: nodes(where: {id_in: [1, $x], t: "a\"b"}, limit: -3) { id x { y } } })";
  for (std::size_t size = 0; size < query.size(); ++size)
    EXPECT_NE(Why(query.substr(0, size)), "") << size;
}

}  // namespace
}  // namespace trellis::ledger::facade
