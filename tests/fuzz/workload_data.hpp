// What must hold for the data of any workload type, whatever the bytes.
#pragma once

#include "kernel/grid/reason.hpp"
#include "tests/fuzz/target.hpp"

#include <trellis/sdk.hpp>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::fuzz {

/// A deployment with a machine `vm`, a disk `disk` and a public address `ip`.
class Neighbours final : public WorkloadGetter {
 public:
  [[nodiscard]] Result<WorkloadView> Get(std::string_view name) const override {
    for (auto const& [known, type, data] : kWorkloads) {
      if (name == known) return View(known, type, data);
    }
    return Fail(Code::kNotFound, "no workload '{}'", name);
  }
  [[nodiscard]] Result<std::vector<WorkloadView>> ByType(
      std::span<std::string_view const> types) const override {
    std::vector<WorkloadView> found;
    for (auto const& [known, type, data] : kWorkloads) {
      if (std::find(types.begin(), types.end(), type) != types.end())
        found.push_back(View(known, type, data));
    }
    return found;
  }

 private:
  struct Entry {
    std::string_view name;
    std::string_view type;
    std::string_view data;
  };
  static constexpr std::array<Entry, 3> kWorkloads = {
      Entry{"vm", "zmachine", R"({"network":{"public_ip":"ip"}})"},
      Entry{"disk", "zmount", R"({"size":1})"}, Entry{"ip", "ip", R"({"v4":true})"}};

  static WorkloadView View(std::string_view name, std::string_view type, std::string_view data) {
    WorkloadView view;
    view.name = name;
    view.type = type;
    view.data.text = data;
    return view;
  }
};

/// What the pure half of a type says.
struct Said {
  std::string reason;  ///< "" when valid
  std::string challenge;
  Capacity capacity;
  std::vector<std::string> dependencies;
  bool operator==(Said const&) const = default;
};

template <class Data>
Said Ask(Data const& data) {
  Said said;
  if (auto const valid = data.Valid(Neighbours()); !valid) {
    Require(valid.error().code == Code::kInvalid, "a refusal is of the class invalid");
    said.reason = grid::SplitReason(valid.error().message).reason;
    Require(!said.reason.empty(), "a refusal has a reason code");
  }
  ChallengeWriter writer(said.challenge);
  data.Challenge(writer);
  said.capacity = data.Capacity();
  if constexpr (requires { data.Dependencies(); }) said.dependencies = data.Dependencies();
  if constexpr (requires { data.Weight(); }) Require(data.Weight() >= 0, "no weight is negative");
  return said;
}

/// Refused, or written and read again it says the same.
template <class Data>
void CheckData(std::string_view input) {
  auto const data = json::ParseObject<Data>(input);
  if (!data) {
    Require(!data.error().message.empty(), "a refusal says why");
    return;
  }
  auto const said = Ask(*data);
  auto const written = json::Dump(*data);
  auto const again = json::ParseObject<Data>(written);
  Require(again.has_value(), "what was written can be read");
  Require(Ask(*again) == said, "rules, challenge and capacity survive writing and reading");
  Require(json::Dump(*again) == written, "writing is stable");
}

}  // namespace trellis::fuzz
