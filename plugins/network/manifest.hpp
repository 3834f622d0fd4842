// What the plugin says of itself, and its configuration with all defaults.
#pragma once

namespace trellis::plugins::network {

inline constexpr char const* kManifestText = R"({"manifest":1,"name":"network","version":"1.0.0",
    "summary":"user networks and machines on them","license":"Apache-2.0",
    "services":{"provides":["trellis.net.attach/1","trellis.net.namespace/1","trellis.net.public/1","trellis.net.ports/1"],"requires":[],"wants":[]},
    "types":[{"name":"network","sharable":true,"rank":300,"max_parallel":4,"update":true,"pause":false,"after":[]}],
    "permissions":["net.admin","net.namespace","process.spawn","command:zos.network.","command:zos.admin.","event:net.public."],
    "config":{"version":1,"schema":{"type":"object","additionalProperties":false,"properties":{
      "netns_dir":{"type":"string","default":"/run/netns","description":"where namespaces are mounted; one folder per node"},
      "uplink":{"type":"object","additionalProperties":false,"default":{},"properties":{
        "mode":{"type":"string","enum":["auto","macvlan","veth","none"],"default":"auto","description":"how networks reach the outside: with an address of their own on parent (macvlan), through the node (veth), not at all (none); auto: macvlan if there is a parent, else veth"},
        "parent":{"type":"string","default":"","description":"interface or bridge that the macvlan is on"},
        "ipv4":{"type":"string","default":"","description":"its address and mask, as 192.168.1.20/24"},
        "gw4":{"type":"string","default":"","description":"its gateway"}}},
      "wireguard":{"type":"object","additionalProperties":false,"default":{},"properties":{
        "backend":{"type":"string","enum":["auto","kernel","userspace"],"default":"auto",
          "description":"who carries tunnels; auto: the kernel if it can, else wireguard-go"},
        "underlay":{"type":"string","default":"","description":"namespace in which tunnels listen; empty: public if public.own_namespace is set and the node has public addresses, else the node's own"}}},
      "nameservers":{"type":"array","items":{"type":"string"},"default":["8.8.8.8","1.1.1.1","2001:4860:4860::8888"]},
      "smtp_block":{"type":"array","items":{"type":"integer","minimum":1,"maximum":65535},"default":[25,465,587],
        "description":"tcp ports that machines cannot reach outside"},
      "allow_ranges":{"type":"array","items":{"type":"string"},"default":[],
        "description":"ranges of user networks beside the private ones"},
      "lan_block":{"type":"array","items":{"type":"string"},"default":[],
        "description":"ranges that machines cannot reach outside, as 192.168.0.0/16"},
      "bridge_nf":{"type":"string","enum":["off","keep"],"default":"off",
        "description":"off: frames inside user networks bypass the node's own packet filter; keep: what the system says"},
      "management":{"type":"string","default":"","description":"interface whose addresses clients are told; empty: zos, else the one of the default route"},
      "public":{"type":"object","additionalProperties":false,"default":{},
        "description":"the segment that public addresses of machines are on","properties":{
        "parent":{"type":"string","default":"","description":"interface that is put into the bridge br-pub; none: the bridge alone; empty: no public addresses on this node"},
        "prefix6":{"type":"string","default":"","description":"IPv6 /64 of the segment; empty: what its router tells"},
        "router6":{"type":"string","default":"","description":"IPv6 router of the segment; empty: the one that tells"},
        "own_namespace":{"type":"boolean","default":false,"description":"the node's own public addresses are on the segment, in the namespace public, with its proxies and tunnels"}}},
      "public_config":{"type":"object","additionalProperties":false,"default":{},
        "description":"instead of what the ledger says of the node, key by key","properties":{
        "ipv4":{"type":"string","default":"","description":"address and mask, as 185.206.122.31/24"},
        "gw4":{"type":"string","default":""},
        "ipv6":{"type":"string","default":""},
        "gw6":{"type":"string","default":""},
        "domain":{"type":"string","default":"","description":"names of gateway workloads are below it"}}}}}},
    "state":{"version":1}})";

}  // namespace trellis::plugins::network
