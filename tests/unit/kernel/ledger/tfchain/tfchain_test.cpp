// The TFChain adapter against this project's own façade, which speaks the chain's protocol.
#include "kernel/ledger/facade/facade.hpp"
#include "kernel/ledger/facade/runtime.hpp"
#include "kernel/ledger/tfchain/tfchain_ledger.hpp"
#include "kernel/sys/ports.hpp"
#include "tests/support/patience.hpp"
#include "tests/unit/kernel/ledger/facade/chain_world.hpp"

#include <thread>

namespace trellis::ledger {
namespace {

using crypto::KeyType;
using facade::ChainWorld;
using facade::SignerOf;
using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): literals

class Tfchain : public ChainWorld {
 protected:
  void SetUp() override {
    ChainWorld::SetUp();
    StartFacade(sys::PickPort().value(), nullptr);
    TfchainOptions options;
    options.urls = {facade_->url()};
    options.patience = testing::kPatience;
    options.longest_pause = 100ms;
    options.signers = {farmer_, node_, alice_, bob_, SignerOf(KeyType::kSr25519, 50)};
    auto opened = TfchainLedger::Open(std::move(options));
    ASSERT_TRUE(opened) << opened.error().message;
    remote_ = *std::move(opened);
  }
  void TearDown() override {
    remote_.reset();
    facade_.reset();
  }
  void StartFacade(std::uint16_t port, std::shared_ptr<facade::Runtime const> runtime) {
    FacadeOptions options;
    options.port = port;
    options.finality = 20ms;
    options.runtime = std::move(runtime);
    auto started = Facade::Start(std::move(options), *ledger_);
    ASSERT_TRUE(started) << started.error().message;
    facade_ = *std::move(started);
  }
  [[nodiscard]] std::uint16_t Port() const {
    return static_cast<std::uint16_t>(
        std::stoi(facade_->url().substr(facade_->url().rfind(':') + 1)));
  }

  /// The chain's name of the refusal, "" for none.
  std::string Refusal(Caller const& caller, ledger::Call const& call) {
    auto const done = remote_->Submit(caller, call);
    return done ? "" : done.error().message.substr(0, done.error().message.find(':'));
  }
  static CreateNodeContract Deploy(unsigned hash, std::uint32_t ips = 0) {
    return {.node = kNode,
            .hash = Hash(hash),
            .data = "{}",
            .public_ips = ips,
            .solution_provider = {}};
  }
  /// All events behind the cursor once the newest block is final.
  std::vector<Event> EventsAfter(std::uint64_t cursor) {
    auto const head = chain_->Height().value();
    std::vector<Event> events;
    for (;;) {
      auto const page = remote_->EventsAfter(cursor, 7);
      if (!page) {
        ADD_FAILURE() << page.error().message;
        return events;
      }
      events.insert(events.end(), page->events.begin(), page->events.end());
      cursor = page->next;
      if (!page->events.empty()) continue;
      if (cursor >> 16U >= head) return events;
      (void)remote_->Wait(cursor, 2s);
    }
  }

