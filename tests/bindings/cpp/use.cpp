// SPDX-License-Identifier: MIT
// What programs in C++ may do wrong, and what they may rely on: `use INSTANCE_PROGRAM EXAMPLE`.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <iomanip>
#include <iostream>
#include <poll.h>
#include <sstream>
#include <thread>
#include <type_traits>
#include <vector>

#include <larshm/larshm.hpp>

#include "tests/bindings/cpp/instance.hpp"

namespace shm = lars::shm;
using shm::status;
using namespace std::chrono_literals;

// Everything that asks for memory in this program and in the library, which is linked into it.
static std::atomic<unsigned long> allocations;

extern "C" {
void *__real_malloc(std::size_t size);
void *__real_calloc(std::size_t count, std::size_t size);
void *__real_realloc(void *memory, std::size_t size);
void *__real__Znwm(std::size_t size);

void *__wrap_malloc(std::size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(std::size_t count, std::size_t size)
{
    allocations++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, std::size_t size)
{
    allocations++;
    return __real_realloc(memory, size);
}

void *__wrap__Znwm(std::size_t size) // operator new
{
    allocations++;
    return __real__Znwm(size);
}
}

namespace
{

bool failed;

void check(bool holds, const char *what, int line)
{
    if (holds)
        return;
    std::cerr << __FILE__ << ":" << line << ": " << what << "\n";
    failed = true;
}

#define CHECK(condition) check((condition), #condition, __LINE__)

constexpr shm::key some{1, 1};

// ---- what the compiler refuses ----

template <typename Modid, typename = void> constexpr bool names_a_route = false;
template <typename Modid>
constexpr bool names_a_route<Modid, std::void_t<decltype(shm::key{std::declval<Modid>(), 1})>> = true;

static_assert(names_a_route<std::uint32_t> && names_a_route<std::uint16_t>);
static_assert(!names_a_route<int> && !names_a_route<std::uint64_t> && !names_a_route<double>);
static_assert(!std::is_copy_constructible_v<shm::handle> && !std::is_copy_assignable_v<shm::handle>);
static_assert(!std::is_copy_constructible_v<shm::view> && !std::is_copy_constructible_v<shm::host_list>);
static_assert(!std::is_copy_constructible_v<shm::route_list>);
static_assert(std::is_nothrow_move_constructible_v<shm::handle> &&
              std::is_nothrow_move_assignable_v<shm::handle>);
static_assert(std::is_nothrow_move_constructible_v<shm::view> &&
              std::is_nothrow_default_constructible_v<shm::handle>);

// ---- bad use ----

void expect_closed(shm::handle &routes)
{
    shm::host hosts[2]{};
    int codes[2]{};
    std::uint64_t since = 0;
    static_assert(noexcept(routes.get_host(some)) &&noexcept(routes.report(*hosts, 0)));
    static_assert(noexcept(routes.view_of(some)) &&noexcept(routes.hosts(some)) &&noexcept(routes.routes()));
    CHECK(!routes && routes.native() == nullptr);
    CHECK(routes.get_host(some).code() == status::closed);
    CHECK(!routes.get_host(some).text().empty());
    CHECK(routes.get_host(some)->addr == 0);
    CHECK(routes.get_host_except(some, hosts).code() == status::closed);
    CHECK(routes.get_host_batch(hosts, codes) == 0);
    CHECK(codes[0] == static_cast<int>(status::closed) && codes[1] == codes[0]);
    CHECK(routes.get_route(some, hosts, nullptr, 2).code() == status::closed);
    CHECK(routes.info(some).code() == status::closed);
    CHECK(routes.report(*hosts, 0) == status::closed);
    CHECK(routes.report(*hosts, 0, 1ms) == status::closed);
    CHECK(routes.wait_route(some, shm::forever) == status::closed);
    CHECK(routes.wait_change(since, shm::forever) == status::closed);
    CHECK(routes.next_change(since).code() == status::closed);
    CHECK(routes.change_fd().code() == status::closed && *routes.change_fd() == -1);
    CHECK(routes.open_route(some).code() == status::closed);
    CHECK(routes.open_route(some).pick().code() == status::closed);
    for (const shm::key route : routes.routes())
        CHECK(route == some && !"a closed handle lists a route");
    auto list = routes.hosts(some);
    CHECK(list.code() == status::closed && list.begin() == list.end());
    auto view = routes.view_of(some);
    CHECK(!view && view.empty() && view.begin() == view.end());
    CHECK(view[0].addr == 0 && view.state(7) == LARSHM_HOST_IN_ROTATION);
    CHECK(view.close() == status::closed);
    routes.close();
}

void a_handle_that_is_closed_or_was_moved_from_gives_an_error(const instance &running)
{
    shm::handle never;
    expect_closed(never);
    CHECK(shm::route().pick().code() == status::closed);

    shm::handle routes(running.name());
    CHECK(routes.get_host(some).code() == status::ok);
    shm::handle other(std::move(routes));
    expect_closed(routes);
    CHECK(other.get_host(some).code() == status::ok);
    routes = std::move(other);
    expect_closed(other);
    shm::handle &same = routes;
    routes = std::move(same);
    CHECK(routes.get_host(some).code() == status::ok);
    routes.close();
    expect_closed(routes);
    CHECK(routes.open(running.name()) == status::ok && routes.get_host(some));
}

void only_constructors_throw_and_say_why(const instance &)
{
    try {
        shm::handle routes("no-fetcher-has-run-here");
        CHECK(!"an instance that is not there");
    } catch (const shm::error &error) {
        CHECK(error.code() == status::no_object);
        CHECK(error.what() == std::string(larshm_strerror(LARSHM_NO_OBJECT)));
    }
    try {
        shm::handle routes("no/slash", 1ms);
        CHECK(!"no name of an instance");
    } catch (const std::exception &error) {
        CHECK(std::strlen(error.what()) > 0);
    }
}

void a_failed_open_leaves_the_handle_as_it_was(const instance &running)
{
    shm::handle routes(running.name());
    CHECK(routes.open("no-fetcher-has-run-here") == status::no_object);
    CHECK(routes.open_wait("no-fetcher-has-run-here", 0ms) == status::no_object);
    CHECK(routes.get_host(some).code() == status::ok);
    CHECK(routes.open(running.name()) == status::ok);
    CHECK(routes.get_host(some).code() == status::ok);
}

void times_that_do_not_fit_are_refused_or_cut(const instance &running)
{
    shm::handle routes(running.name());
    const auto host = routes.get_host(some);
    CHECK(routes.wait_route(some, 1000000h) == status::bad_argument);
    CHECK(routes.wait_change(0, shm::milliseconds::max()) == status::bad_argument);
    CHECK(routes.open_wait("no-fetcher-has-run-here", 1000000h) == status::bad_argument);
    CHECK(routes.wait_route(some, shm::milliseconds::min()) == status::ok); // forever
    CHECK(routes.report(*host, 0, shm::milliseconds::max()) == status::ok);
    CHECK(routes.report(*host, 0, shm::milliseconds::min()) == status::ok);
}

void a_view_or_a_list_ends_once_wherever_it_was_moved_to(const instance &running)
{
    shm::handle routes(running.name());
    auto view = routes.view_of({1, 2});
    CHECK(view && view.size() == 2 && view.version() > 0);
    CHECK(view[2].port == 0 && view[SIZE_MAX].addr == 0 && view[0].cmdid == 2);
    auto moved = std::move(view);
    CHECK(view.empty() && view.code() == status::closed && view.close() == status::closed);
    CHECK(moved.size() == 2 && moved.close() == status::ok);
    CHECK(moved.empty() && moved.close() == status::closed);

    auto hosts = routes.hosts({1, 2});
    CHECK(hosts.next() && hosts.current().host.cmdid == 2);
    auto others = std::move(hosts);
    CHECK(!hosts.next() && hosts.code() == status::closed);
    CHECK(others.next() && !others.next() && !others.next() && others.code() == status::ok);
    others.close();
    others.close();
    CHECK(!others.next());

    auto all = routes.routes();
    CHECK(all.next());
    auto rest = std::move(all);
    unsigned count = 1;
    for (; rest.next(); count++)
        CHECK(count < 100);
    CHECK(!all.next() && count == 2);
    rest.close();
    CHECK(!rest.next());
    CHECK(routes.view_of({7, 7}).code() == status::pending);
    CHECK(routes.hosts({7, 7}).code() == status::pending);
}

// ---- promises ----

void lists_and_views_have_iterators_of_the_standard_library(const instance &running)
{
    shm::handle routes(running.name());
    auto all = routes.routes();
    auto at = all.begin();
    const shm::key first = *at++;
    CHECK(at != all.end() && !(*at == first));
    auto hosts = routes.hosts(some);
    CHECK(std::count_if(hosts.begin(), hosts.end(), [](const auto &each) { return each.host.port; }) == 2);
    auto view = routes.view_of(some);
    const std::vector<shm::host> copies(view.begin(), view.end());
    CHECK(copies.size() == 2 && copies[1].addr == (*++view.begin()).addr);
}

void nothing_allocates(const instance &running)
{
    shm::handle routes(running.name());
    const unsigned long before = allocations;
    std::uint64_t since = 0;
    shm::host hosts[10]{};
    int codes[10];
    for (auto &host : hosts)
        host = {1, 1, 0, 0};
    for (int i = 0; i < 1000; i++) {
        const auto host = routes.get_host(some);
        CHECK(host && std::string_view(shm::text(*host)).size() > 8 &&
              shm::address(*host).sin_family == AF_INET);
        CHECK(routes.get_host_except(some, hosts, 1).code() == status::ok);
        CHECK(routes.get_host_batch(hosts, codes) == 10);
        CHECK(routes.report(*host, 0) == status::ok && routes.info(some));
        CHECK(routes.wait_route(some, 1s) == status::ok);
        CHECK(!routes.get_host({7, 8}).text().empty());
        auto route = routes.open_route(some);
        CHECK(route.pick().code() == status::ok);
        for (const shm::host &each : routes.view_of(some))
            CHECK(each.port != 0);
        for (const shm::host_info &each : routes.hosts(some))
            CHECK(each.host.port != 0);
        for (const shm::key each : routes.routes())
            CHECK(each.modid == 1);
        while (routes.next_change(since).code() == status::ok)
            ;
    }
    CHECK(allocations == before);
    int *volatile counted = new int(0); // volatile: a compiler may leave out one that it sees through
    CHECK(allocations > before);
    delete counted;
}

void a_host_and_a_status_are_written_to_a_stream(const instance &)
{
    std::ostringstream out;
    out << std::left << std::setw(15) << shm::text(shm::host{1, 1, htonl(0x0a000001), htons(8080)}) << '|'
        << shm::text(status::ok);
    CHECK(out.str() == "10.0.0.1:8080  |" + std::string(larshm_strerror(LARSHM_OK)));
}

void an_event_loop_learns_which_route_has_changed(instance &running)
{
    shm::handle routes(running.name());
    std::uint64_t since = 0;
    CHECK(routes.next_change(since).code() == status::overrun);
    CHECK(routes.wait_change(since, 0ms) == status::timeout);
    pollfd event{*routes.change_fd(), POLLIN, 0};
    running.command("route 1 2 10.0.0.8:81");
    CHECK(poll(&event, 1, 10000) == 1);
    CHECK(routes.wait_change(since, 10s) == status::ok);
    const auto changed = routes.next_change(since);
    CHECK(changed && *changed == (shm::key{1, 2}));
    CHECK(routes.next_change(since).code() == status::end);
}

void the_example_prints_a_host(const instance &running, const std::string &example)
{
    setenv("LARSHM_INSTANCE", running.name(), 1);
    char line[64] = "";
    std::FILE *output = popen(example.c_str(), "r");
    CHECK(std::fgets(line, sizeof(line), output) && pclose(output) == 0);
    CHECK(line == std::string("10.0.0.1:8080\n") || line == std::string("10.0.0.2:8080\n"));
}

void threads_share_a_handle(instance &running)
{
    const shm::handle routes(running.name());
    std::atomic<unsigned> faults{0};
    std::atomic<bool> stop{false};
    const auto use = [&] {
        while (!stop) {
            unsigned listed = 0;
            for (const shm::key route : routes.routes())
                listed += route.modid == 1;
            auto view = routes.view_of(some);
            faults += listed != 2 || !routes.get_host(some) || view.empty() || view.close() != status::ok;
        }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++)
        threads.emplace_back(use);
    for (int i = 0; i < 20; i++) {
        running.command("generation");
        running.command(i % 2 ? "route 1 1 10.0.0.1:8080" : "route 1 1 10.0.0.1:8080 10.0.0.2:8080");
    }
    stop = true;
    for (auto &thread : threads)
        thread.join();
    CHECK(faults == 0);
}

void a_child_goes_on_with_what_its_parent_has(const instance &running)
{
    shm::handle routes(running.name());
    auto view = routes.view_of(some);
    auto all = routes.routes();
    CHECK(all.next());
    const pid_t pid = fork();
    if (pid == 0) {
        const bool right = routes.get_host(some) && all.next() && !view.empty() && view.close() == status::ok;
        all.close();
        routes.close();
        _exit(right ? 0 : 1);
    }
    int child = -1;
    CHECK(waitpid(pid, &child, 0) == pid && child == 0);
    CHECK(all.next() && view.close() == status::ok && routes.get_host(some));
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 3) {
        std::cerr << "usage: use INSTANCE_PROGRAM EXAMPLE\n";
        return 2;
    }
    instance running(argv[1], "use-cpp-" + std::to_string(getpid()), "");
    running.command("route 1 1 10.0.0.1:8080 10.0.0.2:8080");
    running.command("route 1 2 10.0.0.8:80 10.0.0.9:80");
    a_handle_that_is_closed_or_was_moved_from_gives_an_error(running);
    only_constructors_throw_and_say_why(running);
    a_failed_open_leaves_the_handle_as_it_was(running);
    times_that_do_not_fit_are_refused_or_cut(running);
    a_view_or_a_list_ends_once_wherever_it_was_moved_to(running);
    lists_and_views_have_iterators_of_the_standard_library(running);
    nothing_allocates(running);
    a_host_and_a_status_are_written_to_a_stream(running);
    the_example_prints_a_host(running, argv[2]);
    an_event_loop_learns_which_route_has_changed(running);
    threads_share_a_handle(running);
    a_child_goes_on_with_what_its_parent_has(running);
    return failed ? 1 : 0;
}
