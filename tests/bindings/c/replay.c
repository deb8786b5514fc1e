/* SPDX-License-Identifier: MIT */
/*
 * Replays vectors.txt in C, which says what a replay is. Other languages' replays do the same steps: a line becomes words, the
 * verb selects a function, and that returns what came, in the words of the file; it must be what is expected.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <larshm/larshm.h>

enum {
    WORDS_MAX = 32,
    WORD_BYTES = 48,
    TEXT_BYTES = 1024,
    HOSTS = 2000,
    CALLS = 100,
};

static const char *const codes[] = {
    [LARSHM_OK] = "OK",
    [LARSHM_OVERLOAD] = "OVERLOAD",
    [LARSHM_SYSTEM_ERROR] = "SYSTEM_ERROR",
    [LARSHM_NOEXIST] = "NOEXIST",
    [LARSHM_PENDING] = "PENDING",
    [LARSHM_FULL] = "FULL",
    [LARSHM_STALE] = "STALE",
    [LARSHM_TIMEOUT] = "TIMEOUT",
    [LARSHM_NO_OBJECT] = "NO_OBJECT",
    [LARSHM_NO_PERMISSION] = "NO_PERMISSION",
    [LARSHM_FOREIGN] = "FOREIGN",
    [LARSHM_UNSAFE] = "UNSAFE",
    [LARSHM_SHORT] = "SHORT",
    [LARSHM_NOT_LARSHM] = "NOT_LARSHM",
    [LARSHM_LAYOUT] = "LAYOUT",
    [LARSHM_CORRUPT] = "CORRUPT",
    [LARSHM_BAD_ARGUMENT] = "BAD_ARGUMENT",
    [LARSHM_CUT_OFF] = "CUT_OFF",
    [LARSHM_END] = "END",
    [LARSHM_OVERRUN] = "OVERRUN",
};
enum {
    CODES = sizeof(codes) / sizeof(codes[0])
};

/* Words with a blank between two. */
struct text {
    char words[TEXT_BYTES];
    size_t used;
};

static larshm *routes;
static uint64_t since; /* as larshm_next_change() has left it */

static void add(struct text *text, const char *word)
{
    int length =
        snprintf(&text->words[text->used], TEXT_BYTES - text->used, "%s%s", text->used ? " " : "", word);
    if (length > 0 && text->used + (size_t)length < TEXT_BYTES)
        text->used += (size_t)length;
}

static const char *code_name(int code)
{
    return code >= 0 && code < CODES ? codes[code] : "UNKNOWN";
}

static uint32_t number(const char *word)
{
    return (uint32_t)strtoul(word, NULL, 10);
}

static larshm_host parse_host(const char *modid, const char *cmdid, const char *word)
{
    larshm_host host = {.modid = number(modid), .cmdid = number(cmdid)};
    char address[INET_ADDRSTRLEN] = "", port[8] = "";
    if (sscanf(word, "%15[^:]:%7s", address, port) == 2 && inet_pton(AF_INET, address, &host.addr) == 1)
        host.port = htons((uint16_t)number(port));
    return host;
}

/* Words in any order. */
struct set {
    char words[CALLS][WORD_BYTES];
    size_t count;
};

static void insert_host(struct set *set, const larshm_host *host, const char *suffix)
{
    char text[LARSHM_HOST_TEXT] = "";
    larshm_host_format(host, text, sizeof(text));
    if (set->count < CALLS)
        snprintf(set->words[set->count++], WORD_BYTES, "%s%s", text, suffix);
}

static void insert_route(struct set *set, uint32_t modid, uint32_t cmdid)
{
    if (set->count < CALLS)
        snprintf(set->words[set->count++], WORD_BYTES, "%" PRIu32 ":%" PRIu32, modid, cmdid);
}

