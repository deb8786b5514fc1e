/* SPDX-License-Identifier: MIT */
#include "conf/admin_request.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "conf/address.h"

bool admin_refuse(struct admin_error *error, const char *code, const char *format, ...)
{
    va_list arguments;
    snprintf(error->code, sizeof(error->code), "%s", code);
    va_start(arguments, format);
    vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    for (char *c = error->text; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    return false;
}

char *admin_error_answer(const struct admin_error *error)
{
    json_t *answer = json_pack("{s:i, s:b, s:s, s:s}", "version", ADMIN_VERSION, "ok", 0, "error",
                               error->text, "code", error->code);
    char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
    json_decref(answer);
    return text;
}

static bool is_id(json_int_t number)
{
    return number >= 0 && number <= UINT32_MAX;
}

static bool read_host(const char *text, struct sockaddr_in *out)
{
    return address_parse(text, out) && out->sin_addr.s_addr != INADDR_ANY && out->sin_port != 0;
}

static bool read_members(json_t *root, struct admin_request *out, struct admin_error *error)
{
    json_int_t version, modid = -1, cmdid = -1;
    const char *command, *host = NULL;
    json_error_t wrong;
    if (json_unpack_ex(root, &wrong, JSON_STRICT, "{s:I, s:s, s?I, s?I, s?s}", "version", &version, "command",
                       &command, "modid", &modid, "cmdid", &cmdid, "host", &host) != 0)
        return admin_refuse(error, "bad_request", "%s", wrong.text);
    if (version != ADMIN_VERSION)
        return admin_refuse(error, "bad_version", "version %" JSON_INTEGER_FORMAT " is unknown: this is %d",
                            version, ADMIN_VERSION);
    *out = (struct admin_request){
        .has_route = json_object_get(root, "modid") || json_object_get(root, "cmdid"), .has_host = host};
    if (out->has_route && (!is_id(modid) || !is_id(cmdid)))
        return admin_refuse(error, "bad_request", "modid and cmdid must be numbers from 0 to %" PRIu32,
                            UINT32_MAX);
    if (host && (!out->has_route || !read_host(host, &out->host)))
        return admin_refuse(error, "bad_request", "host must be IP:PORT, as in 10.0.0.1:8080, of a route");
    if (strlen(command) >= sizeof(out->command))
        return admin_refuse(error, "unknown_command", "unknown command");
    snprintf(out->command, sizeof(out->command), "%s", command);
    if (out->has_route) {
        out->modid = (uint32_t)modid;
        out->cmdid = (uint32_t)cmdid;
    }
    return true;
}

/* jansson bounds how deep a text may nest (JSON_PARSER_MAX_DEPTH), and its strings have no NUL in them. */
bool admin_request_parse(const char *line, size_t length, struct admin_request *out,
                         struct admin_error *error)
{
    json_error_t wrong;
    json_t *root = json_loadb(line, length, JSON_REJECT_DUPLICATES, &wrong);
    if (!root)
        return admin_refuse(error, "bad_json", "byte %d: %s", wrong.position, wrong.text);
    bool good = read_members(root, out, error);
    json_decref(root);
    return good;
}
