#include "tests/golden/schema.hpp"

#include <algorithm>
#include <map>

namespace trellis::golden {
namespace {

using Columns = std::vector<std::string_view>;
using Tables = std::map<std::string, Columns, std::less<>>;

// '*' stands for any one member: maps keyed by twin or workload. Columns that no test can judge
// (remarks, and what other programs do) are listed like the rest.
constexpr std::string_view kAnything = "**";

Tables const& Deployments() {
  static Tables const kTables = {
      {"format", {kAnything}},
      {"fields", {kAnything}},
      {"small_fields", {kAnything}},
      {"twin_keys", {"*.type", "*.seed", "*.public"}},
      {"vectors",
       {"name",
        "about",
        "deployment",
        "keys.*",
        "decode",
        "valid",
        "valid_reason",
        "verify",
        "verify_reason",
        "challenge",
        "challenge_text",
        "challenge_hex",
        "hash",
        "signatures[].twin_id",
        "signatures[].signature",
        "signatures[].signature_type",
        "signatures[].signed_message_hex",
        "signatures[].altered",
        "workloads[].name",
        "workloads[].type",
        "workloads[].challenge",
        "workloads[].capacity.cru",
        "workloads[].capacity.sru",
        "workloads[].capacity.hru",
        "workloads[].capacity.mru",
        "workloads[].capacity.ipv4u",
        "extra_types[]",
        "grid_client",
        "reference_node_differs"}},
      {"workload_cases",
       {"name", "about", "type", "data", "others", "decode", "valid", "reason", "challenge",
        "capacity.cru", "capacity.sru", "capacity.hru", "capacity.mru", "capacity.ipv4u",
        "extra_types[]", "reference_node_differs"}},
      {"names", {"name", "ok"}},
      {"timestamps", {"json", "value"}},
      {"ipnets", {"json", "text", "encoded"}},
      {"ips", {"json", "text", "encoded"}},
      {"unique_names", {"twin", "contract", "name", "suffix", "out"}},
      {"network_ids", {"twin", "name", "out"}},
      {"workload_ids", {"text", "parts", "parts[]"}},
      {"backends", {"backend", "tls", "ok", "address", "note"}},
      {"signatures", {"about", "type", "public", "message", "signature", "ok", "sr_challenge64"}}};
  return kTables;
}

Tables const& Upgrades() {
  static Tables const kTables = {
      {"format", {kAnything}},
      {"fields", {kAnything}},
      {"updatable_types", {}},
      {"vectors",
       {"name", "about", "old", "new", "ops[].op", "ops[].type", "ops[].name", "engine_ops[].op",
        "engine_ops[].type", "engine_ops[].name", "states.*", "engine", "error",
        "new_invalid_reason", "reference_node_differs"}}};
  return kTables;
}

Tables const& Sr25519() {
  static Columns const kSignature = {"name", "key", "public", "message", "signature", "verify"};
  static Tables const kTables = {
      {"about", {kAnything}},
      {"keys",
       {"name", "mnemonic", "password", "entropy", "mini_secret", "sr25519_public",
        "sr25519_secret_key_ed25519_form", "ed25519_public", "ss58_42_sr25519", "ss58_42_ed25519"}},
      {"sr25519", kSignature},
      {"sr25519_invalid", kSignature},
      {"ed25519", kSignature},
      {"ed25519_invalid", kSignature},
      {"derivation",
       {"base_mini_secret", "path", "junctions[].hard", "junctions[].chain_code", "sr25519_public",
        "ed25519_public", "message", "sr25519_signature"}},
      {"transcripts.note", {kAnything}},
      {"transcripts.keccak_f1600", {"state_in", "state_out"}},
      {"transcripts.merlin",
       {"label", "message_byte", "message_length", "challenge_one_64", "challenge_two_16"}},
      {"transcripts.signing_challenge",
       {"public", "R", "message_byte", "message_length", "k_reduced"}}};
  return kTables;
}

Tables const& Rmb() {
  static Tables const kTables = {
      {"about", {kAnything}},
      {"keys",
       {"name", "type", "twin", "mnemonic", "seed", "public", "address_ss58_42", "e2e_public"}},
      {"envelopes",
       {"name",
        "from",
        "to",
        "fields.uid",
        "fields.tags",
        "fields.timestamp",
        "fields.expiration",
        "fields.source",
        "fields.source.twin",
        "fields.source.connection",
        "fields.destination",
        "fields.destination.twin",
        "fields.destination.connection",
        "fields.kind",
        "fields.command",
        "fields.code",
        "fields.message",
        "fields.schema",
        "fields.federation",
        "fields.payload_kind",
        "fields.payload",
        "fields.relays[]",
        "plain_text",
        "challenge",
        "signature",
        "envelope",
        "verify"}},
      {"mutations", {"name", "base", "from", "why", "envelope", "verify"}},
      {"pings",
       {"name", "ping", "session", "pong_fields.uid", "pong_fields.timestamp",
        "pong_fields.expiration", "pong_fields.source.twin", "pong_fields.source.connection",
        "pong_fields.destination.twin", "pong_fields.destination.connection", "pong_fields.kind",
        "pong_fields.plain", "pong_example"}},
      {"jwt", {"name", "key", "token", "header", "claims", "verify"}},
      {"e2e",
       {"name", "a", "b", "a_seed", "b_seed", "a_public", "b_public", "shared", "nonce", "plain",
        "box"}},
      {"e2e_invalid", {"name", "shared", "box"}}};
  return kTables;
}

std::map<std::string, Tables const*, std::less<>> const& Files() {
  static std::map<std::string, Tables const*, std::less<>> const kFiles = {
      {"deployments.json", &Deployments()},
      {"upgrades.json", &Upgrades()},
      {"sr25519.json", &Sr25519()},
      {"rmb.json", &Rmb()}};
  return kFiles;
}

// `keys.*` matches `keys.7`.
bool Matches(std::string_view pattern, std::string_view path) {
  while (true) {
    auto const dot = pattern.find('.');
    auto const end = path.find('.');
    auto const step = pattern.substr(0, dot);
    if (step != "*" && step != path.substr(0, end)) return false;
    bool const last = dot == std::string_view::npos;
    if (last || end == std::string_view::npos) return last && end == std::string_view::npos;
    pattern.remove_prefix(dot + 1);
    path.remove_prefix(end + 1);
  }
}

// The paths of all members that hold no other ones.
void Collect(boost::json::value const& value, std::string const& path,
             std::vector<std::string>& out) {
  if (auto const* object = value.if_object(); object != nullptr) {
    for (auto const& [key, member] : *object)
      Collect(member, path.empty() ? std::string(key) : path + "." + std::string(key), out);
  } else if (auto const* array = value.if_array(); array != nullptr) {
    for (auto const& element : *array)
      Collect(element, path + "[]", out);
  } else if (!path.empty() && std::ranges::find(out, path) == out.end()) {
    out.push_back(path);
  }
}

}  // namespace

std::vector<std::string> UnknownColumns(std::string_view file, std::string_view table,
                                        boost::json::value const& row) {
  auto const& columns = Files().find(file)->second->find(table)->second;
  std::vector<std::string> unknown;
  Collect(row, {}, unknown);
  std::erase_if(unknown, [&](auto const& path) {
    return std::ranges::any_of(
        columns, [&](auto pattern) { return pattern == kAnything || Matches(pattern, path); });
  });
  return unknown;
}

std::vector<std::string> UnknownTables(std::string_view file, boost::json::object const& content) {
  auto const& tables = *Files().find(file)->second;
  std::vector<std::string> unknown;
  for (auto const& [key, value] : content) {
    std::string const name(key);
    if (tables.contains(name)) continue;
    bool nested = value.is_object() && !value.get_object().empty();
    for (auto const& member : nested ? value.get_object() : boost::json::object())
      nested = nested && tables.contains(name + "." + std::string(member.key()));
    if (!nested) unknown.push_back(name);
  }
  return unknown;
}

std::vector<std::string> KnownFiles() {
  std::vector<std::string> names;
  for (auto const& [name, tables] : Files())
    names.push_back(name);
  return names;
}

}  // namespace trellis::golden
