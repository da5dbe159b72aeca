/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One deployment as the host sees it: which unit, tmpfiles and host files it wants. Read from its folder, so that bringing the host
 * to the old deployment after a crash works as bringing it to the new one does. */

#include "base/config.h"
#include "store/info.h"
#include "unit/exports.h"
#include "unit/package.h"
#include "unit/variables.h"

typedef struct {
        int fd;        /* of the deployment's folder */
        int hostfs_fd; /* of rootfs/exports/hostfs, -1: none */
        ScInfo *info;
        ScExports *exports;
        ScVariables *variables;
        GPtrArray *files;    /* ScHostFile: what `info` says is installed, as it was rendered then */
        ScPackage *package;  /* the system package that holds them instead, NULL: none */
        char *unit_text;     /* NAME.service beside rootfs, NULL: no service */
        char *tmpfiles_text; /* tmpfiles-NAME.conf, NULL: none */
} ScSide;

/* NotFound where the folder is not there; Corrupt where its info cannot be read. `folder` is a name below checkout_fd. */
ScSide *sc_side_open(const ScConfig *config, int checkout_fd, const char *container, const char *folder, GError **error);
/* For a deployment that the host is only to be brought away from: where its root file system is broken or gone, its info suffices.
 * Then hostfs_fd is -1, exports and variables are NULL. */
ScSide *sc_side_open_leaving(const ScConfig *config, int checkout_fd, const char *container, const char *folder, GError **error);
void sc_side_free(ScSide *side);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScSide, sc_side_free)

/* A file of its name in tmpfiles.d is somebody else's. The atomic command left there what an earlier deployment had: of its own
 * nobody knows. */
bool sc_side_has_no_tmpfiles(const ScSide *side);

/* What an info file records as installed on the host, as ScHostFile with destination and checksum only: enough to tell whether it
 * is unmodified, to replace and to remove it. Sorted by destination. */
GPtrArray *sc_side_recorded_files(const ScInfo *info);

/* Absolute path of the package's file, where the deployment lies now; NULL: it is not there. */
char *sc_side_package_file(const ScSide *side, GError **error);

/* The folder /exports of a root file system, -1 where it has none; symlinks are followed inside of it only. */
bool sc_side_open_exports(int rootfs_fd, int *ret, GError **error);
/* The folder /exports/hostfs of it, -1 where it has none. */
bool sc_side_open_hostfs(int rootfs_fd, int *ret, GError **error);
/* The tmpfiles.d lines of a deployment, NULL where it has none. */
bool sc_side_read_tmpfiles(int checkout_fd, const char *container, const char *folder, char **ret, GError **error);
/* Names of the files beside rootfs. Newly allocated. */
char *sc_side_unit_file(const char *container);
char *sc_side_tmpfiles_file(const char *container);
