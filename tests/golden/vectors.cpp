#include "tests/golden/vectors.hpp"

#include "kernel/sys/files.hpp"
#include "tests/golden/schema.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <deque>
#include <exception>
#include <filesystem>
#include <map>
#include <set>
#include <stdexcept>

namespace trellis::golden {
namespace {

void Say(std::string const& line) {
  fmt::print("[  VECTORS ] {}\n", line);
}

/// The folder that TRELLIS_VECTORS names; empty: the repository's.
std::filesystem::path NamedFolder() {
  // Single-threaded, and nothing here changes the environment.
  char const* named = std::getenv("TRELLIS_VECTORS");  // NOLINT(concurrency-mt-unsafe)
  return named != nullptr ? named : "";
}

boost::json::object ReadFile(std::string const& name) {
  auto const named = NamedFolder();
  auto const path = (named.empty() ? TRELLIS_TEST_DATA "/golden/vectors" : named) / name;
  if (!named.empty() && !std::filesystem::exists(path)) {
    Say(fmt::format("there is no '{}'", path.string()));
    return {};
  }
  auto const text = sys::ReadFile(path);
  boost::json::error_code error;
  auto const value = boost::json::parse(text.value_or(""), error);
  if (error || !value.is_object()) {
    ADD_FAILURE() << "'" << path.string() << "' is not a readable vector file";
    return {};
  }
  return value.get_object();
}

Row const* Find(boost::json::object const& file, std::string_view table) {
  auto const dot = table.find('.');
  auto const* found = file.if_contains(table.substr(0, dot));
  if (found == nullptr || dot == std::string_view::npos) return found;
  return found->is_object() ? Find(found->get_object(), table.substr(dot + 1)) : nullptr;
}

}  // namespace

boost::json::object const& File(std::string const& name) {
  static std::map<std::string, boost::json::object> files;
  auto const found = files.find(name);
  if (found != files.end()) return found->second;
  return files.emplace(name, ReadFile(name)).first->second;
}

boost::json::array const& Rows(std::string const& file, std::string_view table) {
  static boost::json::array const kNone;
  static std::deque<boost::json::array> singles;
  auto const* found = Find(File(file), table);
  if (found == nullptr) {
    Say(fmt::format("'{}' has no '{}'", file, table));
    return kNone;
  }
  if (found->is_array()) return found->get_array();
  singles.emplace_back().push_back(*found);
  return singles.back();
}

void TellUnknown(std::string const& what) {
  if (NamedFolder().empty()) {
    ADD_FAILURE() << what;
  } else {
    static std::set<std::string> told;
    if (told.insert(what).second) Say(what);
  }
}

void ForEach(std::string const& file, std::string_view table,
             std::function<void(Row const&)> const& check) {
  auto const& rows = Rows(file, table);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto const name = rows[i].is_object() ? Text(rows[i], "name") : std::string();
    SCOPED_TRACE(fmt::format("{} {} [{}] {}", file, table, i, name));
    for (auto const& column : UnknownColumns(file, table, rows[i]))
      TellUnknown(fmt::format("no test knows the column '{}' of '{}' {}", column, file, table));
    try {
      check(rows[i]);
    } catch (std::exception const& error) {
      ADD_FAILURE() << "exception: " << error.what();
    }
  }
  Say(fmt::format("{} {}: {} rows", file, table, rows.size()));
}

Row const& Member(Row const& row, std::string_view key) {
  static Row const kNull;
  auto const* value = row.as_object().if_contains(key);
  return value != nullptr ? *value : kNull;
}

std::string Text(Row const& row, std::string_view key) {
  auto const& value = Member(row, key);
  return value.is_string() ? std::string(value.get_string()) : std::string();
}

bool Flag(Row const& row, std::string_view key) {
  auto const& value = Member(row, key);
  return value.is_bool() && value.get_bool();
}

std::uint64_t Number(Row const& row, std::string_view key) {
  auto const& value = Member(row, key);
  return value.is_string() ? std::stoull(Text(row, key)) : value.to_number<std::uint64_t>();
}

crypto::Bytes HexMember(Row const& row, std::string_view key) {
  auto bytes = crypto::FromHex(Text(row, key));
  EXPECT_TRUE(bytes.has_value()) << "no hex text in '" << key << "'";
  return bytes ? *std::move(bytes) : crypto::Bytes();
}

std::array<std::uint8_t, 32> Hex32(std::string const& hex) {
  return crypto::Exactly<32>(crypto::FromHex(hex).value()).value();
}

crypto::KeyType KeyTypeOf(std::string const& name) {
  if (name == "sr25519") return crypto::KeyType::kSr25519;
  if (name == "ed25519") return crypto::KeyType::kEd25519;
  throw std::runtime_error("no key type '" + name + "'");
}

}  // namespace trellis::golden
