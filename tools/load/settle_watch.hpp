// When deployments of one twin settled, from the daemon's event stream.
#pragma once

#include "tools/load/control.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <cstdint>
#include <memory>
#include <unordered_map>

namespace trellis::load {

/// On the thread that runs the context.
class SettleWatch {
 public:
  static constexpr std::uint32_t kAllTwins = 0;
  static Result<std::unique_ptr<SettleWatch>> Start(boost::asio::io_context& io,
                                                    std::filesystem::path const& socket,
                                                    std::uint32_t twin);
  ~SettleWatch();
  SettleWatch(SettleWatch const&) = delete;
  SettleWatch& operator=(SettleWatch const&) = delete;

  /// NowUs() of the contract's last settled job; 0 = none was seen.
  [[nodiscard]] double SettledAt(std::uint64_t contract) const;

 private:
  SettleWatch(boost::asio::io_context& io, Control control);
  void Wait();
  void Take(std::string_view line);

  Control control_;
  boost::asio::posix::stream_descriptor readable_;  // borrows the control's descriptor
  std::unordered_map<std::uint64_t, double> settled_;
};

}  // namespace trellis::load
