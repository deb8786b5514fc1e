// SPDX-License-Identifier: MIT
//
// larshm for C++17: look up Lars routes in shared memory. A thin layer over larshm.h, which says
// what each call does; larshm(3) has a manual page for each. Header only: link with -llarshm.
//
// The namespace is lars::shm, since larshm is a struct of larshm.h.
//
// Threads: one handle serves all threads; const members may be called by all of them at once. A
// route, a view and a list are for one thread at a time. Moving, opening and closing a handle need
// all other calls, views, lists and routes of it to be over.
//
// Errors: a call returns a status, or a result with one. Only constructors throw, and only
// `error`; without exceptions (-fno-exceptions) there are those that do not. Calls on a handle, a
// view or a list that is closed or was moved from return status::closed.
//
// Memory: nothing here allocates.
//
#ifndef LARSHM_HPP
#define LARSHM_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iosfwd>
#include <iterator>
#include <limits>
#include <string_view>
#include <utility>

#include <larshm/larshm.h>

namespace lars::shm
{

// The codes of larshm.h. Later versions may add some: treat one that you do not know as a failure.
enum class status : int {
    closed = -1, // the handle is closed, or was moved from
    ok = LARSHM_OK,
    overload = LARSHM_OVERLOAD,
    system_error = LARSHM_SYSTEM_ERROR,
    noexist = LARSHM_NOEXIST,
    pending = LARSHM_PENDING,
    full = LARSHM_FULL,
    stale = LARSHM_STALE,
    timeout = LARSHM_TIMEOUT,
    no_object = LARSHM_NO_OBJECT,
    no_permission = LARSHM_NO_PERMISSION,
    foreign = LARSHM_FOREIGN,
    unsafe = LARSHM_UNSAFE,
    too_short = LARSHM_SHORT,
    not_larshm = LARSHM_NOT_LARSHM,
    layout = LARSHM_LAYOUT,
    corrupt = LARSHM_CORRUPT,
    bad_argument = LARSHM_BAD_ARGUMENT,
    cut_off = LARSHM_CUT_OFF,
    end = LARSHM_END,
    overrun = LARSHM_OVERRUN,
};

// What a status means and what to do next. The text is static, and a NUL follows it.
inline std::string_view text(status code) noexcept
{
    return code == status::closed ? "closed, or moved from: open the handle first"
                                  : larshm_strerror(static_cast<int>(code));
}

// What constructors throw.
class error : public std::exception
{
public:
    explicit error(status code) noexcept : code_(code)
    {
    }

    status code() const noexcept
    {
        return code_;
    }

    const char *what() const noexcept override
    {
        return text(code_).data();
    }

private:
    status code_;
};

class handle;
class route;

// A status and a value, which is all 0 unless the call says otherwise of that status.
template <typename T> class [[nodiscard]] result
{
public:
    constexpr explicit operator bool() const noexcept
    {
        return code_ == status::ok;
    }

    constexpr status code() const noexcept
    {
        return code_;
    }

    std::string_view text() const noexcept
    {
        return shm::text(code_);
    }

    constexpr const T &operator*() const noexcept
    {
        return value_;
    }

    constexpr const T *operator->() const noexcept
    {
        return &value_;
    }

private:
    friend class handle;
    friend class route;

    constexpr result() noexcept = default;

    // From a code of larshm.h.
    void set(int code) noexcept
    {
        code_ = static_cast<status>(code);
    }

    status code_ = status::closed;
    // Calls write it in place: a copy of what was just stored in parts waits for these stores.
    T value_{};
};

// A route's name. In braces, {1, 1}: the compiler refuses numbers that do not fit.
struct key {
    std::uint32_t modid;
    std::uint32_t cmdid;
};

constexpr bool operator==(key a, key b) noexcept
{
    return a.modid == b.modid && a.cmdid == b.cmdid;
}

constexpr bool operator!=(key a, key b) noexcept
{
    return !(a == b);
}

using host = ::larshm_host; // addr and port are in network byte order
using host_state = ::larshm_host_state;
using host_info = ::larshm_host_info;
using route_info = ::larshm_route_info;
using std::chrono::milliseconds;

inline constexpr milliseconds forever{-1}; // a timeout; all that are negative are

// A host as text: "10.0.0.1:8080".
class host_text
{
public:
    explicit host_text(const host &named) noexcept
    {
        larshm_host_format(&named, text_, sizeof(text_));
    }

