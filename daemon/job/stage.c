/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "job/stage.h"
#include "base/path.h"
#include "job/sandbox.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static bool is_login(const char *key)
{
        return strcmp(key, SC_STAGE_CREDENTIALS) == 0 || strcmp(key, SC_STAGE_AUTHFILE) == 0;
}

/* The descriptor of a reference {"fd":N}; -1 for anything else. */
static int index_of(JsonNode *value)
{
        if (!JSON_NODE_HOLDS_OBJECT(value))
                return -1;
        JsonNode *index = json_object_get_member(json_node_get_object(value), "fd");
        return index != NULL && json_node_get_value_type(index) == G_TYPE_INT64 ? (int)json_node_get_int(index) : -1;
}

static JsonObject *make_reference(int index)
{
        JsonObject *reference = json_object_new();
        json_object_set_int_member(reference, "fd", index);
        return reference;
}

/* A copy of a value, with the descriptors in it added to fds and numbered anew. NULL on error. */
static JsonNode *pick(JsonNode *value, const GArray *from, GArray *fds, GError **error)
{
        int index = index_of(value);
        if (index >= 0 && from != NULL && (guint)index < from->len) {
                int added = sc_fds_add(fds, g_array_index(from, int, index), error);
                return added < 0 ? NULL : json_node_init_object(json_node_alloc(), make_reference(added));
        }
        if (!JSON_NODE_HOLDS_OBJECT(value))
                return json_node_copy(value);
        g_autoptr(JsonObject) copy = json_object_new();
        JsonObjectIter iter;
        const char *key;
        JsonNode *member;
        json_object_iter_init(&iter, json_node_get_object(value));
        while (json_object_iter_next(&iter, &key, &member)) {
                JsonNode *picked = pick(member, from, fds, error);
                if (picked == NULL)
                        return NULL;
                json_object_set_member(copy, key, picked);
        }
        return json_node_init_object(json_node_alloc(), copy);
}

/* A place where there is none, or nothing that may be read, is like one without a login; the worker judges what is in it. */
static bool add_file(const char *path, JsonArray *list, GArray *fds, GError **error)
{
        sc_autofd fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        struct stat st;
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return true;
        int index = sc_fds_add(fds, fd, error);
        if (index < 0)
                return false;
        JsonObject *file = make_reference(index);
        json_object_set_string_member(file, "path", path);
        json_array_add_object_element(list, file);
        return true;
}

static bool add_hosts_files(const ScScope *scope, JsonObject *options, GArray *fds, GError **error)
{
        JsonArray *list = json_array_new();
        json_object_set_array_member(options, "logins", list);
        for (char **path = scope->auth_files; *path != NULL; path++)
                if (!add_file(*path, list, fds, error))
                        return false;
        return true;
}

bool sc_stage_request(const ScJob *job, const ScScope *scope, JsonObject **ret_options, GArray **ret_fds, GError **error)
{
        g_autoptr(JsonObject) options = json_object_new();
        g_autoptr(GArray) fds = sc_fds_new();
        bool is_main = job->stage == SC_STAGE_MAIN, is_online = sc_sandbox_has_network(sc_sandbox_name(job));
        JsonObjectIter iter;
        const char *key;
        JsonNode *value;
        json_object_iter_init(&iter, job->options);
        while (json_object_iter_next(&iter, &key, &value)) {
                if (is_login(key) ? !is_online : !is_main)
                        continue;
                JsonNode *picked = pick(value, job->fds, fds, error);
                if (picked == NULL)
                        return false;
                json_object_set_member(options, key, picked);
        }
        if (is_main && job->pulled != NULL)
                json_object_set_string_member(options, "pulled", job->pulled);
        if (is_online && (job->flags & SC_JOB_HOST_LOGINS) != 0 && !add_hosts_files(scope, options, fds, error))
                return false;
        *ret_options = g_steal_pointer(&options);
        *ret_fds = g_steal_pointer(&fds);
        return true;
}

gssize sc_stage_read_credentials(const ScJob *job, char *buffer, gsize size)
{
        if (json_object_has_member(job->options, SC_STAGE_AUTHFILE))
                return -1;
        JsonNode *value = json_object_get_member(job->options, SC_STAGE_CREDENTIALS);
        if (value == NULL)
                return 0;
        int index = index_of(value);
        if (index < 0 || job->fds == NULL || (guint)index >= job->fds->len)
                return -1;
        ssize_t n = pread(g_array_index(job->fds, int, index), buffer, size, 0);
        return n > 0 ? n : -1;
}

void sc_stage_forget_logins(ScJob *job)
{
        static const char *const keys[] = {SC_STAGE_CREDENTIALS, SC_STAGE_AUTHFILE};
        for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
                JsonNode *value = json_object_get_member(job->options, keys[i]);
                int index = value != NULL ? index_of(value) : -1;
                if (index >= 0 && job->fds != NULL)
                        sc_close(&g_array_index(job->fds, int, index));
                if (value != NULL)
                        json_object_remove_member(job->options, keys[i]);
        }
}

static bool has_fds(JsonNode *value)
{
        if (index_of(value) >= 0)
                return true;
        if (!JSON_NODE_HOLDS_OBJECT(value))
                return false;
        g_autoptr(GList) members = json_object_get_values(json_node_get_object(value));
        for (GList *member = members; member != NULL; member = member->next)
                if (has_fds(member->data))
                        return true;
        return false;
}

bool sc_stage_waits_for_fds(const ScJob *job)
{
        JsonObjectIter iter;
        const char *key;
        JsonNode *value;
        json_object_iter_init(&iter, job->options);
        while (json_object_iter_next(&iter, &key, &value))
                if (!is_login(key) && has_fds(value))
                        return true;
        return false;
}
