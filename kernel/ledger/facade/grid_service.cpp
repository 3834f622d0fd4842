#include "kernel/ledger/facade/grid_service.hpp"

#include "kernel/base/strings.hpp"
#include "kernel/crypto/keys.hpp"
#include "kernel/ledger/facade/grid_query.hpp"
#include "kernel/ledger/facade/grid_rows.hpp"

#include <algorithm>
#include <map>

namespace trellis::ledger {
namespace {

using boost::json::array;
using boost::json::object;

constexpr std::size_t kPageSize = 50;
constexpr std::string_view kRegistration = "create_twin";
constexpr std::uint8_t kEd25519Prefix = 0x65;
constexpr std::uint8_t kSr25519Prefix = 0x73;

struct GraphqlBody {
  std::string query;
  json::Value variables;
};
BOOST_DESCRIBE_STRUCT(GraphqlBody, (), (query, variables))

struct RegistrationBody {
  Account account{};
  std::optional<std::string> relay{};
  std::optional<PeerKey> pk{};
  std::string signature{};  ///< 0x-hex: prefix byte and 64 bytes
};
BOOST_DESCRIBE_STRUCT(RegistrationBody, (), (account, relay, pk, signature))

std::string Decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const code = text[i] == '%' && i + 2 < text.size()
                          ? strings::ParseNumber<std::uint8_t>(text.substr(i + 1, 2), 16)
                          : Result<std::uint8_t>(Fail(Code::kDecode, "no escape"));
    if (code) i += 2;
    out += code ? static_cast<char>(*code) : (text[i] == '+' ? ' ' : text[i]);
  }
  return out;
}

GridReply Ok(json::Value body) {
  return {.status = 200, .body = std::move(body), .count = {}};
}

unsigned StatusOf(Error const& error) {
  switch (error.code) {
    case Code::kInvalid:
    case Code::kDecode:
      return 400;
    case Code::kDenied:
      return 403;
    case Code::kNotFound:
      return 404;
    case Code::kConflict:
    case Code::kExists:
      return 409;
    default:
      return 503;
  }
}

}  // namespace

/// The part behind `?`. Values are as they came, without escapes.
struct GridService::Query {
  explicit Query(std::string_view text) {
    for (auto const part : strings::Split(text, '&')) {
      auto const equal = std::min(part.find('='), part.size());
      auto value = Decoded(part.substr(std::min(equal + 1, part.size())));
      if (!value.empty()) values[Decoded(part.substr(0, equal))].push_back(std::move(value));
    }
  }
  [[nodiscard]] std::string Text(std::string const& name) const {
    auto const found = values.find(name);
    return found == values.end() ? "" : found->second.front();
  }
  [[nodiscard]] std::optional<std::uint64_t> Number(std::string const& name) const {
    auto const number = strings::ParseNumber<std::uint64_t>(Text(name));
    return number ? std::optional(*number) : std::nullopt;
  }
  [[nodiscard]] bool Flag(std::string const& name) const { return Text(name) == "true"; }
  /// All numbers of a name that may come often or as a list.
  [[nodiscard]] std::vector<std::uint64_t> Numbers(std::string const& name) const {
    std::vector<std::uint64_t> numbers;
    auto const found = values.find(name);
    if (found == values.end()) return numbers;
    for (auto const& value : found->second)
      for (auto const part : strings::Split(value, ','))
        if (auto const number = strings::ParseNumber<std::uint64_t>(part); number)
          numbers.push_back(*number);
    return numbers;
  }
  /// One page of `rows`, and how many there are.
  [[nodiscard]] GridReply Page(array rows) const {
    GridReply reply = Ok(array());
    if (Flag("ret_count")) reply.count = rows.size();
    auto const size = Number("size").value_or(kPageSize);
    auto const first = std::max<std::uint64_t>(Number("page").value_or(1), 1) - 1;
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (size > 0 && i / size == first) reply.body.get_array().push_back(std::move(rows[i]));
    return reply;
  }

  std::map<std::string, std::vector<std::string>> values;
};

namespace {

std::uint64_t Free(object const& node, std::string_view unit) {
  auto const total = node.at("total_resources").at(unit).to_number<std::uint64_t>();
  auto const used = node.at("used_resources").at(unit).to_number<std::uint64_t>();
  return total - std::min(total, used);
}

bool HasText(object const& node, std::string_view name, std::string const& wanted) {
  return wanted.empty() ||
         strings::EqualsIgnoringCase(std::string_view(node.at(name).as_string()), wanted);
}

}  // namespace

