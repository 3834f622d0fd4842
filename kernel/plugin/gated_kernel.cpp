#include "kernel/plugin/gated_kernel.hpp"

namespace trellis::plugin {

Result<std::string> GatedKernel::WorkloadsByType(std::uint32_t twin, std::uint64_t contract,
                                                 std::span<std::string_view const> types) {
  bool const everyone = twin == 0 && contract == 0;
  if (everyone) TRELLIS_CHECK(need_("deployment.all"));
  return kernel_.WorkloadsByType(twin, contract, types);
}

Result<std::string> GatedKernel::Shared(std::uint32_t twin, std::string_view type,
                                        std::string_view name) {
  TRELLIS_CHECK(need_("deployment.shared"));
  return kernel_.Shared(twin, type, name);
}

Result<std::string> GatedKernel::Contract(std::uint64_t contract) {
  TRELLIS_CHECK(need_("contract.read"));
  return kernel_.Contract(contract);
}

Result<std::string> GatedKernel::Twin(std::uint32_t twin) {
  TRELLIS_CHECK(need_("twin.read"));
  return kernel_.Twin(twin);
}

Result<std::string> GatedKernel::NameOwner(std::string_view name) {
  TRELLIS_CHECK(need_("name.read"));
  return kernel_.NameOwner(name);
}

bool GatedKernel::NodeRented(std::uint32_t twin) {
  return need_("contract.read") && kernel_.NodeRented(twin);
}

Result<void> GatedKernel::ReportFailed(std::string_view workload_id, std::string_view reason) {
  TRELLIS_CHECK(need_("engine.report"));
  return kernel_.ReportFailed(workload_id, reason);
}

Result<void> GatedKernel::ReportObserved(std::string_view workload_id, std::int32_t state,
                                         std::string_view detail) {
  TRELLIS_CHECK(need_("engine.report"));
  return kernel_.ReportObserved(workload_id, state, detail);
}

}  // namespace trellis::plugin