    const char *c_str() const noexcept
    {
        return text_;
    }

    operator std::string_view() const noexcept
    {
        return text_;
    }

    template <typename Traits>
    friend std::basic_ostream<char, Traits> &operator<<(std::basic_ostream<char, Traits> &out,
                                                        const host_text &shown)
    {
        return out << shown.text_;
    }

private:
    char text_[LARSHM_HOST_TEXT];
};

inline host_text text(const host &named) noexcept
{
    return host_text(named);
}

// As connect() wants it.
inline sockaddr_in address(const host &named) noexcept
{
    sockaddr_in address;
    larshm_host_sockaddr(&named, &address);
    return address;
}

// The single pass over a list: of List, which says with next() whether current() is another item.
template <typename List, typename Item> class list_iterator
{
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Item;
    using difference_type = std::ptrdiff_t;
    using pointer = const Item *;
    using reference = const Item &;

    list_iterator() noexcept = default; // behind the last

    explicit list_iterator(List *list) noexcept : list_(list)
    {
        ++*this;
    }

    const Item &operator*() const noexcept
    {
        return list_->current();
    }

    const Item *operator->() const noexcept
    {
        return &list_->current();
    }

    list_iterator &operator++() noexcept
    {
        if (list_ && !list_->next())
            list_ = nullptr;
        return *this;
    }

    // For *i++: the item before.
    class before
    {
    public:
        const Item &operator*() const noexcept
        {
            return item_;
        }

    private:
        friend class list_iterator;

        explicit before(const Item &item) noexcept : item_(item)
        {
        }

        Item item_;
    };

    before operator++(int) noexcept
    {
        before item(list_->current());
        ++*this;
        return item;
    }

    friend bool operator==(const list_iterator &a, const list_iterator &b) noexcept
    {
        return a.list_ == b.list_;
    }

    friend bool operator!=(const list_iterator &a, const list_iterator &b) noexcept
    {
        return a.list_ != b.list_;
    }

private:
    List *list_ = nullptr;
};

// All routes that are cached: for (key route : handle.routes()). See larshm_routes_begin(3).
class [[nodiscard]] route_list
{
public:
    using iterator = list_iterator<route_list, key>;

    route_list(route_list &&other) noexcept
        : h_(std::exchange(other.h_, nullptr)), list_(std::exchange(other.list_, {})),
          code_(std::exchange(other.code_, status::closed)), current_(other.current_)
    {
    }

    route_list &operator=(route_list &&) = delete;

    ~route_list()
    {
        close();
    }

    status code() const noexcept
    {
        return code_;
    }

    // False: that was all.
    bool next() noexcept
    {
        return h_ && larshm_routes_next(&list_, &current_.modid, &current_.cmdid) == LARSHM_OK;
    }

    const key &current() const noexcept
    {
        return current_;
    }

    iterator begin() noexcept
    {
        return iterator(this);
    }

    iterator end() noexcept
    {
        return {};
    }

    void close() noexcept
    {
        if (h_)
            larshm_routes_end(std::exchange(h_, nullptr), &list_);
        code_ = status::closed;
    }

private:
    friend class handle;

    explicit route_list(::larshm *h) noexcept
    {
        if (h)
            code_ = static_cast<status>(larshm_routes_begin(h, &list_));
        if (code_ == status::ok)
            h_ = h;
    }

    ::larshm *h_ = nullptr; // open
    ::larshm_routes list_{};
    status code_ = status::closed;
    key current_{};
};

// The hosts of a route and what is known of them: for (const host_info &info : handle.hosts({1,
// 1})). See larshm_hosts_begin(3).
class [[nodiscard]] host_list
{
public:
    using iterator = list_iterator<host_list, host_info>;

    host_list(host_list &&other) noexcept
        : h_(std::exchange(other.h_, nullptr)), list_(std::exchange(other.list_, {})),
          code_(std::exchange(other.code_, status::closed)), current_(other.current_)
    {
    }