static int compare_words(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Adds the words sorted, each one once. */
static void add_set(struct text *text, struct set *set)
{
    qsort(set->words, set->count, WORD_BYTES, compare_words);
    for (size_t i = 0; i < set->count; i++)
        if (i == 0 || strcmp(set->words[i], set->words[i - 1]) != 0)
            add(text, set->words[i]);
}

/* Picks CALLS times: the code, and the hosts that came. Of several codes, the first that is not OK. */
static void do_picks(char **words, const larshm_host *tried, size_t tried_count, struct text *came)
{
    uint32_t modid = number(words[1]), cmdid = number(words[2]);
    struct set hosts = {.count = 0};
    int code = LARSHM_OK;
    for (int i = 0; code == LARSHM_OK && i < CALLS; i++) {
        larshm_host host;
        code = tried ? larshm_get_host_except(routes, modid, cmdid, tried, tried_count, &host)
                     : larshm_get_host(routes, modid, cmdid, &host);
        if (code == LARSHM_OK)
            insert_host(&hosts, &host, "");
    }
    add(came, code_name(code));
    add_set(came, &hosts);
}

static void do_get(char **words, struct text *came)
{
    do_picks(words, NULL, 0, came);
}

static void do_except(char **words, struct text *came)
{
    larshm_host tried[WORDS_MAX];
    size_t count = 0;
    if (strcmp(words[3], "-") != 0)
        for (char *rest = words[3], *word; (word = strsep(&rest, ",")) && count < WORDS_MAX; count++)
            tried[count] = parse_host(words[1], words[2], word);
    do_picks(words, tried, count, came);
}

static void do_batch(char **words, struct text *came)
{
    larshm_host hosts[WORDS_MAX];
    int results[WORDS_MAX];
    size_t count = 0, succeeded = 0;
    for (; words[count + 1]; count++)
        if (sscanf(words[count + 1], "%" SCNu32 ":%" SCNu32, &hosts[count].modid, &hosts[count].cmdid) != 2)
            return;
    size_t returned = larshm_get_host_batch(routes, hosts, results, count);
    for (size_t i = 0; i < count; i++) {
        char word[64];
        succeeded += results[i] == LARSHM_OK;
        snprintf(word, sizeof(word), "%" PRIu32 ":%" PRIu32 "=%s", hosts[i].modid, hosts[i].cmdid,
                 code_name(results[i]));
        add(came, word);
    }
    if (returned != succeeded)
        add(came, "and another number of them is returned");
}

static const char *const states[] = {
    [LARSHM_HOST_IN_ROTATION] = "=rotation",
    [LARSHM_HOST_EJECTED] = "=ejected",
    [LARSHM_HOST_DRAINED] = "=drained",
};

/* What larshm_hosts_begin() lists: the same. */
static void do_host_list(char **words, struct text *came)
{
    struct set hosts = {.count = 0};
    larshm_hosts list;
    larshm_host_info info;
    int code = larshm_hosts_begin(routes, number(words[1]), number(words[2]), &list);
    if (code == LARSHM_OK) {
        while (larshm_hosts_next(&list, &info) == LARSHM_OK)
            insert_host(&hosts, &info.host, states[info.state]);
        larshm_hosts_end(routes, &list);
    }
    add(came, code_name(code));
    add_set(came, &hosts);
}

static void do_hosts(char **words, struct text *came)
{
    struct set set = {.count = 0};
    struct text listed = {0};
    larshm_host hosts[WORDS_MAX];
    enum larshm_host_state state[WORDS_MAX];
    size_t count = 0;
    int code =
        larshm_get_route_states(routes, number(words[1]), number(words[2]), hosts, state, WORDS_MAX, &count);
    for (size_t i = 0; i < count && i < WORDS_MAX; i++)
        insert_host(&set, &hosts[i], states[state[i]]);
    add(came, code_name(code));
    add_set(came, &set);
    do_host_list(words, &listed);
    if (strcmp(listed.words, came->words) != 0) {
        add(came, "and as a list");
        add(came, listed.words);
    }
}

static void do_size(char **words, struct text *came)
{
    static larshm_host hosts[HOSTS];
    size_t count = 0;
    char word[32];
    int code = larshm_get_route(routes, number(words[1]), number(words[2]), hosts, HOSTS, &count);
    add(came, code_name(code));
    if (code != LARSHM_OK)
        return;
    snprintf(word, sizeof(word), "%zu", count);
    add(came, word);
}

static void do_info(char **words, struct text *came)
{
    larshm_route_info info;
    const struct {
        const char *name;
        const uint32_t *value;
    } members[] = {{"hosts", &info.hosts}, {"ejected", &info.ejected}, {"drained", &info.drained}};
    add(came, code_name(larshm_info(routes, number(words[1]), number(words[2]), &info)));
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        char word[64];
        snprintf(word, sizeof(word), "%s=%" PRIu32, members[i].name, *members[i].value);
        add(came, word);
    }
}

