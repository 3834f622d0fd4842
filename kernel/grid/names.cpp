#include "kernel/grid/names.hpp"

#include <algorithm>
#include <charconv>

namespace trellis::grid {
namespace {

template <class T>
bool ParseNumber(std::string_view text, T& out) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return false;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

// from_chars takes no '+' and, for unsigned types, no '-', so only digits pass.
bool ParsePair(std::string_view text, std::uint32_t& twin, std::uint64_t& contract) {
  auto const dash = text.find('-');
  return dash != std::string_view::npos && ParseNumber(text.substr(0, dash), twin) &&
         ParseNumber(text.substr(dash + 1), contract);
}

}  // namespace

bool IsValidName(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes || name == "ygg") return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

Result<DeploymentId> DeploymentId::Parse(std::string_view text) {
  DeploymentId id;
  if (!ParsePair(text, id.twin, id.contract))
    return Fail(Code::kDecode, "invalid deployment id '{}'", text);
  return id;
}

std::string DeploymentId::ToString() const {
  return fmt::format("{}-{}", twin, contract);
}

Result<WorkloadId> WorkloadId::Parse(std::string_view text) {
  WorkloadId id;
  auto const dash = text.rfind('-');
  if (dash == std::string_view::npos || !ParsePair(text.substr(0, dash), id.twin, id.contract) ||
      !IsValidName(text.substr(dash + 1)))
    return Fail(Code::kDecode, "invalid workload id '{}'", text);
  id.name = text.substr(dash + 1);
  return id;
}

std::string WorkloadId::ToString() const {
  return fmt::format("{}-{}-{}", twin, contract, name);
}

std::string WorkloadId::ToPath() const {
  return fmt::format("{}/{}/{}", twin, contract, name);
}

}  // namespace trellis::grid
