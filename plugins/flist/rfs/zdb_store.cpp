// Blocks of a zdb or Redis server: `GET <32 raw bytes>`.
#include "plugins/common/posix/files.hpp"
#include "plugins/flist/rfs/resp_connection.hpp"
#include "plugins/flist/rfs/store.hpp"

#include <fmt/ranges.h>

#include <mutex>

namespace trellis::plugins::flist {

namespace {

constexpr std::size_t kMaxIdle = 20;

std::string_view View(Digest const& digest) {
  return {reinterpret_cast<char const*>(digest.data()), digest.size()};
}

class ZdbStore final : public BlockStore {
 public:
  explicit ZdbStore(ZdbAddress address) : address_(std::move(address)) {}

  Result<std::string> Get(Digest const& id) override {
    TRELLIS_TRY(auto reply, Ask({"GET", View(id)}));
    if (!reply) return Fail(Code::kNotFound, "{} has no block '{}'", Name(), HexOf(id));
    if (reply->empty()) return Fail(Code::kDecode, "{} has an empty block '{}'", Name(), HexOf(id));
    return *std::move(reply);
  }

  Result<void> Put(Digest const& id, std::string_view sealed) override {
    TRELLIS_TRY(auto const reply, Ask({"SET", View(id), sealed}));
    (void)reply;
    return {};
  }

 private:
  using Words = std::vector<std::string_view>;

  [[nodiscard]] std::string Name() const {
    if (address_.host.empty()) return fmt::format("'zdb://{}'", address_.socket);
    return fmt::format("'zdb://{}:{}/{}'", address_.host, address_.port, address_.ns);
  }

  // A kept connection may have been closed by the server meanwhile: then once more with a new one.
  Result<std::optional<std::string>> Ask(Words const& words) {
    auto kept = TakeIdle();
    if (kept) {
      auto reply = Exchange(*std::move(kept), words);
      if (reply || reply.error().code != Code::kUnavailable) return reply;
    }
    TRELLIS_TRY(auto fresh, Connect());
    return Exchange(std::move(fresh), words);
  }

  Result<std::optional<std::string>> Exchange(RespConnection connection, Words const& words) {
    auto reply = connection.Ask(words, kMaxSealedBytes);
    if (!reply) return tl::unexpected<Error>(std::move(reply).error().With("{}", Name()));
    std::lock_guard const lock(mutex_);
    if (idle_.size() < kMaxIdle) idle_.push_back(std::move(connection));
    return reply;
  }

  Result<RespConnection> Connect() {
    auto connection = address_.host.empty() ? RespConnection::Unix(address_.socket)
                                            : RespConnection::Tcp(address_.host, address_.port);
    if (!connection) return tl::unexpected<Error>(std::move(connection).error().With("{}", Name()));
    if (address_.ns.empty() || address_.ns == "default") return connection;
    Words words{"SELECT", address_.ns};
    if (!address_.password.empty()) words.emplace_back(address_.password);
    auto const selected = connection->Ask(words, kMaxSealedBytes);
    if (!selected) return tl::unexpected<Error>(Error(selected.error()).With("{}", Name()));
    return connection;
  }

  std::optional<RespConnection> TakeIdle() {
    std::lock_guard const lock(mutex_);
    if (idle_.empty()) return std::nullopt;
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    return connection;
  }

  ZdbAddress address_;
  std::mutex mutex_;  // guards idle_
  std::vector<RespConnection> idle_;
};

}  // namespace

std::unique_ptr<BlockStore> MakeZdbStore(ZdbAddress address) {
  return std::make_unique<ZdbStore>(std::move(address));
}

}  // namespace trellis::plugins::flist
