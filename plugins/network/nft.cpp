#include "plugins/network/nft.hpp"

#include "plugins/network/names.hpp"

#include <nftables/libnftables.h>

#include <algorithm>
#include <memory>

namespace trellis::plugins::network {

// A context talks to the namespace of the thread that created it, so it lives for one command.
Result<std::string> RunNft(std::string const& commands) {
  std::unique_ptr<nft_ctx, decltype(&nft_ctx_free)> const context(nft_ctx_new(NFT_CTX_DEFAULT),
                                                                  &nft_ctx_free);
  if (!context) return Fail(Code::kUnavailable, "cannot use nftables");
  nft_ctx_buffer_output(context.get());
  nft_ctx_buffer_error(context.get());
  if (nft_run_cmd_from_buffer(context.get(), commands.c_str()) == 0)
    return std::string(nft_ctx_get_output_buffer(context.get()));
  std::string text = nft_ctx_get_error_buffer(context.get());
  std::replace(text.begin(), text.end(), '\n', ' ');
  bool const missing = text.find("No such file or directory") != std::string::npos;
  return Fail(missing ? Code::kNotFound : Code::kIo, "packet filter: {}", text);
}

std::string RulesMark(std::string_view text) {
  return "rules-" + UniqueName("rules", text);
}

}  // namespace trellis::plugins::network
