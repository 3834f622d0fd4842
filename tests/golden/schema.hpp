// What vector files may hold. A table or column that is not listed has no test, so its appearance
// fails one.
#pragma once

#include <boost/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace trellis::golden {

/// `workloads[].capacity.cru`, …: what the row has and the table's list does not.
std::vector<std::string> UnknownColumns(std::string_view file, std::string_view table,
                                        boost::json::value const& row);

/// Tables of a file that have no list, whatever holds them.
std::vector<std::string> UnknownTables(std::string_view file, boost::json::object const& content);

/// The files with lists.
std::vector<std::string> KnownFiles();

}  // namespace trellis::golden