  std::unique_ptr<Facade> facade_;
  std::unique_ptr<TfchainLedger> remote_;
};

TEST_F(Tfchain, ReadsTheSameAsTheLedgerBehindIt) {
  ASSERT_TRUE(ledger_->Submit(By(kAlice), UpdateTwin{.relay = "r.example.org", .pk = {}}));
  ASSERT_TRUE(ledger_->Submit(By(kAlice), Deploy(1)));
  ASSERT_TRUE(ledger_->Submit(By(kAlice), CreateNameContract{.name = "mysite"}));
  EXPECT_EQ(json::Dump(remote_->GetTwin(kAlice).value()),
            json::Dump(ledger_->GetTwin(kAlice).value()));
  EXPECT_EQ(json::Dump(remote_->GetFarm(kFarm).value()),
            json::Dump(ledger_->GetFarm(kFarm).value()));
  EXPECT_EQ(json::Dump(remote_->GetNode(kNode).value()),
            json::Dump(ledger_->GetNode(kNode).value()));
  auto contract = ledger_->GetContract(1).value();
  contract.created = 0;  // the chain does not know
  EXPECT_EQ(json::Dump(remote_->GetContract(1).value()), json::Dump(contract));
  Account account;
  account.bytes = alice_.public_key();
  EXPECT_EQ(remote_->TwinByAccount(account).value(), kAlice);
  EXPECT_EQ(remote_->NodeByTwin(kNodeTwin).value(), kNode);
  EXPECT_EQ(remote_->ListNodes(kFarm).value(), std::vector<std::uint32_t>{kNode});
  EXPECT_EQ(remote_->ListNodeContracts(kNode).value().ids, std::vector<std::uint64_t>{1});
  EXPECT_EQ(remote_->ListNodeContracts(kNode).value().height, chain_->Height().value());
  EXPECT_EQ(remote_->NameContract("mysite").value(), 2U);
  EXPECT_EQ(remote_->ContractByHash(kNode, Hash(1)).value(), 1U);
  EXPECT_EQ(remote_->RentContract(kNode).value(), std::nullopt);
  EXPECT_EQ(remote_->GetHead().value().time, clock_.UnixSeconds());
  EXPECT_TRUE(remote_->TwinVerified(kAlice).value());
}

TEST_F(Tfchain, WhatIsNotThereIsNotFound) {
  EXPECT_EQ(remote_->GetTwin(99).error().code, Code::kNotFound);
  EXPECT_EQ(remote_->GetContract(99).error().code, Code::kNotFound);
  EXPECT_EQ(remote_->GetNode(99).error().code, Code::kNotFound);
  EXPECT_EQ(remote_->GetFarm(99).error().code, Code::kNotFound);
  EXPECT_EQ(remote_->NodeByTwin(kAlice).error().code, Code::kNotFound);
  EXPECT_EQ(remote_->NameContract("nothing").error().code, Code::kNotFound);
  EXPECT_EQ(remote_->ContractByHash(kNode, Hash(9)).error().code, Code::kNotFound);
  EXPECT_EQ(remote_->ContractByHash(kNode, "short").error().code, Code::kNotFound);
  EXPECT_TRUE(remote_->ListNodeContracts(99).value().ids.empty());
}

TEST_F(Tfchain, WritesWithEachKeyAndGivesTheNewIds) {
  EXPECT_EQ(remote_->Submit(By(kAlice), Deploy(1)).value(), 1U);
  EXPECT_EQ(remote_->Submit(By(kBob), Deploy(2)).value(), 2U);
  EXPECT_EQ(Refusal(By(kAlice), UpdateNodeContract{.contract = 1, .hash = Hash(3), .data = "new"}),
            "");
  EXPECT_EQ(remote_->GetContract(1).value().data, "new");
  EXPECT_EQ(remote_->Submit(By(kAlice), CreateNameContract{.name = "mysite"}).value(), 3U);
  CreateTwin twin;
  twin.account.bytes = SignerOf(KeyType::kSr25519, 50).public_key();
  EXPECT_EQ(remote_->Submit({}, twin).value(), 5U);
  RegisterNode node;
  node.spec.farm_id = kFarm;
  node.spec.serial = "S2";
  EXPECT_EQ(remote_->Submit(By(kBob), node).value(), 2U);
  EXPECT_EQ(remote_->Submit(By(kAlice), CancelContract{.contract = 1}).value(), 0U);
  EXPECT_EQ(remote_->GetContract(1).error().code, Code::kNotFound);
}

TEST_F(Tfchain, NodesAndFarmersWriteToo) {
  ASSERT_TRUE(ledger_->Submit(By(kAlice), Deploy(1)));
  EXPECT_EQ(Refusal(By(kNodeTwin),
                    ReportResources{{{.contract = 1, .hru = 1, .sru = 2, .cru = 3, .mru = 4}}}),
            "");
  EXPECT_EQ(ledger_->ReportedResources(1).value().mru, 4U);
  EXPECT_EQ(
      Refusal(By(kNodeTwin),
              ReportNru{{{.contract = 1, .timestamp = 1'700'000'000, .window = 60, .nru = 5}}}),
      "");
  EXPECT_EQ(Refusal(By(kNodeTwin), ReportUptime{.uptime = 1, .timestamp = clock_.UnixSeconds()}),
            "");
  UpdateNode update;
  update.node = kNode;
  update.spec.farm_id = kFarm;
  update.spec.resources.cru = 8;
  EXPECT_EQ(Refusal(By(kNodeTwin), update), "");
  EXPECT_EQ(ledger_->GetNode(kNode).value().resources.cru, 8U);
  EXPECT_EQ(Refusal(By(kFarmer),
                    AddFarmIp{.farm = kFarm, .ip = "185.69.166.10/24", .gateway = "185.69.166.1"}),
            "");
  EXPECT_EQ(Refusal(By(kFarmer), RemoveFarmIp{.farm = kFarm, .ip = "185.69.166.10/24"}), "");
  SetPublicConfig config;
  config.node = kNode;
  config.config = PublicConfig{
      .ip4 = {.ip = "185.69.166.20/24", .gw = "185.69.166.1"}, .ip6 = {}, .domain = {}};
  EXPECT_EQ(Refusal(By(kFarmer), config), "");
  EXPECT_TRUE(ledger_->GetNode(kNode).value().public_config);
  EXPECT_EQ(Refusal(By(kNodeTwin), SetPowerState{.state = Power::kDown}), "");
  EXPECT_EQ(Refusal(By(kFarmer), SetPowerTarget{.node = kNode, .target = Power::kDown}), "");
  EXPECT_EQ(remote_->GetNode(kNode).value().power.target, Power::kDown);
}

TEST_F(Tfchain, RefusalsHaveTheChainsNamesAndClasses) {
  ASSERT_TRUE(ledger_->Submit(By(kAlice), Deploy(1)));
  EXPECT_EQ(Refusal(By(kBob), Deploy(1)), "ContractIsNotUnique");
  EXPECT_EQ(remote_->Submit(By(kBob), Deploy(1)).error().code, Code::kConflict);
  EXPECT_EQ(Refusal(By(kBob), CancelContract{.contract = 1}), "TwinNotAuthorizedToCancelContract");
  EXPECT_EQ(remote_->Submit(By(kBob), CancelContract{.contract = 9}).error().code, Code::kNotFound);
  EXPECT_EQ(Refusal(By(kAlice), CreateNameContract{.name = "ab"}), "NameContractNameTooShort");
  EXPECT_EQ(Refusal(By(kAlice), Deploy(2, 3)), "FarmHasNotEnoughPublicIPs");
  auto bad = Deploy(3);
  bad.hash = "short";
  EXPECT_EQ(Refusal(By(kAlice), bad), "HashNotValid");
  EXPECT_EQ(Refusal(By(kNodeTwin), ReportUptime{.uptime = 1, .timestamp = 5}),
            "InvalidTimestampHint");
  EXPECT_EQ(Refusal(Admin(), StartGrace{.contract = 1}), "AdminOnly");
}

TEST_F(Tfchain, WritesOnlyForThoseWhoseKeysItHas) {
  CreateTwin other;
  other.account.bytes = SignerOf(KeyType::kEd25519, 60).public_key();
  EXPECT_EQ(remote_->Submit({}, other).error().code, Code::kDenied);
  ASSERT_TRUE(ledger_->Submit({}, other));
  EXPECT_EQ(remote_->Submit(By(5), Deploy(1)).error().code, Code::kDenied);
  EXPECT_EQ(
      remote_->Submit({.twin = kAlice, .admin = false, .request_id = "r"}, Deploy(1)).error().code,
      Code::kUnsupported);
}

TEST_F(Tfchain, BatchesAreAllOrNothing) {
  auto const ids =
      remote_->SubmitAll(By(kAlice), {Deploy(1), UpdateTwin{}, CreateNameContract{.name = "site"}});
  ASSERT_TRUE(ids) << ids.error().message;
  EXPECT_EQ(*ids, (std::vector<std::uint64_t>{1, 0, 2}));
  auto const failed = remote_->SubmitAll(By(kAlice), {Deploy(2), Deploy(1)});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::kConflict);
  EXPECT_FALSE(ledger_->ContractByHash(kNode, Hash(2)));
}

TEST_F(Tfchain, EventsAreThoseOfTheLedgerInItsOrder) {
  ASSERT_TRUE(ledger_->Submit(
      By(kFarmer), AddFarmIp{.farm = kFarm, .ip = "185.69.166.10/24", .gateway = "185.69.166.1"}));
  ASSERT_TRUE(ledger_->Submit(By(kAlice), Deploy(1, 1)));
  ASSERT_TRUE(ledger_->Submit(By(kBob), CreateRentContract{.node = 2, .solution_provider = {}})
                  .error()
                  .code == Code::kNotFound);
  ASSERT_TRUE(ledger_->Submit(Admin(), StartGrace{.contract = 1}));
  ASSERT_TRUE(ledger_->Submit(Admin(), EndGrace{.contract = 1}));
  ASSERT_TRUE(remote_->SubmitAll(
      By(kAlice), {CreateNameContract{.name = "site"}, CancelContract{.contract = 1}}));
  ASSERT_TRUE(ledger_->Submit(By(kAlice), CancelContract{.contract = 2}));
  auto const events = EventsAfter(0);
  auto const expected = ledger_->EventsAfter(0, 1'000).value().events;
  ASSERT_EQ(events.size(), expected.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].kind.ToString(), expected[i].kind.ToString()) << i;
    EXPECT_EQ(events[i].height, expected[i].height) << i;
    bool const lacks_place = expected[i].kind == EventKind::kIpsFreed;  // the chain's tells no node
    if (!lacks_place) {
      EXPECT_EQ(events[i].contract, expected[i].contract) << i;
    }
    if (i > 0) {
      EXPECT_GT(events[i].seq, events[i - 1].seq);
    }
  }
}

TEST_F(Tfchain, FollowingGoesOnFromAnyCursor) {
  ASSERT_TRUE(
      remote_->SubmitAll(By(kAlice), {Deploy(1), Deploy(2), CancelContract{.contract = 1}}));
  auto const all = EventsAfter(0);
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto const rest = EventsAfter(all[i].seq);
    ASSERT_EQ(rest.size(), all.size() - i - 1) << "after event " << i;
    if (rest.empty()) break;
    EXPECT_EQ(rest.front().seq, all[i + 1].seq);
    EXPECT_TRUE(remote_->Wait(all[i].seq, 2s).value()) << "the rest of the block is there already";
  }
}

TEST_F(Tfchain, CancellationsWakeAndCarryTheNode) {
  ASSERT_TRUE(ledger_->Submit(By(kAlice), Deploy(1)));
  (void)EventsAfter(0);
  auto const cursor = remote_->GetHead().value().last_seq;
  ASSERT_TRUE(ledger_->Submit(By(kAlice), CancelContract{.contract = 1}));
  ASSERT_TRUE(remote_->Wait(cursor, testing::kPatience).value());
  auto const events = EventsAfter(cursor);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, EventKind::kNodeContractCanceled);
  EXPECT_EQ(events[0].node, kNode);
  EXPECT_EQ(events[0].contract, 1U);
  EXPECT_EQ(events[0].twin, kAlice);
}

TEST_F(Tfchain, WaitingEndsAtTheTimeOutAndAtAnInterrupt) {
  (void)EventsAfter(0);
  auto const cursor = remote_->GetHead().value().last_seq;
  EXPECT_FALSE(remote_->Wait(cursor, 10ms).value());
  std::jthread const other([&] { remote_->Interrupt(); });
  EXPECT_FALSE(remote_->Wait(cursor, 60s).value());
}

TEST_F(Tfchain, ACursorOfTheFutureIsRefused) {
  auto const page = remote_->EventsAfter(std::uint64_t{1'000'000} << 16U, 10);
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, Code::kConflict);
  EXPECT_TRUE(page.error().message.starts_with("CursorTooOld:")) << page.error().message;
}

