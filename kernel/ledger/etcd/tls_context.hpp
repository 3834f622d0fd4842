// OpenSSL's side of a connection to a member.
#pragma once

#include "kernel/ledger/etcd/connection.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>

#include <string>

namespace trellis::ledger::etcd {

struct Tls::Context {
  boost::asio::ssl::context ssl{boost::asio::ssl::context::tls_client};
};

/// The member must show a certificate of our signers for `host`.
template <class Stream>
void PrepareVerification(Stream& stream, std::string const& host) {
  boost::system::error_code literal;
  boost::asio::ip::make_address(host, literal);
  if (literal) {  // what the macro SSL_set_tlsext_host_name does
    SSL_ctrl(stream.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(host.c_str()));
  }
  stream.set_verify_mode(boost::asio::ssl::verify_peer);
  stream.set_verify_callback(boost::asio::ssl::host_name_verification(host));
}

}  // namespace trellis::ledger::etcd
