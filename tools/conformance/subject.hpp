// The plugin in this process, behind a host whose every function can be watched or twisted.
#pragma once

#include "tools/conformance/check.hpp"

#include <trellis/abi.h>
#include <trellis/testing.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::conformance {

struct Type {
  std::string name;
  trl_type_ops const* ops = nullptr;
  void* self = nullptr;
  std::string data;  ///< the sample, "" when there is none
};

/// A sink that keeps what it gets, or stops after some bytes.
class Sink {
 public:
  explicit Sink(std::size_t room = std::size_t{16} << 20) : room_(room) {}
  [[nodiscard]] trl_sink sink() { return {this, &Write}; }
  [[nodiscard]] bool refused() const { return refused_; }
  [[nodiscard]] bool went_on() const { return went_on_; }
  std::string text;

 private:
  static trl_status Write(void* ctx, trl_bytes chunk) noexcept;
  std::size_t room_;
  bool refused_ = false;
  bool went_on_ = false;
};

/// What an effect answered.
struct Effect {
  trl_status status = TRL_FAULT;
  std::string result;
  std::string handle;
  std::string err;
  std::uint32_t handle_schema = 0;
};

/// How one effect is called.
struct Way {
  std::string id = "7-9-sample";
  std::string previous;
  std::string handle;
  std::uint32_t handle_schema = 0;
  std::size_t result_room = std::size_t{16} << 20;
  bool* result_went_on = nullptr;
};

class Subject {
 public:
  /// Loads the file; a failure ends the check.
  Subject(Setting const& setting, Probe& probe);

  [[nodiscard]] trl_plugin const& descriptor() const { return *descriptor_; }
  [[nodiscard]] std::vector<Type> const& types() const { return types_; }
  [[nodiscard]] testing::FakeHost& host() { return host_; }

  /// Calls `create` with this host table (nullptr: the usual one) and looks at what it registered.
  trl_status Create(std::string_view config, std::string& err, trl_host const* table = nullptr);
  /// Create with the sample's configuration, which must work.
  void MustCreate();
  void MustStart();
  trl_status Stop(std::string& err);
  void Destroy();
  /// The usual table, for checks that pass another form of it.
  [[nodiscard]] trl_host const& table();

  /// Every type's sample; a type without one ends the check.
  void NeedSamples();
  Effect Provision(Type const& type, Way const& way = {});
  Effect Update(Type const& type, Way const& way);
  Effect Deprovision(Type const& type, Way const& way = {});
  Effect Pause(Type const& type, Way const& way = {});
  Effect Resume(Type const& type, Way const& way = {});
  /// `state` is set.
  Effect Inspect(Type const& type, std::int32_t& state, Way const& way = {});
  Effect ListOwned(Type const& type, std::size_t room = std::size_t{16} << 20,
                   bool* went_on = nullptr);
  /// The ids; a bad answer ends the check.
  std::vector<std::string> OwnedIds(Type const& type);

 private:
  template <class Function>
  Effect Drive(char const* what, Type const& type, Way const& way, Function&& function);
  void CheckStatus(std::string_view what, trl_status status, std::string_view err);

  Setting const& setting_;
  Probe& probe_;
  testing::FakeHost host_;
  testing::LoadedPlugin loaded_;
  std::string state_dir_;
  std::string run_dir_;
  trl_plugin const* descriptor_ = nullptr;
  void* self_ = nullptr;
  std::vector<Type> types_;
};

/// A status that abi.h names, and none that is the host's own or reserved.
[[nodiscard]] bool IsPluginStatus(trl_status status);
/// Statuses with their name, for people.
[[nodiscard]] std::string StatusName(trl_status status);
[[nodiscard]] trl_call PlainCall();

}  // namespace trellis::conformance