    host_list &operator=(host_list &&) = delete;

    ~host_list()
    {
        close();
    }

    // Why the list is empty, or has ended: status::stale, it was held too long.
    status code() const noexcept
    {
        return code_;
    }

    // False: that was all, or code() says why there are no more.
    bool next() noexcept
    {
        if (!h_ || code_ != status::ok)
            return false;
        const int code = larshm_hosts_next(&list_, &current_);
        if (code != LARSHM_OK && code != LARSHM_END)
            code_ = static_cast<status>(code);
        return code == LARSHM_OK;
    }

    const host_info &current() const noexcept
    {
        return current_;
    }

    iterator begin() noexcept
    {
        return iterator(this);
    }

    iterator end() noexcept
    {
        return {};
    }

    void close() noexcept
    {
        if (h_)
            larshm_hosts_end(std::exchange(h_, nullptr), &list_);
        code_ = status::closed;
    }

private:
    friend class handle;

    host_list(::larshm *h, key route) noexcept
    {
        if (h)
            code_ = static_cast<status>(larshm_hosts_begin(h, route.modid, route.cmdid, &list_));
        if (code_ == status::ok)
            h_ = h;
    }

    ::larshm *h_ = nullptr; // open
    ::larshm_hosts list_{};
    status code_ = status::closed;
    host_info current_{};
};

// A route's hosts, in place: for (host each : handle.view_of({1, 1})). Without hosts unless code()
// is ok. What was read may be used if close() returns ok then, or if it was held for less than
// grace_ms, see larshm_route_begin(3).
class [[nodiscard]] view
{
public:
    class iterator
    {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = host;
        using difference_type = std::ptrdiff_t;
        using pointer = void;
        using reference = host;

        iterator() noexcept = default;

        iterator(const view *shown, std::size_t at) noexcept : shown_(shown), at_(at)
        {
        }

        host operator*() const noexcept
        {
            return (*shown_)[at_];
        }

        iterator &operator++() noexcept
        {
            at_++;
            return *this;
        }

        iterator operator++(int) noexcept
        {
            iterator before = *this;
            at_++;
            return before;
        }

        friend bool operator==(const iterator &a, const iterator &b) noexcept
        {
            return a.at_ == b.at_;
        }

        friend bool operator!=(const iterator &a, const iterator &b) noexcept
        {
            return a.at_ != b.at_;
        }

    private:
        const view *shown_ = nullptr;
        std::size_t at_ = 0;
    };

    view(view &&other) noexcept
        : h_(std::exchange(other.h_, nullptr)), shown_(std::exchange(other.shown_, {})),
          route_(other.route_), code_(std::exchange(other.code_, status::closed))
    {
    }

    view &operator=(view &&) = delete;

    ~view()
    {
        close();
    }

    explicit operator bool() const noexcept
    {
        return code_ == status::ok;
    }

    status code() const noexcept
    {
        return code_;
    }

    std::size_t size() const noexcept
    {
        return shown_.count;
    }

    bool empty() const noexcept
    {
        return shown_.count == 0;
    }

    std::uint64_t version() const noexcept
    {
        return shown_.version;
    }

    // Of numbers below size(); for others, no host: all 0.
    host operator[](std::size_t at) const noexcept
    {
        return at < shown_.count
                   ? host{route_.modid, route_.cmdid, shown_.addr[at], shown_.port[at]}
                   : host{};
    }

    // Likewise, now; for others, in rotation.
    host_state state(std::size_t at) const noexcept
    {
        return at < shown_.count ? larshm_view_state(&shown_, at) : LARSHM_HOST_IN_ROTATION;
    }

    iterator begin() const noexcept
    {
        return {this, 0};
    }

    iterator end() const noexcept
    {
        return {this, shown_.count};
    }

    // status::stale: discard what was read. The view is empty from then on.
    status close() noexcept
    {
        if (!h_)
            return std::exchange(code_, status::closed);
        code_ = status::closed;
        return static_cast<status>(larshm_route_end(std::exchange(h_, nullptr), &shown_));
    }

private:
    friend class handle;

