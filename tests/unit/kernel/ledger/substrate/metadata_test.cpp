#include "kernel/ledger/substrate/metadata.hpp"

#include "tests/unit/kernel/ledger/substrate/chain_types.hpp"

namespace trellis::ledger::substrate {
namespace {

TEST(MetadataBytes, ComeBackTheSame) {
  auto const bytes = EncodeMetadata(Runtime());
  auto const read = DecodeMetadata(bytes);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(EncodeMetadata(*read), bytes);
  auto const* const call =
      read->FindVariant(read->FindPallet("SmartContractModule")->calls, "create_name_contract");
  ASSERT_NE(call, nullptr);
  EXPECT_EQ(call->index, 4);
}

TEST(MetadataBytes, CutAnywhereAreRefused) {
  auto const bytes = EncodeMetadata(Runtime());
  for (std::size_t size = 0; size < bytes.size(); size += 97)
    EXPECT_FALSE(DecodeMetadata(BytesView(bytes).first(size))) << size;
}

TEST(MetadataBytes, OfAnotherVersionAreRefused) {
  auto bytes = EncodeMetadata(Runtime());
  bytes[4] = 15;
  auto const read = DecodeMetadata(bytes);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::kUnsupported);
}

TEST(MetadataBytes, WithATypeThatIsNotThereAreRefused) {
  auto runtime = Runtime();
  runtime.runtime = 10'000;
  EXPECT_FALSE(DecodeMetadata(EncodeMetadata(runtime)));
}

TEST(TheRuntime, HasTheChainsNumbers) {
  auto const number = [](std::string_view pallet, auto kind, std::string_view name) {
    auto const* const owner = Runtime().FindPallet(pallet);
    auto const* const variant = Runtime().FindVariant(owner->*kind, name);
    return variant == nullptr ? -1 : owner->index * 1000 + variant->index;
  };
  EXPECT_EQ(number("TfgridModule", &Pallet::calls, "update_twin"), 25018);
  EXPECT_EQ(number("TfgridModule", &Pallet::calls, "report_uptime_v2"), 25038);
  EXPECT_EQ(number("TfgridModule", &Pallet::calls, "remove_farm_ip"), 25006);
  EXPECT_EQ(number("TfgridModule", &Pallet::events, "PowerTargetChanged"), 25029);
  EXPECT_EQ(number("TfgridModule", &Pallet::events, "NodePublicConfigStored"), 25007);
  EXPECT_EQ(number("SmartContractModule", &Pallet::calls, "create_rent_contract"), 26007);
  EXPECT_EQ(number("SmartContractModule", &Pallet::events, "ContractGracePeriodEnded"), 26014);
  EXPECT_EQ(number("SmartContractModule", &Pallet::errors, "NameExists"), 26015);
  EXPECT_EQ(number("SmartContractModule", &Pallet::errors, "NodeNotAvailableToDeploy"), 26025);
  EXPECT_EQ(number("TfgridModule", &Pallet::errors, "InvalidRelayAddress"), 25113);
  EXPECT_EQ(number("TfgridModule", &Pallet::errors, "TwinWithPubkeyExists"), 25028);
  EXPECT_EQ(number("Utility", &Pallet::calls, "batch_all"), 3002);
}

TEST(Values, DoNotGrowWithoutBytes) {
  // A list that claims a million entries in four bytes.
  Bytes const lie{0x02, 0x00, 0x3d, 0x00};
  Decoder in(lie);
  (void)Codec().Decode(Runtime().FindStorage("System", "Events")->value, in);
  EXPECT_FALSE(in.ok());
}

TEST(Values, BatchesInsideBatchesEnd) {
  Bytes nested;
  for (int i = 0; i < 10'000; ++i)
    nested.insert(nested.end(), {3, 0, 4});  // utility.batch of one call
  Decoder in(nested);
  (void)Codec().Decode(TypeNamed("RuntimeCall"), in);
  EXPECT_FALSE(in.ok());
}

TEST(Values, MissingFieldsAreNamed) {
  auto const bytes = Codec().Encode(TypeNamed("PublicIP"), boost::json::object{{"ip", "a"}});
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().message, "field 'gateway' is missing");
}

}  // namespace
}  // namespace trellis::ledger::substrate
