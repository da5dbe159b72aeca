/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* config.json, the OCI runtime configuration (runtime-spec 1.0: config.md). */

#include "base/image-info.h"
#include "exports.h"
#include "variables.h"

/* The text to write beside rootfs. From the image's template or file, or (where it has none) from `RUNTIME spec` with a
 * read-only root, no terminal, and the image's Entrypoint and Cmd, Env, WorkingDir and User (run.sh where it names no command).
 * Checked: root.readonly true (Invalid configuration file.  Only readonly images are supported), root.path "rootfs" (Invalid
 * configuration file.  Path must be 'rootfs'). linux.cgroupsPath becomes "container" unless the image sets one, so that the
 * container's group lies in its unit's. rootfs_path not NULL (a remote rootfs): root.path is rewritten to it.
 * scratch_fd: an empty private folder where the runtime may write its specification. */
char *sc_runtime_config_make(const ScExports *exports, const ScImageInfo *image, const ScVariables *variables, const char *runtime,
                             const char *rootfs_path, int scratch_fd, GError **error);

/* Bind-mount sources of a configuration that do not exist on this host, in order. */
char **sc_runtime_config_missing_sources(const char *config, GError **error);
/* process.args joined by blanks, for lists. */
char *sc_runtime_config_command(const char *config);

/* An absolute path for a runtime given as a name (looked up in PATH) or path; Unsupported "... the runtime R is not installed". */
char *sc_runtime_find(const char *name, GError **error);
