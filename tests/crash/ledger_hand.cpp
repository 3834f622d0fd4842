// The hand of the crash tests on the ledger: one JSON line per request on standard input, one
// answer each.
//
//   crash-ledger <ledger file>
//   {"cmd":"init","key":"<node key file>","twins":4}   twins, farm and node of a new ledger
//   {"cmd":"create","twin":3,"node":1,"hash":"…"} {"cmd":"update","twin":3,"contract":1,"hash":"…"}
//   {"cmd":"cancel","twin":3,"contract":1}             {"cmd":"grace","contract":1,"on":true}
//   {"cmd":"contracts","node":1}                       {"cmd":"resources","contract":1}
//   {"cmd":"nru","contract":1}                         {"cmd":"sign","twin":3,"hash":"…"}
#include "kernel/crypto/hash.hpp"
#include "kernel/crypto/keys.hpp"
#include "kernel/ledger/embedded/embedded_ledger.hpp"
#include "kernel/sys/files.hpp"
#include "kernel/sys/sysinfo.hpp"

#include <trellis/json.hpp>

#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <string>

namespace trellis::crash {
namespace {

struct Request {
  std::string cmd;
  std::string key;
  std::string hash;
  std::uint32_t twins = 0;
  std::uint32_t twin = 0;
  std::uint32_t node = 0;
  std::uint64_t contract = 0;
  bool on = false;
};
BOOST_DESCRIBE_STRUCT(Request, (), (cmd, key, hash, twins, twin, node, contract, on))

/// Twin n of these tests always has the same key.
crypto::Digest32 SeedOf(std::uint32_t n) {
  return crypto::Sha256(crypto::AsBytes(fmt::format("key of crash test twin {}", n)));
}
crypto::Signer SignerOf(std::uint32_t n) {
  return crypto::Signer::FromSeed(crypto::KeyType::kEd25519, SeedOf(n));
}

Result<std::uint32_t> AddTwin(ledger::EmbeddedLedger& ledger, std::uint32_t n) {
  ledger::Caller admin;
  admin.admin = true;
  ledger::CreateTwin create;
  create.account.bytes = SignerOf(n).public_key();
  TRELLIS_TRY(auto const id, ledger.Submit(admin, create));
  if (id != n) return Fail(Code::kConflict, "twin {} got the id {}", n, id);
  return ledger::ToId(id);
}

/// Twin 1 is the farmer, 2 the node, the others deploy.
Result<json::Value> Init(ledger::EmbeddedLedger& ledger, Request const& request) {
  for (std::uint32_t n = 1; n <= request.twins + 2; ++n)
    TRELLIS_CHECK(AddTwin(ledger, n));
  ledger::Caller farmer;
  farmer.admin = true;
  farmer.twin = 1;
  ledger::CreateFarm farm;
  farm.name = "farm";
  farm.twin = 1;
  TRELLIS_TRY(auto const farm_id, ledger.Submit(farmer, farm));
  ledger::RegisterNode node;
  node.spec.farm_id = ledger::ToId(farm_id);
  node.spec.resources.cru = sys::CpuCount();
  node.spec.resources.mru = sys::MemoryTotal();
  ledger::Caller self;
  self.twin = 2;
  TRELLIS_TRY(auto const node_id, ledger.Submit(self, node));
  boost::json::object const key{
      {"twin", 2}, {"type", "ed25519"}, {"seed", "0x" + crypto::Hex(SeedOf(2))}};
  TRELLIS_CHECK(
      sys::WriteFileAtomic(request.key, boost::json::serialize(key) + "\n", sys::kPrivateFile));
  return boost::json::object{{"farm", farm_id}, {"node", node_id}};
}

Result<json::Value> Sign(Request const& request) {
  TRELLIS_TRY(auto const bytes, crypto::FromHex(request.hash));
  return json::Value(boost::json::string(crypto::Hex(SignerOf(request.twin).Sign(bytes))));
}

Result<json::Value> Submit(ledger::EmbeddedLedger& ledger, Request const& request) {
  ledger::Caller caller;
  caller.twin = request.twin;
  ledger::Call call;
  if (request.cmd == "create") {
    call = ledger::CreateNodeContract{.node = request.node, .hash = request.hash};
  } else if (request.cmd == "update") {
    call = ledger::UpdateNodeContract{.contract = request.contract, .hash = request.hash};
  } else if (request.cmd == "cancel") {
    call = ledger::CancelContract{request.contract};
  } else {
    caller.admin = true;
    caller.twin = 1;
    call = ledger::EndGrace{request.contract};
    if (request.on) call = ledger::StartGrace{request.contract};
  }
  TRELLIS_TRY(auto const id, ledger.Submit(caller, call));
  return json::Value(id);
}

Result<json::Value> Carry(ledger::EmbeddedLedger& ledger, Request const& request) {
  if (request.cmd == "init") return Init(ledger, request);
  if (request.cmd == "sign") return Sign(request);
  if (request.cmd == "contracts") {
    TRELLIS_TRY(auto const live, ledger.ListNodeContracts(request.node));
    return json::Encode(live.ids);
  }
  if (request.cmd == "nru") {
    TRELLIS_TRY(auto const bytes, ledger.ReportedNru(request.contract));
    return json::Value(bytes);
  }
  if (request.cmd == "resources") {
    auto const reported = ledger.ReportedResources(request.contract);
    if (!reported && reported.error().code == Code::kNotFound) return json::Value(nullptr);
    TRELLIS_CHECK(reported);
    return json::Encode(*reported);
  }
  if (request.cmd == "create" || request.cmd == "update" || request.cmd == "cancel" ||
      request.cmd == "grace")
    return Submit(ledger, request);
  return Fail(Code::kInvalid, "unknown command '{}'", request.cmd);
}

Result<void> Serve(std::string const& file) {
  TRELLIS_TRY(auto const ledger, ledger::EmbeddedLedger::Open(file));
  for (std::string line; std::getline(std::cin, line);) {
    TRELLIS_TRY(auto const request, json::Parse<Request>(line));
    auto const answer = Carry(*ledger, request);
    boost::json::object out;
    if (answer) {
      out["result"] = *answer;
    } else {
      out["error"] = answer.error().message;
    }
    fmt::print("{}\n", boost::json::serialize(out));
    (void)std::fflush(stdout);
  }
  return {};
}

}  // namespace
}  // namespace trellis::crash

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: crash-ledger <ledger file>\n");
    return 2;
  }
  auto const done = trellis::crash::Serve(argv[1]);
  if (done) return 0;
  fmt::print(stderr, "crash-ledger: {}\n", done.error().message);
  return 1;
}