    view(::larshm *h, key route) noexcept : route_(route)
    {
        if (h)
            code_ = static_cast<status>(larshm_route_begin(h, route.modid, route.cmdid, &shown_));
        if (code_ == status::ok)
            h_ = h;
    }

    ::larshm *h_ = nullptr; // open
    ::larshm_view shown_{};
    key route_;
    status code_ = status::closed;
};

// A route to pick from again and again, see larshm_route_open(3). Each thread has its own. It must
// not be used after its handle is closed.
class route
{
public:
    route() noexcept = default; // picks nothing

    // As it was when it was opened.
    status code() const noexcept
    {
        return code_;
    }

    result<host> pick() noexcept
    {
        result<host> picked;
        if (open_)
            picked.set(larshm_route_pick(&route_, &picked.value_));
        return picked;
    }

private:
    friend class handle;

    route(::larshm *h, key named) noexcept : open_(h)
    {
        if (h)
            code_ = static_cast<status>(larshm_route_open(h, named.modid, named.cmdid, &route_));
    }

    ::larshm_route route_{};
    bool open_ = false;
    status code_ = status::closed;
};

// The open routes of an instance. One for each process and instance is enough.
class handle
{
public:
    handle() noexcept = default; // closed

#ifdef __cpp_exceptions
    // Opens; nullptr is $LARSHM_INSTANCE, or "default". Throws `error`.
    explicit handle(const char *instance)
    {
        throw_unless_ok(open(instance));
    }

    // The same, and waits for the first fetcher.
    handle(const char *instance, milliseconds timeout)
    {
        throw_unless_ok(open_wait(instance, timeout));
    }
#endif

    handle(handle &&other) noexcept : h_(std::exchange(other.h_, nullptr))
    {
    }

    handle &operator=(handle &&other) noexcept
    {
        if (this != &other) {
            close();
            h_ = std::exchange(other.h_, nullptr);
        }
        return *this;
    }

    ~handle()
    {
        close();
    }

    // Opens, in place of what is open. On failure the handle stays as it was.
    [[nodiscard]] status open(const char *instance = nullptr) noexcept
    {
        ::larshm *opened = nullptr;
        const int code = larshm_open(&opened, instance);
        return take(code, opened);
    }

    [[nodiscard]] status open_wait(const char *instance, milliseconds timeout) noexcept
    {
        if (!fits(timeout))
            return status::bad_argument;
        ::larshm *opened = nullptr;
        const int code = larshm_open_wait(&opened, instance, to_int(timeout));
        return take(code, opened);
    }

    void close() noexcept
    {
        larshm_close(std::exchange(h_, nullptr));
    }

    explicit operator bool() const noexcept
    {
        return h_ != nullptr;
    }

    // For calls of larshm.h. nullptr: closed.
    ::larshm *native() const noexcept
    {
        return h_;
    }

    result<host> get_host(key route) const noexcept
    {
        result<host> picked;
        if (h_)
            picked.set(larshm_get_host(h_, route.modid, route.cmdid, &picked.value_));
        return picked;
    }

    // For another attempt; 8 tried hosts at most.
    result<host> get_host_except(key route, const host *tried, std::size_t count) const noexcept
    {
        result<host> picked;
        if (h_)
            picked.set(larshm_get_host_except(h_, route.modid, route.cmdid, tried, count,
                                              &picked.value_));
        return picked;
    }

    // The same for an array, a vector or a span of hosts.
    template <typename Hosts>
    result<host> get_host_except(key route, const Hosts &tried) const noexcept
    {
        return get_host_except(route, std::data(tried), std::size(tried));
    }

    // hosts[i] names a route and gets its host, codes[i] becomes the number of the status. Returns
    // how many are ok.
    std::size_t get_host_batch(host *hosts, int *codes, std::size_t count) const noexcept
    {
        if (h_)
            return larshm_get_host_batch(h_, hosts, codes, count);
        for (std::size_t i = 0; i < count; i++)
            codes[i] = static_cast<int>(status::closed);
        return 0;
    }

