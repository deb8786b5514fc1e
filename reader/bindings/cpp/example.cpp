// SPDX-License-Identifier: MIT
#include <cstdio>
#include <larshm/larshm.hpp>

int main()
try {
    using namespace std::chrono_literals;
    const lars::shm::handle routes(
        nullptr, 10s);              // $LARSHM_INSTANCE, or "default"; at boot it may come later
    routes.wait_route({1, 1}, 10s); // once, at the start: the route may not be cached yet
    const auto host = routes.get_host({1, 1}); // at each call: nanoseconds
    if (!host)
        return std::puts(host.text().data()), 1;
    std::puts(lars::shm::text(*host).c_str()); // or address(*host), to connect
    routes.report(*host, 0);                   // how the call went; a host that fails is ejected
} catch (const lars::shm::error &error) {
    return std::puts(error.what()), 1;
}
