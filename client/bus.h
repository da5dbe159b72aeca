/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The connection to sysconsd, calls, and its objects; dbus/ has the contract. */

#include "client.h"

#define SC_BUS_NAME "org.sysconsd1"
#define SC_BUS_ROOT "/org/sysconsd1"
#define SC_BUS_MANAGER "org.sysconsd1.Manager"
#define SC_BUS_CONTAINER "org.sysconsd1.Container"
#define SC_BUS_IMAGE "org.sysconsd1.Image"
#define SC_BUS_JOB "org.sysconsd1.Job"

/* Somebody may have to be fetched to type his password; polkit itself gives up before this. */
#define SC_CALL_TIMEOUT_USEC (10 * 60 * G_USEC_PER_SEC)

/* Opens the connection (of the host that the client names), once. */
bool sc_client_connect(ScClient *client, GError **error);
/* Before a call that polkit guards: starts the text agent where somebody could answer it. */
void sc_client_prepare_authorization(ScClient *client);

/* Sets *error from a negative errno of sd-bus (SC_EXIT_GONE for a lost connection), says whether r is none. */
bool sc_bus_check(int r, const char *what, GError **error);
/* Sets *error from an error reply, and returns false. actions: the polkit actions of the call, as a text for humans, or NULL. */
bool sc_bus_throw(const sd_bus_error *bus_error, const char *actions, GError **error);

/* A call with this string argument (NULL: none), then an options dictionary if it is left open. */
bool sc_call_new(ScClient *client, const char *path, const char *interface, const char *member, const char *argument,
                 sd_bus_message **ret, GError **error);
bool sc_call_open_options(sd_bus_message *call, GError **error);
bool sc_call_close_options(sd_bus_message *call, GError **error);
/* Options; one that is NULL (an empty map or vector, 0) is left out. */
bool sc_call_option_string(sd_bus_message *call, const char *key, const char *value, GError **error);
bool sc_call_option_map(sd_bus_message *call, const char *key, GHashTable *map, GError **error);
bool sc_call_option_strv(sd_bus_message *call, const char *key, char *const *strv, GError **error);
/* The descriptor stays the caller's; -1 is left out. SC_EXIT_USAGE on a connection that cannot carry it (--host). */
bool sc_call_option_fd(ScClient *client, sd_bus_message *call, const char *key, int fd, GError **error);
bool sc_call_option_uint(sd_bus_message *call, const char *key, guint value, GError **error);

/* Sends it and waits for the answer. */
bool sc_call(ScClient *client, sd_bus_message *call, const char *actions, sd_bus_message **ret, GError **error);

typedef enum { SC_OBJECT_CONTAINER, SC_OBJECT_IMAGE, SC_OBJECT_JOB, SC_OBJECT_MANAGER } ScObjectKind;

typedef struct {
        ScObjectKind kind;
        char *path;
        JsonObject *properties; /* as on the bus; a job has its number besides, as "Job" */
} ScObject;

void sc_object_free(ScObject *object);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScObject, sc_object_free)

/* All objects of a kind, by one call, in the order of their names (jobs: numbers). Elements are ScObject. */
bool sc_objects_list(ScClient *client, ScObjectKind kind, GPtrArray **ret, GError **error);
/* The path of a container, or an image (by name or a prefix of its id); SC_EXIT_NOT_FOUND. */
bool sc_object_find(ScClient *client, ScObjectKind kind, const char *name, char **ret_path, GError **error);
/* The path of a job by its number; whether it exists is not asked. SC_EXIT_USAGE for what is no number. */
bool sc_job_path(const char *number, char **ret, GError **error);
/* Its number; 0 for what is no job's path. */
guint64 sc_job_number(const char *path);
/* SC_EXIT_NOT_FOUND, and returns false. */
bool sc_job_throw_unknown(const char *path, GError **error);
/* An object with its properties. */
bool sc_object_get(ScClient *client, ScObjectKind kind, const char *path, ScObject **ret, GError **error);
/* The properties as they are shown: times in ISO 8601, an error as an object. */
JsonObject *sc_object_present(const ScObject *object);
/* What --json shows of them: the names in lower case, words joined by _, so that jq takes them as they are. */
JsonObject *sc_object_to_json(JsonObject *presented);
