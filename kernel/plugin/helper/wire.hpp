// What the frames of calls and returns carry, as the structs of both ends.
#pragma once

#include "kernel/plugin/call.hpp"
#include "kernel/plugin/channel.hpp"
#include "kernel/plugin/helper/frame.hpp"
#include "kernel/plugin/manifest.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace trellis::plugin {

/// What the daemon tells a helper before it opens the plugin.
struct HelloBody {
  std::string name;
  std::string file;                      ///< absolute path of the shared library
  std::vector<std::string> permissions;  ///< granted; their paths are absolute
  std::string state_dir;
  std::string run_dir;
};
BOOST_DESCRIBE_STRUCT(HelloBody, (), (name, file, permissions, state_dir, run_dir))

/// What a helper answers: the plugin's descriptor.
struct DescriptionBody {
  std::string version;
  std::string manifest;
  bool parallel = false;
  std::vector<std::string> gaps;  ///< what the process could not be kept from
  AbiFacts abi;
};
BOOST_DESCRIBE_STRUCT(DescriptionBody, (), (version, manifest, parallel, gaps, abi))
[[nodiscard]] DescriptionBody DescriptionOf(trl_plugin const& descriptor);

/// A trl_call without host_data: one field of 40 bytes.
void PutCall(FieldWriter& out, CallInfo const& call);
CallInfo GetCall(FieldReader& in);

/// A trl_workload, identity included.
void PutRequest(FieldWriter& out, OpRequest const& request);
OpRequest GetRequest(FieldReader& in);

/// Every return begins with its status and ends with its error text.
[[nodiscard]] std::string ErrorReturn(Error const& error);
[[nodiscard]] std::string TextReturn(Result<std::string> const& answer);
[[nodiscard]] std::string DoneReturn(Result<void> const& done);
/// A return of one text; kDecode when it is none.
[[nodiscard]] Result<std::string> ReadText(std::string_view body);
[[nodiscard]] Result<void> ReadDone(std::string_view body);

[[nodiscard]] std::string PutExamination(Examination const& seen);
[[nodiscard]] Examination GetExamination(std::string_view body);
[[nodiscard]] std::string PutOpAnswer(OpAnswer const& answer);
[[nodiscard]] OpAnswer GetOpAnswer(std::string_view body);
[[nodiscard]] std::string PutInspection(Result<InspectAnswer> const& answer);
[[nodiscard]] Result<InspectAnswer> GetInspection(std::string_view body);
[[nodiscard]] std::string PutCommandReply(CommandReply const& reply);
[[nodiscard]] CommandReply GetCommandReply(std::string_view body);

}  // namespace trellis::plugin
