/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* config.json, the OCI runtime configuration (runtime-spec 1.0: config.md). */

#include "base/image-info.h"
#include "exports.h"
#include "user-namespace.h"
#include "variables.h"

typedef struct {
        const ScExports *exports;
        const ScImageInfo *image;
        const ScVariables *variables;
        const char *runtime;                   /* absolute path of the OCI runtime */
        const ScUserNamespace *user_namespace; /* for a user's container; else NULL */
        const char *rootfs_path;               /* a remote rootfs: root.path is rewritten to it; else NULL */
        const char *passwd; /* texts of /etc/passwd and /etc/group of the image, where it has them: asked for the image's */
        const char *group;  /* User only where the image brings no configuration; else NULL */
        int scratch_fd;     /* an empty private folder where the runtime may write its specification */
} ScRuntimeConfigInput;

/* The text to write beside rootfs. From the image's template or file, or (where it has none) from `RUNTIME spec` with a
 * read-only root, no terminal, and the image's Entrypoint and Cmd, Env, WorkingDir and User (run.sh where it names no command); its
 * namespaces are the runtime's choice, so such a container has a network of its own, with a loopback device only.
 * Checked: root.readonly true (Invalid configuration file.  Only readonly images are supported), root.path "rootfs" (Invalid
 * configuration file.  Path must be 'rootfs'). linux.cgroupsPath becomes "container-NAME" (for crun: its absolute path) unless the
 * image sets one or its unit does not use $EXEC_START, so that the container's group lies in its unit's. Members that we do not
 * know, and numbers beyond what a double or a signed integer holds, stay as they are. */
char *sc_runtime_config_make(const ScRuntimeConfigInput *input, GError **error);

/* Where a container's group is to be, seen from the group `runtime` in which sysconsd-exec starts the runtime: beside it. The name
 * is the container's, because in hierarchies that systemd leaves alone (version 1: freezer, cpuset) all start from the root. crun
 * takes every path as one from the root, so there it is the whole path below NAME.service, whose text tells its slice. */
char *sc_runtime_config_cgroup(const ScScope *scope, const char *runtime, const char *unit_text, const char *name);
/* Whether an element of mounts is a bind mount. */
bool sc_runtime_config_is_bind(JsonObject *mount);

/* Bind-mount sources of a configuration that do not exist on this host, in order; those, too, that exist because `tmpfiles`
 * (tmpfiles.d lines of the deployment before this one, or NULL) has them made. */
char **sc_runtime_config_missing_sources(const char *config, const char *tmpfiles, GError **error);
/* process.args joined by blanks, for lists. */
char *sc_runtime_config_command(const char *config);

/* An absolute path for a runtime given as a name (looked up in PATH) or path; Unsupported "... the runtime R is not installed". */
char *sc_runtime_find(const char *name, GError **error);