TEST_F(Tfchain, ANodeThatIsAwayIsUnavailableAndComesBack) {
  ASSERT_TRUE(ledger_->Submit(By(kAlice), Deploy(1)));
  TfchainOptions options;
  options.urls = {facade_->url()};
  options.patience = 100ms;
  options.longest_pause = 100ms;
  auto const impatient = TfchainLedger::Open(std::move(options)).value();
  ASSERT_TRUE(remote_->GetContract(1));
  auto const port = Port();
  facade_.reset();
  auto const lost = impatient->ListNodeContracts(kNode);
  ASSERT_FALSE(lost) << "never an empty list instead";
  EXPECT_EQ(lost.error().code, Code::kUnavailable);
  StartFacade(port, nullptr);
  EXPECT_EQ(remote_->ListNodeContracts(kNode).value().ids.size(), 1U);
}

TEST_F(Tfchain, TheNextNodeIsAskedWhenOneIsLost) {
  FacadeOptions second;
  auto const other = Facade::Start(std::move(second), *ledger_);
  ASSERT_TRUE(other) << other.error().message;
  TfchainOptions options;
  options.urls = {facade_->url(), (*other)->url()};
  options.patience = testing::kPatience;
  options.longest_pause = 100ms;
  options.signers = {alice_};
  auto const both = TfchainLedger::Open(std::move(options)).value();
  ASSERT_TRUE(both->Submit(By(kAlice), Deploy(1)));

  remote_.reset();
  facade_.reset();

  auto const read = both->GetContract(1);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->hash, Hash(1));
  auto const written = both->Submit(By(kAlice), Deploy(2));
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(*written, 2U);
}

