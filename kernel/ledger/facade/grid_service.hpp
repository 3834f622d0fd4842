// What grid clients ask by HTTP: GraphQL and the grid proxy's lists, the activation and identity
// services' yes, and the registration of twins.
#pragma once

#include "kernel/ledger/embedded/embedded_ledger.hpp"

#include <trellis/json.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::ledger {

inline constexpr std::size_t kMaxGridBody = std::size_t{64} << 10U;

struct GridRequest {
  std::string_view method{};  ///< `GET`, `POST`
  std::string_view target{};  ///< path and query, as sent
  std::string_view body{};    ///< at most kMaxGridBody
};
struct GridReply {
  unsigned status = 200;
  json::Value body{};
  std::optional<std::uint64_t> count{};  ///< header `count`: rows in all, when they were asked for
};

struct GridServiceOptions {
  std::string version{};
  std::uint32_t node_id = 0;                             ///< this node
  std::function<std::vector<std::string>()> features{};  ///< what it can run
};

/// Thread-safe; borrows the ledger.
class GridService {
 public:
  GridService(EmbeddedLedger& ledger, GridServiceOptions options)
      : ledger_(ledger), options_(std::move(options)) {}
  /// Nothing: the path is none of this service's.
  std::optional<GridReply> Answer(GridRequest const& request);

 private:
  struct Query;
  Result<GridReply> Route(GridRequest const& request, std::string_view path, Query const& query);
  Result<GridReply> Graphql(GridRequest const& request);
  Result<GridReply> Nodes(Query const& query);
  Result<GridReply> OneNode(std::string_view id);
  Result<GridReply> Farms(Query const& query);
  Result<GridReply> Identity(Query const& query);
  Result<GridReply> CreateTwinBySignature(GridRequest const& request);
  Result<boost::json::object> NodeJson(Node const& node, bool alone);

  EmbeddedLedger& ledger_;
  GridServiceOptions options_;
};

/// The signed text of a registration: `create_twin`, genesis, account, relay and pk, of which the
/// last two may be missing.
crypto::Bytes RegistrationMessage(Account const& genesis, CreateTwin const& call);

}  // namespace trellis::ledger
