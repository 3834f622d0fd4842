#include "plugins/flist/rfs/block_source.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace trellis::plugins::flist {

namespace {

// Of all stores together, beside the time that the last one of them takes.
constexpr std::chrono::seconds kFetchLimit{30};

bool ParseByte(std::string_view digits, std::uint8_t& byte) {
  constexpr int kHex = 16;
  auto const* const end = digits.data() + digits.size();
  auto const parsed = std::from_chars(digits.data(), end, byte, kHex);
  return digits.size() == 2 && parsed.ec == std::errc() && parsed.ptr == end;
}

}  // namespace

Result<Route> ParseRoute(std::string_view text) {
  constexpr std::size_t kRange = 6;  // aa-bb=
  Route route;
  bool const ranged = text.size() > kRange && text[2] == '-' && text[5] == '=';
  if (ranged && (!ParseByte(text.substr(0, 2), route.first) ||
                 !ParseByte(text.substr(3, 2), route.last) || route.first > route.last))
    return Fail(Code::kInvalid, "'{}' is no range of blocks", text.substr(0, kRange - 1));
  route.url = ranged ? text.substr(kRange) : text;
  return route;
}

BlockSource::BlockSource(std::vector<Route> const& routes, StoreRules const& rules)
    : random_(std::random_device()()) {
  entries_.reserve(routes.size());
  for (auto const& route : routes)
    entries_.push_back({route, OpenStore(route.url, rules)});
}

std::vector<BlockSource::Entry*> BlockSource::Candidates(Digest const& id) {
  std::vector<Entry*> out;
  for (auto& entry : entries_) {
    if (id[0] >= entry.route.first && id[0] <= entry.route.last) out.push_back(&entry);
  }
  std::lock_guard const lock(mutex_);
  std::shuffle(out.begin(), out.end(), random_);
  return out;
}

Result<std::string> BlockSource::Fetch(BlockRef const& ref) {
  Result<std::string> last =
      Fail(Code::kUnavailable, "block '{}': key is not routable", HexOf(ref.id));
  auto const until = std::chrono::steady_clock::now() + kFetchLimit;
  for (auto* const entry : Candidates(ref.id)) {
    if (std::chrono::steady_clock::now() > until) break;  // who waits has waited long enough
    if (!entry->store) {
      last = tl::unexpected<Error>(entry->store.error());
      continue;
    }
    auto const sealed = (*entry->store)->Get(ref.id);
    last = sealed ? OpenBlock(ref, *sealed) : tl::unexpected<Error>(sealed.error());
    if (last) return last;
  }
  return last;
}

Result<void> BlockSource::Keep(SealedBlock const& block) {
  auto const stores = Candidates(block.ref.id);
  if (stores.empty())
    return Fail(Code::kInvalid, "no store takes blocks that begin with {:02x}", block.ref.id[0]);
  for (auto* const entry : stores) {
    if (!entry->store) return tl::unexpected<Error>(entry->store.error());
    TRELLIS_CHECK((*entry->store)->Put(block.ref.id, block.bytes));
  }
  return {};
}

Result<void> BlockSource::Sync() {
  for (auto const& entry : entries_) {
    if (entry.store) TRELLIS_CHECK((*entry.store)->Sync());
  }
  return {};
}

}  // namespace trellis::plugins::flist
