/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/larshm/http_server.h"

enum {
    PAGE_SIZE = 64 << 20, /* more than sockets hold */
};

struct client {
    struct sockaddr_storage address;
    size_t received;
    uv_async_t done;
};

static void write_page(void *arg, const char *path, struct http_page *page)
{
    (void)arg, (void)path;
    page->text = calloc(1, PAGE_SIZE);
    page->type = "text/plain";
    page->length = PAGE_SIZE;
    page->status = page->text ? HTTP_OK : HTTP_SERVER_ERROR;
}

static void request_and_send_no_more(void *arg)
{
    static const char request[] = "GET / HTTP/1.1\r\n\r\n";
    struct client *client = arg;
    char part[65536];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&client->address, sizeof(struct sockaddr_in)) == 0 &&
        write(fd, request, sizeof(request) - 1) == sizeof(request) - 1 && shutdown(fd, SHUT_WR) == 0)
        for (ssize_t size; (size = read(fd, part, sizeof(part))) > 0;)
            client->received += (size_t)size;
    close(fd);
    uv_async_send(&client->done);
}

static void on_done(uv_async_t *done)
{
    uv_close((uv_handle_t *)done, NULL);
    http_server_stop(done->data);
}

static void who_sends_no_more_gets_all_of_a_large_page(void **state)
{
    struct client client = {.received = 0};
    struct sockaddr_storage any = {0};
    struct http_server *server;
    uv_thread_t thread;
    uv_loop_t loop;
    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(uv_async_init(&loop, &client.done, on_done), 0);
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, (struct sockaddr_in *)&any), 0);
    assert_int_equal(http_server_start(&server, &loop, &any, write_page, NULL, &client.address), 0);
    client.done.data = server;
    assert_int_equal(uv_thread_create(&thread, request_and_send_no_more, &client), 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_thread_join(&thread);
    http_server_free(server);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_in_range(client.received, PAGE_SIZE, PAGE_SIZE + 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(who_sends_no_more_gets_all_of_a_large_page)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
