#include "kernel/ledger/substrate/hashers.hpp"
#include "tests/unit/kernel/ledger/substrate/chain_types.hpp"

namespace trellis::ledger::substrate {
namespace {

std::string KeyOf(std::string_view pallet, std::string_view item, std::vector<json::Value> keys) {
  auto const* const found = Runtime().FindStorage(pallet, item);
  if (found == nullptr) return "no such item";
  return HexOf(StorageKey(Runtime(), *Runtime().FindPallet(pallet), *found, keys));
}

TEST(StorageKeys, AreThoseOfTheChain) {
  EXPECT_EQ(KeyOf("TfgridModule", "Twins", {7}),
            "19a2526838feefd7695a3b5715b415b1311378229266fc86f673a3f4cf398e6999850724010e3222888eeb"
            "8478c9ffd307000000");
  EXPECT_EQ(KeyOf("SmartContractModule", "Contracts", {77}),
            "44cb2e51a1811cda53a74b4395e03d574342193e496fab7ec59d615ed0dc5530191532d908c01a47a22a3c"
            "3a071018714d00000000000000");
  EXPECT_EQ(KeyOf("SmartContractModule", "ContractIDByNameRegistration", {"mysite"}),
            "44cb2e51a1811cda53a74b4395e03d57364bdba29acc58a903c46b1daed736d154929511ae3058d8a0f67b"
            "2f9d48d170186d7973697465");
  EXPECT_EQ(
      KeyOf("SmartContractModule", "ContractIDByNodeIDAndHash",
            {1, "4472ed613288b36e403244a9bcd6df5f"}),
      "44cb2e51a1811cda53a74b4395e03d57909385366f0e1dfc293f0a45f60df2d7d82c12285b5d4551f88e8f"
      "6e7eb52b810100000093ae3be6f0fedc9325703e4326968fa43434373265643631333238386233366534303"
      "332343461396263643664663566");
}

TEST(StorageKeys, OfSingleValuesAreThePrefix) {
  EXPECT_EQ(KeyOf("System", "Events", {}),
            "26aa394eea5630e07c48ae0c9558cef780d41e5e16056765bc8461851072c9d7");
  EXPECT_EQ(KeyOf("Timestamp", "Now", {}),
            "f0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb");
}

TEST(StorageKeys, CanBeReadBack) {
  auto const* const item =
      Runtime().FindStorage("SmartContractModule", "ContractIDByNodeIDAndHash");
  ASSERT_NE(item, nullptr);
  std::vector<json::Value> const keys{json::Value(std::uint64_t{1}),
                                      json::Value(std::string(32, 'a'))};
  auto const key = StorageKey(Runtime(), *Runtime().FindPallet("SmartContractModule"), *item, keys);
  ASSERT_TRUE(key);
  auto const read = ReadStorageKeys(Runtime(), *item, BytesView(*key).subspan(kStoragePrefix));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, keys);
  auto cut = BytesView(*key).subspan(kStoragePrefix);
  EXPECT_FALSE(ReadStorageKeys(Runtime(), *item, cut.first(cut.size() - 1)));
}

TEST(StorageKeys, HashersAgreeOnLongInput) {
  // xxHash takes 32 bytes at a time, then 8, 4 and 1: one text crosses all of them.
  std::string const text = "The quick brown fox jumps over the lazy dog, and again.";
  EXPECT_EQ(Xxh64(crypto::AsBytes(""), 0), 0xef46db3751d8e999U);
  EXPECT_EQ(Xxh64(crypto::AsBytes("The quick brown fox jumps over the lazy dog"), 0),
            0x0b242d361fda71bcU);
  EXPECT_NE(Xxh64(crypto::AsBytes(text), 0), Xxh64(crypto::AsBytes(text), 1));
}

}  // namespace
}  // namespace trellis::ledger::substrate
