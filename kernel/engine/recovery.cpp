#include "kernel/engine/recovery.hpp"

#include "kernel/base/strings.hpp"
#include "kernel/engine/job_state.hpp"
#include "kernel/store/schema.hpp"

namespace trellis::engine {
namespace {

/// Which plugins there are, as one text to compare.
std::string PluginsText(plugin::Plugins const& plugins) {
  std::string text;
  for (auto const& plugin : plugins.Status())
    text += fmt::format("{} {} {}\n", plugin.name, plugin.version, plugin.state);
  return text;
}

/// Writes only what changed.
Result<void> NoteMeta(store::Database& db, std::string_view key, std::string const& value) {
  TRELLIS_TRY(auto const before, store::GetMeta(db, key));
  return before == value ? Result<void>() : store::SetMeta(db, key, value);
}

Result<Boot> NoteStart(store::Database& db, std::string const& boot_id) {
  Boot boot;
  TRELLIS_TRY(auto const generation, store::GetMeta(db, "generation"));
  TRELLIS_TRY(auto const last_boot, store::GetMeta(db, "boot_id"));
  TRELLIS_TRY(auto const clean, store::GetMeta(db, "clean_shutdown"));
  boot.generation = strings::ParseNumber<std::int64_t>(generation).value_or(0) + 1;
  boot.rebooted = !last_boot.empty() && last_boot != boot_id;
  boot.crashed = !last_boot.empty() && last_boot == boot_id && clean != "1";
  TRELLIS_CHECK(store::SetMeta(db, "generation", std::to_string(boot.generation)));
  TRELLIS_CHECK(NoteMeta(db, "boot_id", boot_id));
  TRELLIS_CHECK(NoteMeta(db, "clean_shutdown", "0"));
  return boot;
}

}  // namespace

Result<Boot> Recover(store::Writer& writer, plugin::Plugins const& plugins,
                     std::string const& boot_id, std::int64_t now) {
  Boot boot;
  auto const present = PluginsText(plugins);
  TRELLIS_CHECK(writer.Commit([&](store::Database& db) -> Result<void> {
    TRELLIS_TRY(boot, NoteStart(db, boot_id));
    if (boot.crashed) TRELLIS_CHECK(store::CountCrashes(db, boot.generation - 1));
    TRELLIS_TRY(auto const before, store::GetMeta(db, "plugins"));
    if (before != present) TRELLIS_CHECK(store::ReleaseQuarantine(db));
    TRELLIS_CHECK(NoteMeta(db, "plugins", present));
    return boot.rebooted ? store::AddRestores(db, now) : Result<void>();
  }));
  return boot;
}

Result<std::vector<Ticket>> LoadTickets(Context const& context) {
  auto const types = context.types.Get();
  return context.readers.Run([&](store::Database& db) -> Result<std::vector<Ticket>> {
    TRELLIS_TRY(auto const jobs, store::ListQueue(db));
    std::vector<Ticket> tickets;
    tickets.reserve(jobs.size());
    for (auto const& job : jobs) {
      TRELLIS_TRY(auto reach, ReachOf(db, job.key));
      tickets.push_back(MakeTicket(job, *types, std::move(reach), context.clock));
      tickets.back().suspect = context.after_crash;
    }
    return tickets;
  });
}

}  // namespace trellis::engine
