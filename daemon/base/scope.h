/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whom a daemon serves, the system or one user, and all places and names in which that differs. Whoever needs one of them asks the
 * scope for its value, not which scope it is. */

#include <glib.h>
#include <stdbool.h>

/* How long whoever asks systemd waits for its answer, in microseconds: it answers nobody while it reads its units again, and with
 * many of them on a busy machine that is long. */
#define SC_SYSTEMD_PATIENCE (UINT64_C(300) * G_USEC_PER_SEC)

typedef enum {
        SC_SCOPE_SYSTEM,
        SC_SCOPE_USER, /* the user that this process runs as: the bus and the manager of his sessions, nothing of root */
} ScScopeKind;

typedef struct {
        ScScopeKind kind;
        char *config_path; /* the configuration; drop-ins in PATH.d */
        /* Files that other tools for containers share. */
        char *containers_dir; /* a user's own, $XDG_CONFIG_HOME/containers; NULL for the system, whose is /etc/containers */
        char *short_names;    /* where podman writes what its users have chosen for short names of images */
        /* Defaults of the configuration. */
        char *checkout_path;
        char *repository; /* NULL: looked for (see store/repository.h) */
        char *preinstalled_path;
        /* Where systemd looks for what is made here. */
        char *unit_dir;
        char *tmpfiles_dir;
        char **hidden_tmpfiles_dirs; /* those whose files one of the same name in tmpfiles_dir would hide */
        char *systemd_socket;        /* path of systemd's private socket */
        char *cgroup;                /* systemd's own control group; "" for the root */
        const char *slice;           /* below it: the slice of services that name none */
        /* What templates see. */
        char *run_directory;
        char *state_directory;
        char *conf_directory;
        char **auth_files;  /* the host's (or the user's) files of logins for registries, see auth-file.h */
        const char *target; /* what pulls services in */
        /* Commands as a person of this scope types them. */
        const char *systemctl;
        const char *journalctl;
        const char *tmpfiles;
        char *user_config;  /* the user's folder of settings; NULL in the system's scope */
        const char *option; /* of our own programs; NULL: none is needed */
} ScScope;

/* The places of a user come from the environment (XDG Base Directory Specification; HOME), as the user's systemd sees it. Failed
 * where a user has no home or no runtime directory. */
ScScope *sc_scope_new(ScScopeKind kind, GError **error);
void sc_scope_free(ScScope *scope);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScScope, sc_scope_free)

/* "systemctl --user" and the like as the words of an argv that goes on; to be freed with g_strfreev(). */
char **sc_scope_command(const char *command, const char *const *arguments);