std::optional<GridReply> GridService::Answer(GridRequest const& request) {
  auto const question = std::min(request.target.find('?'), request.target.size());
  auto const path = request.target.substr(0, question);
  Query const query(request.target.substr(std::min(question + 1, request.target.size())));
  auto reply = Route(request, path, query);
  if (reply) return *std::move(reply);
  if (reply.error().code == Code::kUnsupported) return std::nullopt;
  return GridReply{.status = StatusOf(reply.error()),
                   .body = object{{"error", reply.error().message}},
                   .count = {}};
}

Result<GridReply> GridService::Route(GridRequest const& request, std::string_view path,
                                     Query const& query) {
  if (request.method == "POST") {
    if (path == "/graphql") return Graphql(request);
    if (path == "/ledger/twins") return CreateTwinBySignature(request);
    // Accounts need no money here: there is nothing to activate.
    if (path == "/activation/activate" || path == "/activate")
      return Ok(object{{"activated", true}});
  }
  if (request.method == "GET") {
    constexpr std::string_view kNode = "/nodes/";
    if (path == "/version") return Ok(object{{"version", options_.version}});
    if (path == "/ping") return Ok(object{{"ping", "pong"}});
    if (path == "/nodes") return Nodes(query);
    if (path == "/farms") return Farms(query);
    if (path == "/api/v1/status") return Identity(query);
    if (path == "/api/v1/health") return Ok(object{{"result", object{{"status", "Healthy"}}}});
    if (path.starts_with(kNode)) return OneNode(path.substr(kNode.size()));
  }
  return Fail(Code::kUnsupported, "no such path");
}

Result<GridReply> GridService::Graphql(GridRequest const& request) {
  TRELLIS_TRY(auto const body, json::Parse<GraphqlBody>(request.body));
  auto const fields = facade::ParseGraphql(body.query, body.variables);
  auto const data = fields ? facade::AnswerQuery(ledger_, *fields)
                           : Result<object>(tl::unexpected<Error>(fields.error()));
  if (data) return Ok(object{{"data", *data}});
  if (data.error().code == Code::kUnavailable) return tl::unexpected<Error>(data.error());
  auto reply = Ok(object{{"errors", array{object{{"message", data.error().message}}}}});
  reply.status = 400;
  return reply;
}

Result<object> GridService::NodeJson(Node const& node, bool alone) {
  TRELLIS_TRY(auto facts, facade::ReadNodeFacts(ledger_, node));
  if (node.id == options_.node_id && options_.features) facts.features = options_.features();
  return facade::ProxyNode(node, facts,
                           alone ? facade::NodeForm::kAlone : facade::NodeForm::kListed);
}

Result<GridReply> GridService::OneNode(std::string_view id) {
  auto const number = strings::ParseNumber<std::uint32_t>(id);
  if (!number) return Fail(Code::kInvalid, "'{}' is no node id", id);
  TRELLIS_TRY(auto const node, ledger_.GetNode(*number));
  TRELLIS_TRY(auto json, NodeJson(node, true));
  return Ok(std::move(json));
}

namespace {

/// Where the query says what the node should have, the node has it.
template <class Query>
bool NodeFits(object const& node, Query const& query) {
  auto const at_least = [&](std::string const& name, std::uint64_t has) {
    return has >= query.Number(name).value_or(0);
  };
  auto const& config = node.at("publicConfig").as_object();
  auto const wants = [&](std::string const& flag, std::string_view member) {
    return !query.Flag(flag) || !config.at(member).as_string().empty();
  };
  auto const user = query.Number("available_for");
  auto const rented_by = node.at("rentedByTwinId").to_number<std::uint64_t>();
  bool const available =
      !user || rented_by == *user || (rented_by == 0 && !node.at("inDedicatedFarm").as_bool());
  auto const same = [&](std::string const& flag, std::string_view member) {
    return query.Text(flag).empty() || query.Flag(flag) == node.at(member).as_bool();
  };
  auto const renter = query.Number("rented_by");
  return at_least("total_cru", node.at("total_resources").at("cru").to_number<std::uint64_t>()) &&
         at_least("free_mru", Free(node, "mru")) && at_least("free_sru", Free(node, "sru")) &&
         at_least("free_hru", Free(node, "hru")) && wants("ipv4", "ipv4") &&
         wants("ipv6", "ipv6") && wants("has_ipv6", "ipv6") && wants("domain", "domain") &&
         available && (!renter || *renter == rented_by) && same("rentable", "rentable") &&
         same("dedicated", "dedicated") && same("healthy", "healthy") &&
         HasText(node, "status", query.Text("status")) &&
         HasText(node, "country", query.Text("country")) &&
         HasText(node, "city", query.Text("city")) &&
         HasText(node, "farmName", query.Text("farm_name")) &&
         HasText(node, "certificationType", query.Text("certification_type")) &&
         !query.Flag("has_gpu");
}

}  // namespace

