#include "tests/bench/limits/accept.hpp"

#include "tests/bench/limits/common.hpp"

#include <openssl/evp.h>
#include <sodium.h>

#include <boost/json.hpp>

#include <memory>

namespace trellis::limits {
namespace {

namespace json = boost::json;

constexpr std::size_t kSignature = 64;

class Hash {
 public:
  Hash() { EVP_DigestInit_ex(context(), EVP_md5(), nullptr); }
  void Add(std::string_view text) { EVP_DigestUpdate(context(), text.data(), text.size()); }
  void Add(std::uint64_t number) { Add(std::to_string(number)); }
  Digest Finish() {
    Digest out{};
    EVP_DigestFinal_ex(context(), out.data(), nullptr);
    return out;
  }

 private:
  static EVP_MD_CTX* context() {
    struct Free {
      void operator()(EVP_MD_CTX* c) const { EVP_MD_CTX_free(c); }
    };
    static thread_local std::unique_ptr<EVP_MD_CTX, Free> const context(EVP_MD_CTX_new());
    return context.get();
  }
};

Digest EnvelopeDigest(wire::Envelope const& e) {
  Hash hash;
  hash.Add(e.uid());
  hash.Add(e.timestamp());
  hash.Add(e.expiration());
  hash.Add(std::uint64_t{e.source().twin()});
  hash.Add(e.source().connection());
  hash.Add(std::uint64_t{e.destination().twin()});
  hash.Add(e.request().command());
  hash.Add(e.schema());
  hash.Add(e.plain());
  return hash.Finish();
}

/// Stands in for the deployment's challenge text.
void Walk(json::value const& value, std::string& out) {
  switch (value.kind()) {
    case json::kind::object:
      for (auto const& member : value.get_object())
        Walk(member.value(), out);
      break;
    case json::kind::array:
      for (auto const& element : value.get_array())
        Walk(element, out);
      break;
    case json::kind::string:
      out += std::string_view(value.get_string());
      break;
    case json::kind::int64:
      out += std::to_string(value.get_int64());
      break;
    case json::kind::uint64:
      out += std::to_string(value.get_uint64());
      break;
    case json::kind::bool_:
      out += value.get_bool() ? "true" : "false";
      break;
    case json::kind::double_:
    case json::kind::null:
      break;
  }
}

std::string Sign(Digest const& digest) {
  std::string signature(kSignature, '\0');
  crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr, digest.data(),
                       digest.size(), Key().secret_key.data());
  return signature;
}

bool Verify(char const* signature, Digest const& digest) {
  return crypto_sign_verify_detached(reinterpret_cast<unsigned char const*>(signature),
                                     digest.data(), digest.size(), Key().public_key.data()) == 0;
}

}  // namespace

KeyPair const& Key() {
  static KeyPair const key = [] {
    KeyPair made;
    crypto_sign_keypair(made.public_key.data(), made.secret_key.data());
    return made;
  }();
  return key;
}

Digest Md5(std::string_view text) {
  Hash hash;
  hash.Add(text);
  return hash.Finish();
}

wire::Envelope MakeEnvelope(std::string const& document) {
  wire::Envelope e;
  e.set_uid("2f1c7a52-4a53-4d0c-9d4d-0a6d5e3f9b11");
  e.set_timestamp(1700000000);
  e.set_expiration(60);
  e.mutable_source()->set_twin(1001);
  e.mutable_source()->set_connection("bench-conn");
  e.mutable_destination()->set_twin(77);
  e.mutable_request()->set_command("zos.deployment.deploy");
  e.set_schema("application/json");
  e.set_plain(document);
  e.set_signature(std::string(kSignature + 1, 'x'));
  return e;
}

std::string SignedRequest(std::string const& document, std::string const& uid) {
  std::string text;
  Walk(json::parse(document), text);
  auto const signature = Sign(Md5(text));
  auto envelope = MakeEnvelope(document);
  envelope.set_uid(uid);
  std::string hex(2 * kSignature + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), reinterpret_cast<unsigned char const*>(signature.data()),
                 kSignature);
  hex.pop_back();
  envelope.mutable_source()->set_connection(hex);
  envelope.set_signature("e" + Sign(EnvelopeDigest(envelope)));
  return envelope.SerializeAsString();
}

bool Accept::CheckEnvelope() const {
  return in_.signature().size() == kSignature + 1 &&
         Verify(in_.signature().data() + 1, EnvelopeDigest(in_));
}

bool Accept::CheckDocument() {
  json::monotonic_resource arena;
  auto const value = json::parse(in_.plain(), &arena);
  text_.clear();
  Walk(value, text_);
  auto const digest = Md5(text_);
  std::array<unsigned char, kSignature> signature{};
  auto const& hex = in_.source().connection();
  if (sodium_hex2bin(signature.data(), signature.size(), hex.data(), hex.size(), nullptr, nullptr,
                     nullptr) != 0)
    return false;
  if (!Verify(reinterpret_cast<char const*>(signature.data()), digest)) return false;
  stored_ = json::serialize(value);
  return true;
}

bool Accept::MakeReply() {
  out_.Clear();
  out_.set_uid(in_.uid());
  out_.set_timestamp(in_.timestamp());
  out_.mutable_source()->set_twin(77);
  *out_.mutable_destination() = in_.source();
  out_.mutable_response();
  out_.set_plain("null");
  out_.set_signature("e" + Sign(EnvelopeDigest(out_)));
  return out_.SerializeToString(&reply_);
}

bool Accept::Run(void const* data, std::size_t size) {
  return in_.ParseFromArray(data, static_cast<int>(size)) && CheckEnvelope() && CheckDocument() &&
         MakeReply();
}

}  // namespace trellis::limits