static void do_report(char **words, struct text *came)
{
    const larshm_host host = parse_host(words[1], words[2], words[3]);
    add(came, code_name(larshm_report(routes, &host, (int)strtol(words[4], NULL, 10))));
}

static void do_wait(char **words, struct text *came)
{
    int timeout_ms = (int)strtol(words[3], NULL, 10);
    add(came, code_name(larshm_wait_route(routes, number(words[1]), number(words[2]), timeout_ms)));
}

static void do_changes(char **words, struct text *came)
{
    (void)words;
    struct set changed = {.count = 0};
    uint32_t modid, cmdid;
    int code = LARSHM_OK;
    while (changed.count < CALLS && (code = larshm_next_change(routes, &since, &modid, &cmdid)) == LARSHM_OK)
        insert_route(&changed, modid, cmdid);
    add(came, code_name(code));
    add_set(came, &changed);
}

static void do_routes(char **words, struct text *came)
{
    (void)words;
    struct set all = {.count = 0};
    larshm_routes list;
    uint32_t modid, cmdid;
    int code = larshm_routes_begin(routes, &list);
    if (code != LARSHM_OK) {
        add(came, code_name(code));
        return;
    }
    while (larshm_routes_next(&list, &modid, &cmdid) == LARSHM_OK)
        insert_route(&all, modid, cmdid);
    larshm_routes_end(routes, &list);
    add_set(came, &all);
}

static void do_change(char **words, struct text *came)
{
    uint64_t position = since;
    add(came, code_name(larshm_wait_change(routes, &position, (int)strtol(words[1], NULL, 10))));
}

static void do_format(char **words, struct text *came)
{
    char text[LARSHM_HOST_TEXT] = "";
    const larshm_host host = parse_host("0", "0", words[1]);
    larshm_host_format(&host, text, sizeof(text));
    add(came, text);
}

static void do_open(char **words, struct text *came)
{
    larshm *other = NULL;
    add(came, code_name(larshm_open(&other, words[1])));
    larshm_close(other);
}

/* What came is the codes whose texts are there, and no text of another code. */
static void do_strerror(char **words, struct text *came)
{
    const char *texts[WORDS_MAX];
    for (int i = 0; words[i + 1]; i++) {
        int code = 0;
        while (code < CODES && strcmp(codes[code], words[i + 1]) != 0)
            code++;
        bool own = code < CODES && *larshm_strerror(code);
        texts[i] = larshm_strerror(code);
        for (int j = 0; j < i; j++)
            own = own && strcmp(texts[j], texts[i]) != 0;
        add(came, own ? words[i + 1] : "no-text-of-its-own");
    }
}

/* `given`: so many words of the line are arguments, and those behind them are what is expected; where the order of these is
 * free, those behind `sorted` are sorted. */
static const struct call {
    const char *verb;
    int given;
    void (*function)(char **words, struct text *came);
    int sorted;
} calls[] = {
    {"get", 3, do_get, 4},
    {"except", 4, do_except, 5},
    {"batch", 1, do_batch, WORDS_MAX},
    {"hosts", 3, do_hosts, 4},
    {"size", 3, do_size, WORDS_MAX},
    {"info", 3, do_info, WORDS_MAX},
    {"report", 5, do_report, WORDS_MAX},
    {"wait", 4, do_wait, WORDS_MAX},
    {"changes", 1, do_changes, 2},
    {"routes", 1, do_routes, 1},
    {"change", 2, do_change, WORDS_MAX},
    {"format", 1, do_format, WORDS_MAX},
    {"open", 2, do_open, WORDS_MAX},
    {"strerror", 1, do_strerror, WORDS_MAX},
};

