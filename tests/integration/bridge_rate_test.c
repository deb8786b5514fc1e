/* SPDX-License-Identifier: MIT */
/*
 * The bridge serves at least as many requests per second as a loop that receives and echoes one datagram at a time:
 * what batches save pays for the work. Both are measured alternately, several times, on the machine as it is; the median
 * of the pairs counts, with some tolerance, for others use the machine too.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/integration/bridge_fixture.h"

enum {
    WINDOW = 64, /* requests under way */
    REQUESTS = 20000,
    ROUNDS = 15,
    LEAST_PERCENT = 90,
};

_Noreturn static void echo(int fd)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        char bytes[2048];
        struct sockaddr_in from;
        socklen_t length = sizeof(from);
        ssize_t size = recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &length);
        if (size >= 0)
            sendto(fd, bytes, (size_t)size, 0, (struct sockaddr *)&from, length);
    }
}

static pid_t start_echo(in_port_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    pid_t pid = fork();
    if (pid == 0)
        echo(fd);
    close(fd);
    *port = ntohs(address.sin_port);
    return pid;
}

/* Requests per second of a client that keeps WINDOW of them under way. */
static double rate(in_port_t port)
{
    static uint8_t answers[WINDOW][REQUEST_BYTES];
    uint8_t bytes[REQUEST_BYTES];
    struct iovec request = {bytes, host_request(bytes, 1, 1, 1)}, parts[WINDOW];
    struct mmsghdr out[WINDOW] = {0}, in[WINDOW] = {0};
    struct timespec begin, end;
    struct timeval timeout = {.tv_sec = EVENTUALLY_MS / 1000};
    int fd = client_open("127.0.0.1", port), under_way = 0;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    for (int i = 0; i < WINDOW; i++) {
        parts[i] = (struct iovec){answers[i], REQUEST_BYTES};
        out[i].msg_hdr = (struct msghdr){.msg_iov = &request, .msg_iovlen = 1};
        in[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int answered = 0; answered < REQUESTS;) {
        while (under_way < WINDOW) {
            int sent = sendmmsg(fd, out, (unsigned)(WINDOW - under_way), 0);
            assert_true(sent > 0);
            under_way += sent;
        }
        int got = recvmmsg(fd, in, WINDOW, MSG_WAITFORONE, NULL);
        assert_true(got > 0);
        under_way -= got;
        answered += got;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    close(fd);
    return REQUESTS / ((double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9);
}

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void bridge_keeps_up_with_a_plain_echo_loop(void **state)
{
    struct bridge *bridge = *state;
    double percent[ROUNDS];
    in_port_t port;
    pid_t echoing = start_echo(&port);
    instance_put(bridge->instance, route_key_number(route_key(1, 1)), 1, 4, 3600);
    for (int i = 0; i < ROUNDS; i++) {
        double plain = rate(port), served = rate(bridge->ports[0]);
        percent[i] = 100 * served / plain;
        print_message("echo %.0f/s, bridge %.0f/s: %.0f %%\n", plain, served, percent[i]);
    }
    kill(echoing, SIGKILL);
    waitpid(echoing, NULL, 0);
    qsort(percent, ROUNDS, sizeof(*percent), by_size);
    print_message("median %.0f %%, best %.0f %%\n", percent[ROUNDS / 2], percent[ROUNDS - 1]);
    assert_true(percent[ROUNDS / 2] >= LEAST_PERCENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        bridge_test(bridge_keeps_up_with_a_plain_echo_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
