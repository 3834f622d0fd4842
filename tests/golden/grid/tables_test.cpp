// The small tables: names, ids, times, addresses.
#include "kernel/grid/names.hpp"
#include "kernel/grid/timestamp.hpp"
#include "tests/golden/vectors.hpp"

#include <trellis/net.hpp>

#include <gtest/gtest.h>

#include <string>

namespace trellis::grid {
namespace {

using golden::ReadVectors;
using golden::Text;
using Value = boost::json::value;

WorkloadId IdOf(Value const& row) {
  return {row.at("twin").to_number<std::uint32_t>(), std::stoull(Text(row, "contract")),
          Text(row, "name")};
}

template <class T>
Result<T> DecodeText(Value const& row) {
  return json::Parse<T>(Text(row, "json"));
}

template <class T>
void ExpectAddresses(char const* table) {
  auto const vectors = ReadVectors("deployments.json");
  for (auto const& row : vectors.at(table).as_array()) {
    auto const decoded = DecodeText<T>(row);
    ASSERT_EQ(decoded.has_value(), row.at("text").is_string()) << Text(row, "json");
    if (!decoded) continue;
    EXPECT_EQ(decoded->empty() ? "<nil>" : decoded->ToString(), Text(row, "text"));
    EXPECT_EQ(json::Dump(*decoded), Text(row, "encoded"));
  }
}

TEST(Tables, Names) {
  auto const vectors = ReadVectors("deployments.json");
  for (auto const& row : vectors.at("names").as_array())
    EXPECT_EQ(IsValidName(Text(row, "name")), row.at("ok").as_bool()) << Text(row, "name");
}

TEST(Tables, Timestamps) {
  auto const vectors = ReadVectors("deployments.json");
  for (auto const& row : vectors.at("timestamps").as_array()) {
    auto const decoded = DecodeText<Timestamp>(row);
    ASSERT_EQ(decoded.has_value(), row.at("value").is_string()) << Text(row, "json");
    if (decoded) {
      EXPECT_EQ(std::to_string(decoded->seconds), Text(row, "value"));
    }
  }
}

TEST(Tables, UniqueNames) {
  auto const vectors = ReadVectors("deployments.json");
  for (auto const& row : vectors.at("unique_names").as_array())
    EXPECT_EQ(UniqueName(IdOf(row), Text(row, "suffix")), Text(row, "out"));
}

TEST(Tables, NetworkIds) {
  auto const vectors = ReadVectors("deployments.json");
  for (auto const& row : vectors.at("network_ids").as_array()) {
    auto const twin = row.at("twin").to_number<std::uint32_t>();
    EXPECT_EQ(NetworkId(twin, Text(row, "name")), Text(row, "out"));
  }
}

TEST(Tables, WorkloadIds) {
  auto const vectors = ReadVectors("deployments.json");
  for (auto const& row : vectors.at("workload_ids").as_array()) {
    auto const id = WorkloadId::Parse(Text(row, "text"));
    ASSERT_EQ(id.has_value(), row.at("parts").is_array()) << Text(row, "text");
    if (!id) continue;
    auto const& parts = row.at("parts").as_array();
    EXPECT_EQ(std::to_string(id->twin), std::string(parts[0].as_string()));
    EXPECT_EQ(std::to_string(id->contract), std::string(parts[1].as_string()));
    EXPECT_EQ(id->name, std::string(parts[2].as_string()));
  }
}

TEST(Tables, Addresses) {
  ExpectAddresses<IpAddress>("ips");
}
TEST(Tables, Networks) {
  ExpectAddresses<IpNet>("ipnets");
}

}  // namespace
}  // namespace trellis::grid
