// A call without a host, for code of the plugin that runs in a program of its own.
#pragma once

#include <trellis/host.hpp>

namespace trellis::plugins::flist {

/// Has no deadline and is never cancelled.
class ProgramCall {
 public:
  ProgramCall() : call_(&host_, &raw_) {
    host_.size = sizeof host_;
    host_.cancelled = [](void*, trl_call const*) noexcept -> std::int32_t { return 0; };
    raw_.size = sizeof raw_;
    raw_.deadline_ns = INT64_MAX;
  }
  ProgramCall(ProgramCall const&) = delete;
  ProgramCall& operator=(ProgramCall const&) = delete;
  Call& operator*() { return call_; }

 private:
  trl_host host_{};
  trl_call raw_{};
  Call call_;
};

}  // namespace trellis::plugins::flist