static bool is_of_instance(const char *verb)
{
    return strcmp(verb, "route") == 0 || strcmp(verb, "eject") == 0 || strcmp(verb, "drain") == 0 ||
           strcmp(verb, "answer") == 0;
}

static const struct call *find_call(const char *verb)
{
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        if (strcmp(calls[i].verb, verb) == 0)
            return &calls[i];
    return NULL;
}

/* False: the call went otherwise, which is printed. */
static bool replay_line(int number, char *line)
{
    char *words[WORDS_MAX + 1] = {0}, *rest = NULL;
    struct text expected = {0}, came = {0};
    struct set set = {.count = 0};
    int count = 0;
    line[strcspn(line, "#\n")] = '\0';
    for (char *word = strtok_r(line, " \t", &rest); word && count < WORDS_MAX;
         word = strtok_r(NULL, " \t", &rest))
        words[count++] = word;
    if (count == 0 || is_of_instance(words[0]) || strcmp(words[count - 1], "RANGE") == 0)
        return true;
    const struct call *call = find_call(words[0]);
    if (!call || count < call->given) {
        printf("%d: no such call: %s\n", number, words[0]);
        return false;
    }
    for (int i = call->given; i < count && i < call->sorted; i++)
        add(&expected, words[i]);
    for (int i = call->sorted; i < count; i++)
        snprintf(set.words[set.count++], WORD_BYTES, "%s", words[i]);
    add_set(&expected, &set);
    call->function(words, &came);
    if (strcmp(expected.words, came.words) == 0)
        return true;
    printf("%d: %s: expected %s, came %s\n", number, words[0], expected.words, came.words);
    return false;
}

/* The instance's program, with pipes to its stdin and from its stdout. */
struct instance {
    pid_t pid;
    FILE *input, *output;
};

static struct instance start_instance(char *program, char *name, char *path)
{
    int input[2], output[2];
    if (pipe(input) != 0 || pipe(output) != 0)
        exit(2);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(input[0], 0);
        dup2(output[1], 1);
        close(input[1]);
        execv(program, (char *[]){program, name, path, NULL});
        perror(program);
        _exit(2);
    }
    close(input[0]);
    close(output[1]);
    return (struct instance){pid, fdopen(input[1], "w"), fdopen(output[0], "r")};
}

static bool is_ready(struct instance *instance)
{
    char line[16] = "";
    return fgets(line, sizeof(line), instance->output) && strcmp(line, "ready\n") == 0;
}

static void stop_instance(struct instance *instance)
{
    fclose(instance->input);
    waitpid(instance->pid, NULL, 0);
    fclose(instance->output);
}

int main(int argc, char **argv)
{
    char name[32], line[4096];
    FILE *file = argc == 3 ? fopen(argv[2], "r") : NULL;
    if (!file) {
        fprintf(stderr, "usage: replay INSTANCE_PROGRAM FILE\n");
        return 2;
    }
    snprintf(name, sizeof(name), "replay-c-%ld", (long)getpid());
    struct instance instance = start_instance(argv[1], name, argv[2]);
    bool ready = is_ready(&instance);
    int code = ready ? larshm_open(&routes, name) : LARSHM_NO_OBJECT;
    bool passed = code == LARSHM_OK;
    if (!passed)
        fprintf(stderr, "no instance: %s\n", larshm_strerror(code));
    for (int number = 1; code == LARSHM_OK && fgets(line, sizeof(line), file); number++)
        if (!replay_line(number, line))
            passed = false;
    fclose(file);
    larshm_close(routes);
    stop_instance(&instance);
    return passed ? 0 : 1;
}
