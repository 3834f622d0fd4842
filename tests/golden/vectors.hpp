// Reads vector files. Their folder is `tests/golden/vectors`, or what TRELLIS_VECTORS names.
//
// Nothing that a file says is passed over: a row that throws is a failure. So are, in the
// repository's own folder, a missing file and a table or a column that no test knows (schema.hpp);
// of another folder they are told, as it may hold a part of the files or later ones.
#pragma once

#include "kernel/crypto/bytes.hpp"
#include "kernel/crypto/keys.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace trellis::golden {

using Row = boost::json::value;

/// The file; empty when a named folder lacks it, and, with a failed test, when it cannot be read.
/// Borrowed for the life of the program.
boost::json::object const& File(std::string const& name);

/// The rows of a table, `outer.inner` for a nested one. A single object is one row. Empty, with a
/// printed line, when the file has no such table. Borrowed for the life of the program.
boost::json::array const& Rows(std::string const& file, std::string_view table);

/// A table or a column that no test knows: a failure in the repository's own folder.
void TellUnknown(std::string const& what);

/// Runs `check` on every row and says which row a failure belongs to. Columns that schema.hpp does
/// not know are told.
void ForEach(std::string const& file, std::string_view table,
             std::function<void(Row const&)> const& check);

/// The member, or null.
Row const& Member(Row const& row, std::string_view key);
/// A text member; empty when absent or null.
std::string Text(Row const& row, std::string_view key);
/// A flag; false when absent.
bool Flag(Row const& row, std::string_view key);
/// A number, or decimal text.
std::uint64_t Number(Row const& row, std::string_view key);
/// The bytes of a hex member; a failed test when it is none.
crypto::Bytes HexMember(Row const& row, std::string_view key);
/// 32 bytes of hex text.
std::array<std::uint8_t, 32> Hex32(std::string const& hex);
/// The key type that `name` means; throws for any other text.
crypto::KeyType KeyTypeOf(std::string const& name);

}  // namespace trellis::golden