    // The same for arrays, vectors or spans, as far as both go.
    template <typename Hosts, typename Codes>
    std::size_t get_host_batch(Hosts &&hosts, Codes &&codes) const noexcept
    {
        const std::size_t count =
            std::size(hosts) < std::size(codes) ? std::size(hosts) : std::size(codes);
        return get_host_batch(std::data(hosts), std::data(codes), count);
    }

    // Copies up to `room` hosts, and their states unless that is nullptr. The value is how many
    // there are, which may be more.
    result<std::size_t> get_route(key route, host *hosts, host_state *states,
                                  std::size_t room) const noexcept
    {
        result<std::size_t> count;
        if (h_ && states)
            count.set(larshm_get_route_states(h_, route.modid, route.cmdid, hosts, states, room,
                                              &count.value_));
        else if (h_)
            count.set(larshm_get_route(h_, route.modid, route.cmdid, hosts, room, &count.value_));
        return count;
    }

    shm::route open_route(key named) const noexcept
    {
        return shm::route(h_, named);
    }

    view view_of(key route) const noexcept
    {
        return view(h_, route);
    }

    host_list hosts(key route) const noexcept
    {
        return host_list(h_, route);
    }

    route_list routes() const noexcept
    {
        return route_list(h_);
    }

    // 0 is a success, all else a failure.
    status report(const host &called, int retcode) const noexcept
    {
        return h_ ? static_cast<status>(larshm_report(h_, &called, retcode)) : status::closed;
    }

    // The same, with the duration of the call; a negative one is 0.
    status report(const host &called, int retcode, milliseconds duration) const noexcept
    {
        constexpr auto most = std::numeric_limits<std::uint32_t>::max();
        const auto ms = duration.count() < 0      ? 0
                        : duration.count() > most ? most
                                                  : static_cast<std::uint32_t>(duration.count());
        return h_ ? static_cast<status>(larshm_report_timed(h_, &called, retcode, ms))
                  : status::closed;
    }

    // Blocks until the directory has answered for the route.
    status wait_route(key route, milliseconds timeout) const noexcept
    {
        if (!fits(timeout))
            return status::bad_argument;
        return h_ ? static_cast<status>(
                        larshm_wait_route(h_, route.modid, route.cmdid, to_int(timeout)))
                  : status::closed;
    }

    // The value is filled in for noexist and pending, too.
    result<route_info> info(key route) const noexcept
    {
        result<route_info> about;
        if (h_)
            about.set(larshm_info(h_, route.modid, route.cmdid, &about.value_));
        return about;
    }

    // The route that has changed next, see larshm_next_change(3): `since` is 0 at first.
    result<key> next_change(std::uint64_t &since) const noexcept
    {
        result<key> changed;
        if (h_)
            changed.set(
                larshm_next_change(h_, &since, &changed.value_.modid, &changed.value_.cmdid));
        return changed;
    }

    // Blocks until something has changed behind `since`.
    status wait_change(std::uint64_t since, milliseconds timeout) const noexcept
    {
        if (!fits(timeout))
            return status::bad_argument;
        return h_ ? static_cast<status>(larshm_wait_change(h_, &since, to_int(timeout)))
                  : status::closed;
    }

    // For poll() and event loops, see larshm_change_fd(3). It is the library's.
    result<int> change_fd() const noexcept
    {
        result<int> fd;
        fd.value_ = -1;
        if (h_)
            fd.set(larshm_change_fd(h_, &fd.value_));
        return fd;
    }

private:
    static constexpr bool fits(milliseconds timeout) noexcept
    {
        return timeout.count() <= std::numeric_limits<int>::max();
    }

    static constexpr int to_int(milliseconds timeout) noexcept
    {
        return timeout.count() < 0 ? -1 : static_cast<int>(timeout.count());
    }

#ifdef __cpp_exceptions
    static void throw_unless_ok(status code)
    {
        if (code != status::ok)
            throw error(code);
    }
#endif

    status take(int code, ::larshm *opened) noexcept
    {
        if (code == LARSHM_OK)
            larshm_close(std::exchange(h_, opened));
        return static_cast<status>(code);
    }

    ::larshm *h_ = nullptr;
};

} // namespace lars::shm

#endif