Result<GridReply> GridService::Nodes(Query const& query) {
  std::vector<std::uint32_t> ids;
  if (auto const id = query.Number("node_id")) {
    ids = {static_cast<std::uint32_t>(*id)};
  } else {
    TRELLIS_TRY(ids, facade::ListAllNodes(ledger_));
  }
  auto farms = query.Numbers("farm_ids");
  if (auto const farm = query.Number("farm_id")) farms.push_back(*farm);
  auto const free_ips = query.Number("free_ips").value_or(0);
  array rows;
  for (auto const id : ids) {
    auto const node = ledger_.GetNode(id);
    if (!node && node.error().code == Code::kNotFound) continue;
    TRELLIS_CHECK(node);
    if (!farms.empty() && std::ranges::find(farms, node->farm_id) == farms.end()) continue;
    if (free_ips > 0) {
      TRELLIS_TRY(auto const farm, ledger_.GetFarm(node->farm_id));
      auto const free = std::ranges::count(farm.public_ips, 0U, &PublicIp::contract_id);
      if (static_cast<std::uint64_t>(free) < free_ips) continue;
    }
    TRELLIS_TRY(auto row, NodeJson(*node, false));
    if (NodeFits(row, query)) rows.push_back(std::move(row));
  }
  return query.Page(std::move(rows));
}

Result<GridReply> GridService::Farms(Query const& query) {
  std::vector<std::uint32_t> ids;
  if (auto const id = query.Number("farm_id")) {
    ids = {static_cast<std::uint32_t>(*id)};
  } else {
    TRELLIS_TRY(ids, ledger_.ListFarms(0, facade::kMaxRows));
  }
  array rows;
  for (auto const id : ids) {
    auto const farm = ledger_.GetFarm(id);
    if (!farm && farm.error().code == Code::kNotFound) continue;
    TRELLIS_CHECK(farm);
    auto const free = std::ranges::count(farm->public_ips, 0U, &PublicIp::contract_id);
    auto const name = query.Text(query.Text("name").empty() ? "farm_name" : "name");
    bool const fits = (name.empty() || strings::EqualsIgnoringCase(name, farm->name)) &&
                      query.Number("twin_id").value_or(farm->twin_id) == farm->twin_id &&
                      static_cast<std::uint64_t>(free) >= query.Number("free_ips").value_or(0);
    if (fits) rows.push_back(facade::ProxyFarm(*farm));
  }
  return query.Page(std::move(rows));
}

/// The identity service of the public grid, by the account's address.
Result<GridReply> GridService::Identity(Query const& query) {
  TRELLIS_TRY(auto const key, crypto::FromSs58Address(query.Text("client_id")));
  Account account;
  account.bytes = key;
  TRELLIS_TRY(auto const id, ledger_.TwinByAccount(account));
  TRELLIS_TRY(bool const verified, ledger_.TwinVerified(id));
  return Ok(object{{"result", object{{"status", verified ? "VERIFIED" : "UNVERIFIED"}}}});
}

crypto::Bytes RegistrationMessage(Account const& genesis, CreateTwin const& call) {
  crypto::Bytes message(kRegistration.begin(), kRegistration.end());
  auto const add = [&](crypto::BytesView bytes) {
    message.insert(message.end(), bytes.begin(), bytes.end());
  };
  add(genesis.bytes);
  add(call.account.bytes);
  if (call.relay) add(crypto::AsBytes(*call.relay));
  if (call.pk) add(call.pk->bytes);
  return message;
}

Result<GridReply> GridService::CreateTwinBySignature(GridRequest const& request) {
  TRELLIS_TRY(auto const body, json::Parse<RegistrationBody>(request.body));
  TRELLIS_TRY(auto const signature, crypto::FromHex0x(body.signature));
  bool const known = signature.size() == std::tuple_size_v<crypto::Signature> + 1 &&
                     (signature[0] == kEd25519Prefix || signature[0] == kSr25519Prefix);
  if (!known) return Fail(Code::kInvalid, "signature is not a prefix byte and 64 bytes");
  CreateTwin call;
  call.account = body.account;
  call.relay = body.relay;
  call.pk = body.pk;
  auto const type =
      signature[0] == kEd25519Prefix ? crypto::KeyType::kEd25519 : crypto::KeyType::kSr25519;
  if (!crypto::Verify(type, call.account.bytes, RegistrationMessage(ledger_.genesis(), call),
                      crypto::BytesView(signature).subspan(1)))
    return Fail(Code::kDenied, "bad signature");
  TRELLIS_TRY(auto const id, ledger_.Submit({}, call));
  return Ok(object{{"twin_id", id}});
}

}  // namespace trellis::ledger
