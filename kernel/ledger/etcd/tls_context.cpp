#include "kernel/ledger/etcd/tls_context.hpp"

#include <utility>

namespace trellis::ledger::etcd {
namespace {

using boost::system::error_code;

Result<void> Check(error_code failed, std::string_view what, std::filesystem::path const& file) {
  if (!failed) return {};
  return Fail(Code::kInvalid, "{} '{}': {}", what, file.string(), failed.message());
}

}  // namespace

Tls::Tls(std::unique_ptr<Context> context) : context_(std::move(context)) {}

Tls::~Tls() = default;

Result<std::shared_ptr<Tls>> Tls::Load(std::filesystem::path const& ca,
                                       std::filesystem::path const& cert,
                                       std::filesystem::path const& key) {
  auto context = std::make_unique<Context>();
  auto& ssl = context->ssl;
  error_code failed;
  if (ca.empty()) {
    ssl.set_default_verify_paths(failed);
  } else {
    ssl.load_verify_file(ca.string(), failed);
  }
  TRELLIS_CHECK(Check(failed, "certificates of signers", ca));
  if (!cert.empty()) ssl.use_certificate_chain_file(cert.string(), failed);
  TRELLIS_CHECK(Check(failed, "certificate", cert));
  if (!key.empty()) ssl.use_private_key_file(key.string(), boost::asio::ssl::context::pem, failed);
  TRELLIS_CHECK(Check(failed, "key", key));
  return std::make_shared<Tls>(std::move(context));
}

}  // namespace trellis::ledger::etcd
