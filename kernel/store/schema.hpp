// The node's durable state: tables, migrations, and who may open the file.
#pragma once

#include "kernel/store/database.hpp"
#include "kernel/store/migrations.hpp"

#include <trellis/result.hpp>

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace trellis::store {

/// The steps from an empty file to the current schema, oldest first. They are only ever added to.
[[nodiscard]] std::span<MigrationStep const> SchemaSteps();

/// Brings the file to the current schema. kConflict when a newer daemon wrote it.
Result<void> Migrate(Database& database);

/// Opens or creates the node's store, looks whether it is sound, and migrates it. A large one that
/// needs no migration is only marked as being checked: StructureCheck does so beside its use.
/// kConflict: a newer daemon wrote it. With every other error the store cannot be used now and is
/// left as it is.
Result<std::unique_ptr<Database>> OpenStore(std::filesystem::path const& file, Damage& damage);

/// `meta` rows. kNotFound-free: a missing key reads as "".
Result<std::string> GetMeta(Database& database, std::string_view key);
Result<void> SetMeta(Database& database, std::string_view key, std::string_view value);

}  // namespace trellis::store
