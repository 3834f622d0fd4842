// The small tables: names, ids, times, addresses, backends, raw signatures.
#include "kernel/crypto/keys.hpp"
#include "kernel/crypto/sr25519.hpp"
#include "kernel/grid/names.hpp"
#include "kernel/grid/timestamp.hpp"
#include "plugins/gateway/backend.hpp"
#include "plugins/network/names.hpp"
#include "tests/golden/types.hpp"
#include "tests/golden/vectors.hpp"

#include <trellis/net.hpp>
#include <trellis/workload.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

namespace trellis::golden {
namespace {

constexpr char const* kFile = "deployments.json";

// What the plugin of `type` says about one workload's data.
Result<grid::Examined> Examine(std::string const& type, std::string const& data, bool check_valid) {
  grid::Deployment deployment;
  auto& workload = deployment.workloads.emplace_back();
  workload.name = "w";
  workload.type = type;
  workload.data.text = data;
  return AllTypes().Examine(deployment, workload, check_valid);
}

// The challenge of data that holds the address and otherwise hashes to `before` and `after`.
struct Carrier {
  char const* type;
  char const* data;  ///< `{}` stands for the address
  char const* before;
  char const* after;
};

template <class T>
void CheckAddress(Row const& row, Carrier const& carrier) {
  auto const text = Text(row, "json");
  auto const decoded = json::Parse<T>(text);
  auto const carried = Examine(carrier.type, fmt::format(fmt::runtime(carrier.data), text), false);
  ASSERT_EQ(decoded.has_value(), Member(row, "text").is_string()) << text;
  ASSERT_EQ(carried.has_value(), decoded.has_value()) << text;
  if (!decoded) return;
  std::string challenge;
  ChallengeWriter(challenge).Add(*decoded);
  EXPECT_EQ(challenge, Text(row, "text"));
  EXPECT_EQ(carried->challenge, carrier.before + challenge + carrier.after);
  EXPECT_EQ(json::Dump(*decoded), Text(row, "encoded"));
}

TEST(Tables, Names) {
  ForEach(kFile, "names",
          [](Row const& row) { EXPECT_EQ(grid::IsValidName(Text(row, "name")), Flag(row, "ok")); });
}

TEST(Tables, Timestamps) {
  ForEach(kFile, "timestamps", [](Row const& row) {
    auto const text = Text(row, "json");
    auto const decoded = json::Parse<grid::Timestamp>(text);
    auto const carried = grid::ParseDeployment(fmt::format(R"({{"expiration":{}}})", text));
    ASSERT_EQ(decoded.has_value(), Member(row, "value").is_string()) << text;
    ASSERT_EQ(carried.has_value(), decoded.has_value()) << text;
    if (!decoded) return;
    EXPECT_EQ(std::to_string(decoded->seconds), Text(row, "value"));
    EXPECT_EQ(carried->expiration, *decoded);
    EXPECT_EQ(json::Dump(*decoded), Text(row, "value"));
  });
}

TEST(Tables, UniqueNames) {
  ForEach(kFile, "unique_names", [](Row const& row) {
    grid::WorkloadId const id{static_cast<std::uint32_t>(Number(row, "twin")),
                              Number(row, "contract"), Text(row, "name")};
    EXPECT_EQ(grid::UniqueName(id, Text(row, "suffix")), Text(row, "out"));
    EXPECT_EQ(plugins::network::UniqueName(id.ToString(), Text(row, "suffix")), Text(row, "out"));
  });
}

TEST(Tables, NetworkIds) {
  ForEach(kFile, "network_ids", [](Row const& row) {
    auto const twin = static_cast<std::uint32_t>(Number(row, "twin"));
    EXPECT_EQ(grid::NetworkId(twin, Text(row, "name")), Text(row, "out"));
    EXPECT_EQ(plugins::network::NetId(twin, Text(row, "name")), Text(row, "out"));
  });
}

TEST(Tables, WorkloadIds) {
  ForEach(kFile, "workload_ids", [](Row const& row) {
    auto const id = grid::WorkloadId::Parse(Text(row, "text"));
    ASSERT_EQ(id.has_value(), Member(row, "parts").is_array()) << Text(row, "text");
    if (!id) return;
    boost::json::array const parts{std::to_string(id->twin), std::to_string(id->contract),
                                   id->name};
    EXPECT_EQ(parts, row.at("parts").as_array());
    EXPECT_EQ(id->ToString(), Text(row, "text"));
  });
}

TEST(Tables, Addresses) {
  static constexpr Carrier kMachine{
      "zmachine", R"({{"network":{{"interfaces":[{{"network":"n","ip":{}}}]}}}})", "falsen", "000"};
  ForEach(kFile, "ips", [](Row const& row) { CheckAddress<IpAddress>(row, kMachine); });
}

TEST(Tables, Networks) {
  static constexpr Carrier kNetwork{"network", R"({{"subnet":{}}})", "<nil>", "0"};
  ForEach(kFile, "ipnets", [](Row const& row) { CheckAddress<IpNet>(row, kNetwork); });
}

TEST(Tables, Backends) {
  ForEach(kFile, "backends", [](Row const& row) {
    auto const backend = Text(row, "backend");
    auto const data = fmt::format(R"({{"name":"g","tls_passthrough":{},"backends":[{}]}})",
                                  Flag(row, "tls"), json::Dump(backend));
    auto const expected = Flag(row, "ok") ? "ok" : "gw_backend";
    EXPECT_EQ(Verdict(Examine("gateway-name-proxy", data, true)), expected) << backend;

    auto const read = plugins::gateway::ReadBackend(backend, Flag(row, "tls"));
    ASSERT_EQ(read.has_value(), Flag(row, "ok")) << backend;
    if (!read) return;
    EXPECT_EQ(read->address, Text(row, "address"));
  });
}

TEST(Tables, Signatures) {
  ForEach(kFile, "signatures", [](Row const& row) {
    auto const type = KeyTypeOf(Text(row, "type"));
    auto const key = HexMember(row, "public");
    auto const message = HexMember(row, "message");
    auto const signature = HexMember(row, "signature");
    EXPECT_EQ(crypto::Verify(type, key, message, signature), Flag(row, "ok"));
    auto const expected = Text(row, "sr_challenge64");
    if (expected.empty()) return;
    ASSERT_GE(signature.size(), 32U);
    auto const point = crypto::BytesView(signature).first(32);
    EXPECT_EQ(crypto::Hex(crypto::sr25519::Challenge(key, point, message)), expected);
  });
}

}  // namespace
}  // namespace trellis::golden
