#include "tests/support/engine/engine_world.hpp"

#include "kernel/grid/signatures.hpp"
#include "kernel/grid/validate.hpp"
#include "kernel/store/outbox.hpp"
#include "kernel/store/schema.hpp"
#include "tests/support/patience.hpp"

#include <trellis/json.hpp>

#include <chrono>
#include <fstream>

namespace trellis::engine {

namespace {

// Not everything that a test waits for is followed by an event: a commit is seen before it is told.
constexpr std::chrono::milliseconds kLookAgain{50};

}  // namespace

EngineWorld::EngineWorld() {
  for (auto const twin : {kTwin, kOtherTwin}) {
    ledger::Twin stored;
    stored.id = twin;
    stored.account.bytes = SignerOf(twin).public_key();
    ledger_.PutTwin(stored);
  }
  plugins_.OnChange([this] {
    std::lock_guard const lock(mutex_);
    ++happened_;
    changed_.notify_all();
  });
  options_.node_id = testing::FakeLedger::kNode;
  options_.boot_id_path = (dir_ / "boot_id").string();
  WriteBootId("boot-0");
  OpenStore();
}

EngineWorld::~EngineWorld() {
  engine_.reset();
  plugins_.OnChange({});
}

void EngineWorld::WriteBootId(std::string const& id) {
  std::ofstream(dir_ / "boot_id") << id << '\n';
}

void EngineWorld::OpenStore() {
  auto database = store::Database::Open(dir_ / "trellis.db", store::Database::Mode::kReadWrite);
  ASSERT_TRUE(database) << database.error().message;
  ASSERT_TRUE(store::Migrate(**database));
  writer_ = store::Writer::Start(*std::move(database), "store", writer_options_);
  readers_ = std::make_unique<store::Readers>(dir_ / "trellis.db");
  services_ = std::make_unique<KernelServicesOverStore>(*writer_, *readers_, ledger_,
                                                        testing::FakeLedger::kNode);
}

void EngineWorld::Start() {
  ledger_.Revive();
  auto engine = Engine::Start(options_, *writer_, *readers_, plugins_, ledger_, clock_, *services_);
  ASSERT_TRUE(engine) << engine.error().message;
  engine_ = *std::move(engine);
  engine_->events().Subscribe([this](StateEvent const&) {
    std::lock_guard const lock(mutex_);
    ++happened_;
    changed_.notify_all();
  });
}

void EngineWorld::Stop() {
  engine_.reset();
}

void EngineWorld::Kill() {
  engine_.reset();
  ASSERT_TRUE(writer_->Commit(
      [](store::Database& db) { return store::SetMeta(db, "clean_shutdown", "0"); }));
}

void EngineWorld::Reboot() {
  Stop();
  plugins_.Reboot();
  WriteBootId(fmt::format("boot-{}", ++boots_));
  Start();
}

// ---- documents ----

crypto::Signer EngineWorld::SignerOf(std::uint32_t twin) const {
  std::array<std::uint8_t, 32> seed{};
  seed.fill(static_cast<std::uint8_t>(twin));
  return crypto::Signer::FromSeed(crypto::KeyType::kEd25519, seed);
}

grid::Deployment EngineWorld::ADocument(std::uint64_t contract, std::uint32_t version,
                                        std::vector<Item> const& items, std::uint32_t twin) {
  grid::Deployment document;
  document.twin_id = twin;
  document.contract_id = contract;
  document.version = version;
  document.signature_requirement.requests = {{twin, true, 1}};
  document.signature_requirement.weight_required = 1;
  for (auto const& item : items) {
    grid::Workload workload;
    workload.name = item.name;
    workload.type = item.type;
    workload.version = item.version;
    workload.data.text = item.data;
    document.workloads.push_back(workload);
  }
  return document;
}

std::string EngineWorld::Signed(grid::Deployment document) {
  auto const hash = grid::ChallengeHash(document, plugins_).value();
  grid::Sign(document, document.twin_id, SignerOf(document.twin_id), hash);
  return grid::ToJson(document);
}

std::string EngineWorld::Agreed(grid::Deployment document) {
  ledger::Contract contract;
  contract.contract_id = document.contract_id;
  contract.twin_id = document.twin_id;
  contract.kind = ledger::ContractKind::kNode;
  contract.state = ledger_.ContractOf(document.contract_id).state;
  contract.node_id = testing::FakeLedger::kNode;
  contract.hash = crypto::Hex(grid::ChallengeHash(document, plugins_).value());
  ledger_.PutContract(contract);
  return Signed(std::move(document));
}

Answer EngineWorld::Deploy(std::uint64_t contract, std::vector<Item> const& items,
                           std::uint32_t twin) {
  return engine_->Deploy(twin, Agreed(ADocument(contract, 0, items, twin)));
}

Answer EngineWorld::Update(std::uint64_t contract, std::uint32_t version,
                           std::vector<Item> const& items, std::uint32_t twin) {
  return engine_->Update(twin, Agreed(ADocument(contract, version, items, twin)));
}

void EngineWorld::SetContractState(std::uint64_t contract, ledger::ContractState state) {
  auto stored = ledger_.ContractOf(contract);
  stored.state = state;
  ledger_.PutContract(stored);
}

void EngineWorld::BeginGrace(std::uint64_t contract) {
  SetContractState(contract, ledger::ContractState::kGracePeriod);
  ASSERT_TRUE(engine_->Pause({kTwin, contract}));
}

void EngineWorld::EndGrace(std::uint64_t contract) {
  SetContractState(contract, ledger::ContractState::kCreated);
  ASSERT_TRUE(engine_->Resume({kTwin, contract}));
}

// ---- waiting ----

void EngineWorld::Until(std::function<bool()> const& ready, std::string const& what) {
  auto const end = std::chrono::steady_clock::now() + testing::kPatience;
  while (std::chrono::steady_clock::now() < end) {
    std::uint64_t seen = 0;
    {
      std::lock_guard const lock(mutex_);
      seen = happened_;
    }
    if (ready()) return;
    std::unique_lock lock(mutex_);
    (void)changed_.wait_for(lock, kLookAgain, [&] { return happened_ != seen; });
  }
  FAIL() << "waited in vain until " << what;
}

void EngineWorld::Settle() {
  Until([this] { return engine_->QueueDepth().all == 0; }, "all jobs are done");
}

void EngineWorld::UntilParked(std::uint64_t contract) {
  Until(
      [&] {
        auto const jobs = Jobs(contract);  // first: what is told after the commit is told then
        return !jobs.empty() && jobs.front().not_before > 0 && engine_->QueueDepth().running == 0;
      },
      "a job is parked");
}

void EngineWorld::UntilTried(std::uint32_t tries, std::uint64_t contract) {
  Until(
      [&] {
        auto const jobs = Jobs(contract);
        return !jobs.empty() && jobs.front().attempts == tries &&
               engine_->QueueDepth().running == 0;
      },
      fmt::format("it was tried {} times", tries));
}

// ---- looking ----

namespace {

std::vector<std::string> Texts(Answer const& answer, bool history) {
  if (!answer) return {answer.error().message};
  auto const value = json::ParseValue(*answer).value();
  auto const& list = history ? value.as_array() : value.at("workloads").as_array();
  std::vector<std::string> texts;
  for (auto const& workload : list) {
    std::string_view const name = workload.at("name").as_string();
    std::string_view const state = workload.at("result").at("state").as_string();
    auto const version = workload.at("version").to_number<std::uint32_t>();
    texts.push_back(history ? fmt::format("{}:{}:{}", name, version, state)
                            : fmt::format("{}:{}:{}", name, state, version));
  }
  return texts;
}

}  // namespace

std::vector<std::string> EngineWorld::Shown(std::uint64_t contract, std::uint32_t twin) {
  return Texts(engine_->Get(twin, contract), /*history=*/false);
}

std::vector<std::string> EngineWorld::History(std::uint64_t contract) {
  return Texts(engine_->Changes(kTwin, contract), /*history=*/true);
}

std::string EngineWorld::MessageOf(std::string const& name, std::uint64_t contract) {
  auto const row = Row(name, contract);
  return row.has_value() ? row->message : "there is no such workload";
}

std::optional<store::WorkloadRow> EngineWorld::Row(std::string const& name,
                                                   std::uint64_t contract) {
  return Look([&](store::Database& db) {
    return store::FindWorkload(db, {kTwin, contract}, name);
  });
}

std::optional<store::DeploymentRow> EngineWorld::Stored(std::uint64_t contract) {
  return Look([&](store::Database& db) { return store::FindDeployment(db, {kTwin, contract}); });
}

std::string EngineWorld::Document(std::uint64_t contract) {
  return Look(
      [&](store::Database& db) { return store::ReadDocument(db, Stored(contract).value()); });
}

std::vector<store::JobRow> EngineWorld::Jobs(std::uint64_t contract) {
  return Look([&](store::Database& db) {
    return store::ListJobs(db, store::DeploymentKey{kTwin, contract});
  });
}

void EngineWorld::QuietDown() {
  auto const end = std::chrono::steady_clock::now() + testing::kPatience;
  auto const told = [this] {
    return ledger_.reports() > 0 &&
           Look([](store::Database& db) { return store::ReadOutboxStats(db, 0); }).rows == 0;
  };
  // The first look for orphans notes that a new store may remove them.
  auto const looked = [this] {
    return Look([](store::Database& db) { return store::GetMeta(db, "orphans_confirmed"); }) == "1";
  };
  while (!(told() && looked()) && std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
  ASSERT_TRUE(told() && looked());
  // Readers see a commit before the writer has counted it; behind another one it has.
  ASSERT_TRUE(writer_->Commit([](store::Database&) { return Result<void>(); }));
}

std::vector<std::string> EngineWorld::Held() {
  std::vector<std::string> ids;
  for (auto const& [id, instance] : plugins_.Inventory())
    ids.push_back(id);
  return ids;
}

}  // namespace trellis::engine