TEST_F(Tfchain, AnUpgradedRuntimeIsUnderstood) {
  ASSERT_TRUE(remote_->Submit(By(kAlice), Deploy(1)));
  // Numbers and layouts move: nothing may depend on them.
  auto metadata = facade::MakeRuntime().value();
  for (auto& pallet : metadata.pallets)
    if (pallet.name == "SmartContractModule") pallet.index = 77;
  for (auto& type : metadata.types) {
    auto* const choice = std::get_if<substrate::Choice>(&type.shape);
    if (choice != nullptr && !type.path.empty() && type.path.front() == "tfchain_runtime") {
      for (auto& variant : choice->variants)
        if (variant.name == "SmartContractModule") variant.index = 77;
    }
    auto* const composite = std::get_if<substrate::Composite>(&type.shape);
    if (composite != nullptr && !type.path.empty() && type.path.back() == "Contract")
      std::ranges::reverse(composite->fields);
  }
  auto const port = Port();
  facade_.reset();
  StartFacade(port, std::make_shared<facade::Runtime const>(std::move(metadata), 150));
  EXPECT_EQ(remote_->Submit(By(kAlice), Deploy(2)).value(), 2U);
  EXPECT_EQ(remote_->GetContract(2).value().hash, Hash(2));
  EXPECT_EQ(Refusal(By(kBob), CancelContract{.contract = 2}), "TwinNotAuthorizedToCancelContract");
}

