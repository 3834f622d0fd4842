// A deployment as it travels: structs spelled like the JSON, decoding with limits, encoding.
#pragma once

#include "kernel/grid/reason.hpp"
#include "kernel/grid/timestamp.hpp"

#include <trellis/json.hpp>
#include <trellis/result.hpp>

#include <boost/describe.hpp>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace trellis::grid {

inline constexpr std::size_t kMaxDocumentBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxWorkloads = 128;
inline constexpr std::size_t kMaxDataBytes = std::size_t{256} << 10;
inline constexpr std::size_t kMaxSignatures = 256;  ///< requests, and signatures

/// States a workload's result can have.
inline constexpr std::string_view kStateInit = "init";
inline constexpr std::string_view kStateOk = "ok";
inline constexpr std::string_view kStateError = "error";
inline constexpr std::string_view kStateDeleted = "deleted";
inline constexpr std::string_view kStateUnchanged = "unchanged";
inline constexpr std::string_view kStatePaused = "paused";

struct WorkloadResult {
  Timestamp created;
  std::string state;
  std::string message;
  json::Raw data;

  [[nodiscard]] bool IsNil() const {
    return state.empty() && created.seconds == 0 && data.text.empty();
  }
  /// `ok` or `paused`.
  [[nodiscard]] bool IsOkay() const { return state == kStateOk || state == kStatePaused; }
};
BOOST_DESCRIBE_STRUCT(WorkloadResult, (), (created, state, message, data))

struct Workload {
  std::uint32_t version = 0;
  std::string name;
  std::string type;
  json::Raw data;
  std::string metadata;
  std::string description;
  WorkloadResult result;
};
BOOST_DESCRIBE_STRUCT(Workload, (), (version, name, type, data, metadata, description, result))

struct SignatureRequest {
  std::uint32_t twin_id = 0;
  bool required = false;
  std::uint64_t weight = 0;
};
BOOST_DESCRIBE_STRUCT(SignatureRequest, (), (twin_id, required, weight))

struct Signature {
  std::uint32_t twin_id = 0;
  std::string signature;       ///< hex
  std::string signature_type;  ///< `sr25519`; anything else means ed25519
};
BOOST_DESCRIBE_STRUCT(Signature, (), (twin_id, signature, signature_type))

struct SignatureRequirement {
  std::vector<SignatureRequest> requests;
  std::uint64_t weight_required = 0;
  std::vector<Signature> signatures;
  std::string signature_style;  ///< `polka-wallet`, else raw
};
BOOST_DESCRIBE_STRUCT(SignatureRequirement, (),
                      (requests, weight_required, signatures, signature_style))

struct Deployment {
  std::uint32_t version = 0;
  std::uint32_t twin_id = 0;
  std::uint64_t contract_id = 0;
  std::string metadata;
  std::string description;
  Timestamp expiration;
  SignatureRequirement signature_requirement;
  std::vector<Workload> workloads;

  /// Borrowed. kInvalid `[name]` for a bad name, kNotFound when there is none of that name.
  [[nodiscard]] Result<Workload const*> Get(std::string_view name) const;
  /// Borrowed, in document order.
  [[nodiscard]] std::vector<Workload const*> ByType(
      std::initializer_list<std::string_view> types) const;
};
BOOST_DESCRIBE_STRUCT(Deployment, (),
                      (version, twin_id, contract_id, metadata, description, expiration,
                       signature_requirement, workloads))

/// Decodes a message within the limits above. kDecode `[decode] …` with the path of the bad value;
/// kInvalid `[decode] …` above a limit.
Result<Deployment> ParseDeployment(std::string_view text);

/// Every field present, raw values verbatim.
std::string ToJson(WorkloadResult const& result);
std::string ToJson(Workload const& workload);
std::string ToJson(Deployment const& deployment);

}  // namespace trellis::grid
