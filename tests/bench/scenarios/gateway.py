"""Y*: the node's proxy against static configurations of the same HAProxy, and routes that are added under load."""
import statistics
import time

from gateway import Gateway
from scenarios import Figure, scenario


def added(gateway, numbers):
    """Milliseconds that each addition took."""
    times = []
    for number in numbers:
        begin = time.monotonic()
        gateway.add_route(number)
        times.append((time.monotonic() - begin) * 1000)
    return times


@scenario("Y", "gateway: 1 KB over 32 keep-alive connections; 10 and 10,000 names", {
    "y1_two_hops": Figure("Y1: requests/s beside routes that pass through / static configuration with the same two hops", 0.95, 1.0, "high"),
    "y1_one_hop": Figure("Y1: requests/s without such routes / static configuration, TLS at once", 0.8, 1.0, "high"),
    "y1_rate": Figure("requests per second", best="high", unit="/s"),
    "y2_rate": Figure("Y2: requests/s with 10,000 names / with 10", 0.9, 0.99, "high"),
    "y2_add": Figure("Y2: add a name to 10,000 at the admin socket, median", 1, 0.1, unit="ms"),
    "y2_failed": Figure("Y2: requests that failed while 1,000 names were added", 0, 0, unit=""),
    "y2_memory": Figure("Y2: resident memory of 10,000 names", 20e6, 10e6, unit="B"),
}, pairs=3)
def y(lab):
    names, more, seconds = (200, 50, 1) if lab.quick else (10000, 1000, 4)
    with Gateway(lab) as gateway:
        added(gateway, range(1, 10))
        gateway.load(1)  # warm
        few, one = gateway.load(seconds)[0], gateway.load(seconds, port=9443)[0]
        gateway.set_hops(2)
        beside, two = gateway.load(seconds)[0], gateway.load(seconds, port=8443)[0]
        gateway.set_hops(1)
        before = gateway.memory()
        added(gateway, range(10, names - more))
        load = gateway.start_load(seconds + 2)
        last = added(gateway, range(names - more, names))
        failed = gateway.end_load(load)[1]
        memory = gateway.memory() - before
        many = gateway.load(seconds, name=f"n{names - 1}")[0]
    return {"y1_two_hops": beside / two, "y1_one_hop": few / one, "y1_rate": few, "y2_rate": many / few, "y2_add": statistics.median(last),
            "y2_failed": failed, "y2_memory": memory}
