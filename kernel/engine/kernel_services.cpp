#include "kernel/engine/kernel_services.hpp"

#include "kernel/engine/view.hpp"
#include "kernel/grid/names.hpp"
#include "kernel/store/listings.hpp"

#include <trellis/json.hpp>

#include <algorithm>

namespace trellis::engine {
namespace {

Error NoWorkload(std::string_view name) {
  return {Code::kNotFound, fmt::format("no workload '{}'", name)};
}

Result<void> RunKv(store::Writer& writer, char const* sql, std::string_view plugin,
                   std::string_view key, std::optional<std::string_view> value) {
  return writer.Commit([&](store::Database& db) -> Result<void> {
    TRELLIS_TRY(auto* s, db.Cached(sql));
    s->Bind(1, plugin);
    s->BindBlob(2, {reinterpret_cast<std::uint8_t const*>(key.data()), key.size()});
    if (value.has_value())
      s->BindBlob(3, {reinterpret_cast<std::uint8_t const*>(value->data()), value->size()});
    return s->Run();
  });
}

}  // namespace

void KernelServicesOverStore::Connect(FailSink fail, ObservedSink observed) {
  std::lock_guard const lock(mutex_);
  fail_ = std::move(fail);
  observed_ = std::move(observed);
}

Result<std::string> KernelServicesOverStore::DeploymentInfo(std::uint32_t twin,
                                                            std::uint64_t contract) {
  writer_->Flush();
  return readers_->Run([&](store::Database& db) -> Result<std::string> {
    TRELLIS_TRY(auto const row, store::FindDeployment(db, {twin, contract}));
    if (!row.has_value()) return Fail(Code::kNotFound, "no deployment {}-{}", twin, contract);
    TRELLIS_TRY(auto const workloads, store::ListWorkloads(db, row->key));
    return DeploymentJson(*row, workloads);
  });
}

Result<std::string> KernelServicesOverStore::Workload(std::uint32_t twin, std::uint64_t contract,
                                                      std::string_view name) {
  writer_->Flush();
  return readers_->Run([&](store::Database& db) -> Result<std::string> {
    TRELLIS_TRY(auto const row, store::FindWorkload(db, {twin, contract}, name));
    if (!row.has_value()) return tl::unexpected<Error>(NoWorkload(name));
    return PluginWorkloadJson(*row);
  });
}

Result<std::string> KernelServicesOverStore::WorkloadsByType(
    std::uint32_t twin, std::uint64_t contract, std::span<std::string_view const> types) {
  writer_->Flush();
  return readers_->Run([&](store::Database& db) -> Result<std::string> {
    std::vector<std::string> found;
    auto const take = [&](std::vector<store::WorkloadRow> const& rows) {
      for (auto const& row : rows) {
        if (std::find(types.begin(), types.end(), row.type) != types.end())
          found.push_back(PluginWorkloadJson(row));
      }
    };
    if (contract != 0) {  // of one deployment: nothing else is looked at
      TRELLIS_TRY(auto const rows, store::ListWorkloads(db, {twin, contract}));
      take(rows);
    } else {
      for (auto const type : types) {
        TRELLIS_TRY(auto const rows, store::ListActiveByType(db, twin, type));
        take(rows);
      }
    }
    return fmt::format("[{}]", fmt::join(found, ","));
  });
}

Result<std::string> KernelServicesOverStore::Shared(std::uint32_t twin, std::string_view type,
                                                    std::string_view name) {
  writer_->Flush();
  return readers_->Run([&](store::Database& db) -> Result<std::string> {
    TRELLIS_TRY(auto const contract, store::FindShared(db, twin, name));
    if (!contract.has_value()) return tl::unexpected<Error>(NoWorkload(name));
    TRELLIS_TRY(auto const rows, store::ListWorkloads(db, {twin, *contract}));
    auto const row = std::find_if(rows.begin(), rows.end(), [&](auto const& candidate) {
      return candidate.name == name && candidate.type == type;
    });
    if (row == rows.end() || !store::IsActive(rows)) return tl::unexpected<Error>(NoWorkload(name));
    return PluginWorkloadJson(*row);
  });
}

Result<std::string> KernelServicesOverStore::Current(std::string_view workload_id) {
  TRELLIS_TRY(auto const id, grid::WorkloadId::Parse(workload_id));
  return Workload(id.twin, id.contract, id.name);
}

Result<std::vector<std::pair<std::string, std::string>>> KernelServicesOverStore::Known() {
  return readers_->Run([](store::Database& db) { return store::ListWorkloadIds(db); });
}

Result<std::string> KernelServicesOverStore::Contract(std::uint64_t contract) {
  TRELLIS_TRY(auto const found, ledger_->GetContract(contract));
  boost::json::array ips;
  for (auto const& ip : found.public_ips_list)
    ips.push_back({{"ip", ip.ip}, {"gateway", ip.gateway}});
  return boost::json::serialize(boost::json::object{{"contract_id", found.contract_id},
                                                    {"twin_id", found.twin_id},
                                                    {"node_id", found.node_id},
                                                    {"hash", found.hash},
                                                    {"state", json::Encode(found.state)},
                                                    {"public_ips", std::move(ips)}});
}

Result<std::string> KernelServicesOverStore::Twin(std::uint32_t twin) {
  TRELLIS_TRY(auto const found, ledger_->GetTwin(twin));
  return boost::json::serialize(boost::json::object{{"id", found.id},
                                                    {"public_key", json::Encode(found.account)},
                                                    {"relay", found.relay.value_or("")}});
}

Result<std::string> KernelServicesOverStore::NameOwner(std::string_view name) {
  TRELLIS_TRY(auto const id, ledger_->NameContract(name));
  TRELLIS_TRY(auto const found, ledger_->GetContract(id));
  return boost::json::serialize(boost::json::object{{"contract_id", found.contract_id},
                                                    {"twin_id", found.twin_id},
                                                    {"type", json::Encode(found.kind)},
                                                    {"state", json::Encode(found.state)}});
}

bool KernelServicesOverStore::NodeRented(std::uint32_t twin) {
  auto const contract = ledger_->RentContract(node_);
  if (!contract || !contract->has_value()) return false;
  auto const found = ledger_->GetContract(**contract);
  return found && (twin == 0 || found->twin_id == twin);
}

Result<void> KernelServicesOverStore::ReportFailed(std::string_view workload_id,
                                                   std::string_view reason) {
  std::lock_guard const lock(mutex_);
  if (!fail_) return Fail(Code::kUnavailable, "the engine is not running");
  return fail_(workload_id, reason);
}

Result<void> KernelServicesOverStore::ReportObserved(std::string_view workload_id,
                                                     std::int32_t state, std::string_view detail) {
  std::lock_guard const lock(mutex_);
  if (!observed_) return Fail(Code::kUnavailable, "the engine is not running");
  return observed_(workload_id, state, detail);
}

Result<std::string> KernelServicesOverStore::KvGet(std::string_view plugin, std::string_view key) {
  return readers_->Run([&](store::Database& db) -> Result<std::string> {
    TRELLIS_TRY(auto* s, db.Cached("SELECT value FROM plugin_kv WHERE plugin = ? AND key = ?"));
    s->Bind(1, plugin).BindBlob(2, {reinterpret_cast<std::uint8_t const*>(key.data()), key.size()});
    TRELLIS_TRY(bool const found, s->Step());
    if (!found) return Fail(Code::kNotFound, "no key '{}'", key);
    auto value = s->Text(0);
    s->Reset();
    return value;
  });
}

Result<void> KernelServicesOverStore::KvPut(std::string_view plugin, std::string_view key,
                                            std::string_view value) {
  return RunKv(*writer_, "INSERT OR REPLACE INTO plugin_kv (plugin, key, value) VALUES (?,?,?)",
               plugin, key, value);
}

Result<void> KernelServicesOverStore::KvRemove(std::string_view plugin, std::string_view key) {
  return RunKv(*writer_, "DELETE FROM plugin_kv WHERE plugin = ? AND key = ?", plugin, key,
               std::nullopt);
}

Result<std::vector<std::string>> KernelServicesOverStore::KvList(std::string_view plugin,
                                                                 std::string_view prefix) {
  return readers_->Run([&](store::Database& db) -> Result<std::vector<std::string>> {
    TRELLIS_TRY(
        auto* s,
        db.Cached(
            "SELECT key FROM plugin_kv WHERE plugin = ? AND substr(key, 1, ?) = ? ORDER BY key"));
    s->Bind(1, plugin)
        .Bind(2, std::uint64_t{prefix.size()})
        .BindBlob(3, {reinterpret_cast<std::uint8_t const*>(prefix.data()), prefix.size()});
    std::vector<std::string> keys;
    while (true) {
      TRELLIS_TRY(bool const more, s->Step());
      if (!more) break;
      keys.push_back(s->Text(0));
    }
    s->Reset();
    return keys;
  });
}

}  // namespace trellis::engine