TEST_F(Tfchain, AChainWithoutTheGridsStorageIsRefused) {
  auto metadata = facade::MakeRuntime().value();
  std::erase_if(metadata.pallets, [](auto const& pallet) { return pallet.name == "TfgridModule"; });
  auto const port = Port();
  remote_.reset();
  facade_.reset();
  StartFacade(port, std::make_shared<facade::Runtime const>(std::move(metadata), 149));
  TfchainOptions options;
  options.urls = {facade_->url()};
  options.patience = testing::kPatience;
  remote_ = TfchainLedger::Open(std::move(options)).value();
  auto const twin = remote_->GetTwin(1);
  ASSERT_FALSE(twin);
  EXPECT_EQ(twin.error().code, Code::kUnsupported);
  EXPECT_EQ(twin.error().message, "the chain has no storage 'TfgridModule.Twins'");
}

TEST_F(Tfchain, AnotherChainAtTheSameAddressIsNotWrittenTo) {
  ASSERT_TRUE(remote_->Submit(By(kAlice), Deploy(1)));
  auto const port = Port();
  facade_.reset();
  auto const first = std::exchange(ledger_, EmbeddedLedger::Open(dir_ / "other.db").value());
  for (auto const* signer : {&farmer_, &node_, &alice_}) {
    CreateTwin call;
    call.account.bytes = signer->public_key();
    ASSERT_TRUE(ledger_->Submit({}, call));
  }
  StartFacade(port, nullptr);
  auto const written = remote_->Submit(By(kAlice), UpdateTwin{});
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Code::kConflict) << written.error().message;
  facade_.reset();
}

TEST(TfchainUrl, OthersThanWebsocketsAreRefused) {
  TfchainOptions options;
  options.urls = {"http://127.0.0.1:1"};
  auto const opened = TfchainLedger::Open(std::move(options));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kInvalid);
}

}  // namespace
}  // namespace trellis::ledger
