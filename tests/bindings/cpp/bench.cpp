// SPDX-License-Identifier: MIT
// What tools/languages measures in C++: `bench INSTANCE MODID CMDID COUNT` prints "CALL<TAB>NS" for each call, see
// c/bench.c.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <larshm/larshm.hpp>

namespace shm = lars::shm;

namespace
{

constexpr std::size_t calls = 1000, batch = 100;

// The median of `chunks` runs, each of `calls` calls. False: a run has failed.
template <typename Run> bool measure(const char *name, std::size_t chunks, Run run)
{
    std::vector<double> ns;
    for (std::size_t i = 0; i < chunks; i++) {
        const auto start = std::chrono::steady_clock::now();
        if (!run())
            return false;
        const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
        ns.push_back(took.count() / calls);
    }
    if (ns.empty())
        return false;
    std::nth_element(ns.begin(), ns.begin() + static_cast<std::ptrdiff_t>(chunks / 2), ns.end());
    std::printf("%s\t%.1f\n", name, ns[chunks / 2]);
    return true;
}

} // namespace

int main(int argc, char **argv)
{
    shm::handle routes;
    if (argc != 5 || routes.open(argv[1]) != shm::status::ok) {
        std::fprintf(stderr, "usage: bench INSTANCE MODID CMDID COUNT\n");
        return 1;
    }
    const shm::key key{static_cast<std::uint32_t>(std::strtoul(argv[2], nullptr, 10)),
                       static_cast<std::uint32_t>(std::strtoul(argv[3], nullptr, 10))};
    const std::size_t chunks = std::strtoul(argv[4], nullptr, 10) / calls;
    std::vector<shm::host> hosts(batch, shm::host{key.modid, key.cmdid, 0, 0});
    std::vector<int> codes(batch);
    if (routes.wait_route(key, shm::milliseconds(1000)) != shm::status::ok)
        return 1;
    auto route = routes.open_route(key);
    const bool done = measure("get_host", chunks,
                              [&] {
                                  bool each = true;
                                  for (std::size_t i = 0; i < calls && each; i++) {
                                      const auto host = routes.get_host(key);
                                      each = host && host->port != 0;
                                  }
                                  return each;
                              }) &&
                      measure("route_pick", chunks,
                              [&] {
                                  bool each = true;
                                  for (std::size_t i = 0; i < calls && each; i++) {
                                      const auto host = route.pick();
                                      each = host && host->port != 0;
                                  }
                                  return each;
                              }) &&
                      measure("get_host_batch", chunks, [&] {
                          std::size_t found = 0;
                          for (std::size_t i = 0; i < calls / batch; i++)
                              found += routes.get_host_batch(hosts, codes);
                          return found == calls;
                      });
    return done ? 0 : 1;
}
