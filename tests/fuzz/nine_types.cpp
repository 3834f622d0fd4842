#include "tests/fuzz/nine_types.hpp"

#include "plugins/gateway/data.hpp"
#include "plugins/ip/data.hpp"
#include "plugins/network/data.hpp"
#include "plugins/qsfs/data.hpp"
#include "plugins/zdb/data.hpp"
#include "plugins/zlogs/data.hpp"
#include "plugins/zmachine/data.hpp"
#include "plugins/zmount/data.hpp"

namespace trellis::fuzz {

testing::DataExaminer NineTypes() {
  testing::TypeTraits const updatable{.updatable = true};
  testing::DataExaminer types;
  types.Add<plugins::network::Network>("network", {.updatable = true, .sharable = true});
  types.Add<plugins::ip::PublicIp>("ip");
  types.Add<plugins::zmount::ZMount>("zmount", updatable);
  types.Add<plugins::zmachine::Machine>("zmachine");
  types.Add<plugins::zlogs::ZLogs>("zlogs");
  types.Add<plugins::zdb::Zdb>("zdb", updatable);
  types.Add<plugins::qsfs::Qsfs>("qsfs", updatable);
  types.Add<plugins::gateway::NameProxy>("gateway-name-proxy");
  types.Add<plugins::gateway::FqdnProxy>("gateway-fqdn-proxy");
  return types;
}

}  // namespace trellis::fuzz
