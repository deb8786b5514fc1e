// SPDX-License-Identifier: MIT
// Replays vectors.txt in C++, see there, and c/replay.c, which this resembles.
#include <arpa/inet.h>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <vector>

#include <larshm/larshm.hpp>

#include "tests/bindings/cpp/instance.hpp"

namespace shm = lars::shm;
using words = std::vector<std::string>;

namespace
{

constexpr int calls = 100;

shm::handle routes;
std::uint64_t since; // as next_change() has left it

// By number, from 0.
const words codes = {"OK",      "OVERLOAD",  "SYSTEM_ERROR",  "NOEXIST", "PENDING", "FULL",   "STALE",
                     "TIMEOUT", "NO_OBJECT", "NO_PERMISSION", "FOREIGN", "UNSAFE",  "SHORT",  "NOT_LARSHM",
                     "LAYOUT",  "CORRUPT",   "BAD_ARGUMENT",  "CUT_OFF", "END",     "OVERRUN"};

std::string name_of(shm::status code)
{
    const auto number = static_cast<std::size_t>(code);
    return number < codes.size() ? codes[number] : "UNKNOWN";
}

// A time that int cannot hold is refused by the library's own error.
std::string name_of_wait(shm::status code, shm::milliseconds timeout)
{
    return code == shm::status::bad_argument && timeout.count() > INT32_MAX ? "RANGE" : name_of(code);
}

std::uint32_t number(const std::string &word)
{
    return static_cast<std::uint32_t>(std::stoul(word));
}

shm::milliseconds time_of(const std::string &word)
{
    return shm::milliseconds(std::stoll(word));
}

shm::key key_of(const words &line)
{
    return {number(line[1]), number(line[2])};
}

shm::host host_of(shm::key route, const std::string &word)
{
    const auto colon = word.find(':');
    return {route.modid, route.cmdid, inet_addr(word.substr(0, colon).c_str()),
            htons(static_cast<std::uint16_t>(number(word.substr(colon + 1))))};
}

std::string text_of(const shm::host &host)
{
    return std::string(shm::text(host));
}

std::string text_of(shm::key route)
{
    return std::to_string(route.modid) + ":" + std::to_string(route.cmdid);
}

// A code, and words in any order.
words with_set(const std::string &code, const std::set<std::string> &set)
{
    words came = {code};
    came.insert(came.end(), set.begin(), set.end());
    return came;
}

words do_picks(const std::function<shm::result<shm::host>()> &pick)
{
    std::set<std::string> hosts;
    for (int i = 0; i < calls; i++) {
        const auto host = pick();
        if (!host)
            return with_set(name_of(host.code()), hosts);
        hosts.insert(text_of(*host));
    }
    return with_set("OK", hosts);
}

words do_get(const words &line)
{
    return do_picks([&] { return routes.get_host(key_of(line)); });
}

words do_except(const words &line)
{
    std::vector<shm::host> tried;
    std::istringstream list(line[3]);
    for (std::string word; line[3] != "-" && std::getline(list, word, ',');)
        tried.push_back(host_of(key_of(line), word));
    return do_picks([&] { return routes.get_host_except(key_of(line), tried); });
}

words do_batch(const words &line)
{
    std::vector<shm::host> hosts;
    for (std::size_t i = 1; i < line.size(); i++) {
        const auto colon = line[i].find(':');
        hosts.push_back({number(line[i].substr(0, colon)), number(line[i].substr(colon + 1)), 0, 0});
    }
    std::vector<int> results(hosts.size());
    std::size_t returned = routes.get_host_batch(hosts, results);
    words came;
    for (std::size_t i = 0; i < hosts.size(); i++) {
        const auto code = static_cast<shm::status>(results[i]);
        returned -= code == shm::status::ok;
        came.push_back(text_of(shm::key{hosts[i].modid, hosts[i].cmdid}) + "=" + name_of(code));
    }
    if (returned != 0)
        came.push_back("and another number of them is returned");
    return came;
}

std::string with_state(const shm::host &host, std::uint32_t state)
{
    static const char *const names[] = {"=rotation", "=ejected", "=drained"};
    return text_of(host) + names[state];
}

// As a copy, in place, and as a list: the same.
words do_hosts(const words &line)
{
    const shm::key route = key_of(line);
    shm::host hosts[calls];
    shm::host_state states[calls];
    std::set<std::string> copied, shown, listed;
    const auto count = routes.get_route(route, hosts, states, calls);
    for (std::size_t i = 0; i < *count && i < calls; i++)
        copied.insert(with_state(hosts[i], states[i]));
    const words came = with_set(name_of(count.code()), copied);

    auto view = routes.view_of(route);
    std::size_t at = 0;
    const auto view_code = view.code();
    for (const shm::host &host : view)
        shown.insert(with_state(host, view.state(at++)));
    const bool whole = view.close() == view_code;
    auto list = routes.hosts(route);
    for (const shm::host_info &info : list)
        listed.insert(with_state(info.host, info.state));
    if (!whole || with_set(name_of(view_code), shown) != came ||
        with_set(name_of(list.code()), listed) != came)
        return {"in place, or as a list, it is something else"};
    return came;
}

words do_size(const words &line)
{
    std::vector<shm::host> hosts(2000);
    const auto count = routes.get_route(key_of(line), hosts.data(), nullptr, hosts.size());
    if (!count)
        return {name_of(count.code())};
    return {"OK", std::to_string(*count)};
}

words do_info(const words &line)
{
    const auto info = routes.info(key_of(line));
    return {name_of(info.code()), "hosts=" + std::to_string(info->hosts),
            "ejected=" + std::to_string(info->ejected), "drained=" + std::to_string(info->drained)};
}

words do_report(const words &line)
{
    return {name_of(routes.report(host_of(key_of(line), line[3]), std::stoi(line[4])))};
}

words do_wait(const words &line)
{
    return {name_of_wait(routes.wait_route(key_of(line), time_of(line[3])), time_of(line[3]))};
}

words do_routes(const words &)
{
    std::set<std::string> all;
    for (const shm::key route : routes.routes())
        all.insert(text_of(route));
    return {all.begin(), all.end()};
}

words do_changes(const words &)
{
    std::set<std::string> changed;
    for (;;) {
        const auto route = routes.next_change(since);
        if (!route)
            return with_set(name_of(route.code()), changed);
        changed.insert(text_of(*route));
    }
}

words do_change(const words &line)
{
    return {name_of_wait(routes.wait_change(since, time_of(line[1])), time_of(line[1]))};
}

words do_format(const words &line)
{
    return {text_of(host_of({0, 0}, line[1]))};
}

words do_open(const words &line)
{
    return {name_of(shm::handle().open(line[1].c_str()))};
}

// The codes whose texts are there, and no text of another code.
words do_strerror(const words &line)
{
    words came;
    std::set<std::string_view> texts;
    for (std::size_t i = 1; i < line.size(); i++) {
        int code = 0;
        while (code < static_cast<int>(codes.size()) && codes[static_cast<std::size_t>(code)] != line[i])
            code++;
        const auto text = shm::text(static_cast<shm::status>(code));
        came.push_back(!text.empty() && texts.insert(text).second ? line[i] : "no-text-of-its-own");
    }
    return came;
}

// So many words of the line are given, and those behind them are expected; those behind `sorted` in any order.
struct call {
    std::size_t given;
    words (*function)(const words &line);
    std::size_t sorted;
};

const std::map<std::string, call> functions = {
    {"get", {3, do_get, 4}},
    {"except", {4, do_except, 5}},
    {"batch", {1, do_batch, SIZE_MAX}},
    {"hosts", {3, do_hosts, 4}},
    {"size", {3, do_size, SIZE_MAX}},
    {"info", {3, do_info, SIZE_MAX}},
    {"report", {5, do_report, SIZE_MAX}},
    {"wait", {4, do_wait, SIZE_MAX}},
    {"routes", {1, do_routes, 1}},
    {"changes", {1, do_changes, 2}},
    {"change", {2, do_change, SIZE_MAX}},
    {"format", {1, do_format, SIZE_MAX}},
    {"open", {2, do_open, SIZE_MAX}},
    {"strerror", {1, do_strerror, SIZE_MAX}},
};

const std::set<std::string> of_the_instance = {"route", "eject", "drain", "answer"};

// Times that int cannot hold are for the library to refuse; other numbers that do not fit, for the compiler.
bool is_left_out(const words &line)
{
    if (line.empty() || of_the_instance.count(line[0]) > 0)
        return true;
    const bool of_time = line[0] == "change" || (line[0] == "wait" && line[3].size() > 9);
    return line.back() == "RANGE" && !of_time;
}

std::string joined(const words &list)
{
    std::string text;
    for (const auto &word : list)
        text += " " + word;
    return text;
}

// Empty: the call went as expected.
std::string replay(const words &line)
{
    const auto found = functions.find(line[0]);
    if (found == functions.end() || line.size() < found->second.given)
        return "no such call: " + line[0];
    const auto [given, function, sorted] = found->second;
    words expected(line.begin() + static_cast<std::ptrdiff_t>(given), line.end());
    if (line.size() > sorted) {
        const auto from = expected.begin() + static_cast<std::ptrdiff_t>(sorted - given);
        const std::set<std::string> set(from, expected.end());
        expected.erase(from, expected.end());
        expected.insert(expected.end(), set.begin(), set.end());
    }
    const words came = function(line);
    return came == expected ? "" : line[0] + ": expected" + joined(expected) + ", came" + joined(came);
}

words words_of(const std::string &line)
{
    std::istringstream stream(line.substr(0, line.find('#')));
    words list;
    for (std::string word; stream >> word;)
        list.push_back(word);
    return list;
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 3) {
        std::cerr << "usage: replay INSTANCE_PROGRAM FILE\n";
        return 2;
    }
    const std::string name = "replay-cpp-" + std::to_string(getpid());
    instance running(argv[1], name, argv[2]);
    if (const auto code = routes.open(name.c_str()); code != shm::status::ok) {
        std::cerr << "no instance: " << shm::text(code) << "\n";
        return 1;
    }
    std::ifstream file(argv[2]);
    bool passed = true;
    int at = 1;
    for (std::string line; std::getline(file, line); at++) {
        const words list = words_of(line);
        const std::string fault = is_left_out(list) ? "" : replay(list);
        if (!fault.empty())
            std::cout << at << ": " << fault << "\n";
        passed = passed && fault.empty();
    }
    routes.close();
    return passed ? 0 : 1;
}
