#include "tests/bench/limits/common.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace trellis::limits {
namespace {

bool json = false;

std::string Peers() {
  std::string peers;
  for (int i = 2; i < 6; ++i) {
    peers += fmt::format(
        R"({}{{"subnet":"10.20.{}.0/24","wireguard_public_key":"{}=","allowed_ips":["10.20.{}.0/24",)"
        R"("100.64.20.{}/32"],"endpoint":"185.206.122.{}:{}"}})",
        i > 2 ? "," : "", i, std::string(43, static_cast<char>('A' + i)), i, i, 30 + i, 3011 + i);
  }
  return peers;
}

std::string Environment() {
  std::string env;
  for (int i = 0; i < 12; ++i) {
    env += fmt::format(R"({}"APP_SETTING_{}":"value-{}")", i > 0 ? "," : "", i,
                       std::string(24, static_cast<char>('a' + i)));
  }
  return env;
}

std::string Workload(std::string_view name, std::string_view type, std::string_view data) {
  return fmt::format(
      R"({{"version":0,"name":"{}","type":"{}","data":{},"metadata":"{{\"owner\":\"bench\"}}",)"
      R"("description":"limit bench","result":{{"created":0,"state":"","message":"","data":null}}}})",
      name, type, data);
}

std::string Machine() {
  return fmt::format(
      R"({{"flist":"https://hub.example.org/official/ubuntu-22.04.flist","network":{{"public_ip":"pub1",)"
      R"("planetary":true,"interfaces":[{{"network":"net1","ip":"10.20.1.2"}}]}},"size":26843545600,)"
      R"("compute_capacity":{{"cpu":2,"memory":4294967296}},"mounts":[{{"name":"disk1","mountpoint":"/data"}}],)"
      R"("entrypoint":"/sbin/zinit init","env":{{"SSH_KEY":"ssh-ed25519 {} bench@example",{}}},"corex":false,"gpu":[]}})",
      std::string(68, 'S'), Environment());
}

}  // namespace

double SecondsBetween(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

double NowUs() {
  return std::chrono::duration<double, std::micro>(Clock::now().time_since_epoch()).count();
}

double Percentile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  auto const index = std::min(values.size() - 1,
                              static_cast<std::size_t>(share * static_cast<double>(values.size())));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(index),
                   values.end());
  return values[index];
}

void SetJson() {
  json = true;
}

void Print(Row row) {
  double const p50 = Percentile(row.latencies_us, 0.5);
  double const p99 = Percentile(row.latencies_us, 0.99);
  if (json) {
    fmt::print(R"({{"name":"{}","per_s":{:.1f},"p50_us":{:.2f},"p99_us":{:.2f})", row.name,
               row.per_s, p50, p99);
    for (auto const& [name, value] : row.more)
      fmt::print(R"(,"{}":{:.2f})", name, value);
    fmt::print("}}\n");
  } else {
    fmt::print("{:<44} {:>12.0f} /s   p50 {:>9.2f} us   p99 {:>9.2f} us", row.name, row.per_s, p50,
               p99);
    for (auto const& [name, value] : row.more)
      fmt::print("   {} {:.1f}", name, value);
    fmt::print("\n");
  }
  (void)std::fflush(stdout);  // a reader that is gone ends the program by itself
}

std::string ResultRecord(std::size_t size) {
  std::string text = R"({"created":1700000000,"state":"ok","message":"","data":{"k":")";
  unsigned x = 12345;
  while (text.size() + 3 < size) {
    x = x * 1103515245U + 12345U;
    text += "0123456789abcdef"[(x >> 16U) & 15U];
  }
  return text + "\"}}";
}

std::string ReferenceDocument() {
  auto const network = fmt::format(
      R"({{"ip_range":"10.20.0.0/16","subnet":"10.20.1.0/24","wireguard_private_key":"{}=",)"
      R"("wireguard_listen_port":3011,"peers":[{}]}})",
      std::string(43, 'k'), Peers());
  auto const workloads = {
      Workload("net1", "network", network),
      Workload("pub1", "ip", R"({"v4":true,"v6":false})"),
      Workload("disk1", "zmount", R"({"size":10737418240})"),
      Workload("vm1", "zmachine", Machine()),
      Workload("logs1", "zlogs", R"({"zmachine":"vm1","output":"redis://10.20.1.9:6379/logs"})"),
      Workload(
          "gw1", "gateway-name-proxy",
          R"({"name":"benchname","tls_passthrough":false,"backends":["http://10.20.1.2:8000"],"network":"net1"})"),
  };
  return fmt::format(
      R"({{"version":0,"twin_id":1001,"contract_id":4000123,"metadata":"{{\"type\":\"vm\",\"name\":\"vm1\",)"
      R"(\"projectName\":\"bench\"}}","description":"limit bench","expiration":0,"signature_requirement":{{)"
      R"("requests":[{{"twin_id":1001,"required":true,"weight":1}}],"weight_required":1,"signatures":[{{)"
      R"("twin_id":1001,"signature":"{}","signature_type":"ed25519"}}],"signature_style":""}},"workloads":[{}]}})",
      std::string(128, 'a'), fmt::join(workloads, ","));
}

void Die(std::string_view what) {
  fmt::print(stderr, "limit: {}\n", what);
  std::exit(1);  // NOLINT(concurrency-mt-unsafe): nothing to save
}

}  // namespace trellis::limits
