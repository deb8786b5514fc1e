/* SPDX-License-Identifier: MIT */
/* The fetcher with larshm-dns, both real: edits reach clients, also those made while the directory was down. */
#include <stdio.h>
#include <unistd.h>

#include "tests/support/fixture.h"

/* The database lies in the fetcher's home; the scene's port, at which its own directory never listens, is used. */
static struct process serve(struct scene *scene, char *db, char *place)
{
    struct process dns = {0};
    snprintf(db, 64, "%s/routes.db", scene->fetcher.home);
    snprintf(place, 32, "127.0.0.1:%u", scene->directory.port);
    char *const argv[] = {LARSHM_DNS, "--db", db, "serve", "--listen", place, NULL};
    process_start(&dns, scene->fetcher.log_path, argv);
    return dns;
}

/* larshm-dns --db DB route VERB 1 2 [HOST] */
static void edit(struct scene *scene, char *db, char *verb, char *host)
{
    struct process edit = {0};
    char *const argv[] = {LARSHM_DNS, "--db", db, "route", verb, "1", "2", host, NULL};
    process_start(&edit, scene->fetcher.log_path, argv);
    assert_int_equal(process_wait(&edit), 0);
}

static void remove_db(const char *db)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (int i = 0; i < 3; i++) {
        char path[80];
        snprintf(path, sizeof(path), "%s%s", db, suffixes[i]);
        unlink(path);
    }
}

static void edits_reach_clients_and_a_restart_of_the_directory_loses_none(void **state)
{
    struct scene *scene = *state;
    char db[64], place[32];
    struct process dns = serve(scene, db, place);
    scene_start(scene);
    edit(scene, db, "add", "10.0.0.1:80");
    assert_int_equal(larshm_wait_route(scene->client, 1, 2, PATIENCE_MS), LARSHM_OK);
    assert_true(scene_serves(scene, 1, 2, 1, 80));
    edit(scene, db, "add", "10.0.0.2:80");
    eventually(scene_serves(scene, 1, 2, 2, 80));

    process_kill(&dns);
    eventually(!scene_info(scene, 1, 2).connected);
    edit(scene, db, "add", "10.0.0.3:80");
    assert_true(scene_serves(scene, 1, 2, 2, 80));
    dns = serve(scene, db, place);
    eventually(scene_serves(scene, 1, 2, 3, 80));

    edit(scene, db, "del", NULL);
    eventually(scene_lookup(scene, 1, 2) == LARSHM_NOEXIST);
    edit(scene, db, "add", "10.0.0.1:90");
    eventually(scene_serves(scene, 1, 2, 1, 90));
    process_kill(&dns);
    remove_db(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene_test(edits_reach_clients_and_a_restart_of_the_directory_loses_none),
    };
    return cmocka_run_group_tests_name("integration/larshm_dns", tests, NULL, NULL);
}
